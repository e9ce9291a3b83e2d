"""python -m tts_search.show: what was sent and answered, to the letter, and not one call more."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from tts_search import show
from tts_search.analysis.listing import draw_run, draw_trial
from tts_search.analysis.wrapped import safe
from tts_search.core.graph import Graph, Node, graph_from_json, graph_to_json
from tts_search.errors import CallFailed, GraphError
from tts_search.llm.base import Completion, Message, Request
from tts_search.main import run
from tts_search.readback import read_record
from tts_search.tracking.progress import SilentProgress

Compose = Callable[..., DictConfig]

SMALL = (
    "pool=embedded",  # with worked examples
    "optimizer=agent_reinforce",
    "task.search=8",
    "task.validation=6",
    "task.test=4",
    "space.slots=4",
    "search.batch=5",
    "search.profile=2",
    "search.finalists=1",
    "search.max_trials=12",
    "search.max_tokens=null",
)
HOSTILE = "[bold red]no markup[/] :smile: \x1b[31m\x07\r\u202e\u2028"
LOG: list[tuple[Request, Completion | None]] = []
"""Every call that any Watched has got, and its answer."""


class Watched:
    """Differs from call to call, is often wrong, sometimes fails, and writes what may do harm."""

    identity = "watched"

    async def complete(self, request: Request) -> Completion:
        assert request.site
        draw = int(request.digest(""), 16)
        if draw % 31 == 0:
            LOG.append((request, None))
            raise CallFailed("no luck")
        said = request.site.example.answer if draw % 3 else str(draw % 2)
        text = f"{draw} {HOSTILE} {'long ' * 30}\n\n\tThe answer is {said}."
        LOG.append((request, Completion(text, 100 + draw % 7, 10 + draw % 5, "stop", 0.25)))
        return LOG[-1][1]  # type: ignore[return-value]

    async def aclose(self) -> None:
        pass


@dataclass
class Shown:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


@dataclass
class Past:
    """A finished run, and the command that shows it."""

    folder: Path
    cache: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: object) -> Shown:
        sent = len(LOG)
        self.capture.readouterr()
        code = show.main([str(self.folder), *map(str, words)])
        assert len(LOG) == sent, "a call was sent"
        return Shown(code, *self.capture.readouterr())

    @property
    def lines(self) -> list[dict[str, Any]]:
        text = (self.folder / "archive.jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    @property
    def config(self) -> Path:
        return self.folder / ".hydra" / "config.yaml"

    def settle(self, **changes: Any) -> None:
        """Change the config that the run has left."""
        OmegaConf.save(OmegaConf.merge(OmegaConf.load(self.config), changes), self.config)

    def stop_early(self) -> None:
        """What a kill in the middle of the search leaves."""
        (self.folder / "summary.json").unlink()
        archive = self.folder / "archive.jsonl"
        archive.write_bytes(archive.read_bytes()[:-40])


Ran = Callable[..., Past]


@pytest.fixture
def ran(
    simulated: Compose,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Ran]:
    """ran("task.seed=1"): a run on pretend models, in a folder as Hydra leaves it."""
    monkeypatch.setattr("tts_search.files.save_pictures", lambda *_: ())
    monkeypatch.setattr("tts_search.files.save_curve", lambda *_: None)

    def start(*overrides: str, llm: dict[str, Any] | None = None) -> Past:
        config = simulated(*SMALL, *overrides)
        if llm:
            config.llm = llm
        folder = tmp_path / "run"
        (folder / ".hydra").mkdir(parents=True)
        OmegaConf.save(config, folder / ".hydra" / "config.yaml")
        OmegaConf.save(["seed=0", "task.question=a b"], folder / ".hydra" / "overrides.yaml")
        asyncio.run(run(config, folder, SilentProgress()))
        return Past(folder, Path(config.cache), capsys)

    yield start
    LOG.clear()


@pytest.fixture
def past(ran: Ran) -> Past:
    """A run on the watched engine."""
    LOG.clear()
    return ran(llm={"_target_": f"{__name__}.Watched", "limits": {"attempts": 1}})


def answers() -> dict[str, tuple[Request, Completion | None]]:
    return {request.digest("watched"): (request, reply) for request, reply in LOG}


def rebuilt(data: dict[str, Any]) -> Request:
    messages = tuple(Message(**message) for message in data["messages"])
    return Request(**{**data, "messages": messages})


# --- what it shows is what happened --------------------------------------------------------------


def test_every_prompt_and_reply_is_the_one_that_was_sent_and_received(past: Past) -> None:
    sent, seen, failed = answers(), 0, 0
    for line in past.lines:
        for number in range(1, len(line["questions"]) + 1):
            view = past(line["trial"], number, "--json").json
            nodes = {step["node"]: step for step in view["steps"]}
            assert len(nodes) == len(line["nodes"])
            for step in nodes.values():
                assert [step["role"], step["model"]] == line["nodes"][step["node"]]
                if step["request"] is None:
                    continue
                request, reply = sent[rebuilt(step["request"]).digest("watched")]
                assert request.site
                assert request.site.example.id == view["question"]["id"]
                assert request.site.role == step["role"]
                assert list(request.site.answers) == [nodes[p]["answer"] for p in step["reads"]]
                assert step["reply"] == (reply.to_json() if reply else None)
                assert step["state"] == ("answered" if reply else "missing")
                seen += 1
                failed += reply is None
            archived = line["scores"][number - 1]
            assert view["archived_score"] == archived
            assert view["score"] == (None if view["answer"] is None else archived)
    assert seen > 100
    assert failed


def test_nodes_come_in_an_order_in_which_answers_flow(past: Past) -> None:
    wide = max(past.lines, key=lambda line: len(line["edges"]))
    steps = past(wide["trial"], 1, "--json").json["steps"]
    order = [step["node"] for step in steps]
    assert sorted(order) == list(range(len(wide["nodes"])))
    assert {(p, s["node"]) for s in steps for p in s["reads"]} == set(map(tuple, wide["edges"]))
    assert all(order.index(src) < order.index(dst) for src, dst in wide["edges"])


def test_a_vote_shows_its_votes(ran: Ran) -> None:
    past = ran("optimizer=random")
    line = next(line for line in past.lines if line["nodes"][-1] == ["vote", None])
    for number in range(1, 6):
        view = past(line["trial"], number, "--json").json
        vote = view["steps"][-1]
        if vote["state"] == "answered":
            break
    assert vote["heard"] == [re.findall(r"\d+", view["steps"][p]["answer"])[-1]
                             for p in vote["reads"]]  # fmt: skip
    assert vote["stated"] in vote["heard"]
    (shown,) = re.findall(r"^  votes   (.*)$", past(line["trial"], number).out, re.MULTILINE)
    tally = dict(part.split(": ") for part in shown.split(" · "))
    for answer, nodes in tally.items():
        voters = [p for p, a in zip(vote["reads"], vote["heard"], strict=True) if a == answer]
        assert nodes == ", ".join(map(str, voters))


def test_an_answer_is_stated_to_its_question(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tasks find it with the help of the question."""
    monkeypatch.setattr(
        "tts_search.tasks.arithmetic.Arithmetic.extract",
        lambda _, __, example=None: example and example.id,
    )
    view = past(0, 2, "--json").json
    assert view["stated"] == view["question"]["id"]


