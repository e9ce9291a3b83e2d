"""What a run would ask, use and cost, before anything is spent: search.dry_run=true.

The run is really played through, search, finals, baselines and test, with an engine that answers
nothing (dry/engine.py). So calls are what this optimizer asks under these limits, reuse and all;
which graphs it comes to depends on answers nobody has given, so a real run will differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from omegaconf import DictConfig

from tts_search.app import Run
from tts_search.archive import Archive
from tts_search.budgets.flops import Flops
from tts_search.config import settings
from tts_search.core.data import Tokens
from tts_search.core.models import ModelPool
from tts_search.core.result import Summary
from tts_search.dry.engine import DryLLM, Unscored, Use
from tts_search.errors import BudgetError
from tts_search.llm.base import innermost
from tts_search.llm.vllm import VLLM
from tts_search.parts import assemble, engine_of
from tts_search.serving.cards import Placement
from tts_search.serving.launch import Launch
from tts_search.serving.spec import titled
from tts_search.tracking.progress import SilentProgress

DRY = {"_target_": "tts_search.dry.engine.DryLLM", "_partial_": True, "limits": {}}


@dataclass(frozen=True)
class Foreseen:
    """used by `served`; flops by `served`, None where a model's size is not known."""

    summary: Summary
    used: dict[str, Use]
    flops: dict[str, float | None]
    dollars: dict[str, float]
    servers: Sequence[Placement] = ()
    launch: Launch | None = None

    @property
    def hours(self) -> float | None:
        """All FLOPs by what the cards deliver; None without cards or sizes."""
        cards = {card for server in self.servers for card in server.gpus}
        total = [value for value in self.flops.values() if value is not None]
        if not cards or not self.launch or len(total) < len(self.flops):
            return None
        return sum(total) / (len(cards) * self.launch.tflops * 1e12 * self.launch.used) / 3600


async def foresee(config: DictConfig) -> Foreseen:
    """Raises a TTSError for whatever would stop the run before its first call."""
    engine = engine_of(config.llm)
    dry = config.copy()
    dry.cache, dry.llm = None, DRY
    dry.tracker = {"_target_": "tts_search.tracking.none.NoTracker"}
    if "llm" in config.agent:
        dry.agent = {"_target_": "tts_search.agents.rules.RulesAgent"}
    parts = assemble(dry)
    parts = replace(parts, task=Unscored(parts.task))
    try:
        run = Run(parts, settings(config), config.space.slots, Archive(), SilentProgress())
        summary = await run.summary()
    finally:
        await parts.aclose()
    counted = innermost(parts.llm)
    assert isinstance(counted, DryLLM)
    flops, dollars = _costs(parts.pool, counted.used)
    own = isinstance(engine, VLLM)
    return Foreseen(
        summary,
        dict(counted.used),
        flops,
        dollars,
        engine.placements if own else (),
        engine.launch if own else None,
    )


def _costs(
    pool: ModelPool, used: dict[str, Use]
) -> tuple[dict[str, float | None], dict[str, float]]:
    """Of calls of mean length: the FLOPs of attention, which grow with the square, a bit low."""
    flops: dict[str, float | None] = {}
    dollars: dict[str, float] = {}
    for model in pool.models:
        use = used.get(model.served)
        if not use or model.served in dollars:
            continue
        mean = Tokens(use.prompt / use.calls, use.output / use.calls)
        try:
            flops[model.served] = use.calls * Flops().call_cost(model, mean)
        except BudgetError:
            flops[model.served] = None
        dollars[model.served] = model.dollars(Tokens(use.prompt, use.output))
    return flops, dollars


def lines(seen: Foreseen) -> Iterator[str]:
    """What is told, line by line."""
    yield from _servers(seen)
    summary, total = seen.summary, list(seen.used.values())
    spend = summary.search_spend
    yield f"search: {spend.trials} graphs, {spend.calls:,} calls, ended by {summary.stopped_by}"
    rest = sum(use.calls for use in total) - spend.calls
    yield f"baselines and test: {rest:,} calls"
    for served, use in seen.used.items():
        known = seen.flops[served]
        size = f"{known:.2g} FLOPs" if known is not None else "FLOPs not known"
        yield (
            f"  {served}: {use.calls:,} calls, {use.prompt:,.0f} tokens read, "
            f"{use.output:,.0f} written, {size}, ${seen.dollars[served]:.4g} at list price"
        )
    tokens = sum(use.prompt + use.output for use in total)
    yield f"all: {tokens:,.0f} tokens, ${sum(seen.dollars.values()):.4g}; {_hours(seen)}"
    yield (
        "Nothing was asked of a model. Tokens are those the task expects of a call; a run measures "
        "them first."
    )


def _servers(seen: Foreseen) -> Iterator[str]:
    for server in seen.servers:
        where = f"card {', '.join(map(str, server.gpus))}" if server.gpus else "CPU"
        share = f", {server.share:.0%} of its memory" if server.gpus else ""
        size = f", weights {server.gb:.3g} GB in bf16" if server.gb else ""
        name = titled(server.served, server.part)
        yield f"server {name} from {server.weights}: {where}{share}{size}"


def _hours(seen: Foreseen) -> str:
    if seen.hours is None or seen.launch is None:
        return "hours are not foreseen for this engine"
    return (
        f"{seen.hours:.2g} hours at {seen.launch.used:.0%} of {seen.launch.tflops:g} TFLOPS a card"
    )
