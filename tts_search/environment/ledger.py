"""The books of a search: which calls it needed, and what they cost.

A call counts once per run, whether the cache already held it or not: what is booked is what an
empty cache would have had to send. So limits and archives are the same on a first run and on a
cached one, and methods are compared on what they need, not on what others have paid before.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tts_search.core.data import Tokens
from tts_search.core.graph import Graph
from tts_search.core.models import ModelPool
from tts_search.environment.executor import NodeResult


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call: `name` is equal for equal requests within this process."""

    name: int
    tokens: int
    dollars: float


def call_records(
    pool: ModelPool, graph: Graph, results: Sequence[NodeResult]
) -> Iterator[CallRecord]:
    """The calls of one question, at list price (0 where a model has none)."""
    for node, result in zip(graph.nodes, results, strict=True):
        if result.request is None or node.model is None:
            continue
        used = result.tokens or Tokens(0, 0)
        dollars = pool[node.model].dollars(used)
        yield CallRecord(hash(result.request), int(used.prompt + used.output), dollars)


@dataclass
class Ledger:
    """Totals over distinct calls. Grows by one integer a distinct call."""

    calls: int = 0
    tokens: int = 0
    dollars: float = 0.0
    _seen: set[int] = field(default_factory=set, repr=False)

    def book(self, records: Iterable[CallRecord]) -> None:
        for record in records:
            if record.name not in self._seen:
                self._seen.add(record.name)
                self.calls += 1
                self.tokens += record.tokens
                self.dollars += record.dollars
