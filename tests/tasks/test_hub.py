"""The hub out of reach costs seconds, and nothing here asks the real one."""

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from tts_search.errors import DataError
from tts_search.tasks import hub
from tts_search.tasks.math import Math

REPO = "someone/something"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for name in (
        "HF_DATASETS_CACHE",
        "HF_HUB_CACHE",
        "HF_HUB_OFFLINE",
        "https_proxy",
        "HTTPS_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("urllib.request.getproxies", dict)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9",  # refuses
        "https://192.0.2.1",  # never answers (a documentation address)
        "https://no-such-host.invalid",
    ],
)
def test_an_unreachable_hub_fails_within_seconds(endpoint, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    start = time.monotonic()
    with pytest.raises(DataError, match=r"cannot be reached within 3 s.*task\.data=PATH") as error:
        Math("hub").load("search")
    assert time.monotonic() - start < 6
    assert "\n" not in str(error.value)


def test_an_offline_user_is_not_probed(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("socket.create_connection", pytest.fail)
    assert not hub.available(REPO)


@pytest.mark.parametrize(
    "place", ["datasets/someone___something", "hub/datasets--someone--Something"]
)
def test_a_cached_data_set_is_available_offline(place, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / place).mkdir(parents=True)
    assert hub.available(REPO)
    assert hub.available("someone/Something")
    assert not hub.available("someone/else")


def finished(stdout: str = "", stderr: str = "", code: int = 0) -> Any:
    """A stand-in for subprocess.run that remembers the environment it was given."""

    def run(command: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        run.env = settings["env"]  # type: ignore[attr-defined]
        if code:
            raise subprocess.CalledProcessError(code, command, stdout, stderr)
        return subprocess.CompletedProcess(command, 0, stdout, stderr)

    return run


def test_rows_come_back_by_split(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "datasets" / "someone___something").mkdir(parents=True)
    lines = "\n".join(json.dumps(x) for x in (["train", {"a": 1}], ["test", {"a": 2}]))
    run = finished(lines)
    monkeypatch.setattr("subprocess.run", run)
    assert hub.load(REPO, ["x"], ["train", "test"]) == {"train": [{"a": 1}], "test": [{"a": 2}]}
    assert run.env["HF_HUB_OFFLINE"] == "1"


def test_a_failed_load_is_one_line(monkeypatch):
    monkeypatch.setattr(hub, "_reachable", lambda: True)
    monkeypatch.setattr("subprocess.run", finished(stderr="Traceback\n  ...\nError: 403", code=1))
    with pytest.raises(DataError, match=r"failed: Error: 403; or give task\.data=PATH"):
        hub.load(REPO, ["x"], ["train"])


def test_the_child_reads_any_data_set_that_datasets_can_load(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text('{"a": "b"}\n', encoding="utf-8")
    order = json.dumps([str(tmp_path / "data"), ["default"], ["train"]])
    done = subprocess.run(
        [sys.executable, "-c", hub._CHILD, order], capture_output=True, text=True, check=True
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == [["train", {"a": "b"}]]
