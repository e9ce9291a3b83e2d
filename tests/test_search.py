"""The whole run in-process on pretend models: limits, finals, the held-out test, repeatability."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from tts_search.agents.rules import RulesAgent
from tts_search.app import Run
from tts_search.archive import Archive
from tts_search.config import settings
from tts_search.core.context import SearchContext
from tts_search.core.data import Example
from tts_search.core.result import Summary
from tts_search.core.trial import Spend
from tts_search.errors import BudgetError, ConfigError, EngineUnavailable
from tts_search.limits import Limits, Need
from tts_search.llm.base import Completion, Request
from tts_search.llm.cache import Cached
from tts_search.main import run
from tts_search.parts import Parts, assemble
from tts_search.tracking.progress import SilentProgress

Compose = Callable[..., DictConfig]

SMALL = (
    "task.search=40",
    "task.validation=20",
    "task.test=30",
    "space.slots=4",
    "search.batch=20",
    "search.profile=4",
    "search.finalists=2",
    "search.max_trials=12",
)


@dataclass
class Outcome:
    """A finished run: its summary and its archive, line by line and as bytes."""

    summary: Summary
    folder: Path

    @property
    def archive(self) -> bytes:
        return (self.folder / "archive.jsonl").read_bytes()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.archive.splitlines()]

    @property
    def json(self) -> dict[str, Any]:
        return json.loads((self.folder / "summary.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture
def go(simulated: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """await go("seed=1"): a small run in a folder of its own; all runs share one cache.

    It draws no pictures, which take longer than the rest and have tests of their own.
    """
    monkeypatch.setattr("tts_search.files.save_pictures", lambda *_: ())
    runs = 0

    async def start(*overrides: str) -> Outcome:
        nonlocal runs
        runs += 1
        folder = tmp_path / f"run{runs}"
        folder.mkdir()
        summary, _ = await run(simulated(*SMALL, *overrides), folder, SilentProgress())
        return Outcome(summary, folder)

    return start


# --- what the search may spend ----------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["random", "agent_reinforce"])
@pytest.mark.parametrize("trials", [1, 6, 13])
async def test_max_trials_is_exact(go: Any, optimizer: str, trials: int) -> None:
    done = await go(f"optimizer={optimizer}", f"search.max_trials={trials}")
    assert len(done.lines) == done.summary.search_spend.trials == trials
    assert done.summary.stopped_by == "max_trials"


@pytest.mark.parametrize("optimizer", ["random", "agent_reinforce"])
@pytest.mark.parametrize("calls", [120, 333, 1000])
async def test_max_calls_is_never_exceeded(go: Any, optimizer: str, calls: int) -> None:
    """Nor is its share before the finals, so that these are not starved."""
    done = await go(f"optimizer={optimizer}", f"search.max_calls={calls}", "search.max_trials=null")
    assert done.summary.stopped_by == "max_calls"
    assert done.lines[-1]["spend"]["calls"] <= 0.6 * calls
    assert done.lines[-1]["spend"]["calls"] <= done.summary.search_spend.calls <= calls


@pytest.mark.parametrize(("name", "limit"), [("tokens", 20_000), ("dollars", 0.01)])
async def test_tokens_and_dollars_end_the_search(go: Any, name: str, limit: float) -> None:
    """They are foreseen from the profile, so they hold up to its error: here a fifth."""
    done = await go(f"search.max_{name}={limit}", "search.max_trials=null")
    spend = vars(done.summary.search_spend)
    assert done.summary.stopped_by == f"max_{name}"
    assert 0.3 * limit < done.lines[-1]["spend"][name] <= 0.6 * limit * 1.2
    assert spend[name] <= limit * 1.2


async def test_the_books_of_the_archive_never_run_backwards(go: Any) -> None:
    spends = [line["spend"] for line in (await go()).lines]
    for name in ("trials", "calls", "tokens", "dollars"):
        column = [s[name] for s in spends]
        assert column == sorted(column)
    assert [s["trials"] for s in spends] == list(range(1, len(spends) + 1))


async def test_a_limit_without_room_for_one_graph_says_so(go: Any) -> None:
    with pytest.raises(ConfigError, match=r"search\.max_calls leaves no room for a single graph"):
        await go("search.max_calls=20")


@pytest.mark.parametrize(
    ("limits", "spend", "broken"),
    [
        ({"max_trials": 3}, {"trials": 2}, None),
        ({"max_trials": 3}, {"trials": 3}, "max_trials"),
        ({"max_calls": 100}, {"calls": 50}, None),
        ({"max_calls": 100}, {"calls": 51}, "max_calls"),
        ({"max_calls": 100}, {"agent_calls": 1000}, None),
        ({"max_tokens": 100}, {"tokens": 25, "agent_tokens": 25}, None),
        ({"max_tokens": 100}, {"tokens": 25, "agent_tokens": 26}, "max_tokens"),
        ({"max_dollars": 1.0}, {"dollars": 0.25, "agent_dollars": 0.25}, None),
        ({"max_dollars": 1.0}, {"dollars": 0.25, "agent_dollars": 0.26}, "max_dollars"),
    ],
)
def test_limits(limits: dict[str, Any], spend: dict[str, Any], broken: str | None) -> None:
    """One more graph of 50 calls, 50 tokens and half a dollar; the agent's own use counts."""
    assert Limits(**limits).broken_by(Spend(**spend), Need(1, 50, 50.0, 0.5)) == broken


