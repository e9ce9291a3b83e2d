"""What several suites need: the config composed in-process, and a run of it on pretend models."""

from collections.abc import Callable, Iterator
from pathlib import Path

import hydra
import pytest
from omegaconf import DictConfig

from tts_search.config import register_schema

CONF = Path(__file__).parents[1] / "conf"

Compose = Callable[..., DictConfig]


@pytest.fixture
def compose() -> Iterator[Compose]:
    """compose("task=arithmetic", "seed=1"): the config of that command line."""
    register_schema()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        yield lambda *overrides: hydra.compose("config", [*overrides])


@pytest.fixture
def simulated(compose: Compose, tmp_path: Path) -> Compose:
    """The same on pretend models, with a cache of this test's own."""
    cache = tmp_path / "cache" / "responses.sqlite"
    return lambda *overrides: compose("llm=simulated", f"cache={cache}", *overrides)
