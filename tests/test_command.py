"""python run.py as people meet it: one line for each mistake, nothing lost when it is stopped."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from tts_search.core.result import Summary
from tts_search.main import main, run
from tts_search.tracking.progress import SilentProgress

ROOT = Path(__file__).parents[1]
SMOKE = ("llm=simulated", "experiment=smoke")
FEW = (
    "experiment=smoke",
    "task.search=8",
    "task.test=6",
    "search.batch=6",
    "search.profile=2",
    "search.max_trials=4",
    "search.parallel=2",
)

Compose = Callable[..., DictConfig]


@dataclass
class Finished:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line that a run which failed leaves on stderr."""
        assert "Traceback" not in self.out + self.err
        assert self.code == 1, self.err
        (line,) = self.err.splitlines()
        assert line.startswith("error: ")
        return line


@dataclass
class Shell:
    """Commands with a cache and a run directory of this test's own."""

    folder: Path

    def line(self, words: Sequence[str]) -> list[str]:
        """Options first, as the command wants them; what a test sets itself comes last and wins."""
        options = list(takewhile(lambda word: "=" not in word, words))
        own = [f"cache={self.cache}", f"hydra.run.dir={self.folder / 'run'}"]
        return ["run.py", *options, *own, *words[len(options) :]]

    @property
    def cache(self) -> Path:
        return self.folder / "cache.sqlite"

    @property
    def archive(self) -> bytes:
        return (self.folder / "run" / "archive.jsonl").read_bytes()

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "run" / "summary.json").read_text())  # type: ignore[no-any-return]

    @property
    def stored(self) -> int:
        """Finished calls on disk."""
        with sqlite3.connect(self.cache) as db:
            (count,) = db.execute("SELECT count(*) FROM calls").fetchone()
        db.close()
        return int(count)

    def start(self, *words: str) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        command = [sys.executable, *self.line(words)]
        return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str) -> Finished:
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        return Finished(process.returncode, out, err)

    def quick(self, *words: str) -> Finished:
        """The same without starting Python anew: in a fork of this process."""
        paths = self.folder / "out", self.folder / "err"
        child = os.fork()
        if not child:
            _become(self.line(words), *paths)
        _, status = os.waitpid(child, 0)
        out, err = (path.read_text() for path in paths)
        return Finished(os.waitstatus_to_exitcode(status), out, err)


