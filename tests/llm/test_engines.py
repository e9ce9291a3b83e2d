"""What every engine and every wrapper promises, whatever stands behind it."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from fakes import Fake, ask
from worlds import CONF, call, simulated

from tts_search.errors import TTSError
from tts_search.llm.base import Completion
from tts_search.llm.cache import Cached
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.llm.pace import Pace
from tts_search.llm.patience import Patient
from tts_search.llm.retried import Retried
from tts_search.llm.wrappers import Sensed, Throttled, wrap

MAKERS = {
    "simulated": lambda _url, _path: simulated(),
    "openai": lambda url, _path: OpenAICompatible(url),
    "throttled": lambda _url, _path: Throttled(Fake(), 3),
    "retried": lambda _url, _path: Retried(Fake()),
    "sensed": lambda _url, _path: Sensed(Fake(), Pace(3)),
    "patient": lambda _url, _path: Patient(Fake(), 1.0),
    "cached": lambda _url, path: Cached(Fake(), path),
    "stack": lambda url, path: wrap(OpenAICompatible(url), cache_path=path),
}


@pytest.fixture(params=MAKERS)
async def engine(request, endpoint, tmp_path):
    engine = MAKERS[request.param](endpoint.url, tmp_path / "c")
    yield engine
    await engine.aclose()


async def test_an_answer_is_whole(engine):
    answer = await engine.complete(call(1))
    assert type(answer) is Completion
    assert answer.text
    assert answer.prompt_tokens > 0
    assert answer.output_tokens > 0
    assert answer.seconds >= 0


async def test_identity_is_a_stable_line(engine):
    before = engine.identity
    await engine.complete(ask())
    assert engine.identity == before
    assert before
    assert "\n" not in before


async def test_calls_run_side_by_side(engine):
    answers = await asyncio.gather(*(engine.complete(call(i, seed=i)) for i in range(20)))
    assert len(answers) == 20


async def test_a_cancelled_call_leaves_the_engine_usable(engine):
    task = asyncio.create_task(engine.complete(call(1)))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):  # an engine may have answered already
        await task
    assert (await engine.complete(call(1))).text


async def test_closing_twice_is_harmless(engine):
    await engine.complete(ask())
    await engine.aclose()
    await engine.aclose()


async def test_closing_unused_is_harmless(engine):
    await engine.aclose()


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda p: p.stem)
def test_limits_of_every_config_are_those_that_wrap_takes(path: Path):
    limits = yaml.safe_load(path.read_text()).get("limits", {})
    try:
        wrap(Fake(), cache_path=None, **limits).store.close()
    except TTSError as error:
        pytest.fail(f"{path}: {error}")
