"""Racing in a whole run: who is stopped, what it costs, what is told, archived and recommended."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig

from tts_search.app import Run
from tts_search.archive import Archive
from tts_search.config import RunConfig, settings
from tts_search.core.graph import Graph
from tts_search.core.result import Summary
from tts_search.core.sequential import expected_mean
from tts_search.core.trial import Evaluation, joined
from tts_search.environment.environment import Evaluated
from tts_search.environment.ledger import CallRecord, Ledger
from tts_search.errors import ConfigError
from tts_search.evaluation import Bench, Followed, Incumbent
from tts_search.llm.base import Completion, Request
from tts_search.llm.cache import Cached
from tts_search.main import run
from tts_search.parts import Parts, assemble
from tts_search.racing import Racing
from tts_search.record import Entry
from tts_search.tracking.progress import SilentProgress

Compose = Callable[..., DictConfig]
Go = Callable[..., Any]

SMALL = (
    "evaluation=racing",
    "task.search=60",
    "task.validation=60",
    "task.test=10",
    "space.slots=4",
    "search.batch=60",
    "search.profile=4",
    "search.finalists=3",
    "search.max_trials=24",
)


@dataclass
class Outcome:
    summary: Summary
    archive: bytes

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.archive.splitlines()]


@pytest.fixture
def go(simulated: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Go:
    """await go("seed=1"): a small race; all share one cache. No pictures."""
    monkeypatch.setattr("tts_search.files.save_pictures", lambda *_: ())
    runs = 0

    async def start(*overrides: str) -> Outcome:
        nonlocal runs
        runs += 1
        folder = tmp_path / f"run{runs}"
        folder.mkdir()
        summary, _ = await run(simulated(*SMALL, *overrides), folder, SilentProgress())
        return Outcome(summary, (folder / "archive.jsonl").read_bytes())

    return start


# --- one race ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    id: str


@dataclass
class Told:
    """An environment in which every graph's scores are written down. `asked` keeps what was."""

    scores: Mapping[str, Sequence[float]]
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def evaluate_many(
        self, graphs: Sequence[str], examples: Sequence[Question]
    ) -> list[Evaluated]:
        return [self._one(graph, [e.id for e in examples]) for graph in graphs]

    def _one(self, graph: str, ids: Sequence[str]) -> Evaluated:
        self.asked += [(graph, i) for i in ids]
        scores = tuple(self.scores[graph][int(i)] for i in ids)
        seen = Evaluation(tuple(ids), scores, (1.0,) * len(ids), 10.0, 5.0, 1.0, 0)
        return Evaluated(seen, [CallRecord(hash((graph, i)), 15, 0.0) for i in ids])


BATCH = [Question(str(i)) for i in range(40)]
HALF = [float(i % 2) for i in range(40)]


def incumbent(scores: Sequence[float] = HALF) -> Incumbent:
    followed = Followed()
    followed.add(scores)
    return followed.incumbent("best", scores)


async def race(
    policy: Racing,
    scores: Mapping[str, Sequence[float]],
    affords: Callable[[Sequence[Graph], int], int] = lambda graphs, _: len(graphs),
) -> tuple[list[Any], Told, Ledger]:
    told, ledger = Told(scores), Ledger()
    bench = Bench(told, ledger, affords)  # type: ignore[arg-type]
    found = await policy.evaluate(bench, list(scores), BATCH, incumbent())  # type: ignore[arg-type]
    return found, told, ledger


async def test_who_is_beaten_stops_and_costs_no_more_while_others_go_on() -> None:
    bad, good = [0.0] * 40, [1.0] * 40
    (lost, won), told, ledger = await race(
        Racing(first=8, growth=1, margin=0), {"bad": bad, "good": good}
    )
    answered = len(lost.evaluation.scores)
    assert answered == 8
    assert lost.dropped.reason.startswith("beaten")
    assert won.dropped is None
    assert won.evaluation.scores == tuple(good)
    assert told.asked.count(("bad", "7")) == 1
    assert ("bad", "8") not in told.asked
    assert ledger.calls == len(set(told.asked)) == len(told.asked) == 40 + answered


async def test_all_racers_answer_the_same_questions_before_the_next_block() -> None:
    _, told, _ = await race(Racing(first=4, growth=2, margin=0), {"a": HALF, "b": HALF})
    order = [i for graph, i in told.asked if graph == "a"]
    assert order == [q.id for q in BATCH]
    cuts = [4, 12, 28, 40]
    for start, end in zip([0, *cuts], cuts, strict=False):
        ids = [str(i) for i in range(start, end)]
        assert told.asked[2 * start : 2 * end] == [(g, i) for g in "ab" for i in ids]


async def test_the_same_scores_are_never_beaten() -> None:
    (same,), _, _ = await race(Racing(alpha=0.9, margin=0, first=1, growth=1), {"same": HALF})
    assert same.dropped is None


