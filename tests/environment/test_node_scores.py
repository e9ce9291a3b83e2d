"""Every node's own answer is scored: where in a graph right answers are won and lost."""

import pytest

from tts_search.core.trial import joined
from tts_search.errors import CallFailed
from tts_search.llm.base import Completion, Request

from .parts import QUESTIONS, TASK, Engine, environment, graph, star


class Half(Engine):
    """Right when the large model is asked; the small one never is."""

    async def complete(self, request: Request) -> Completion:
        done = await super().complete(request)
        return done if request.model == "weights-l" else Completion("The answer is 9999.", 10, 5)


async def test_each_node_is_scored_on_each_question() -> None:
    shape = graph("small", "large", "fuser:small", edges=[(0, 2), (1, 2)])
    seen = (await environment(Half()).evaluate(shape, QUESTIONS[:4])).evaluation
    assert seen.node_scores == ((0.0,) * 4, (1.0,) * 4, (0.0,) * 4)
    assert seen.scores == seen.node_scores[-1]


async def test_a_vote_has_the_score_of_the_answer_it_passes_on() -> None:
    shape = star(3, "vote", leaf="large")
    seen = (await environment(Half()).evaluate(shape, QUESTIONS[:4])).evaluation
    assert seen.node_scores == ((1.0,) * 4,) * 4


async def test_a_node_that_failed_and_those_that_wait_for_it_score_0() -> None:
    def lost(request: Request) -> Exception | None:
        return CallFailed("lost") if request.model == "weights-s" else None

    shape = graph("large", "small", "large", edges=[(0, 1), (1, 2)])
    seen = (await environment(Engine(error=lost)).evaluate(shape, QUESTIONS[:2])).evaluation
    assert seen.node_scores == ((1.0, 1.0), (0.0, 0.0), (0.0, 0.0))


async def test_equal_texts_are_scored_once_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    score = TASK.score

    async def counted(example: object, text: str) -> float:
        asked.append(text)
        return await score(example, text)  # type: ignore[arg-type]

    monkeypatch.setattr(TASK, "score", counted)
    await environment(Half()).evaluate(star(3, "vote"), QUESTIONS[:1])
    assert len(asked) == 1


async def test_parts_of_a_batch_join_node_by_node() -> None:
    shape, where = star(2, leaf="large"), environment(Half())
    whole = (await where.evaluate(shape, QUESTIONS[:5])).evaluation
    first, rest = [
        (await where.evaluate(shape, part)).evaluation for part in (QUESTIONS[:2], QUESTIONS[2:5])
    ]
    assert joined([first, rest]).node_scores == whole.node_scores
