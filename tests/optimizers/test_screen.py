"""The surrogate learns from scores what graphs score, and the screen tries what it favours."""

import numpy as np
import pytest

from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.identity import graph_key
from tts_search.core.trial import Proposal, Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.graph_features import pattern_matrix, patterns
from tts_search.optimizers.sampling import Sampler
from tts_search.optimizers.screen import LEAST, Screen
from tts_search.optimizers.surrogate import Surrogate

from .worlds import bumpy, context, judge, paper_space

SPACE = paper_space()


def graphs(count: int, seed: int = 0) -> list[Graph]:
    uniform = GraphDistribution.uniform(SPACE)
    return [p.graph for p in Sampler(context(SPACE, seed)).draw(uniform, count, "")]


def trials(some: list[Graph]) -> list[Trial]:
    where = context(SPACE)
    return [judge(where, i, Proposal(g, ""), bumpy(g), 1.0) for i, g in enumerate(some)]


def test_patterns_tell_graphs_apart_and_likeness_is_a_cosine() -> None:
    some = graphs(60)
    known = {name: i for i, name in enumerate({n for g in some for n in patterns(g)})}
    alike = pattern_matrix(some, known) @ pattern_matrix(some, known).T
    assert np.allclose(np.diag(alike), 1)
    assert ((alike >= 0) & (alike <= 1 + 1e-9)).all()
    assert (alike[~np.eye(len(some), dtype=bool)] < 1 - 1e-9).mean() > 0.99


def test_a_surrogate_of_exact_scores_returns_them_and_knows_it() -> None:
    some = graphs(30)
    model = Surrogate(SPACE.budget)
    model.fit(some, [bumpy(g) for g in some], [1e-6] * 30)
    mean, spread = model.predict(some)
    assert np.abs(mean - [bumpy(g) for g in some]).max() < 0.02
    fresh = graphs(60, seed=1)
    assert model.predict(fresh)[1].mean() > 3 * spread.mean()


@pytest.mark.parametrize("seed", range(4))
def test_it_ranks_graphs_it_never_saw(seed: int) -> None:
    """Rank correlation above 0.5 from 60 noisy scores; without learning it is 0 +- 0.1."""
    rng = np.random.default_rng(seed)
    some = graphs(160, seed)
    true = np.array([bumpy(g) for g in some])
    seen = true[:60] + rng.normal(0, 0.05, 60)
    model = Surrogate(SPACE.budget)
    model.fit(some[:60], seen.tolist(), [0.0025] * 60)
    ranks = [np.argsort(np.argsort(v)) for v in (model.predict(some[60:])[0], true[60:])]
    assert np.corrcoef(*ranks)[0, 1] > 0.5


def test_scores_that_are_all_alike_are_survived() -> None:
    some = graphs(10)
    model = Surrogate(SPACE.budget)
    model.fit(some, [0.0] * 10, [0.01] * 10)
    mean, spread = model.predict(graphs(5, seed=2))
    assert np.isfinite(mean).all()
    assert np.isfinite(spread).all()


def test_what_is_screened_scores_better_than_what_is_sampled() -> None:
    known, uniform = trials(graphs(40)), GraphDistribution.uniform(SPACE)
    screen = Screen()
    screen.start(context(SPACE))
    chosen = screen.choose(uniform, known, 8, "a reason")
    assert len({graph_key(p.graph) for p in chosen} - {t.key for t in known}) == 8
    assert np.mean([bumpy(p.graph) for p in chosen]) > 1.5 * np.mean([t.score for t in known])
    for proposal in chosen:
        assert proposal.point is not None
        assert graph_key(SPACE.decode(proposal.point)) == graph_key(proposal.graph)
        assert "expected; a reason" in proposal.reason


def test_too_little_to_learn_from_leaves_sampling_as_it_is() -> None:
    screen = Screen()
    screen.start(context(SPACE))
    few = trials(graphs(LEAST - 1))
    assert screen.choose(GraphDistribution.uniform(SPACE), few, 4, "") == []


@pytest.mark.parametrize(
    "settings", [{"sampled": -1}, {"sampled": 0, "varied": 0, "uniform": 0}, {"leaders": 0}]
)
def test_a_screen_that_draws_nothing_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.screen needs"):
        Screen(**settings)