async def test_what_cannot_catch_up_is_out_of_reach() -> None:
    """No evidence is enough for so small an alpha, but certainty is."""
    (lost,), _, _ = await race(Racing(alpha=1e-9, margin=0, first=1, growth=1), {"bad": [0.0] * 40})
    assert lost.dropped.reason == "out of reach"
    assert len(lost.evaluation.scores) == 21, "19 right of those left are short of 20"


async def test_a_margin_stops_those_that_are_only_as_good() -> None:
    racing = Racing(alpha=0.2, margin=0.1, first=1, growth=1)
    (same,), _, _ = await race(racing, {"same": HALF})
    assert same.dropped
    assert same.dropped.estimate == pytest.approx(0.5)


async def test_the_estimate_allows_for_the_questions_answered() -> None:
    """Never above the incumbent: who was stopped has not been shown to be better."""
    bad = [0.0] * 40
    (lost,), _, _ = await race(Racing(first=8), {"bad": bad})
    forecast = incumbent().forecast
    assert lost.dropped.estimate == expected_mean(lost.evaluation.scores, forecast)
    assert (lost.dropped.batch, lost.dropped.rival) == (40, "best")
    good = [1.0] * 40
    (cut,), _, _ = await race(Racing(first=8), {"good": good}, affords=lambda *_: 0)
    assert cut.dropped.reason == "limits of the search"
    assert len(cut.evaluation.scores) == 8
    assert cut.dropped.estimate == 0.5


async def test_what_is_foreseen_of_a_graph_is_half_of_its_forecast() -> None:
    """It sees that a candidate will do badly, so fewer answers show it; with any forecast at all
    one that is as good stays (tests/core/test_sequential.py)."""
    bad, told = [float(i % 4 == 0) for i in range(40)], []

    def foresee(graph: Graph) -> list[float]:
        told.append(graph)
        return [0.25] * 40

    followed = Followed(foresee)
    followed.add(HALF)
    best = followed.incumbent("best", HALF)
    assert best.forecast_of("bad") == [(h + 0.25) / 2 for h in HALF]  # type: ignore[arg-type]
    bench = Bench(Told({"bad": bad}), Ledger(), lambda graphs, _: len(graphs))  # type: ignore[arg-type]
    racing = Racing(first=2, growth=1, margin=0)
    (lost,) = await racing.evaluate(bench, ["bad"], BATCH, best)  # type: ignore
    assert told == ["bad", "bad"], "fixed before it starts"
    (plain,), _, _ = await race(racing, {"bad": bad})
    assert lost.dropped
    assert plain.dropped
    assert len(lost.evaluation.scores) <= len(plain.evaluation.scores)


async def test_the_limits_are_asked_before_every_block_but_the_first() -> None:
    """That was foreseen with the whole batch."""
    asked: list[tuple[int, int]] = []

    def affords(graphs: Sequence[Graph], questions: int) -> int:
        asked.append((len(graphs), questions))
        return 1 if len(asked) == 2 else len(graphs)

    (one, other), _, _ = await race(
        Racing(first=8, growth=1, margin=0), {"a": HALF, "b": HALF}, affords
    )
    assert asked == [(2, 8), (2, 8), (1, 8), (1, 8)]
    assert one.dropped is None
    assert len(other.evaluation.scores) == 16


def test_blocks_joined_are_the_evaluation_in_one() -> None:
    told = Told({"a": HALF})
    parts = [told._one("a", [str(i) for i in ids]).evaluation for ids in (range(4), range(4, 10))]
    uneven = replace(parts[1], prompt_tokens=20.0, failures=2)
    whole = joined([parts[0], uneven])
    assert whole.questions == tuple(map(str, range(10)))
    assert whole.scores == tuple(HALF[:10])
    assert whole.prompt_tokens == pytest.approx(16.0)
    assert whole.failures == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("first", 0), ("growth", 0.5), ("alpha", 0.0), ("alpha", 1.0), ("margin", -1)],
)
def test_settings_without_sense_are_refused(name: str, value: float) -> None:
    with pytest.raises(
        ConfigError, match=rf"evaluation\.{name} must be .*type evaluation\.{name}="
    ):
        Racing(**{name: value})  # type: ignore[arg-type]


# --- a whole run ------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["random", "agent_reinforce"])
async def test_every_line_says_how_far_the_candidate_came(go: Go, optimizer: str) -> None:
    lines = (await go(f"optimizer={optimizer}")).lines
    batch = lines[0]["questions"]
    assert len(batch) == 60, "the first had nobody to race against"
    dropped = [line for line in lines if "complete" in line]
    assert len(dropped) > 5
    for line in lines:
        assert line["questions"] == batch[: len(line["questions"])]
        own = sum(line["scores"]) / len(line["scores"])
        if line in dropped:
            assert line["complete"] is False
            told = line["dropped"]
            assert told["answered"] == len(line["questions"]) < told["batch"] == 60
            assert told["mean"] == pytest.approx(own, abs=1e-6)
            assert told["rival"] in {other["key"] for other in lines if other not in dropped}
        else:
            assert len(line["questions"]) == 60
            assert line["score"] == pytest.approx(own, abs=1e-6)