@pytest.mark.parametrize("limits", [{}, {"max_trials": 0}, {"max_dollars": -1.0}])
def test_a_search_without_end_or_room_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"search\.max_|limit"):
        Limits(**limits)


# --- which graph is recommended ---------------------------------------------------------------


@dataclass
class Crafted:
    """Right as often as told, at the tokens told. `asked` keeps every request in order."""

    right: Callable[[Request], bool]
    tokens: Callable[[Request], int]
    identity: str = "crafted"
    asked: list[Request] = field(default_factory=list)

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        assert request.site
        said = request.site.example.answer if self.right(request) else "-1"
        return Completion(f"The answer is {said}.", self.tokens(request), 10)

    async def aclose(self) -> None:
        pass


def reads(request: Request) -> bool:
    return bool(request.site and request.site.answers)


def number(request: Request) -> int:
    """Stands for the question and nothing else."""
    return sum(map(ord, request.messages[-1].content.split("\n")[0]))


async def crafted(config: DictConfig, engine: Crafted) -> tuple[Summary, Archive, Parts]:
    parts = assemble(config)
    parts = replace(parts, llm=Cached(engine, ":memory:"))
    archive = Archive()
    try:
        course = Run(parts, settings(config), config.space.slots, archive, SilentProgress())
        return await course.summary(), archive, parts
    finally:
        await parts.aclose()


TOKENS = (
    *SMALL,
    "budget=tokens",
    "budget.limit=4",
    "search.max_trials=30",
    "search.max_tokens=null",
    "optimizer=random",
)


async def test_a_graph_whose_measured_cost_breaks_the_budget_is_never_recommended(
    simulated: Compose,
) -> None:
    """Readers are always right, but say ten times what the profile foresees."""
    engine = Crafted(
        right=lambda r: reads(r) or number(r) % 3 == 0,
        tokens=lambda r: 1000 if reads(r) else 40,
    )
    summary, archive, _ = await crafted(simulated(*TOKENS), engine)
    over = [t for t in archive.trials if not t.within_budget]
    assert any(t.score == 1.0 for t in over), "the best graphs of the search broke the budget"
    assert all(t.estimate <= 4 for t in over), "and were foreseen to keep it"
    assert summary.budget.measured <= 4
    assert summary.best_key not in {t.key for t in over}
    assert not any(n.role == "fuser" for n in summary.best.nodes)


async def test_the_budget_is_judged_again_on_validation_questions(simulated: Compose) -> None:
    """On the batch readers keep the budget; on the questions outside of it they break it."""
    config = simulated(*TOKENS)
    probe = Crafted(right=lambda _: True, tokens=lambda _: 40)
    _, archive, parts = await crafted(config, probe)
    batch = set(archive.trials[0].evaluation.questions)
    assert 0 < len(batch) < len(parts.task.load("search"))

    def outside(request: Request) -> bool:
        return bool(request.site and request.site.example.id not in batch)

    engine = Crafted(
        right=lambda r: reads(r) or number(r) % 3 == 0,
        tokens=lambda r: 5000 if reads(r) and outside(r) else 40,
    )
    summary, archive, _ = await crafted(config, engine)
    leader = archive.trials and max(
        (t for t in archive.trials if t.within_budget), key=lambda t: t.score
    )
    assert leader.score == 1.0
    assert summary.best_key != leader.key
    assert archive.candidate(summary.best_key).cost <= 4
    assert not any(reads_answers(summary) for _ in summary.best.nodes)


def reads_answers(summary: Summary) -> bool:
    pairs = zip(summary.best.nodes, summary.best.parents, strict=True)
    return any(node.model and up for node, up in pairs)


