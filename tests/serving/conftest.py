"""Servers of a test's own: a folder for them, and none left when it ends."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tts_search.serving.end import end
from tts_search.serving.place import Place
from tts_search.serving.spec import PORT, ServerSpec

STANDIN = Path(__file__).with_name("standin.py")

Specs = Callable[..., ServerSpec]


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TTS_SEARCH_CACHE", str(tmp_path))
    folder = tmp_path / "servers"
    yield folder
    for place in map(Place, folder.glob("*")):
        end(place, force=True)


@pytest.fixture
def spec() -> Specs:
    def made(name: str = "m", *, delay: float = 0.3, **settings: object) -> ServerSpec:
        command = (sys.executable, str(STANDIN), "--served-model-name", name, "--port", PORT)
        env = {"STANDIN_DELAY": str(delay), **settings.pop("env", {})}  # type: ignore[dict-item]
        brief = {"start_s": 20.0, "linger_s": 1.0, **settings}
        return ServerSpec(name, f"standin {name}", command, env=env, **brief)  # type: ignore[arg-type]

    return made