async def test_nobody_dropped_is_told_to_be_better_or_recommended_unvalidated(go: Go) -> None:
    won = []
    for seed in range(3):
        done = await go(f"seed={seed}")
        whole = {line["key"] for line in done.lines if "complete" not in line}
        assert done.summary.validation_score is not None
        won.append(done.summary.best_key in whole)
        plain = await go(f"seed={seed}", "search.finalists=0")
        assert plain.summary.validation_score is None
        assert plain.summary.best_key in whole
        best = 0.0
        for line in done.lines:
            if "complete" in line:
                assert line["score"] <= best
            elif line["within_budget"]:
                best = max(best, line["score"])
    assert not all(won), "who was dropped may win on validation questions"


@pytest.mark.parametrize("optimizer", ["random", "agent_reinforce"])
async def test_a_race_repeats_to_the_byte_first_and_cached(go: Go, optimizer: str) -> None:
    first, cached = await go(f"optimizer={optimizer}"), await go(f"optimizer={optimizer}")
    fresh = await go(f"optimizer={optimizer}", "cache=null")
    assert first.archive == cached.archive == fresh.archive
    assert first.summary.best_key == cached.summary.best_key == fresh.summary.best_key
    assert first.summary.search_spend == cached.summary.search_spend == fresh.summary.search_spend
    assert first.summary.calls.sent > 0 == cached.summary.calls.sent
    assert (await go(f"optimizer={optimizer}", "seed=1")).archive != first.archive


@pytest.mark.parametrize("optimizer", ["random", "agent_reinforce"])
@pytest.mark.parametrize("calls", [700, 1500])
async def test_max_calls_is_never_exceeded(go: Go, optimizer: str, calls: int) -> None:
    done = await go(f"optimizer={optimizer}", f"search.max_calls={calls}", "search.max_trials=null")
    assert done.summary.stopped_by == "max_calls"
    assert done.lines[-1]["spend"]["calls"] <= 0.6 * calls
    assert done.summary.search_spend.calls <= calls
    assert all(
        line["dropped"]["reason"] != "limits of the search"
        for line in done.lines[1:]
        if "dropped" in line
    ), "calls are foreseen for the whole batch"


async def test_full_evaluation_needs_more_calls_for_the_same_candidates(go: Go) -> None:
    """Random search proposes the same graphs whatever becomes of them."""
    race, full = (
        await go("optimizer=random"),
        await go("optimizer=random", "evaluation=full", "search.batch=60"),
    )
    assert [line["key"] for line in race.lines] == [line["key"] for line in full.lines]
    spent = [done.lines[-1]["spend"]["calls"] for done in (race, full)]
    assert spent[0] < 0.9 * spent[1]
    assert not any("complete" in line for line in full.lines)


@dataclass
class Judge:
    """Right wherever it is asked on the batch; elsewhere only if no answers are read."""

    batch: frozenset[str]
    identity: str = "judge"
    asked: list[Request] = field(default_factory=list)

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        assert request.site
        right = request.site.example.id in self.batch or not request.site.answers
        said = request.site.example.answer if right else "-1"
        return Completion(f"The answer is {said}.", 40, 10)

    async def aclose(self) -> None:
        pass


async def test_a_finalist_that_is_beaten_stops_too(simulated: Compose) -> None:
    """All are right on the batch, so the cheapest is validated first: a call that reads nothing,
    right again. Those that read answers are wrong from then on, and stopped."""
    few = ("evaluation.margin=0", "search.max_trials=12", "search.finalists=12")
    config = simulated(*SMALL, *few, "optimizer=random", "search.max_tokens=null")
    parts = assemble(config)
    validation = {e.id for e in parts.task.load("validation")}
    judge = Judge(frozenset(e.id for e in parts.task.load("search")))
    summary, archive = await ran(config, replace(parts, llm=Cached(judge, ":memory:")))
    assert all(trial.complete for trial in archive.trials), "as good is not beaten"
    assert summary.validation_score == 1.0
    sites = [request.site for request in judge.asked if request.site]
    readers = Counter(s.key for s in sites if s.answers and s.example.id in validation)
    assert len(readers) > 3
    assert max(readers.values()) < 20


async def ran(config: DictConfig, parts: Parts) -> tuple[Summary, Archive]:
    archive = Archive()
    try:
        course = Run(parts, settings(config), config.space.slots, archive, SilentProgress())
        return await course.summary(), archive
    finally:
        await parts.aclose()


# --- what is read back ------------------------------------------------------------------------


async def test_lines_of_both_kinds_are_read_back(go: Go) -> None:
    lines = (await go()).lines
    entries = [Entry.read(line) for line in lines]
    for line, entry in zip(lines, entries, strict=True):
        assert entry.complete == ("complete" not in line)
        assert entry.to_json().get("dropped") == line.get("dropped")
        assert ("dropped after" in entry.stopped) == (not entry.complete)
    assert {entry.complete for entry in entries} == {True, False}


def test_the_config_of_an_old_run_means_full_evaluation() -> None:
    assert RunConfig().evaluation == {"_target_": "tts_search.evaluation.Full"}
