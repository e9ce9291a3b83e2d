"""Estimates use the profile, measurements the tokens that were really used."""

import pytest

from tts_search.core.data import Tokens
from tts_search.environment.profile import measure_profile
from tts_search.errors import CallFailed, EngineUnavailable
from tts_search.llm.base import Request

from .parts import POOL, QUESTIONS, TASK, Engine, budget, environment, executor, graph, star


def chatty(request: Request) -> tuple[int, int]:
    """Readers are told, and say, far more than the profile of a call alone foresees."""
    assert request.site
    return (10, 5) if not request.site.answers else (100, 50)


async def test_measured_cost_counts_real_tokens() -> None:
    seen = (await environment(Engine(tokens=chatty)).evaluate(star(2), QUESTIONS[:4])).evaluation
    assert budget().estimate(star(2)) == 15 + 15 + (10 + 2 * 5 + 5)
    assert seen.costs == (15 + 15 + 150,) * 4
    assert (seen.prompt_tokens, seen.output_tokens) == (120, 60)
    assert seen.calls == 3


async def test_each_question_has_its_own_cost() -> None:
    longer = {e.id: i for i, e in enumerate(QUESTIONS)}
    engine = Engine(tokens=lambda r: (10, longer[r.site.example.id] if r.site else 0))
    seen = (await environment(engine).evaluate(graph("small"), QUESTIONS[:4])).evaluation
    assert seen.costs == (10, 11, 12, 13)
    assert seen.cost == 11.5


async def test_the_profile_is_the_mean_of_real_calls_by_model() -> None:
    def tokens(request: Request) -> tuple[int, int]:
        assert request.site
        first = request.site.example is QUESTIONS[0]
        return (30 if first else 10, 8 if request.model == "weights-l" else 4)

    engine = Engine(tokens=tokens)
    profile, calls = await measure_profile(executor(engine), "assistant", QUESTIONS[:2])
    assert profile == {"small": Tokens(20, 4), "large": Tokens(20, 8), "greedy": Tokens(20, 4)}
    assert len(calls) == len(engine.asked) == 2 * len(POOL)


async def test_without_questions_the_task_is_trusted_and_nothing_is_asked() -> None:
    engine = Engine()
    profile, calls = await measure_profile(executor(engine), "assistant", ())
    assert profile == dict.fromkeys(POOL, TASK.profile)
    assert not engine.asked
    assert not calls


async def test_a_profile_leaves_lost_calls_out() -> None:
    engine = Engine(error=lambda r: CallFailed("x") if QUESTIONS[0] is site(r) else None)
    profile, _ = await measure_profile(executor(engine), "assistant", QUESTIONS[:3])
    assert profile["small"] == Tokens(10, 5)


async def test_a_model_that_never_answers_is_named_before_the_search() -> None:
    engine = Engine(error=lambda r: CallFailed("x") if r.model == "weights-l" else None)
    with pytest.raises(EngineUnavailable, match="model large"):
        await measure_profile(executor(engine), "assistant", QUESTIONS[:3])


def site(request: Request) -> object:
    return request.site.example if request.site else None