def bars(text: str) -> set[str]:
    return {f"  │ {part}" for part in safe(text).expandtabs(8).split("\n")}


def test_people_read_the_same_as_programs_and_nothing_in_it_is_obeyed(past: Past) -> None:
    for line in past.lines[-3:]:
        view, out = past(line["trial"], 2, "--json").json, past(line["trial"], 2, "--full").out
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", out)
        rows = set(out.split("\n"))
        for step in view["steps"]:
            asked = step["request"]
            for message in asked["messages"] if asked else ():
                assert bars(message["content"]) <= rows
            if asked:
                assert f"seed {asked['seed']}" in out
            if step["answer"]:
                assert bars(step["answer"]) <= rows
                assert r"[bold red]no markup[/] :smile: \x1b[31m\x07\r\u202e\u2028" in out


def test_worked_examples_are_folded_to_a_count(past: Past) -> None:
    line = next(line for line in past.lines if line["nodes"] == [["assistant", FEW]])
    messages = past(line["trial"], 1, "--json").json["steps"][0]["request"]["messages"]
    shots = messages[1:-1]
    assert len(shots) == 4
    folded, full = (past(line["trial"], 1, *more).out for more in ((), ("--full",)))
    assert "  2 worked examples" in folded
    assert all(f"│ {shot['content']}\n" in full for shot in shots)
    assert not any(f"│ {shot['content']}\n" in folded for shot in shots)


