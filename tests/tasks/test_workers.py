"""A call in a worker process comes back in bounded time, whatever becomes of the worker."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from tts_search.errors import ConfigError
from tts_search.tasks.answers.workers import CallLost, Pool

SCRIPT = """
import asyncio, sys
from tts_search.tasks.answers.workers import Pool

async def main():
    pool = Pool("tests.tasks.hostile", workers=2, seconds=30)
    await pool.call("add", 1, 2)
    print("ready", flush=True)
    await asyncio.gather(pool.call("sleep", 2), pool.call("sleep", 2))

try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool("tests.tasks.hostile", workers=2, seconds=0.5)
    yield pool
    await pool.aclose()


async def test_results_come_back(pool):
    assert await asyncio.gather(*(pool.call("add", n, n) for n in range(20))) == [
        2 * n for n in range(20)
    ]


async def test_processes_start_when_needed_and_are_kept(pool):
    first = await pool.call("identity")
    assert first != os.getpid()
    assert {await pool.call("identity") for _ in range(5)} == {first}


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("fail", "SystemExit"),
        ("die", "died"),
        ("eat_memory", "MemoryError"),
        ("nothing", "nothing"),
    ],
)
async def test_a_failing_call_is_lost_and_the_next_one_works(pool, function, reason):
    with pytest.raises(CallLost, match=reason):
        await pool.call(function)
    assert await pool.call("add", 1, 2) == 3


@pytest.mark.parametrize(("function", "args"), [("sleep", (60,)), ("hang", ())])
async def test_a_hanging_call_is_lost_in_bounded_time(pool, function, args):
    await pool.call("add", 1, 2)
    start = time.monotonic()
    with pytest.raises(CallLost):
        await pool.call(function, *args)
    assert time.monotonic() - start < 5
    assert await pool.call("add", 1, 2) == 3


async def test_a_killed_worker_is_replaced(pool):
    os.kill(await pool.call("identity"), signal.SIGKILL)
    with pytest.raises(CallLost):
        await pool.call("add", 1, 2)
    assert await pool.call("add", 1, 2) == 3


async def test_what_depends_on_hashes_is_reproducible(pool):
    here = await pool.call("hash_of", "a")
    await pool.aclose()
    assert await pool.call("hash_of", "a") == here


async def test_a_module_that_cannot_be_imported_is_said_so():
    pool = Pool("tts_search.no_such_module")
    with pytest.raises(ConfigError, match="No module named"):
        await pool.call("anything")
    await pool.aclose()


async def test_closing_stops_the_processes(pool):
    child = await pool.call("identity")
    await pool.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_pool_serves_several_event_loops():
    pool = Pool("tests.tasks.hostile")
    first = asyncio.run(pool.call("identity"))
    assert asyncio.run(pool.call("identity")) == first
    asyncio.run(pool.aclose())


def test_interrupting_the_program_prints_no_traceback_of_a_worker():
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        os.killpg(program.pid, signal.SIGINT)
        _, errors = program.communicate(timeout=30)
    assert (program.returncode, errors) == (130, "")