@pytest.mark.parametrize("cheap", [4, 20], ids=["after the profile", "after the batch"])
async def test_when_nothing_keeps_the_budget_the_error_names_one_that_works(
    simulated: Compose, cheap: int
) -> None:
    """The first questions cost what the profile says, all others three times as much: those of
    the batch behind the profile's, or those of validation."""
    small = (*TOKENS, "search.max_trials=3")
    probe = Crafted(right=lambda _: True, tokens=lambda _: 40)
    _, archive, parts = await crafted(simulated(*small), probe)
    known = archive.trials[0].evaluation.questions[:cheap]

    batch = "search.batch=40" if cheap == 4 else "search.batch=20"
    dear = {e.id for e in parts.task.load("search" if cheap == 4 else "validation")} - {*known}

    def tokens(request: Request) -> int:
        return 140 if request.site and request.site.example.id in dear else 40

    with pytest.raises(BudgetError, match=r"budget\.limit=1,.*type budget\.limit=") as caught:
        await crafted(simulated(*small, batch, "budget.limit=1"), Crafted(lambda _: True, tokens))
    named = str(caught.value).rpartition("type ")[2]
    summary, _, _ = await crafted(simulated(*small, batch, named), Crafted(lambda _: True, tokens))
    assert 1 < summary.budget.limit == float(named.partition("=")[2])


async def test_scores_are_those_of_the_batch_the_validation_and_the_test_split(
    simulated: Compose,
) -> None:
    engine = Crafted(right=lambda r: number(r) % 2 == 0, tokens=lambda _: 40)
    summary, archive, parts = await crafted(simulated(*TOKENS), engine)

    def share(examples: Any) -> float:
        asked = [parts.executor.request(role, model, "", e, ()) for e in examples]
        return sum(number(r) % 2 == 0 for r in asked) / len(asked)

    role, model = parts.roles["assistant"], parts.pool.models[0]
    batch = archive.trials[0].evaluation.questions
    asked = [e for e in parts.task.load("search") if e.id in batch]
    assert summary.search_score == pytest.approx(share(asked))
    assert summary.validation_score == pytest.approx(share(parts.task.load("validation")))
    assert summary.test.score == pytest.approx(share(parts.task.load("test")))
    assert summary.test.ci95.low < summary.test.score < summary.test.ci95.high


# --- held-out questions -----------------------------------------------------------------------


async def test_test_questions_are_asked_for_the_winner_and_the_baselines_alone(
    simulated: Compose,
) -> None:
    """Each once a node; the search and the finals never saw them."""
    engine = Crafted(right=lambda r: number(r) % 2 == 0, tokens=lambda _: 40)
    summary, archive, parts = await crafted(simulated(*TOKENS), engine)
    held_out: dict[str, Example] = {e.id: e for e in parts.task.load("test")}
    asked = Counter(r.site.example.id for r in engine.asked if r.site)
    tested = {summary.best_key: summary.best} | {b.key: b.graph for b in summary.baselines}
    most = sum(sum(n.model is not None for n in g.nodes) for g in tested.values())
    assert all(1 <= asked[question] <= most for question in held_out)
    assert not held_out.keys() & {q for t in archive.trials for q in t.evaluation.questions}
    assert summary.test.n == len(held_out)
    first = next(i for i, r in enumerate(engine.asked) if r.site and r.site.example.id in held_out)
    before = {r.site.example.id for r in engine.asked[:first] if r.site}
    seen = {*archive.trials[0].evaluation.questions, *(e.id for e in parts.task.load("validation"))}
    assert before == seen, "finals were over by then"


async def test_the_test_split_has_no_say_in_the_search(go: Any) -> None:
    one, other = await go("task.test=30"), await go("task.test=7")
    assert one.archive == other.archive
    assert one.summary.best_key == other.summary.best_key
    assert one.summary.validation_score == other.summary.validation_score


# --- the same again ---------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["random", "agent_reinforce"])
async def test_a_run_repeats_to_the_byte_first_and_cached(go: Any, optimizer: str) -> None:
    first, cached = await go(f"optimizer={optimizer}"), await go(f"optimizer={optimizer}")
    fresh = await go(f"optimizer={optimizer}", "cache=null")
    assert first.archive == cached.archive == fresh.archive
    assert first.summary.calls.sent > 0
    assert cached.summary.calls.sent == 0
    assert cached.summary.calls.reused > 0
    same = ("best", "test", "baselines", "budget", "search_spend", "profile")
    for name in same:
        assert first.json[name] == cached.json[name] == fresh.json[name]


