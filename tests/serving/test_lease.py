import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tts_search.errors import EngineUnavailable
from tts_search.serving.end import InUse, end
from tts_search.serving.lease import Lease, lease
from tts_search.serving.place import Place

# A run in a process of its own: joins, says which server it got, stays until its stdin closes.
RUN = """
import asyncio, sys
from pathlib import Path
from tts_search.serving.lease import lease
from tts_search.serving.spec import ServerSpec

async def main():
    held = await lease(ServerSpec.of(sys.argv[1]), Path(sys.argv[2]))
    print((await held.up()).server, flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


def run_of(spec, root: Path) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", RUN, json.dumps(spec.to_json()), str(root)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.05)


def alive(server: int) -> bool:
    """Whether anything of its group lives, vLLM's engines included."""
    return any(group == server and state != "Z" for state, group in processes())


def processes() -> Iterator[tuple[str, int]]:
    """(state, process group) of all there are."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, group, *_ = path.read_text().rpartition(")")[2].split()
            yield state, int(group)


def crash(held: Lease) -> None:
    with suppress(OSError):
        urllib.request.urlopen(held.state.url.removesuffix("/v1") + "/crash", timeout=5)


async def test_who_comes_first_starts_it_and_who_goes_last_ends_it(root, spec):
    first = await lease(spec(), root)
    server = (await first.up()).server
    second = await lease(spec(), root)
    assert (await second.up()).server == server
    first.close()
    await asyncio.sleep(2 * spec().linger_s)
    assert alive(server)
    second.close()
    await until(lambda: not first.place.kept)
    assert not alive(server)
    assert first.place.state().status == "stopped"


async def test_the_next_run_of_a_sweep_finds_it_still_up(root, spec):
    servers = set()
    for _ in range(3):
        held = await lease(spec(), root)
        servers.add((await held.up()).server)
        held.close()
        await asyncio.sleep(0.2)
    assert len(servers) == 1


async def test_runs_that_come_at_once_share_one(root, spec):
    runs = [run_of(spec(), root) for _ in range(4)]
    servers = {run.stdout.readline() for run in runs}
    for run in runs:
        run.communicate("")
    assert len(servers) == 1
    assert Place(root / spec().key).log.read_text().count("--- start") == 1


async def test_a_killed_run_leaves_it_to_the_others(root, spec):
    one, two = run_of(spec(linger_s=1.5), root), run_of(spec(linger_s=1.5), root)
    server = int(one.stdout.readline())
    assert int(two.stdout.readline()) == server
    one.kill()
    one.communicate()
    await asyncio.sleep(2.0)
    assert alive(server)
    two.kill()
    two.communicate()
    held = await lease(spec(linger_s=1.5), root)  # found again
    assert (await held.up()).server == server
    held.close()
    await until(lambda: not alive(server))


async def test_a_server_that_dies_comes_back_at_the_same_address(root, spec):
    held = await lease(spec(), root)
    before = await held.up()
    crash(held)
    await until(lambda: held.state.starts == 2)
    after = await held.up()
    assert (after.url, after.status) == (before.url, "up")
    assert after.server != before.server
    assert not alive(before.server)
    held.close()


async def test_one_that_dies_again_and_again_is_given_up(root, spec):
    held = await lease(spec(restarts=1), root)
    for _ in range(2):
        await held.up()
        crash(held)
        await asyncio.sleep(0.5)
    await until(lambda: not held.place.kept)
    with pytest.raises(EngineUnavailable, match=r"gone: it ended with code 3.*server\.log.*again"):
        _ = held.state
    held.close()


async def test_one_that_cannot_start_says_why(root, spec):
    broken = spec(env={"STANDIN_FAIL": "no memory left on the card"})
    held = await lease(broken, root)
    with pytest.raises(EngineUnavailable, match="code 1: no memory left on the card"):
        await held.up()
    held.close()
    again = await lease(spec(), root)  # the next one is not bound by it
    assert (await again.up()).status == "up"
    again.close()


async def test_one_that_never_answers_is_given_up(root, spec):
    held = await lease(spec(delay=60, start_s=1.0), root)
    await until(lambda: held.state.server > 0)
    server = held.state.server
    with pytest.raises(EngineUnavailable, match="no answer within 1 s"):
        await held.up()
    await until(lambda: not alive(server))
    held.close()


async def test_a_program_that_is_not_there_is_named(root, spec):
    nowhere = replace(spec(), command=("/nowhere/python", "-m", "vllm"))
    with pytest.raises(EngineUnavailable, match=r"/nowhere/python.*llm\.launch\.python"):
        await lease(nowhere, root)


async def test_a_keeper_that_is_killed_takes_its_server_along(root, spec):
    held = await lease(spec(), root)
    state = await held.up()
    os.kill(state.keeper, signal.SIGKILL)
    await until(lambda: not held.place.kept and not alive(state.server))
    with pytest.raises(EngineUnavailable, match="its keeper was killed"):
        _ = held.state
    again = await lease(spec(), root)
    assert (await again.up()).server != state.server
    held.close()
    again.close()


async def test_what_is_pinned_stays(root, spec):
    held = await lease(spec(linger_s=0.3), root)
    state = await held.up()
    held.place.pinned.touch()
    held.close()
    await asyncio.sleep(1.5)
    assert alive(state.server)
    assert end(held.place)
    assert not alive(state.server)


async def test_what_is_in_use_is_not_ended_unless_forced(root, spec):
    held = await lease(spec(), root)
    await held.up()
    with pytest.raises(InUse, match="--force"):
        end(held.place)
    assert end(held.place, force=True)
    with pytest.raises(EngineUnavailable):
        _ = held.state
    held.close()
    assert not end(held.place)


async def test_servers_of_one_card_start_one_after_the_other(root, spec):
    held = [
        await lease(spec(name, delay=0.6, gpus=cards), root)
        for name, cards in (("a", (0,)), ("b", (0, 1)), ("c", (2,)))
    ]
    ups = sorted([(await one.up()).since for one in held])
    assert ups[1] - ups[0] < 0.5  # those of other cards at the same time
    assert ups[2] - ups[1] > 0.5
    for one in held:
        one.close()
