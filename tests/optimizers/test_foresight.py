"""Foresight: which samples are tried, and which leaders are believed."""

from dataclasses import replace

import numpy as np
import pytest
from forecast.parts import IDS, place, seen
from simulation.parts import environment

from tts_search.agents.rules import RulesAgent
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.identity import graph_key
from tts_search.core.trial import Proposal, Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.foresight import Foresight, earned
from tts_search.optimizers.initialise import Uniform
from tts_search.optimizers.loop import SampleFeedbackUpdate
from tts_search.optimizers.sampling import Sampler
from tts_search.optimizers.update import AgentUpdate

from .worlds import bumpy, context, drive, judge, paper_space

SPACE, WORLD = place("math")


def where(seed: int = 0) -> SearchContext:
    return SearchContext(SPACE, seed, "math", batch=len(IDS))


def trial(number: int, graph: Graph) -> Trial:
    found = seen(WORLD, graph)
    return Trial(number, WORLD.key(graph), Proposal(graph, "because"), 1.0, found, True)


def drawn(count: int, seed: int = 0) -> list[Graph]:
    uniform = GraphDistribution.uniform(SPACE)
    found = Sampler(where(seed)).draw(uniform, count, "uniform")
    return [proposal.graph for proposal in found]


def taught(foresight: Foresight, count: int = 30) -> list[Trial]:
    foresight.start(where(), "test")
    trials = [trial(i, graph) for i, graph in enumerate(drawn(count))]
    foresight.tell(trials, trials)
    return trials


def plain(score: float, _: float) -> float:
    return score


def test_the_best_foreseen_of_many_samples_are_tried() -> None:
    """True scores of what is chosen against those of plain samples: 0.62 and 0.49."""
    foresight, sampler = Foresight(candidates=100), Sampler(where(1))
    taught(foresight)
    uniform = GraphDistribution.uniform(SPACE)
    chosen = foresight.choose(uniform, sampler, 5, "why", plain)
    assert len({graph_key(p.graph) for p in chosen}) == 5
    assert all(p.reason.startswith("forecast 0.") and p.reason.endswith("why") for p in chosen)
    assert all(graph_key(SPACE.decode(p.point)) == graph_key(p.graph) for p in chosen if p.point)
    true = environment("math").true_score
    ahead = np.mean([true(p.graph, 2000, 1) for p in chosen])
    usual = np.mean([true(graph, 2000, 1) for graph in drawn(40, seed=2)])
    assert ahead > usual + 0.05


def test_what_was_chosen_is_not_sampled_again() -> None:
    foresight, sampler = Foresight(candidates=50), Sampler(where(1))
    taught(foresight)
    uniform = GraphDistribution.uniform(SPACE)
    chosen = [foresight.choose(uniform, sampler, 4, "why", plain) for _ in range(5)]
    keys = [graph_key(p.graph) for step in chosen for p in step]
    assert len(set(keys)) == len(keys) == 20


def test_without_candidates_or_anything_to_go_by_it_has_no_say() -> None:
    uniform, sampler = GraphDistribution.uniform(SPACE), Sampler(where())
    silent, fresh = Foresight(candidates=0), Foresight()
    taught(silent)
    fresh.start(where(), "test")
    for foresight in (silent, fresh):
        assert foresight.choose(uniform, sampler, 4, "why", plain) == []


def test_estimates_lie_between_score_and_forecast_and_are_nearer_the_truth() -> None:
    """Root mean square error to the expected score on the batch: 0.051 against 0.062."""
    foresight = Foresight()
    trials = taught(foresight, 60)
    believed = foresight.estimates
    assert set(believed) == {t.key for t in trials}
    truth = {
        t.key: np.mean([(WORLD.play(t.graph, IDS, r).said[-1] == 0).mean() for r in range(1, 40)])
        for t in trials
    }
    off = [[given - truth[t.key] for given in (t.score, believed[t.key])] for t in trials]
    raw, drawn_in = np.sqrt(np.square(off).mean(axis=0))
    assert drawn_in < 0.9 * raw


def test_leaders_may_be_left_to_the_measured_scores() -> None:
    foresight = Foresight(leaders=False)
    taught(foresight)
    assert foresight.estimates == {}


def test_what_is_beyond_the_forecast_counts_as_far_as_it_exceeds_its_noise() -> None:
    noise = np.full(4, 0.01)
    usual, large = np.array([0.1, -0.1, 0.1, -0.1]), np.array([0.7, -0.4, 0.6, -0.5])
    assert np.abs(earned(usual, noise)).max() < 0.01, "no more than noise"
    assert earned(large, noise) == pytest.approx(large, rel=0.05), "the forecast is useless"
    assert earned(large, np.zeros(4)) == pytest.approx(large), "no noise"
    assert earned(usual, np.zeros(4) + 1e-12) == pytest.approx(usual)


async def test_the_loop_is_the_same_without_it() -> None:
    """Neither candidates nor leaders: the very proposals of the paper's form."""

    def loop(foresight: Foresight | None) -> SampleFeedbackUpdate:
        update = AgentUpdate(RulesAgent())
        return SampleFeedbackUpdate("loop", Uniform(), update, foresight=foresight)

    courses = [
        await drive(loop(f), context(paper_space()), bumpy)
        for f in (None, Foresight(candidates=0, leaders=False))
    ]
    assert courses[0].keys == courses[1].keys
    assert (await drive(loop(Foresight()), context(paper_space()), bumpy)).keys != courses[0].keys


async def test_trials_that_do_not_say_how_their_nodes_did_are_survived() -> None:
    optimizer = SampleFeedbackUpdate(
        "loop", Uniform(), AgentUpdate(RulesAgent()), foresight=Foresight()
    )
    here = context(paper_space())
    optimizer.start(here)
    for step in range(4):
        asked = await optimizer.ask(4)
        assert asked
        trials = [judge(here, 4 * step + i, p, 0.5, 1.0) for i, p in enumerate(asked)]
        blind = [replace(t, evaluation=replace(t.evaluation, node_scores=())) for t in trials]
        optimizer.tell(blind)
    assert optimizer.estimates == {}


def test_a_negative_number_of_candidates_is_refused() -> None:
    with pytest.raises(ConfigError, match="candidates must be at least 0"):
        Foresight(candidates=-1)
