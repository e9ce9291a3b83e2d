"""Data sets of the Hugging Face hub, or a clear error within seconds when it is out of reach.

Loading runs in a child process: `HF_HUB_OFFLINE` must be set before `datasets` is imported and
should not leak into this process, whose start would also wait seconds for the import.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tts_search.errors import DataError

PROBE = 3.0  # seconds the hub has to answer
STALLED = 60.0  # seconds without a byte after which a download is given up
LOOK = 2.0  # seconds between looks at it
_CHILD = """
import json, sys
from datasets import load_dataset
repo, configs, splits = json.loads(sys.argv[1])
for split in splits:
    for config in configs:
        for row in load_dataset(repo, config, split=split):
            print(json.dumps([split, row]))
"""


def available(repo: str) -> bool:
    """Whether a load can work: the hub answers or the local cache has the data set."""
    return _reachable() or _cached(repo)


def load(
    repo: str, configs: Sequence[str], splits: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Rows by split, all configs together. Raises DataError when that cannot be done."""
    online = _reachable()
    if not online and not _cached(repo):
        raise DataError(
            f"{repo} is not in the local cache and the hub cannot be reached within {PROBE:g} s; "
            "give the task its data as a folder: task.data=PATH"
        )
    env = {**os.environ, "HF_HUB_OFFLINE": str(int(not online)), "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", _CHILD, json.dumps([repo, list(configs), list(splits)])]
    code, out, errors = _finished(command, env, _places(repo))
    if code:
        reason = (errors.strip().splitlines() or ["no reason given"])[-1]
        raise DataError(f"loading {repo} failed: {reason[:300]}; or give task.data=PATH")
    rows: dict[str, list[dict[str, Any]]] = {split: [] for split in splits}
    for line in out.splitlines():
        split, row = json.loads(line)
        rows[split].append(row)
    return rows


def _finished(
    command: Sequence[str], env: Mapping[str, str], places: Sequence[Path]
) -> tuple[int, str, str]:
    """Exit code, output and errors of the child. Raises DataError when nothing has been written
    to `places` for STALLED seconds: the libraries retry a silent hub for many minutes."""
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        written, since = _bytes(places), time.monotonic()
        while True:
            try:
                out, errors = child.communicate(timeout=LOOK)
                return child.returncode, out, errors
            except subprocess.TimeoutExpired:
                now = _bytes(places)
                if now != written:
                    written, since = now, time.monotonic()
                elif time.monotonic() - since > STALLED:
                    child.kill()
                    raise DataError(
                        f"the hub stopped answering: nothing arrived for {STALLED:g} s; try again, "
                        "or give task.data=PATH"
                    ) from None


def _bytes(places: Sequence[Path]) -> int:
    """Bytes under the folders, files under way included."""
    total = 0
    for file in (file for place in places for file in place.rglob("*")):
        with suppress(OSError):  # renamed meanwhile
            total += file.stat().st_size
    return total


def _reachable() -> bool:
    """Whether the hub answers HTTP at all: one that accepts connections and is silent does not."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}:
        return False
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    answered = threading.Event()

    def probe() -> None:
        try:
            urllib.request.urlopen(endpoint, timeout=PROBE).close()
        except urllib.error.HTTPError as error:
            error.close()  # an answer too
        except (OSError, ValueError, HTTPException):
            return
        answered.set()

    # A thread, because looking up a name has no time limit of its own.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(PROBE)
    return answered.is_set()


def _cached(repo: str) -> bool:
    return any(place.exists() for place in _places(repo))


def _places(repo: str) -> list[Path]:
    """Where `datasets` keeps what it has prepared and downloaded, whatever the case of letters."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    prepared = Path(os.environ.get("HF_DATASETS_CACHE", home / "datasets"))
    downloaded = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    wanted = (
        prepared / repo.replace("/", "___"),
        downloaded / f"datasets--{repo.replace('/', '--')}",
    )
    there = {
        str(folder).lower(): folder for root in (prepared, downloaded) for folder in root.glob("*")
    }
    return [there.get(str(place).lower(), place) for place in wanted]
