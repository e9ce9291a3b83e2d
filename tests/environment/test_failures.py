"""A lost call costs its question; a dead engine ends the run, in one plain exception."""

import pytest

from tts_search.core.graph import Graph
from tts_search.environment.profile import measure_profile
from tts_search.errors import CallFailed, CallRejected, EngineUnavailable
from tts_search.llm.base import Request

from .parts import QUESTIONS, Engine, environment, executor, graph, star


def lost(*numbers: int, model: str = "", error: type[Exception] = CallFailed) -> Engine:
    """An engine that answers nothing on some questions, or nothing of one model on them."""
    victims = {QUESTIONS[i].id for i in numbers}

    def why(request: Request) -> Exception | None:
        assert request.site
        hit = request.site.example.id in victims and model in request.model
        return error("lost") if hit else None

    return Engine(error=why)


@pytest.mark.parametrize("error", [CallFailed, CallRejected])
async def test_a_lost_call_scores_its_question_0_and_no_other(error: type[Exception]) -> None:
    seen = (await environment(lost(2, error=error)).evaluate(star(2), QUESTIONS[:5])).evaluation
    assert seen.scores == (1.0, 1.0, 0.0, 1.0, 1.0)
    assert seen.failures == 1


async def test_nothing_is_asked_on_top_of_a_lost_call() -> None:
    engine = lost(0, model="weights-s")
    chain = graph("small", "large", "large", edges=[(0, 1), (1, 2)])
    evaluated = await environment(engine).evaluate(chain, QUESTIONS[:1])
    assert len(engine.asked) == 1
    assert evaluated.evaluation.calls == 1
    assert len(evaluated.calls) == 1, "a lost call is booked: it was sent"


async def test_a_lost_call_anywhere_above_the_sink_loses_the_question() -> None:
    engine = lost(0, model="weights-l")
    pair = graph("small", "large", "vote", edges=[(0, 2), (1, 2)])
    seen = (await environment(engine).evaluate(pair, QUESTIONS[:2])).evaluation
    assert seen.scores == (0.0, 1.0)
    assert seen.failures == 1


async def test_what_a_failed_question_used_is_still_its_cost() -> None:
    engine = lost(0, model="weights-l")
    seen = (await environment(engine).evaluate(star(2), QUESTIONS[:2])).evaluation
    assert seen.costs == (2 * 15.0, 3 * 15.0)


DEAD = [graph("small"), star(8), star(3, "vote")]


@pytest.mark.parametrize("shape", DEAD, ids=lambda g: f"{len(g.nodes)} nodes")
async def test_a_dead_engine_escapes_as_itself(shape: Graph) -> None:
    engine = lost(*range(20), error=EngineUnavailable)
    with pytest.raises(EngineUnavailable, match="lost"):
        await environment(engine).evaluate(shape, QUESTIONS)
    with pytest.raises(EngineUnavailable, match="lost"):
        await environment(engine).evaluate_many([shape, shape], QUESTIONS)


async def test_an_engine_that_dies_under_one_call_stops_the_others() -> None:
    engine = lost(3, error=EngineUnavailable)
    with pytest.raises(EngineUnavailable, match="lost"):
        await environment(engine).evaluate(star(2), QUESTIONS)
    assert len(engine.asked) < 3 * len(QUESTIONS)


async def test_a_dead_engine_is_noticed_by_the_profile() -> None:
    with pytest.raises(EngineUnavailable, match="lost"):
        await measure_profile(
            executor(lost(0, error=EngineUnavailable)), "assistant", QUESTIONS[:3]
        )


async def test_a_bug_is_not_taken_for_a_lost_call() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await environment(lost(0, error=ZeroDivisionError)).evaluate(star(2), QUESTIONS[:2])
    assert caught.group_contains(ZeroDivisionError)
