"""Runs a graph on one question: a node starts the moment its predecessors have answered."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tts_search.core.data import CallSite, Example, Tokens
from tts_search.core.graph import Graph, Node
from tts_search.core.identity import call_keys, reading_order
from tts_search.core.models import ModelPool, ModelSpec
from tts_search.environment.roles import Role
from tts_search.errors import CallFailed
from tts_search.llm.base import LLM, Completion, Message, Request
from tts_search.tasks.base import Task


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What a node answered. `request` is None for a role that calls no model; `failed` says that
    this call, or one it depends on, failed for good."""

    text: str = ""
    request: Request | None = None
    completion: Completion | None = None
    failed: bool = False

    @property
    def tokens(self) -> Tokens | None:
        done = self.completion
        return Tokens(done.prompt_tokens, done.output_tokens) if done else None


@dataclass(frozen=True, eq=False)
class Executor:
    """Turns nodes into requests. `seed` is the run's; calls differ between seeds."""

    task: Task
    roles: Mapping[str, Role]
    pool: ModelPool
    llm: LLM
    seed: int

    def keys(self, graph: Graph) -> tuple[str, ...]:
        """Identity of each node's call: role, model, sampling, ancestry, replicate index."""
        return call_keys(graph, self.pool)

    async def run(self, graph: Graph, example: Example) -> list[NodeResult]:
        """Results by node; the last is the sink's. Raises EngineUnavailable."""
        keys = self.keys(graph)
        done: list[asyncio.Task[NodeResult]] = []

        async def node(v: int) -> NodeResult:
            before = [await done[p] for p in reading_order(graph, keys, v)]
            if any(b.failed for b in before):
                return NodeResult(failed=True)
            return await self._act(graph.nodes[v], keys[v], example, [b.text for b in before])

        async with asyncio.TaskGroup() as group:
            done.extend(group.create_task(node(v)) for v in range(len(graph.nodes)))
        return [task.result() for task in done]

    async def _act(
        self, node: Node, key: str, example: Example, answers: Sequence[str]
    ) -> NodeResult:
        role = self.roles[node.role]
        if node.model is None:
            extract = partial(self.task.extract, example=example)
            return NodeResult(role.combine(answers, extract))
        request = self.request(role, self.pool[node.model], key, example, answers)
        try:
            completion = await self.llm.complete(request)
        except CallFailed:
            return NodeResult(request=request, failed=True)
        return NodeResult(completion.text, request, completion)

    def request(
        self, role: Role, model: ModelSpec, key: str, example: Example, answers: Sequence[str]
    ) -> Request:
        """The call of a node on a question. Greedy decoding ignores the seed, so it has none."""
        return Request(
            model=model.served,
            messages=self._messages(role, model, example, answers),
            temperature=model.temperature,
            top_p=model.top_p,
            max_tokens=min(model.max_tokens or self.task.max_tokens, self.task.max_tokens),
            seed=_seed(key, example.id, self.seed) if model.temperature else 0,
            site=CallSite(example, role.name, tuple(answers), key, self.seed, model.sampling),
        )

    def _messages(
        self, role: Role, model: ModelSpec, example: Example, answers: Sequence[str]
    ) -> tuple[Message, ...]:
        system = "\n".join(filter(None, (role.system, self.task.instruction)))
        messages = [Message("system", system)] if system else []
        last = model.first_shot + model.shots
        shots = self.task.shots(last, example) if model.shots else ()
        for asked, replied in shots[model.first_shot :]:
            messages += [Message("user", asked), Message("assistant", replied)]
        return (*messages, Message("user", role.render(example.question, answers)))


def _seed(*parts: object) -> int:
    """31 bits: every engine takes them."""
    name = hashlib.blake2b(repr(parts).encode(), digest_size=4).digest()
    return int.from_bytes(name) >> 1
