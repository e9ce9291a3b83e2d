"""Every tracker of conf/ builds, and the logging config is one that Python accepts."""

import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from rich.logging import RichHandler

CONF = Path(__file__).parents[2] / "conf"


@pytest.mark.parametrize("path", sorted((CONF / "tracker").glob("*.yaml")), ids=lambda p: p.stem)
def test_tracker(path: Path) -> None:
    tracker = instantiate(OmegaConf.load(path))
    assert all(hasattr(tracker, verb) for verb in ("start", "log_trial", "finish"))


@pytest.fixture
def _logging_kept() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:], root.level = handlers, level


@pytest.mark.usefixtures("_logging_kept")
def test_logging(tmp_path: Path) -> None:
    config = OmegaConf.load(CONF / "hydra/job_logging/rich.yaml")
    OmegaConf.update(config, "handlers.file.filename", str(tmp_path / "run.log"))
    logging.config.dictConfig(OmegaConf.to_container(config))  # type: ignore[arg-type]
    console, file = logging.getLogger().handlers
    assert isinstance(console, RichHandler)
    assert console.level == logging.WARNING
    logging.getLogger("tts_search").info("a line")
    assert "a line" in (tmp_path / "run.log").read_text()
    assert isinstance(file, logging.FileHandler)
