"""Optuna's samplers: what they are told, that they learn from it, and what they leave unsaid."""

import logging
from dataclasses import replace
from importlib import util

import numpy as np
import optuna
import pytest
from core.strategies import random_point

from tts_search.core.graph import Graph
from tts_search.core.identity import graph_key
from tts_search.core.trial import Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.gp import GP
from tts_search.optimizers.nsga2 import NSGA2
from tts_search.optimizers.optuna_search import OptunaSearch, parameters, suggest
from tts_search.optimizers.random import RandomSearch
from tts_search.optimizers.tpe import TPE

from .worlds import Course, bumpy, context, drive, paper_space

TINY, SMALL = paper_space(slots=2, limit=12), paper_space(slots=3, limit=12)
PAPER = paper_space()

METHODS = {
    "tpe": lambda: TPE(startup=4),
    "tpe conditional": lambda: TPE(startup=4, conditional=True),
    "gp": lambda: GP(startup=4),
    "nsga2": lambda: NSGA2(population=4),
    "two objectives": lambda: NSGA2(population=4, objectives=["score", "cost"]),
}
methods = pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)


def told(optimizer: OptunaSearch) -> list[optuna.trial.FrozenTrial]:
    return [t for t in optimizer._study.trials if t.state.is_finished()]


# --- points and parameters --------------------------------------------------------------------


@pytest.mark.parametrize("conditional", [False, True])
def test_a_point_written_as_parameters_is_suggested_again(conditional: bool) -> None:
    rng = np.random.default_rng(0)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(50):
        point = random_point(rng, PAPER)
        study.enqueue_trial(parameters(point))
        seen = suggest(study.ask(), PAPER, conditional)
        assert np.array_equal(seen.model, point.model)
        assert graph_key(PAPER.decode(seen)) == graph_key(PAPER.decode(point))


def test_conditional_parameters_are_those_of_slots_in_use() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask()
        used = np.flatnonzero(suggest(trial, PAPER, True).model)
        want = {f"model {i}" for i in range(8)} | {f"role {i}" for i in used}
        assert set(trial.params) == want | {f"edge {i} {j}" for j in used for i in used if i < j}


# --- what a sampler is told -------------------------------------------------------------------


@methods
@pytest.mark.parametrize("dear", [1.0, 5.0])
async def test_the_score_and_the_measured_cost_are_told(make: object, dear: float) -> None:
    """Of each graph to all trials that decode to it; more than 0 is over budget."""
    optimizer = make()  # type: ignore[operator]
    course = await drive(optimizer, context(TINY), trials=6, parallel=1, dear=dear)
    known = {t.key: t for t in course.trials}
    heard = told(optimizer)
    assert {t.user_attrs["graph"] for t in heard} == set(known)
    for trial in heard:
        about = known[trial.user_attrs["graph"]]
        assert trial.values[0] == about.score
        assert (trial.constraints["budget"] <= 0) == about.within_budget


async def test_a_cost_within_budget_up_to_rounding_is_feasible() -> None:
    def exactly(optimizer: object, trials: list[Trial]) -> None:
        limit = SMALL.budget.limit * (1 + 1e-10)
        cost = replace(trials[0].evaluation, costs=(limit,) * 24)
        optimizer.tell([replace(trials[0], evaluation=cost, within_budget=True)])  # type: ignore[attr-defined]

    optimizer = TPE()
    await drive(optimizer, context(SMALL), trials=1, parallel=1, tell=exactly)
    assert told(optimizer)[0].constraints["budget"] == 0


@methods
async def test_a_graph_that_comes_up_again_is_not_evaluated_again(make: object) -> None:
    """The space is small: the sampler repeats itself, is told so, and the course has no repeat."""
    optimizer = make()  # type: ignore[operator]
    course = await drive(optimizer, context(TINY), trials=10, parallel=2)
    assert len(set(course.keys)) == 10
    assert len(told(optimizer)) > 10


async def test_a_repeat_of_a_graph_still_running_hears_its_score_later() -> None:
    """One slot, three models: most suggestions repeat one that has no score yet."""
    where = context(paper_space(slots=1, limit=18))
    optimizer = TPE(startup=1)
    course = await drive(optimizer, where, parallel=16, trials=16)
    assert course.finished
    assert len(course.trials) == 3
    assert all(t.state.is_finished() for t in optimizer._study.trials[:16])


# --- they learn -------------------------------------------------------------------------------


async def late_mean(optimizer: OptunaSearch | RandomSearch, seed: int, start: int) -> float:
    course = await drive(optimizer, context(PAPER, seed), trials=40)
    return float(np.mean([bumpy(t.graph) for t in course.trials[start:]]))


@pytest.mark.parametrize("make", [TPE, NSGA2], ids=["tpe", "nsga2"])
async def test_what_it_tries_later_is_better_than_random_search(make: type[OptunaSearch]) -> None:
    """Mean score of trials 21 to 40, paired by seed: a sign test over 20 seeds.

    15 wins or more would come about by chance with probability 0.02; the seeds are fixed anyway.
    """
    wins = [
        await late_mean(make(), s, 20) > await late_mean(RandomSearch(), s, 20) for s in range(20)
    ]
    assert sum(wins) >= 15


