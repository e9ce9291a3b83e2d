"""A scripted model, a small space and well-formed replies for the agent's tests."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tts_search.agents.base import Feedback, Mix
from tts_search.agents.llm_agent import LLMAgent
from tts_search.budgets.flops import Flops
from tts_search.core.budget import Budget
from tts_search.core.context import SearchContext
from tts_search.core.data import Tokens
from tts_search.core.graph import Graph, Node
from tts_search.core.models import ModelPool, ModelSpec
from tts_search.core.roles import RoleSpec
from tts_search.core.space import SearchSpace
from tts_search.core.trial import Evaluation, Proposal, Trial
from tts_search.llm.base import LLM, Completion, Request

ROLES = (RoleSpec("assistant"), RoleSpec("fuser", 1), RoleSpec("vote", 1, calls_model=False))
POOL = ModelPool(
    (
        ModelSpec("1B", "llama-1b", 1e9, 16, 2048, family="llama"),
        ModelSpec("8B", "llama-8b", 8e9, 32, 4096, family="llama"),
    )
)
MIXES = (Mix((("1B", 9),)), Mix((("8B", 1),)), Mix((("1B", 3), ("8B", 1))))
FEEDBACK = "trial 0 scored 0.41 +- 0.06 with width 4 and depth 2"


def context(slots: int = 3, limit: float = 18, seed: int = 7, **more: Any) -> SearchContext:
    profile = {name: Tokens(202, 275) for name in POOL.names}
    space = SearchSpace(slots, ROLES, Budget(Flops(), limit).bind(POOL, profile))
    told = {"task": "sums", "description": "Add two numbers.", "goal": "most right answers"}
    return SearchContext(space, seed, **{**told, "batch": 20, **more})


def single(model: str, scores: Sequence[float]) -> Trial:
    n = len(scores)
    seen = Evaluation(tuple(map(str, range(n))), tuple(scores), (1.0,) * n, 9.0, 9.0, 1.0, 0)
    graph = Graph((Node("assistant", model),))
    return Trial(0, "k", Proposal(graph, "single"), 1.0, seen, True)


def feedback(guided: bool = True) -> Feedback:
    return Feedback((), (), FEEDBACK, guided)


def good(slots: int = 3, **changes: Any) -> dict[str, Any]:
    """A valid update for `slots` slots, 3 roles and 2 models, with some fields replaced."""
    reply: dict[str, Any] = {
        "reason": "wider",
        "edges": {str(i): [80] * (slots - 1 - i) for i in range(slots - 1)},
        "roles": {str(i): [50, 25, 25] for i in range(slots)},
        "models": {str(i): [10, 60, 10] for i in range(slots)},
    }
    return reply | changes


def pick(*mixes: Any, **more: Any) -> str:
    return json.dumps({"reason": "small ones refine", "mixes": list(mixes), **more})


@dataclass
class Scripted:
    """Gives its replies in order, the last one for ever; an exception is raised instead."""

    replies: Sequence[str | Exception]
    finish_reason: str = "stop"
    identity: str = "scripted"
    asked: list[Request] = field(default_factory=list)
    closed: int = 0

    async def complete(self, request: Request) -> Completion:
        reply = self.replies[min(len(self.asked), len(self.replies) - 1)]
        self.asked.append(request)
        if isinstance(reply, Exception):
            raise reply
        return Completion(reply, 100, 10, self.finish_reason)

    async def aclose(self) -> None:
        self.closed += 1


def agent(llm: LLM, model: str = "m", **more: Any) -> LLMAgent:
    settings: dict[str, Any] = {"temperature": 0.6, "top_p": 0.95, "max_tokens": 500} | more
    return LLMAgent(llm, "tester", model, **settings)
