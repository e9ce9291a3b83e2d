"""An engine to watch, a clock that jumps, and small graphs of two models."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tts_search.budgets.tokens import TokenCount
from tts_search.core.budget import BoundBudget, Budget
from tts_search.core.data import Example, Tokens
from tts_search.core.graph import Edge, Graph, Node
from tts_search.core.models import ModelPool, ModelSpec
from tts_search.environment.environment import Environment
from tts_search.environment.executor import Executor
from tts_search.environment.roles import MajorityVote, PromptRole
from tts_search.llm.base import LLM, Completion, Request
from tts_search.tasks.arithmetic import Arithmetic

T = TypeVar("T")

TASK = Arithmetic(search=20, test=20)
QUESTIONS: Sequence[Example] = TASK.load("search")
POOL = ModelPool(
    (
        ModelSpec("small", "weights-s", temperature=0.7, price_in=1.0, price_out=2.0),
        ModelSpec("large", "weights-l", temperature=0.7, price_in=10.0, price_out=20.0),
        ModelSpec("greedy", "weights-s", temperature=0.0),
    )
)
ROLES = {
    "assistant": PromptRole("assistant", "{question}\nImprove on:\n{answers}"),
    "fuser": PromptRole("fuser", "{question}\nFuse:\n{answers}", min_parents=1),
    "vote": MajorityVote(),
}


@dataclass
class Engine:
    """Says the right answer after a word that differs with every detail of the request.

    `seconds` is how long a request takes; `error` is raised in place of an answer if not None.
    """

    seconds: Callable[[Request], float] = lambda _: 0.0
    error: Callable[[Request], Exception | None] = lambda _: None
    tokens: Callable[[Request], tuple[int, int]] = lambda _: (10, 5)
    identity: str = "watched"
    asked: list[Request] = field(default_factory=list)
    began: list[float] = field(default_factory=list)

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        self.began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds(request))
        if error := self.error(request):
            raise error
        assert request.site
        text = f"{request.digest('')} The answer is {request.site.example.answer}."
        return Completion(text, *self.tokens(request))

    async def aclose(self) -> None:
        pass


def executor(llm: LLM, seed: int = 0) -> Executor:
    return Executor(TASK, ROLES, POOL, llm, seed)


def environment(llm: LLM, seed: int = 0, limit: float = 1e9) -> Environment:
    return Environment(executor(llm, seed), budget(limit))


def budget(limit: float = 1e9) -> BoundBudget:
    return Budget(TokenCount(), limit, "absolute").bind(POOL, dict.fromkeys(POOL, Tokens(10, 5)))


def graph(*nodes: str, edges: Sequence[Edge] = ()) -> Graph:
    """Nodes as "assistant:small", or "small" for an assistant, or "vote"."""
    return Graph(tuple(map(_node, nodes)), tuple(edges))


def _node(text: str) -> Node:
    role, _, model = text.rpartition(":")
    return Node("vote", None) if text == "vote" else Node(role or "assistant", model)


def star(leaves: int, sink: str = "fuser:large", leaf: str = "small") -> Graph:
    return graph(*[leaf] * leaves, sink, edges=[(i, leaves) for i in range(leaves)])


class JumpingLoop(asyncio.SelectorEventLoop):
    """Waiting takes no real time: the clock jumps to the next timer. So durations are exact."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self._now


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self._loop._now += timeout
        return ready


def timed(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """The result, and the seconds that it would have taken."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(work), runner.get_loop().time()
