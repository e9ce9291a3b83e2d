import asyncio
import os
import subprocess
import sys

import pytest

from tts_search.core.data import SPLITS
from tts_search.errors import ConfigError
from tts_search.tasks.answers.workers import CallLost
from tts_search.tasks.reasoning_gym import ReasoningGym

IDS = """
import asyncio
from tts_search.tasks.reasoning_gym import ReasoningGym
task = ReasoningGym("isomorphic_strings", search=5, validation=5, test=5)
print([(e.id, e.answer) for e in task.load("search")])
asyncio.run(task.aclose())
"""


async def wrong_setting(**settings: object) -> str:
    task = ReasoningGym(**settings)
    with pytest.raises(ConfigError) as error:
        task.load("search")
    await task.aclose()
    assert "\n" not in str(error.value)
    return str(error.value)


async def test_an_unknown_generator_is_answered_with_close_names():
    assert "did you mean chain_sum" in await wrong_setting(dataset="chain_sums")


async def test_unknown_and_impossible_parameters_list_the_known_ones():
    message = await wrong_setting(parameters={"terms": 3})
    assert "min_terms, max_terms" in message
    assert "max_terms must be" in await wrong_setting(parameters={"min_terms": 99})


async def test_a_small_family_cannot_fill_the_splits():
    parameters = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}
    assert "distinct questions" in await wrong_setting(parameters=parameters)


async def test_a_scorer_that_accepts_anything_is_refused():
    message = await wrong_setting(dataset="game_of_life_halting", search=5, validation=5, test=5)
    assert "accepts any answer" in message


@pytest.fixture(scope="module")
def task():
    task = ReasoningGym("count_primes", search=6, validation=6, test=6)
    yield task
    asyncio.run(task.aclose())


async def test_neighbouring_seeds_share_no_questions(task):
    other = ReasoningGym("count_primes", search=6, validation=6, test=6, seed=1)
    ids = {example.id for split in SPLITS for example in task.load(split)}
    assert not ids & {e.id for split in SPLITS for e in other.load(split)}
    await other.aclose()


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("<answer>5</answer>", "5"),
        ("<answer>1</answer> no: <answer>\n5\n</answer>", "5"),
        ("The answer is 5", "5"),
        ("Let me see.\n5", "5"),
        ("<answer>1,005.0</answer>", "1005"),
        ("<answer>a b\nc d</answer>", "a b\nc d"),
        ("", None),
    ],
)
async def test_where_an_answer_is_looked_for(task, reply, answer):
    assert task.extract(reply) == answer


@pytest.mark.parametrize(("partial", "score"), [(True, 0.5), (False, 0.0)])
async def test_part_of_a_score_counts_when_asked_for(task, partial, score, monkeypatch):
    example = task.load("search")[0]
    task = ReasoningGym("count_primes", partial_credit=partial)

    async def half(*_: object) -> float:
        return 0.5

    monkeypatch.setattr(task._pool, "call", half)
    assert await task.score(example, "<answer>x</answer>") == score


async def test_a_lost_scorer_scores_zero(task, monkeypatch):
    example = task.load("search")[0]

    async def lost(*_: object) -> float:
        raise CallLost("took longer than 10 s")

    monkeypatch.setattr(task._pool, "call", lost)
    assert await task.score(example, task.write(example.answer)) == 0.0


async def test_a_generator_without_reference_answers_can_be_asked_but_not_shown():
    task = ReasoningGym("rush_hour", search=2, validation=2, test=2)
    example = task.load("search")[0]
    assert example.answer == ""
    assert await task.score(example, "<answer>no idea</answer>") == 0.0
    with pytest.raises(ConfigError, match="shots"):
        task.shots(1)
    await task.aclose()


def test_questions_do_not_depend_on_the_hash_seed():
    """isomorphic_strings draws from a set: its questions follow PYTHONHASHSEED."""
    seen = {
        subprocess.run(
            [sys.executable, "-c", IDS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_a_task_serves_several_event_loops(task):
    example = task.load("search")[0]
    for _ in range(2):
        assert asyncio.run(task.score(example, task.write(example.answer))) == 1.0
