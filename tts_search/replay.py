"""A finished run asked again, from its response cache alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from tts_search.config import RunConfig
from tts_search.core.budget import BoundBudget
from tts_search.core.data import SPLITS, Example, Split
from tts_search.environment.environment import first_error
from tts_search.environment.executor import Executor
from tts_search.environment.trace import Trace, trace
from tts_search.errors import ConfigError, DataError
from tts_search.llm.recorded import Recorded
from tts_search.parts import Parts, assemble
from tts_search.record import Entry, Record

IDLE = {  # nothing is searched or tracked, so these need neither their files nor their keys
    "optimizer": {"_target_": "tts_search.optimizers.random.RandomSearch"},
    "tracker": {"_target_": "tts_search.tracking.none.NoTracker"},
}


def restored(record: Record, cache: str | None) -> Parts:
    """The parts of a run as its config names them, but for those that are IDLE."""
    config = OmegaConf.merge(OmegaConf.structured(RunConfig), record.config)
    assert isinstance(config, DictConfig)
    for name, part in {**IDLE, "cache": cache}.items():
        config[name] = part
    return assemble(config)


@dataclass(frozen=True, eq=False)
class Replay:
    """The parts of a run around an engine that answers from the cache."""

    record: Record
    parts: Parts
    llm: Recorded

    @property
    def executor(self) -> Executor:
        return replace(self.parts.executor, llm=self.llm)

    @cached_property
    def examples(self) -> Mapping[str, tuple[Split, Example]]:
        """Every question of the task with its split, by id. Raises DataError."""
        load = self.parts.task.load
        return {example.id: (split, example) for split in SPLITS for example in load(split)}

    @property
    def budget(self) -> BoundBudget:
        """What calls cost, counted in `unit`s."""
        value = self.record.summary.get("budget", {}).get("unit_value", 1.0)
        return BoundBudget(self.parts.budget, self.parts.pool, {}, value)

    @property
    def unit(self) -> str:
        """The unit of the budget, or the metric's own where no summary says how large one is."""
        use = self.record.summary.get("budget", {})
        return str(use.get("unit", self.parts.budget.metric.unit))

    async def trace(self, entry: Entry, question: str) -> Trace:
        return await trace(self.executor, entry.graph, self.example(question))

    async def costs(self, entry: Entry) -> list[float | None]:
        """Of every question of a trial; None where a call is not in the cache."""
        examples = [self.example(question) for question in entry.questions]
        runs = [self.executor.run(entry.graph, example) for example in examples]
        with first_error():
            answered = await asyncio.gather(*runs)
        return [
            None
            if any(result.failed for result in results)
            else self.budget.measured(entry.graph, [result.tokens for result in results])
            for results in answered
        ]

    def find(self, entry: Entry, name: str) -> str:
        """The id that `name` means: an id, a number in the trial's list, or a part of one id.

        For the recommended trial also a question of any split. Raises ConfigError.
        """
        recommended = entry is self.record.best
        ids: list[str] = list(entry.questions)
        if recommended:
            ids += [known for known in self.examples if known not in entry.questions]
        if name in ids:
            return name
        if name.isdecimal() and 1 <= int(name) <= len(entry.questions):
            return entry.questions[int(name) - 1]
        found = [known for known in ids if name in known]
        if len(found) == 1:
            return found[0]
        listed = f"type a number from 1 to {len(entry.questions)}, or more of an id"
        if not found:
            raise ConfigError(f"trial {entry.number} has no question {name!r}; {listed}")
        few = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
        raise ConfigError(f"{name!r} may be any of {len(found)} questions ({few}); {listed}")

    def example(self, question: str) -> Example:
        if question not in self.examples:
            raise DataError(
                f"question {question!r} is no longer in {self.parts.task.source}: the data of task "
                f"{self.parts.task.name} have changed since the run; put them back"
            )
        return self.examples[question][1]


@asynccontextmanager
async def replaying(record: Record, entry: Entry) -> AsyncIterator[Replay]:
    """Raises a TTSError: CacheError when the cache is gone, DataError when the data are.

    No weights are loaded and no connection is made: the archive names the engine that answered.
    """
    cache = record.config.cache
    path = Path(cache).expanduser() if cache else None
    parts = restored(record, cache=None)
    try:
        same = parts.llm if parts.llm.identity == entry.engine else None
        llm = Recorded(entry.engine, path, same if parts.simulated else None, engine=same)
        try:
            yield Replay(record, parts, llm)
        finally:
            await llm.aclose()
    finally:
        await parts.aclose()
