"""Several processes on one cache file, and processes that are killed."""

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from fakes import Fake, ask

from tts_search.llm.cache import Cached

CHILD = """
import asyncio, sys
from fakes import Fake, ask
from tts_search.llm.cache import Cached

async def main(path, name, count):
    cached = Cached(Fake(text=name), path)
    for seed in range(int(count)):
        answer = await cached.complete(ask(seed=seed))
        print(seed, answer.text, flush=True)
    await cached.aclose()

asyncio.run(main(*sys.argv[1:]))
"""
HERE = Path(__file__).parent


def start(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE)


def test_processes_share_one_new_file_and_agree_on_every_answer(tmp_path):
    children = [start(tmp_path / "c", name, 400) for name in "abcd"]
    outputs = [child.communicate(timeout=50)[0] for child in children]
    assert [child.returncode for child in children] == [0] * 4
    assert len(set(outputs)) == 1
    assert outputs[0].count("\n") == 400


async def test_after_kill_9_every_finished_call_is_reused(tmp_path):
    path = tmp_path / "c"
    child = start(path, "child", 1_000_000)
    assert child.stdout is not None
    finished = [child.stdout.readline() for _ in range(200)]
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    finished += child.stdout.readlines()
    child.stdout.close()
    child.wait()
    complete = [line for line in finished if line.endswith("\n")]
    assert len(complete) >= 200
    fake = Fake(text="again")
    cached = Cached(fake, path)
    for line in complete:
        seed, text = line.split()
        assert (await cached.complete(ask(seed=int(seed)))).text == text == "child"
    assert fake.calls == 0
    await cached.aclose()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