async def test_the_gaussian_process_learns() -> None:
    """Share of nodes with the one good model: what is suggested after 12 random graphs is at least
    0.2 above these, in the mean over 3 seeds. The seeds are fixed."""

    def share(graph: Graph) -> float:
        return sum(n.model == "3B" for n in graph.nodes) / len(graph.nodes)

    space, before, after = paper_space(slots=3, limit=80), [], []
    for seed in range(3):
        optimizer = GP(startup=12)
        course = await drive(optimizer, context(space, seed), share, trials=12, parallel=1)
        before += [share(t.graph) for t in course.trials]
        after.append(share(space.decode(suggest(optimizer._study.ask(), space, False))))
    assert np.mean(after) > np.mean(before) + 0.2


async def test_the_gaussian_process_waits_for_scores_after_its_start_up() -> None:
    optimizer = GP(startup=4)
    await drive(optimizer, context(TINY), trials=4)
    assert len(await optimizer.ask(4)) == 1


async def test_infeasible_graphs_are_avoided() -> None:
    """All graphs with the best model break the budget as measured: it is tried ever less.

    Share of graphs that hold it, over 4 seeds, TPE told so against TPE told that all is well.
    """

    def best_with_8b(graph: Graph) -> float:
        return 0.2 + 0.8 * any(n.model == "8B" for n in graph.nodes)

    async def share(honest: bool) -> float:
        def tell(optimizer: object, trials: list[Trial]) -> None:
            over = [any(n.model == "8B" for n in t.graph.nodes) for t in trials]
            optimizer.tell(  # type: ignore[attr-defined]
                [
                    replace(
                        t,
                        within_budget=False,
                        evaluation=replace(t.evaluation, costs=(30.0,) * 24),
                    )
                    if dear and honest
                    else t
                    for t, dear in zip(trials, over, strict=True)
                ]
            )

        held = []
        for seed in range(4):
            course = await drive(TPE(), context(PAPER, seed), best_with_8b, trials=40, tell=tell)
            held += [best_with_8b(t.graph) == 1.0 for t in course.trials[20:]]
        return float(np.mean(held))

    assert await share(honest=True) < await share(honest=False) - 0.2


# --- two objectives ---------------------------------------------------------------------------


def dominated(trial: Trial, others: list[Trial]) -> bool:
    return any(
        o.score >= trial.score
        and o.evaluation.cost <= trial.evaluation.cost
        and (o.score, o.evaluation.cost) != (trial.score, trial.evaluation.cost)
        for o in others
    )


async def test_two_objectives_keep_a_front_of_score_and_cost() -> None:
    optimizer = NSGA2(objectives=["score", "cost"])
    course = await drive(optimizer, context(PAPER), trials=40)
    front = optimizer.front
    assert front == [t for t in course.trials if not dominated(t, course.trials)]
    assert len(front) > 1


async def test_one_objective_keeps_the_best_alone() -> None:
    optimizer = NSGA2()
    course = await drive(optimizer, context(PAPER), trials=40)
    top = max(t.score for t in course.trials)
    assert {t.score for t in optimizer.front} == {top}


async def test_nothing_over_budget_is_on_the_front() -> None:
    optimizer = NSGA2(objectives=["score", "cost"])
    await drive(optimizer, context(PAPER), trials=16, dear=50.0)
    assert optimizer.front == []


async def test_a_second_objective_turns_to_cheaper_graphs() -> None:
    """Mean cost of trials 21 to 40, paired by seed: lower in 15 of 20 or more (sign test, 0.02)."""

    async def cost(objectives: list[str], seed: int) -> float:
        course: Course = await drive(NSGA2(objectives=objectives), context(PAPER, seed), trials=40)
        return float(np.mean([t.estimate for t in course.trials[20:]]))

    cheaper = [
        await cost(["score", "cost"], seed) < await cost(["score"], seed) for seed in range(20)
    ]
    assert sum(cheaper) >= 15


# --- settings and silence ---------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [[], ["cost"], ["score", "score"], ["score", "speed"]])
def test_other_objectives_are_refused(wrong: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"\[score,cost\]"):
        NSGA2(objectives=wrong)


@pytest.mark.parametrize(
    "build",
    [
        lambda: TPE(startup=0),
        lambda: TPE(candidates=0),
        lambda: GP(startup=0),
        lambda: NSGA2(population=1),
    ],
)
def test_impossible_settings_are_refused(build: object) -> None:
    with pytest.raises(ConfigError, match="must be at least"):
        build()  # type: ignore[operator]


@pytest.mark.parametrize("library", ["torch", "scipy"])
def test_a_missing_library_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = util.find_spec
    monkeypatch.setattr(
        "tts_search.optimizers.gp.find_spec", lambda n: None if n == library else found(n)
    )
    with pytest.raises(
        ConfigError, match=rf"needs {library}; type pip install 'tts-search\[torch\]'"
    ):
        GP()


async def test_optuna_says_nothing(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of a study created, of independent sampling; warnings are errors in all tests."""
    with caplog.at_level(logging.INFO):
        await drive(TPE(startup=2, conditional=True), context(SMALL), trials=8)
        await drive(GP(startup=2), context(SMALL), trials=4)
    assert not [r for r in caplog.records if r.name.startswith("optuna")]
    assert capfd.readouterr().err == ""
