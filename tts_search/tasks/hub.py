"""Data sets of the Hugging Face hub, or a clear error within seconds when it is out of reach.

Loading runs in a child process: `HF_HUB_OFFLINE` must be set before `datasets` is imported and
should not leak into this process, whose start would also wait seconds for the import.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tts_search.errors import DataError

PROBE = 3.0  # seconds the hub has to accept a connection
LOADING = 900.0  # seconds for a whole download
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
    """Whether a load can work: the hub accepts connections or the local cache has the data set."""
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
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=LOADING, check=True
        )
    except subprocess.TimeoutExpired:
        raise DataError(f"loading {repo} took longer than {LOADING:g} s; try again") from None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DataError(f"loading {repo} failed: {reason[:300]}; or give task.data=PATH") from None
    rows: dict[str, list[dict[str, Any]]] = {split: [] for split in splits}
    for line in done.stdout.splitlines():
        split, row = json.loads(line)
        rows[split].append(row)
    return rows


def _reachable() -> bool:
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}:
        return False
    url = urllib.request.getproxies().get("https") or os.environ.get("HF_ENDPOINT")
    parts = urlsplit(url or "https://huggingface.co")
    answered = threading.Event()

    def probe() -> None:
        try:
            address = (parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443))
            socket.create_connection(address, timeout=PROBE).close()
            answered.set()
        except OSError:
            return

    # A thread, because looking up a name has no time limit of its own.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(PROBE)
    return answered.is_set()


def _cached(repo: str) -> bool:
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    prepared = Path(os.environ.get("HF_DATASETS_CACHE", home / "datasets"))
    downloaded = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    places = (
        prepared / repo.replace("/", "___"),
        downloaded / f"datasets--{repo.replace('/', '--')}",
    )
    wanted = {str(place).lower() for place in places}
    folders = [*prepared.glob("*"), *downloaded.glob("*")]
    return any(str(folder).lower() in wanted for folder in folders)