def _become(argv: list[str], out: Path, err: Path) -> None:
    """What `python run.py` does, in a forked child."""
    code = 99
    try:
        for stream, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        sys.stdout, sys.stderr = (open(n, "w", buffering=1) for n in (1, 2))  # noqa: SIM115
        sys.argv = argv
        os.chdir(ROOT)
        warnings.resetwarnings()
        GlobalHydra.instance().clear()
        code = main(ROOT / "conf")
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def undisturbed(
    compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """undisturbed(*words): summary and archive of such a run in-process, nothing cached."""
    monkeypatch.setattr("tts_search.main.write_files", lambda *_: ())
    folder = tmp_path / "undisturbed"
    folder.mkdir()

    def start(*words: str) -> tuple[Summary, bytes]:
        config = compose(*words, "cache=null")
        summary, _ = asyncio.run(run(config, folder, SilentProgress()))
        return summary, (folder / "archive.jsonl").read_bytes()

    return start


# --- mistakes ---------------------------------------------------------------------------------

MISTAKES = {
    "unknown setting": (["nosuch=3"], "there is no setting nosuch; there are seed, cache"),
    "unknown group": (["nosuchgroup=x"], "there is no setting nosuchgroup; there are"),
    "unknown choice": (["task=nosuch"], "there is no task/nosuch; type task= and one of: arithm"),
    "unknown preset": (["experiment=nosuch"], "type experiment= and one of: compare, "),
    "comparison": (["experiment=compare_fronts"], "type python -m tts_search.compare experiment="),
    "mistyped": (["search.max_trails=3"], "search.max_trails; did you mean search.max_trials?"),
    "mistyped +": (["+search.max_trails=3"], "search.max_trails; did you mean search.max_trials?"),
    "mistyped seed +": (["+sede=3"], "there is no setting sede; did you mean seed?"),
    "unknown in group": (["task.nosuch=1"], "there is no setting task.nosuch; there are"),
    "unknown in group +": (
        ["+task.nosuch=1"],
        "unexpected keyword argument 'nosuch'; see its YAML",
    ),
    "unknown in engine +": (
        ["+llm.nosuch=1"],
        "unexpected keyword argument 'nosuch'; see its YAML",
    ),
    "unknown in a mapping": (
        ["llm=vllm", "llm.launch.args.seed=1"],
        "to add it, type '+llm.launch.args={seed: ...}'",
    ),
    "unknown in a mapping, with dots": (
        ["llm=vllm", "llm.launch.own={a/b-3.1: {replicas: 2}}"],
        "to add it, type '+llm.launch.own={a/b-3.1: ...}'",
    ),
    "unknown in pool +": (["+pool.nosuch=1"], "there is no setting pool.nosuch; there are models"),
    "no part": (["+roles.judge=1"], "a part needs a _target_, but got 1"),
    "no value": (["search.batch"], "cannot read 'search.batch'; write SETTING=VALUE"),
    "null group": (["task=null"], "must be a string or a list"),
    "no roles": (["roles=[]"], "Missing mandatory value: roles"),
    "roles that need answers": (["roles=[fuser]"], "type roles=[assistant,...]"),
    "wrong type": (["search.max_trials=many"], "search.max_trials: Value 'many'"),
    "wrong type of seed": (["seed=x"], "seed: Value 'x'"),
    "wrong type in group": (["task.digits=x"], "digits must be int, but got 'x'"),
    "wrong type in a part": (["optimizer.init.mixes=x"], "mixes must be int, but got 'x'"),
    "no list": (["llm=vllm", "llm.launch.gpus=0"], "gpus: Input should be a valid array"),
    "wrong type in a list": (
        ["llm=vllm", "llm.launch.gpus=[a]"],
        "gpus.0: Input should be",
    ),
    "wrong type in a mapping": (["llm=vllm", "+llm.launch.own={m: 3}"], "own.m: Input should be a"),
    "wrong type in a model": (["pool.models.sim-1b.temperature=hot"], "temperature must be float"),
    "negative seed": (["seed=-1"], "type seed=0"),
    "empty batch": (["search.batch=0"], "type search.batch=1"),
    "nothing at a time": (["search.parallel=0"], "type search.parallel=1"),
    "no slots": (["space.slots=0"], "type space.slots=1"),
    "all for finals": (["search.finals_share=1"], "type search.finals_share=0.4"),
    "no limit": (
        ["search.max_trials=null", "search.max_tokens=null"],
        "type search.max_trials=50",
    ),
    "limit below 0": (["search.max_calls=-5"], "search.max_calls must be above 0 or null"),
    "sweep without -m": (["seed=0,1"], "add --multirun"),
    "below one unit": (["budget.limit=0.5"], "type budget.limit=1 or more"),
    "no price": (
        ["budget=cost", "pool.models.sim-3b.price_in=null"],
        "sim-3b has none; set price_in and price_out (USD per million tokens) in conf/model",
    ),
    "no size": (["pool=openai", "budget=flops"], "type budget=cost or budget=tokens"),
    "no speed": (["pool=openai", "budget=latency"], "gpt-4.1-nano has none"),
    "bad role": (["roles.assistant.with_answers=hi"], "with_answers must contain {question}"),
    "no such target": (["optimizer._target_=no.such"], "no.such: Error loading"),
    "not an optimizer": (
        ["optimizer._target_=tts_search.agents.rules.RulesAgent"],
        "error: tts_search.agents.rules.RulesAgent",
    ),
    "results into a file": (["hydra.run.dir=LICENSE"], "hydra.run.dir=DIR"),
    "results into nowhere": (["hydra.run.dir=/proc/x"], "hydra.run.dir=DIR"),
    "cache nowhere": (["cache=/proc/x/c.sqlite"], "cache=PATH"),
    "no key": (
        ["llm=openai", "pool=openai", "budget=cost", "llm.api_key_env=NO_SUCH_KEY"],
        "export NO_SUCH_KEY=... or set llm.api_key_env=null",
    ),
    "no recorded replies": (["agent=replay"], "set agent.llm.path"),
}


@pytest.mark.parametrize(("words", "fix"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_that_names_the_fix(shell: Shell, words: list[str], fix: str) -> None:
    assert fix in shell.quick(*SMOKE, *words).error


def test_the_real_command_says_the_same(shell: Shell) -> None:
    words = (*SMOKE, "search.max_trails=3")
    assert shell.run(*words) == shell.quick(*words)


@pytest.mark.parametrize("metric", ["flops", "cost", "latency", "tokens"])
def test_a_budget_below_the_cheapest_call_names_one_that_works(
    shell: Shell, undisturbed: Any, metric: str
) -> None:
    words = (*SMOKE, f"budget={metric}", "budget.scale=absolute", "search.max_trials=2")
    error = shell.quick(*words, "budget.limit=1e-12").error
    named = error.rpartition("type ")[2].removesuffix(" or more")
    assert named.startswith("budget.limit=")
    summary, _ = undisturbed(*words, named)
    assert summary.budget.measured > 0


def test_a_mistyped_setting_in_a_preset_is_found(shell: Shell) -> None:
    presets = shell.folder / "mine" / "experiment"
    presets.mkdir(parents=True)
    (presets / "mine.yaml").write_text("# @package _global_\nsearch:\n  max_trails: 3\n")
    error = shell.quick(
        "--config-dir", str(presets.parent), "llm=simulated", "experiment=mine"
    ).error
    assert "max_trails; did you mean" in error
    assert "max_trials?" in error
    assert "experiment/mine.yaml" in error


def test_a_damaged_cache_is_named_with_what_to_do(shell: Shell) -> None:
    shell.cache.write_text("this was never a database, whatever its name may say")
    assert f"mv {shell.cache}" in shell.quick(*SMOKE).error
    assert shell.cache.read_text().startswith("this was never"), "and it is left alone"


@pytest.mark.parametrize("name", ["an empty file", "no JSON", "no answer", "a folder of nothing"])
def test_data_that_cannot_be_used_are_named(shell: Shell, name: str) -> None:
    path = shell.folder / "data.jsonl"
    if name == "a folder of nothing":
        path.mkdir()
    else:
        texts = {"no JSON": "not json\n" * 3, "no answer": '{"problem": "1+1?"}\n' * 60}
        path.write_text(texts.get(name, ""))
    error = shell.quick(*SMOKE, "task=math", f"task.data={path}").error
    assert str(path) in error


def test_a_run_leaves_its_files_and_a_screen(shell: Shell) -> None:
    done = shell.quick(*SMOKE)
    assert (done.code, done.err) == (0, "")
    assert "SIMULATED" in done.out
    assert len(shell.archive.splitlines()) == 8
    left = {p.name for p in (shell.folder / "run").iterdir()}
    assert {"archive.jsonl", "summary.json", "best_graph.json", "run.log", ".hydra"} <= left


# --- endpoints --------------------------------------------------------------------------------


@dataclass
class Endpoint:
    """Chat completions on a port of this machine, as long as it lives: `lives` calls."""

    status: int = 200
    lives: float = float("inf")
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        return (
            *FEW,
            "llm=openai",
            f"llm.base_url=http://127.0.0.1:{self.port}/v1",
            "llm.api_key_env=null",
            "llm.limits.attempts=1",
            "pool=openai",
            "budget=cost",
        )

    def reply(self) -> tuple[int, dict[str, Any]]:
        with self.lock:
            if self.status != 200:
                return self.status, {"error": {"message": "no", "type": "error"}}
            if self.answered >= self.lives:
                return 500, {"error": {"message": "gone", "type": "error"}}
            self.answered += 1
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": "The answer is 7."},
            "finish_reason": "stop",
        }
        usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
        body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
        return 200, {**body, "choices": [choice], "usage": usage}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    state = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._say(*state.reply())

        def do_GET(self) -> None:
            listed = state.status == 200
            self._say(state.status, {"object": "list", "data": []} if listed else state.reply()[1])

        def _say(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: object) -> None:
            """A client that hangs up is no error here."""

    with Server(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def test_a_run_allows_itself_the_connections_that_its_calls_need() -> None:
    script = (
        "import resource as r; from tts_search.main import allow_files; files = r.RLIMIT_NOFILE;"
        "r.setrlimit(files, (64, 300)); allow_files(); print(r.getrlimit(files))"
    )
    said = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True)
    assert said == "(300, 300)\n"


def test_an_endpoint_that_is_not_there(shell: Shell) -> None:
    words = Endpoint(port=9).words
    assert "start the server or correct llm.base_url" in shell.run(*words).error
    assert not (shell.folder / "run" / "summary.json").exists()


def test_a_key_that_is_refused(
    shell: Shell, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret-1234")
    endpoint.status = 401
    error = shell.run(*endpoint.words, "llm.api_key_env=MY_KEY").error
    assert "MY_KEY" in error
    assert "sk-secret" not in error


def test_an_endpoint_that_dies_and_comes_back_is_not_paid_twice(
    shell: Shell, endpoint: Endpoint, undisturbed: Any
) -> None:
    summary, archive = undisturbed(*endpoint.words)
    total = summary.calls.sent
    assert endpoint.answered == total

    endpoint.answered, endpoint.lives = 0, 20
    error = shell.run(*endpoint.words).error
    assert "stopped answering" in error
    assert "run the same command again to continue" in error
    kept = shell.stored
    assert 0 < kept <= 20 < total

    endpoint.lives = float("inf")
    assert shell.run(*endpoint.words).code == 0
    assert shell.summary["calls"]["sent"] == total - kept
    assert shell.archive == archive


# --- stopped in mid-search --------------------------------------------------------------------

SLOW = ("llm=simulated", *FEW, "llm.seconds_per_token=0.01")


def until_the_first_trial(shell: Shell) -> "subprocess.Popen[str]":
    """A slow search that has written part of its archive."""
    process = shell.start(*SLOW)
    path, deadline = shell.folder / "run" / "archive.jsonl", time.monotonic() + 60
    while not (path.exists() and path.stat().st_size):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return process


def test_ctrl_c_is_one_line_and_keeps_what_was_done(shell: Shell) -> None:
    process = until_the_first_trial(shell)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    (line,) = err.splitlines()
    assert "run it again to go on" in line
    lines = [json.loads(line) for line in shell.archive.splitlines()]
    assert 0 < len(lines) < 4
    assert shell.stored > 0


def test_a_killed_run_started_again_pays_only_for_the_rest(shell: Shell, undisturbed: Any) -> None:
    process = until_the_first_trial(shell)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not (shell.folder / "run" / "summary.json").exists()
    kept = shell.stored
    assert shell.run(*SLOW).code == 0

    summary, archive = undisturbed(*SLOW, "llm.seconds_per_token=0")
    assert 0 < kept < summary.calls.sent
    assert shell.summary["calls"]["sent"] == summary.calls.sent - kept
    assert shell.archive == archive


# --- sweeps -----------------------------------------------------------------------------------


def test_a_sweep_lands_in_readable_folders_and_shares_a_cache(shell: Shell) -> None:
    sweep = shell.folder / "sweep"
    words = ("-m", f"hydra.sweep.dir={sweep}", *SMOKE, "search.max_trials=6")
    done = shell.quick(*words, "optimizer=random,agent_reinforce", "seed=0,1")
    assert (done.code, done.err) == (0, "")
    folders = [path.parent for path in sweep.rglob("summary.json")]
    names = sorted(str(folder.relative_to(sweep)) for folder in folders)
    assert names == [
        f"arithmetic-flops-{optimizer}/search.max_trials=6/seed={seed}"
        for optimizer in ("agent_reinforce", "random")
        for seed in (0, 1)
    ]
    calls = [json.loads((f / "summary.json").read_text())["calls"] for f in folders]
    assert sum(c["sent"] for c in calls) == shell.stored, "no call was paid for twice"


def test_a_job_that_fails_does_not_stop_the_others(shell: Shell) -> None:
    sweep = shell.folder / "sweep"
    words = ("-m", f"hydra.sweep.dir={sweep}", *SMOKE, "search.max_trials=2")
    done = shell.quick(*words, "budget.limit=0.5,12")
    assert "type budget.limit=1 or more" in done.error
    (summary,) = sweep.rglob("summary.json")
    assert "budget.limit=12" in str(summary)