FEW = "smollm2-2-shot-t0.7"


def test_a_call_that_is_not_in_the_cache_is_named_and_the_rest_shown(past: Past) -> None:
    line = next(line for line in past.lines if line["nodes"][-1][1] and line["depth"] == 2)
    numbers = (n for n, score in enumerate(line["scores"], 1) if score == 1.0)
    number = next(numbers)
    before = past(line["trial"], number, "--json").json["steps"]
    gone = rebuilt(before[0]["request"]).digest("watched")
    with sqlite3.connect(past.cache) as db:
        assert db.execute("DELETE FROM calls WHERE key = ?", (gone,)).rowcount == 1
    db.close()
    after = past(line["trial"], number, "--json").json
    assert after["steps"][0] == {
        **before[0], "state": "missing", "reply": None, "answer": None, "stated": None
    }  # fmt: skip
    assert after["steps"][1:-1] == before[1:-1]
    assert after["steps"][-1]["state"] == "waiting"
    assert (after["score"], after["archived_score"]) == (None, 1.0)
    out = past(line["trial"], number).out
    assert out.count("  not in the cache\n") == 1
    assert "to have it sent: python run.py seed=0 'task.question=a b'" in out
    assert "the archive has 1 for this question" in out
    costs = [q["cost"] for q in past(line["trial"], "--json").json["questions"]]
    assert costs[number - 1] is None


# --- trials and questions ------------------------------------------------------------------------


def test_a_run_lists_its_trials_and_marks_the_recommended_one(past: Past) -> None:
    view = past("--json").json
    summary = json.loads((past.folder / "summary.json").read_text())
    assert [t["trial"] for t in view["trials"]] == [line["trial"] for line in past.lines]
    for trial, line in zip(view["trials"], past.lines, strict=True):
        assert all(line[name] == value for name, value in trial.items())
    assert past.lines[view["best"]]["key"] == summary["best"]["key"]
    assert view["labels"].items() >= {k: summary[k] for k in ("task", "engine", "seed")}.items()
    out = past().out
    (marked,) = re.findall(r"^★ +(\d+) ", out, re.MULTILINE)
    assert int(marked) == view["best"]
    for line in past.lines:
        assert line["reason"] in out
    assert "budget" in view["labels"]


def test_the_costs_of_the_questions_make_up_the_cost_of_the_trial(past: Past) -> None:
    whole = [line for line in past.lines if not line["failures"]]
    for line in whole:
        view = past(line["trial"], "--json").json
        costs = [q["cost"] for q in view["questions"]]
        assert sum(costs) / len(costs) == pytest.approx(line["cost"]["measured"], abs=1e-5)
        assert [q["id"] for q in view["questions"]] == line["questions"]
        assert [q["score"] for q in view["questions"]] == line["scores"]
        assert view["unit"] == "x cheapest call"
    assert len(whole) > 2


def test_a_trial_shows_what_each_node_scores_by_itself(past: Past) -> None:
    line = max(past.lines, key=lambda line: len(line["nodes"]))
    view = past(line["trial"], "--json").json
    assert view["node_scores"] == line["node_scores"]
    assert len(view["node_scores"]) == len(line["nodes"])
    assert view["node_scores"][-1] == pytest.approx(sum(line["scores"]) / len(line["scores"]))
    shown = past(line["trial"]).out.split("own score")[1].splitlines()[1:]
    for number, ((role, model), score) in enumerate(
        zip(line["nodes"], line["node_scores"], strict=True)
    ):
        assert shown[number].split()[:2] == [f"{100 * score:.1f}%", str(number)]
        assert (f"{role}:{model}" if model else role) in shown[number]


def test_a_question_has_a_number_an_id_and_parts(past: Past) -> None:
    ids = past.lines[0]["questions"]
    for number, name in enumerate(ids, start=1):
        assert past(0, number, "--json").out == past(0, name, "--json").out
        assert past(0, name.removeprefix("arith"), "--json").json["question"]["id"] == name


