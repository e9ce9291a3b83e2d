"""The test behind racing: how often it is wrong, how soon right, and what it calls certain."""

from itertools import permutations
from math import inf, isinf, sqrt

import numpy as np
import pytest

from tts_search.core.sequential import evidence, expected_mean

RUNS = 300


def first_verdict(
    scores: np.ndarray, forecast: np.ndarray, target: float, alpha: float
) -> int | None:
    """After how many answers the candidate is dropped; looks after every third."""
    for t in range(3, len(scores), 3):
        if evidence(scores[:t].tolist(), forecast.tolist(), target) >= 1 / alpha:
            return t
    return None


def batch(rng: np.random.Generator, n: int, behind: float, like: float) -> tuple[np.ndarray, ...]:
    """Scores of a candidate and of a rival that is ahead by exactly `behind` on n questions.

    like: share of the questions on which both are right or both wrong
    """
    losses, wins = (round(n * ((1 - like) + sign * behind) / 2) for sign in (1, -1))
    both = n - losses - wins
    pairs = [(0, 1)] * losses + [(1, 0)] * wins + [(1, 1)] * (both // 2)
    pairs += [(0, 0)] * (n - len(pairs))
    return tuple(np.array(rng.permutation(pairs), dtype=float).T)


WORLDS = {
    "alike": (120, 0.9, "rival"),
    "unlike": (120, 0.5, "rival"),
    "few questions": (24, 0.6, "rival"),
    "smooth forecast": (120, 0.6, "half"),
    "useless forecast": (120, 0.6, "noise"),
    "misleading forecast": (120, 0.6, "opposite"),
}


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("name", WORLDS)
def test_who_is_as_good_is_dropped_with_probability_alpha_at_most(name: str, alpha: float) -> None:
    """At the edge of the hypothesis, where it is hardest to keep. Tolerance: three standard errors
    of a share of 300 runs, at most 0.087."""
    n, like, kind = WORLDS[name]
    rng = np.random.default_rng(len(name))
    wrong = 0
    for _ in range(RUNS):
        mine, rival = batch(rng, n, 0.0, like)
        forecast = {
            "rival": rival,
            "half": (rival + 0.5) / 2,
            "noise": rng.random(n),
            "opposite": 1 - mine,
        }[kind]
        wrong += first_verdict(mine, forecast, rival.mean(), alpha) is not None
    assert wrong / RUNS <= alpha + 3 * sqrt(alpha * (1 - alpha) / RUNS)


def test_a_test_that_must_not_be_looked_at_twice_fails_the_same_simulation() -> None:
    """A z-test at each look drops twice as many as it promises: the simulation can tell."""
    rng = np.random.default_rng(0)
    wrong, alpha, z = 0, 0.05, 1.645
    for _ in range(300):
        mine, rival = batch(rng, 120, 0.0, 0.6)
        for t in range(8, 120):
            d = (mine - rival)[:t]
            if d.mean() < -z * max(d.std(ddof=1), 0.1) / sqrt(t):
                wrong += 1
                break
    assert wrong / 300 > 2 * alpha


def test_the_wealth_is_a_supermartingale_in_every_order() -> None:
    """Exact: at each time its mean over all orders is 1 at most, for any scores at the target."""
    rng = np.random.default_rng(1)
    for _ in range(6):
        forecast, scores = rng.random(6), rng.integers(0, 3, 6) / 2
        orders = [list(order) for order in permutations(range(6))]
        for t in range(1, 6):
            wealth = [
                evidence(scores[o][:t].tolist(), forecast[o].tolist(), scores.mean())
                for o in orders
            ]
            assert np.mean(wealth) <= 1 + 1e-9


@pytest.mark.parametrize(("behind", "share"), [(0.1, 0.6), (0.2, 0.33), (0.3, 0.2)])
def test_who_is_behind_is_dropped_before_the_end(behind: float, share: float) -> None:
    """Of 120 questions with 40% discordant pairs. Measured at alpha = 0.2: 0.48, 0.24, 0.13 of
    them; the standard error of these means over 100 runs is below 0.03. And always: in the end it
    is certain."""
    rng = np.random.default_rng(2)
    taken = []
    for _ in range(100):
        mine, rival = batch(rng, 120, behind, 0.6)
        at = first_verdict(mine, rival, rival.mean(), 0.2)
        assert at is not None
        taken.append(at / 120)
    assert 0.5 * share < np.mean(taken) < share


def test_a_forecast_that_knows_the_questions_is_sooner_sure() -> None:
    """Half difficulty, half rival, against the rival alone."""
    rng = np.random.default_rng(3)
    plain, smooth = [], []
    for _ in range(150):
        hard = rng.beta(0.5, 0.5, 120)
        mine, rival = ((rng.random(120) < hard - gap).astype(float) for gap in (0.15, 0))
        target = rival.mean()
        plain.append(first_verdict(mine, rival, target, 0.2) or 120)
        smooth.append(first_verdict(mine, (rival + hard) / 2, target, 0.2) or 120)
    assert np.mean(smooth) < 0.9 * np.mean(plain)


def test_certainty_is_exactly_what_no_answer_can_change() -> None:
    rng = np.random.default_rng(4)
    seen = set()
    for _ in range(500):
        n = int(rng.integers(2, 12))
        t = int(rng.integers(1, n))
        scores, rival = rng.integers(0, 2, t).tolist(), rng.integers(0, 2, n).tolist()
        lost = isinf(evidence(scores, rival, sum(rival) / n))
        assert lost == (sum(scores) + n - t < sum(rival))
        seen.add(lost)
    assert seen == {True, False}


def test_a_margin_is_part_of_what_must_still_be_reached() -> None:
    rival = [1.0, 0.0, 1.0, 0.0]
    assert evidence([1.0, 0.0, 1.0], rival, 0.75) < inf
    assert evidence([1.0, 0.0, 1.0], rival, 0.75 + 0.01) == inf


def test_partial_credit_that_does_not_add_up_exactly_is_not_taken_for_certain() -> None:
    rival = [0.1] * 10 + [1.0]
    assert evidence([0.1] * 10, rival, sum(rival) / 11) < inf
    assert evidence([0.1] * 9 + [0.0], rival, sum(rival) / 11) == inf


def test_the_mean_told_of_a_dropped_candidate_allows_for_easy_questions() -> None:
    """The first questions are easy: its own mean says 0.9, but all got those right."""
    forecast = [0.95] * 10 + [0.35] * 30
    assert expected_mean([1.0] * 9 + [0.0], forecast) == pytest.approx(0.5 - 0.05)
    assert expected_mean([0.0] * 4, [1.0] * 4 + [0.0] * 4) == 0.0


def test_that_mean_is_unbiased_and_nearer_than_the_mean_of_its_own_answers() -> None:
    """Over 2000 orders: bias within 3 standard errors, and less than 0.7 of the error."""
    rng = np.random.default_rng(5)
    mine, rival = batch(rng, 120, 0.05, 0.9)
    found = []
    for _ in range(2000):
        order = rng.permutation(120)
        first = mine[order][:20]
        found.append((expected_mean(first.tolist(), rival[order].tolist()), first.mean()))
    error = np.array(found) - mine.mean()
    assert abs(error[:, 0].mean()) < 3 * error[:, 0].std() / sqrt(2000)
    assert error[:, 0].std() < 0.7 * error[:, 1].std()
