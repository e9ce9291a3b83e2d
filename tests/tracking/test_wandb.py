"""The real client, offline; its datastore is read back with the client's own reader."""

import json
import logging
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tracking.examples import summary, trial
from tts_search.analysis.picture import save_pictures
from tts_search.tracking import online
from tts_search.tracking.wandb import build


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.chdir(tmp_path)


def info(folder: Path, **changes: Any) -> dict[str, Any]:
    base = {"folder": folder, "task": "math-sample", "optimizer": "random", "budget": "flops 8"}
    return base | {"seed": 3, "simulated": True, "config": {"space": {"slots": 9}}} | changes


def records(folder: Path) -> list[dict[str, Any]]:
    (store,) = folder.glob("wandb/offline-run-*/*.wandb")
    client = shutil.which("wandb", path=str(Path(sys.executable).parent)) or "wandb"
    command = [client, "leet", "inspect", "--json", str(store)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    return [json.loads(line) for line in out.splitlines()]


def test_an_offline_run_is_written_and_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    archive = folder / "archive.jsonl"
    archive.write_text("{}\n")
    files = [archive, *save_pictures(summary(), folder)]
    tracker = build()
    tracker.start(info(folder))
    for number, score in enumerate((0.5, 0.4, 0.6)):
        tracker.log_trial(trial(number, score))
    tracker.finish(summary(), files)

    found = records(folder)
    rows = [r["history"]["item"] for r in found if r["type"] == "history"]
    trials = [row for row in rows if "trial/score" in row]
    assert [row["spend/calls"] for row in trials] == [100, 200, 300]
    assert [row["best/score"] for row in trials] == [0.5, 0.5, 0.6]
    text = json.dumps(found)
    for written in ("math-sample flops 8 random seed 3 simulated sample", "test/low95",
                    "trials.table.json", "media/images/best_graph", "archive.jsonl"):  # fmt: skip
        assert written in text, written
    assert not (tmp_path / "wandb").exists()


def test_two_runs_of_one_process_are_two_runs(tmp_path: Path) -> None:
    for seed in (0, 1):
        tracker = build()
        tracker.start(info(tmp_path / str(seed), seed=seed))
        tracker.log_trial(trial(0))
        tracker.finish(None)
    names = [next(iter((tmp_path / s).glob("wandb/offline-run-*"))).name for s in ("0", "1")]
    assert names[0] != names[1]


def test_a_key_without_network_costs_seconds_and_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    start = time.monotonic()
    tracker = build()
    with caplog.at_level(logging.WARNING):
        tracker.start(info(tmp_path))
    tracker.finish(None)
    assert time.monotonic() - start < 10
    warnings = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert list(tmp_path.glob("wandb/offline-run-*"))


def test_a_failing_client_does_not_break_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("wandb.init", refuse)
    tracker = build()
    with caplog.at_level(logging.WARNING):
        tracker.start(info(tmp_path))
        tracker.log_trial(trial(0))
        tracker.finish(summary())
    assert len(caplog.records) == 1


def test_logged_in_by_key_or_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not online.logged_in()
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password secret\n")
    assert online.logged_in()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org")
    assert not online.logged_in()


def test_reachable_asks_the_server_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("WANDB_BASE_URL", address)
        assert online.reachable()
    assert not online.reachable()
