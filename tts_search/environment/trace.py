"""One question through one graph, kept in full: what every node read, was asked, and said."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tts_search.core.data import Example
from tts_search.core.graph import Graph, Node
from tts_search.core.identity import reading_order
from tts_search.environment.environment import first_error
from tts_search.environment.executor import Executor, NodeResult
from tts_search.llm.base import Request

State = Literal["answered", "missing", "waiting"]


@dataclass(frozen=True, eq=False)
class Step:
    """What a node did. `reads`: its predecessors in the order in which their answers were put;
    `heard`: the answers that these state, as the task extracts them; `stated`: its own."""

    number: int
    node: Node
    reads: tuple[int, ...]
    heard: tuple[str | None, ...]
    result: NodeResult
    stated: str | None

    @property
    def state(self) -> State:
        """missing: no answer to its call is to be had; waiting: nor to one that it depends on."""
        if not self.result.failed:
            return "answered"
        return "missing" if self.result.request else "waiting"

    def to_json(self) -> dict[str, Any]:
        request, reply = self.result.request, self.result.completion
        return {
            "node": self.number,
            "role": self.node.role,
            "model": self.node.model,
            "state": self.state,
            "reads": list(self.reads),
            "heard": list(self.heard),
            "request": _request_json(request) if request else None,
            "reply": reply.to_json() if reply else None,
            "answer": None if self.result.failed else self.result.text,
            "stated": self.stated,
        }


@dataclass(frozen=True, eq=False)
class Trace:
    """Steps in the order of running: by level, then by number. `score` is None without answer."""

    example: Example
    graph: Graph
    steps: tuple[Step, ...]
    score: float | None

    @property
    def sink(self) -> Step:
        return next(step for step in self.steps if step.number == self.graph.sink)

    @property
    def missing(self) -> list[int]:
        """Nodes whose call has no answer."""
        return [step.number for step in self.steps if step.state == "missing"]

    @property
    def verdict(self) -> str:
        if self.score is None:
            return "no answer"
        return {1.0: "right", 0.0: "wrong"}.get(self.score, "partly right")

    def to_json(self) -> dict[str, Any]:
        asked = self.example
        return {
            "question": {"id": asked.id, "text": asked.question, "answer": asked.answer},
            "steps": [step.to_json() for step in self.steps],
            "answer": None if self.sink.result.failed else self.sink.result.text,
            "stated": self.sink.stated,
            "score": self.score,
            "verdict": self.verdict,
        }


async def trace(executor: Executor, graph: Graph, example: Example) -> Trace:
    """Run the graph on the question and keep all of it. Raises what the engine raises."""
    with first_error():
        results = await executor.run(graph, example)
    stated = [None if r.failed else executor.task.extract(r.text, example) for r in results]
    keys = executor.keys(graph)

    def step(v: int) -> Step:
        reads = reading_order(graph, keys, v)
        heard = tuple(stated[p] for p in reads)
        return Step(v, graph.nodes[v], reads, heard, results[v], stated[v])

    order = sorted(range(len(graph.nodes)), key=lambda v: (graph.levels[v], v))
    sink = results[graph.sink]
    score = None if sink.failed else await executor.task.score(example, sink.text)
    return Trace(example, graph, tuple(map(step, order)), score)


def worked_examples(request: Request) -> Sequence[tuple[str, str]]:
    """The (question, reply) pairs between the system message and the question."""
    shots = [m.content for m in request.messages if m.role != "system"][:-1]
    return list(zip(shots[::2], shots[1::2], strict=True))


def _request_json(request: Request) -> dict[str, Any]:
    return {
        "model": request.model,
        "messages": [asdict(message) for message in request.messages],
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
    }