def test_the_recommended_graph_can_be_seen_on_every_split(past: Past) -> None:
    with_split = {
        split: next(request.site.example.id for request, _ in LOG
                    if request.site and request.site.example.id in ids)
        for split, ids in splits(past).items()
    }  # fmt: skip
    for split, name in with_split.items():
        view = past("best", name, "--json").json
        assert (view["question"]["id"], view["split"]) == (name, split)
        assert {step["state"] for step in view["steps"]} <= {"answered", "missing", "waiting"}
    best = past("--json").json["best"]
    other = next(line["trial"] for line in past.lines if line["trial"] != best)
    assert past(other, with_split["test"]).code == 1


def splits(past: Past) -> dict[str, set[str]]:
    from tts_search.core.data import SPLITS
    from tts_search.parts import assemble

    parts = assemble(OmegaConf.load(past.config))  # type: ignore[arg-type]
    found = {split: {example.id for example in parts.task.load(split)} for split in SPLITS}
    asyncio.run(parts.aclose())
    return dict(found)


def test_a_run_that_was_stopped_is_shown_as_far_as_it_got(past: Past) -> None:
    lines = past.lines
    past.stop_early()
    view = past("--json").json
    assert [t["trial"] for t in view["trials"]] == [line["trial"] for line in lines[:-1]]
    assert view["best"] is None
    assert not view["labels"]["finished"]
    assert past(0, 1).code == 0
    assert past(0, "--json").json["unit"] == "FLOPs"
    assert "best" not in past("best").out
    assert "this run recommends no graph" in past("best").err


# --- engines and places --------------------------------------------------------------------------


@pytest.mark.parametrize("cached", [True, False])
def test_a_simulated_run_needs_no_cache(ran: Ran, cached: bool) -> None:
    past = ran("pool=simulated")
    before = past.lines
    if not cached:
        past.cache.unlink()
    for line in before[-4:]:
        for number, score in enumerate(line["scores"], start=1):
            assert past(line["trial"], number, "--json").json["score"] == score
    assert past.cache.exists() == cached
    for words in ((), (0,), (0, 1)):
        assert past(*words).out.startswith("SIMULATED")