@pytest.mark.parametrize("optimizer", ["random", "agent_reinforce"])
async def test_another_seed_is_another_search(go: Any, optimizer: str) -> None:
    one, other = await go(f"optimizer={optimizer}"), await go(f"optimizer={optimizer}", "seed=1")
    assert one.archive != other.archive
    assert one.lines[0]["questions"] != other.lines[0]["questions"]


async def test_methods_share_what_they_have_paid_for(go: Any) -> None:
    """The second method's single models were asked by the first: profile, finals and baselines."""
    await go("optimizer=agent_reinforce")
    second, alone = await go("optimizer=random"), await go("optimizer=random", "cache=null")
    assert second.archive == alone.archive
    assert second.summary.calls.sent < alone.summary.calls.sent
    assert second.summary.search_spend == alone.summary.search_spend


# --- what is left behind ----------------------------------------------------------------------


async def test_summary_json_has_what_reports_need(go: Any) -> None:
    found = (await go("seed=3")).json
    assert found["task"] == "arithmetic"
    assert found["data"].startswith("generated")
    assert found["engine"].startswith("simulated:")
    assert found["simulated"] is True
    assert (found["optimizer"], found["seed"]) == ("agent_reinforce", 3)
    assert {"metric", "unit", "limit", "estimated", "measured"} <= found["budget"].keys()
    assert found["budget"]["metric"] == "flops"
    assert {"key", "search_score", "nodes", "edges"} <= found["best"].keys()
    low, high = found["test"]["ci95"]
    assert low <= found["test"]["score"] <= high
    assert found["test"]["n"] == 30
    assert [b["name"] for b in found["baselines"]] == ["best single model", "self-consistency"]
    for row in found["baselines"]:
        assert {"name", "score", "ci95", "cost"} <= row.keys()
        assert row["ci95"][0] <= row["score"] <= row["ci95"][1]
    counts = {"sent", "reused", "failed", "prompt_tokens", "prefix_tokens"}
    assert found["calls"].keys() == counts
    assert {"trials", "calls", "tokens", "dollars"} <= found["search_spend"].keys()
    assert found["seconds"] > 0


async def test_every_line_of_the_archive_says_where_it_is_from(go: Any) -> None:
    done = await go()
    for line in done.lines:
        assert line["task"] == "arithmetic"
        assert line["engine"] == done.summary.engine
        assert line["score"] == pytest.approx(
            sum(line["scores"]) / len(line["questions"]), abs=1e-6
        )
        assert len(line["questions"]) == 20
        assert line["within_budget"] == (line["cost"]["measured"] <= 12)
        assert line["cost"]["estimated"] <= 12


async def test_lost_calls_are_counted_and_the_run_goes_on(go: Any) -> None:
    done = await go("llm.failure_rate=0.1")
    assert done.summary.calls.failed > 0
    assert len(done.lines) == 12
    assert sum(line["failures"] for line in done.lines) > 0
    for line in done.lines:
        assert line["failures"] <= line["scores"].count(0.0)


async def test_an_engine_that_dies_leaves_the_archive_of_what_was_done(
    simulated: Compose, tmp_path: Path
) -> None:
    """No half line, and no candidate that was not scored on every question."""

    class Dying(Crafted):
        async def complete(self, request: Request) -> Completion:
            if len(self.asked) == 400:
                raise EngineUnavailable("gone")
            return await super().complete(request)

    config = simulated(*TOKENS)
    parts = replace(assemble(config), llm=Cached(Dying(reads, lambda _: 40), ":memory:"))
    archive = Archive(tmp_path / "archive.jsonl")
    with pytest.raises(EngineUnavailable, match="gone"):
        await Run(parts, settings(config), 4, archive, SilentProgress()).summary()
    archive.close()
    await parts.aclose()
    lines = (tmp_path / "archive.jsonl").read_text().splitlines()
    assert 0 < len(lines) < 30
    assert all(len(json.loads(line)["scores"]) == 20 for line in lines)


# --- what the method is told ------------------------------------------------------------------


async def test_published_scores_of_this_task_alone_are_told(
    go: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    pick = RulesAgent.pick_mixes

    async def listen(agent: RulesAgent, context: SearchContext, *rest: Any) -> Any:
        told.append(context.published)
        return await pick(agent, context, *rest)

    monkeypatch.setattr(RulesAgent, "pick_mixes", listen)
    await go("+pool.models.sim-1b.scores={arithmetic: 0.3, math: 0.31}")
    assert told == [{"sim-1b": 0.3}]


async def test_a_published_score_in_percent_is_refused(go: Any) -> None:
    with pytest.raises(ConfigError, match=r"sim-1b\.scores must lie in \[0, 1\], but got math: 31"):
        await go("+pool.models.sim-1b.scores={math: 31}")
