"""The hub out of reach costs seconds, and nothing here asks the real one."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tts_search.errors import DataError
from tts_search.tasks import hub
from tts_search.tasks.gsm8k import GSM8K
from tts_search.tasks.math import Math

REPO = "someone/something"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for name in ("HF_DATASETS_CACHE", "HF_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def hanging_hub() -> Iterator[Callable[[int], str]]:
    """hanging_hub(n): an endpoint that answers n requests with 404 and is silent ever after."""
    held: list[socket.socket] = []

    def serve(server: socket.socket, answers: int) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            held.append(connection)
            if len(held) <= answers:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def start(answers: int) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        held.append(server)
        answers += 1  # the server itself is held too
        threading.Thread(target=serve, args=(server, answers), daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for held_open in held:
        with suppress(OSError):
            held_open.shutdown(socket.SHUT_RDWR)
        held_open.close()


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


def test_a_hub_that_accepts_and_never_answers_fails_within_seconds(hanging_hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hanging_hub(0))
    start = time.monotonic()
    with pytest.raises(DataError, match=r"cannot be reached within 3 s"):
        Math("hub").load("search")
    assert time.monotonic() - start < 6


def test_a_hub_that_falls_silent_is_given_up(hanging_hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hanging_hub(1))
    monkeypatch.setattr(hub, "STALLED", 1.0)
    monkeypatch.setattr(hub, "LOOK", 0.2)
    with pytest.raises(DataError, match=r"nothing arrived for 1 s.*task\.data=PATH") as error:
        Math("hub").load("search")
    assert "\n" not in str(error.value)


def test_a_download_that_goes_on_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "STALLED", 1.0)
    monkeypatch.setattr(hub, "LOOK", 0.2)
    slow = (
        "import sys, time\nfor n in range(6):\n time.sleep(0.5)\n open(sys.argv[1], 'a').write('x')"
    )
    command = [sys.executable, "-c", slow, str(tmp_path / "blob.incomplete")]
    assert hub._finished(command, {}, [tmp_path])[0] == 0


def test_an_offline_user_is_not_probed(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("urllib.request.urlopen", pytest.fail)
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


def test_rows_come_back_by_split(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "datasets" / "someone___something").mkdir(parents=True)
    lines = "\n".join(json.dumps(x) for x in (["train", {"a": 1}], ["test", {"a": 2}]))
    asked: dict[str, str] = {}

    def finished(_: object, env: dict[str, str], __: object) -> tuple[int, str, str]:
        asked.update(env)
        return 0, lines, ""

    monkeypatch.setattr(hub, "_finished", finished)
    assert hub.load(REPO, ["x"], ["train", "test"]) == {"train": [{"a": 1}], "test": [{"a": 2}]}
    assert asked["HF_HUB_OFFLINE"] == "1"


def test_a_failed_load_is_one_line(monkeypatch):
    monkeypatch.setattr(hub, "_reachable", lambda: True)
    monkeypatch.setattr(hub, "_finished", lambda *_: (1, "", "Traceback\n  ...\nError: 403"))
    with pytest.raises(DataError, match=r"failed: Error: 403; or give task\.data=PATH"):
        hub.load(REPO, ["x"], ["train"])


def test_rows_of_the_hub_are_checked_like_those_of_files(monkeypatch):
    rows = {"train": [{"question": "How many?", "answer": "#### 5"}], "test": [{"question": "?"}]}
    monkeypatch.setattr(hub, "load", lambda *_: rows)
    with pytest.raises(DataError, match=r"openai/gsm8k, test row 1 needs the field 'answer'"):
        GSM8K("hub").load("search")


def test_the_child_reads_any_data_set_that_datasets_can_load(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text('{"a": "b"}\n', encoding="utf-8")
    order = json.dumps([str(tmp_path / "data"), ["default"], ["train"]])
    done = subprocess.run(
        [sys.executable, "-c", hub._CHILD, order], capture_output=True, text=True, check=True
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == [["train", {"a": "b"}]]
