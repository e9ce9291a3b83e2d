"""A dry run tells what a run would ask, and asks nothing."""

from collections.abc import Callable

import pytest
from omegaconf import DictConfig, OmegaConf

from tts_search.app import Run
from tts_search.archive import Archive
from tts_search.config import settings
from tts_search.dry.foresee import foresee, lines
from tts_search.errors import ConfigError
from tts_search.parts import assemble
from tts_search.tracking.progress import SilentProgress

Compose = Callable[..., DictConfig]
SMALL = (
    *("optimizer=random", "search.max_trials=12", "search.batch=12", "task.search=12"),
    *("task.validation=10", "task.test=10", "search.profile=0", "space.slots=5"),
)


async def test_a_search_that_does_not_look_at_scores_asks_just_what_was_foreseen(
    simulated: Compose,
) -> None:
    config = simulated("pool=simulated", *SMALL, "search.finalists=0")
    seen = await foresee(config)
    parts = assemble(config)
    run = Run(parts, settings(config), config.space.slots, Archive(), SilentProgress())
    real = await run.summary()
    await parts.aclose()
    assert seen.summary.search_spend.calls == real.search_spend.calls > 100
    assert seen.summary.search_spend.trials == real.search_spend.trials
    assert sum(use.calls for use in seen.used.values()) > seen.summary.search_spend.calls


async def test_costs_are_those_of_the_calls(compose: Compose) -> None:
    """One model and single calls only: everything can be worked out by hand."""
    one = ("llm=openai", "pool=openai", "budget=tokens", "roles=[assistant]")
    config = compose(*one, *SMALL, "space.slots=1", "optimizer=single_model")
    OmegaConf.set_struct(config, False)
    for name in set(config.pool.models) - {"gpt-4.1-nano"}:
        del config.pool.models[name]
    seen = await foresee(config)
    (use,) = seen.used.values()
    profile = assemble(compose("llm=simulated", "cache=null")).task.profile
    assert use.prompt == use.calls * profile.prompt
    assert use.output == use.calls * profile.output
    assert use.calls == 12 + 10 + 10  # the batch, the validation questions, the test
    price = 0.10 * use.prompt + 0.40 * use.output  # conf/model/gpt-4.1-nano.yaml
    assert seen.dollars == {"gpt-4.1-nano": pytest.approx(price * 1e-6)}
    assert seen.flops == {"gpt-4.1-nano": None}
    assert seen.hours is None
    assert "FLOPs not known" in "\n".join(lines(seen))


async def test_no_key_no_server_and_no_agent_is_needed(compose: Compose) -> None:
    settled = compose("llm=openai", "pool=openai", "budget=cost", "agent=openai", *SMALL)
    told = "\n".join(lines(await foresee(settled)))
    assert "Nothing was asked of a model" in told


async def test_servers_and_hours_are_told(compose: Compose) -> None:
    cards = ("llm.launch.gpus=[0,1,2,3]", "llm.launch.card_gb=80")
    seen = await foresee(compose("llm=vllm", "pool=llama", *cards, *SMALL))
    told = list(lines(seen))
    assert "card 0, 1, 2, 3, " in told[0]
    assert "weights 140 GB in bf16" in told[0]
    total = sum(value or 0 for value in seen.flops.values())
    assert seen.hours == pytest.approx(total / (4 * 989e12 * 0.3) / 3600)
    own = "+llm.launch.own={qwen/qwen3-8b: {replicas: 2}}"
    told = list(lines(await foresee(compose("llm=vllm", "pool=qwen", own, *cards, *SMALL))))
    assert any(
        line.startswith("server qwen/qwen3-8b replica 2 from Qwen/Qwen3-8B") for line in told
    )
    with pytest.raises(ConfigError, match="card 0 need 180 GB"):
        await foresee(compose("llm=vllm", "pool=llama", "llm.launch.card_gb=80", *SMALL))