@pytest.mark.parametrize("engine", ["embedded", "openai", "vllm"])
def test_no_engine_is_woken(
    past: Past, compose: Compose, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither weights nor key nor endpoint are needed: the archive names who answered."""

    def woken(*_: object, **__: object) -> None:
        raise AssertionError("the engine was woken")

    monkeypatch.setattr("tts_search.llm.embedded.EmbeddedLLM._started", woken)
    monkeypatch.setattr("tts_search.llm.openai_compatible.OpenAICompatible._connect", woken)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    before = past(3, 1, "--json").out
    config = OmegaConf.load(past.config)
    config.llm = compose(f"llm={engine}").llm
    if engine == "openai":
        config.llm.max_retries = 0  # as records of earlier runs have it
    OmegaConf.save(config, past.config)
    assert past(3, 1, "--json").out == before


def test_paths_of_the_config_begin_where_the_run_was_started(past: Past) -> None:
    before = past(0, 1, "--json").out
    past.settle(cache=past.cache.name)
    assert past(0, 1).code == 1
    place = {"hydra": {"runtime": {"cwd": str(past.cache.parent)}}}
    OmegaConf.save(place, past.folder / ".hydra" / "hydra.yaml")
    here = Path.cwd()
    assert past(0, 1, "--json").out == before
    assert Path.cwd() == here


def test_a_terminal_of_80_columns_is_enough(past: Past) -> None:
    record, console = read_record(past.folder), Console(width=80)
    with console.capture() as capture:
        for entry in record.entries:
            for part in draw_trial(record, entry, [1.0] * 5, "cost", 80):
                console.print(part)
        for part in draw_run(record):
            console.print(part)
    assert max(map(len, capture.get().splitlines())) <= 80


# --- mistakes ------------------------------------------------------------------------------------


def drop_cache(past: Past) -> None:
    past.cache.unlink()


def damage_cache(past: Past) -> None:
    past.cache.write_bytes(b"no database" * 1000)


def empty_cache(past: Past) -> None:
    """Opens well, and fails at the first look."""
    with sqlite3.connect(past.cache) as db:
        db.execute("DROP TABLE calls")
    db.close()


def drop_config(past: Past) -> None:
    past.config.unlink()


def spoil_line(past: Past) -> None:
    archive = past.folder / "archive.jsonl"
    archive.write_text('{"trial": 0}\n' + archive.read_text("utf-8"))


def spoil_summary(past: Past) -> None:
    (past.folder / "summary.json").write_text("[]")


def spoil_config(past: Past) -> None:
    past.config.write_text("a: [")


@pytest.mark.parametrize(
    ("words", "spoil", "message"),
    [
        (("99",), None, "there is no trial '99' .* type a number from 0 to 11, or best"),
        (("-1",), None, "there is no trial '-1'"),
        (("0", "xyz"), None, "trial 0 has no question 'xyz'; type a number from 1 to 5"),
        (("0", "6"), None, "trial 0 has no question '6'|'6' may be any of"),
        (("0", "0"), None, "trial 0 has no question '0'|'0' may be any of"),
        (("0", "arith"), None, r"'arith' may be any of 5 questions \(arithmetic/.*, \.\.\.\)"),
        (("0", "1", "2"), None, "unrecognized arguments: 2; type .* --help"),
        (("--loud",), None, "unrecognized arguments: --loud"),
        (("0", "1"), drop_cache, "responses.sqlite does not exist; put it back"),
        (("0", "1"), damage_cache, "damaged or no cache"),
        (("0", "1"), empty_cache, "no such table"),
        (("0", "1"), lambda past: past.settle(cache=None), r"kept none \(cache=null\)"),
        (("0", "1"), lambda past: past.settle(task={"seed": 7}), "is no longer in generated"),
        (("0", "1"), lambda past: past.settle(task={"_target_": "nowhere.At"}), "nowhere.At"),
        ((), drop_config, "has no .hydra/config.yaml"),
        ((), spoil_line, "archive.jsonl, line 1 is no trial"),
        ((), spoil_summary, "summary.json must hold a JSON object"),
        ((), spoil_config, "config.yaml cannot be read"),
    ],
)  # fmt: skip
def test_every_mistake_is_one_line(
    past: Past, words: tuple[str, ...], spoil: Callable[[Past], None] | None, message: str
) -> None:
    if spoil:
        spoil(past)
    shown = past(*words)
    assert (shown.code, shown.out) == (1, "")
    (line,) = shown.err.splitlines()
    assert line.startswith("error: ")
    assert re.search(message, line), line


def test_a_folder_of_runs_is_no_run_but_names_the_latest(past: Past) -> None:
    shown = replace(past, folder=past.folder.parent)()
    assert shown.code == 1
    assert shown.err.endswith(f"the latest of the runs below it is {past.folder}\n")
    missing = replace(past, folder=past.folder / "nowhere")()
    assert missing.err.endswith("nowhere does not exist\n")


def test_without_the_cache_a_trial_is_shown_but_for_its_costs(past: Past) -> None:
    drop_cache(past)
    shown = past(0)
    assert shown.code == 0
    assert "no costs: " in shown.out
    assert all(name in shown.out for name in past.lines[0]["questions"])
    assert not past.cache.exists()


def test_an_emptied_cache_leaves_the_requests(past: Past) -> None:
    with sqlite3.connect(past.cache) as db:
        db.execute("DELETE FROM calls")
    db.close()
    steps = past(0, 1, "--json").json["steps"]
    assert [(s["state"], s["reply"]) for s in steps] == [("missing", None)]
    assert rebuilt(steps[0]["request"]).digest("watched") in answers()


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        show.main(["--help"])
    assert done.value.code == 0
    assert "QUESTION" in capsys.readouterr().out


# --- parts ---------------------------------------------------------------------------------------


def test_a_graph_is_read_as_it_was_written() -> None:
    graph = Graph((Node("a", "m"), Node("a", "m"), Node("vote", None)), ((0, 2), (1, 2)))
    assert graph_from_json(json.loads(json.dumps(graph_to_json(graph)))) == graph


@pytest.mark.parametrize("data", [{}, {"nodes": [["a"]], "edges": []}, {"nodes": 3, "edges": []}])
def test_what_is_no_graph_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match="a graph is written as"):
        graph_from_json(data)


@pytest.mark.parametrize("char", ["\x1b", "\r", "\x9b", "\x00", "\u202e", "\ud800", "\u200b"])
def test_what_a_terminal_obeys_is_written_out(char: str) -> None:
    shown = safe(f"a{char}\n\tb")
    assert char not in shown
    assert shown == f"a{char.encode('unicode_escape').decode()}\n\tb"


def test_letters_of_all_languages_stay() -> None:
    assert safe("λ ∑ 漢字 é 🎉") == "λ ∑ 漢字 é 🎉"
