"""One call: both forms agree whatever the habits, and each habit does what its name says."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.parts import environment, single, star, world
from tts_search.simulation.calls import DRAWS, Odds, answer, answers, first_of_most
from tts_search.simulation.latents import Questions, Skill
from tts_search.simulation.noise import uniforms
from tts_search.simulation.world import Ability, Habits, Reader, World

share = st.floats(0, 1)
habits = st.builds(
    Habits,
    wrong_answers=st.integers(1, 30),
    mend=share,
    fresh=share,
    corrupt=share,
    muddle=share,
)
readers = st.builds(Reader, weighs=share, refines=share)


@given(habits, readers, st.integers(0, 6), st.integers(0, 2**32), st.floats(50, 5000))
def test_one_question_and_many_are_answered_alike(habits, reader, width, seed, span):
    rng, n = np.random.default_rng(seed), 40
    lure, solve, spot = rng.random((3, n)) * 0.999
    skill = Skill(solve, spot, rng.random(n) < 0.5)
    said = rng.integers(0, min(4, habits.wrong_answers) + 1, (width, n))
    tokens, u = rng.integers(1, 600, (width, n)), rng.random((DRAWS, n))
    many = answers(habits, span, reader, lure, skill, said, tokens, u)
    for q in range(n):
        odds = Odds(lure[q], solve[q], spot[q], bool(skill.mends[q]))
        read = list(zip(said[:, q].tolist(), tokens[:, q].tolist(), strict=True))
        assert answer(habits, span, reader, odds, read, u[:, q].tolist()) == many[q]


@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=7))
def test_the_majority_is_the_first_of_the_most_frequent(rows):
    said = np.array(rows)
    found = said[first_of_most(said), np.arange(5)]
    for q in range(5):
        column = said[:, q].tolist()
        assert found[q] == max(column, key=column.count)  # max keeps the first


N = 20_000
CALM = Habits(comfort=1e9, repair=0, corrupt=0, fresh=0)


def reads(said, habits=CALM, reader=Reader(1, 0), span=1e9, solve=0.5, spot=0.5, tokens=100):  # noqa: B008
    """Share of right answers of a call that reads `said` on 20,000 questions. SE 0.0035."""
    u = uniforms(np.arange(N, dtype=np.uint64), DRAWS)
    skill = Skill(np.full(N, solve), np.full(N, spot), np.full(N, True))
    heard = np.repeat(np.array(said)[:, None], N, axis=1)
    lengths = np.full(heard.shape, tokens)
    return (answers(habits, span, reader, np.full(N, 0.4), skill, heard, lengths, u) == 0).mean()


def test_a_fuser_recovers_a_right_minority_as_often_as_it_spots_it():
    assert reads([1, 1, 0]) == pytest.approx(0.5, abs=0.02)
    assert reads([1, 1, 0], reader=Reader(0, 0)) == 0
    assert reads([0, 0, 1]) == 1
    assert reads([1, 1, 2]) == 0  # nobody is right, and it does not refine


def test_refining_repairs_and_corrupts():
    refine = Reader(0, 1)
    assert reads([1], replace(CALM, mend=0.3), refine) == pytest.approx(0.3, abs=0.02)
    assert reads([0], replace(CALM, corrupt=0.4), refine) == pytest.approx(0.8, abs=0.02)
    fresh = replace(CALM, mend=0, fresh=0.5)
    assert reads([1], fresh, refine) == pytest.approx(0.25, abs=0.02)


def test_attention_goes_with_the_tokens_read_relative_to_the_span():
    """At the span half of the calls are inattentive; half of these are muddled, half repeat."""
    habits = replace(CALM, muddle=0.5)
    assert reads([0, 0], habits, span=200) == pytest.approx(0.75, abs=0.02)
    widths = [reads([0] * w, habits, span=300) for w in (1, 2, 4, 8)]
    assert all(b < a - 0.02 for a, b in pairwise(widths))
    assert reads([0] * 4, habits, span=300, tokens=50) > widths[2] + 0.1
    assert Habits().span(70) > Habits().span(1)


def agreement(kin: float, families: tuple[str, str]) -> float:
    models = {f"m{i}": Ability(0.5, 10, 1, family) for i, family in enumerate(families)}
    made = World(models, Ability(0.5, 10), 50, Habits(difficulty=0.2, kinship=kin))
    questions = Questions(made, [f"q{i}" for i in range(5000)])
    return float(np.corrcoef(questions.skill("m0").solve, questions.skill("m1").solve)[0, 1])


def test_models_of_a_family_err_together():
    """Correlation of chances over 5,000 questions: standard error below 0.015."""
    assert agreement(0.6, ("x", "x")) == pytest.approx(1)
    assert agreement(0.6, ("x", "y")) < 0.4
    assert agreement(0.0, ("x", "y")) == pytest.approx(1)


def test_wrong_answers_coincide_as_often_as_the_popularity_says():
    """Of pairs of independent wrong answers; on some questions most votes for a wrong one win."""
    shares = {}
    for popularity in (0.1, 0.6):
        questions = Questions(
            replace(world(), habits=Habits(popularity=popularity, wrong_answers=1000)),
            [f"q{i}" for i in range(N)],
        )
        shares[popularity] = questions.lure.mean()
        assert shares[popularity] == pytest.approx(popularity, abs=0.02)
        assert questions.lure.std() > 0.1


def test_more_votes_make_some_questions_worse():
    """Chance of 8B on MMLU over 30 runs of 1,000 questions: standard error of a question 0.09."""
    ids = tuple(f"q{i}" for i in range(1000))
    where = environment("mmlu")
    alone, voted = (
        np.mean([where.play(g, ids, seed).said[-1] == 0 for seed in range(30)], axis=0)
        for g in (single("8b"), star("8b", 9, "vote"))
    )
    unsure = (alone > 0.1) & (alone < 0.5)
    assert (voted - alone)[unsure].min() < -0.2
    assert (voted - alone)[unsure].max() > 0.2
    assert (voted < alone)[unsure].mean() > 0.2
