"""One model call, twice: on one question in Python, on many in numpy. Same numbers.

Answers are small integers: 0 is right, 1 the question's popular wrong answer, 2 .. the others.
The equations are in docs/simulation.md; `u` are eight uniform numbers, each for one purpose.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tts_search.simulation.latents import Skill
from tts_search.simulation.noise import Floats
from tts_search.simulation.world import Ability, Habits, Reader

Ints = NDArray[np.int64]

DRAWS = 8
SOLVE, WRONG, ATTEND, SPOT, REFINE, MEND, FRESH, LENGTH = range(DRAWS)


class Odds(NamedTuple):
    """`lure` of one question and Skill of one model on it."""

    lure: float
    solve: float
    spot: float
    mends: bool


def answer(
    habits: Habits,
    span: float,
    reader: Reader,
    odds: Odds,
    read: Sequence[tuple[int, int]],
    u: Sequence[float],
) -> int:
    """What is said after reading (answer, tokens) pairs, in key order.

    span: tokens at which half of the model's attention is lost
    """
    wrong = _wrong(odds.lure, habits.wrong_answers, u[WRONG])
    own = 0 if u[SOLVE] < odds.solve else wrong
    if not read:
        return own
    said = [number for number, _ in read]
    load = sum(tokens for _, tokens in read) / span
    if u[ATTEND] * (1 + load * load * load) >= 1:
        return wrong if u[SPOT] < habits.muddle else said[int(u[REFINE] * len(said))]
    spotted = 0 in said and u[SPOT] < reader.weighs * odds.spot
    chosen = 0 if spotted else max(said, key=said.count)
    if u[REFINE] >= reader.refines:
        return chosen
    if chosen == 0:
        return wrong if u[MEND] < habits.corrupt * (1 - odds.solve) else 0
    if odds.mends and u[MEND] < habits.mend:
        return 0
    return own if u[FRESH] < habits.fresh else chosen


def answers(
    habits: Habits,
    span: float,
    reader: Reader,
    lure: Floats,
    skill: Skill,
    said: Ints,
    tokens: Ints,
    u: Floats,
) -> Ints:
    """`answer` on n questions. said, tokens (d, n): what is read; u (DRAWS, n). Shape (n,)."""
    wrong = _wrong_array(lure, habits.wrong_answers, u[WRONG])
    own = np.where(u[SOLVE] < skill.solve, 0, wrong)
    if not len(said):
        return own
    load = tokens.sum(axis=0) / span
    attentive = u[ATTEND] * (1 + load * load * load) < 1
    columns = np.arange(said.shape[1])
    spotted = (said == 0).any(axis=0) & (u[SPOT] < reader.weighs * skill.spot)
    chosen = np.where(spotted, 0, said[first_of_most(said), columns])
    kept = np.where(u[MEND] < habits.corrupt * (1 - skill.solve), wrong, 0)
    anew = np.where(u[FRESH] < habits.fresh, own, chosen)
    better = np.where(skill.mends & (u[MEND] < habits.mend), 0, anew)
    refined = np.where(chosen == 0, kept, better)
    heard = np.where(u[REFINE] < reader.refines, refined, chosen)
    place = (u[REFINE] * len(said)).astype(np.int64)
    lost = np.where(u[SPOT] < habits.muddle, wrong, said[place, columns])
    return np.where(attentive, heard, lost)


def first_of_most(said: Ints) -> Ints:
    """Who of the readers' sources was first to give the answer given most often.

    said (d, n); indices (n,). A majority vote; ties go to the earlier answer.
    """
    if len(said) < 3:  # one answer, or two that agree or tie
        return np.zeros(said.shape[1], dtype=np.int64)
    return np.asarray((said[:, None] == said[None]).sum(axis=1).argmax(axis=0))


def tokens_written(ability: Ability, cap: int, u: Sequence[float]) -> int:
    """Evenly within half of the model's mean; `cap` at most."""
    return min(max(1, round(ability.output_tokens * (0.5 + u[LENGTH]))), cap)


def tokens_written_array(ability: Ability, cap: int, u: Floats) -> Ints:
    wanted = np.rint(ability.output_tokens * (0.5 + u[LENGTH]))
    return np.asarray(np.minimum(np.maximum(1, wanted), cap), dtype=np.int64)


def _wrong(lure: float, count: int, u: float) -> int:
    return 1 if u < lure else min(2 + int((u - lure) / (1 - lure) * (count - 1)), count)


def _wrong_array(lure: Floats, count: int, u: Floats) -> Ints:
    other = 2 + ((u - lure) / (1 - lure) * (count - 1)).astype(np.int64)
    return np.where(u < lure, 1, np.minimum(other, count))
