"""llm=vllm as a run sees it, with a stand-in for vLLM."""

import asyncio
import urllib.request
from contextlib import suppress

import pytest

from tests.serving.conftest import STANDIN
from tts_search.core.models import ModelSpec
from tts_search.errors import ConfigError, EngineUnavailable
from tts_search.llm.base import Message, Request
from tts_search.llm.vllm import VLLM
from tts_search.serving.launch import Launch
from tts_search.serving.place import Place

POOL = {name: ModelSpec(name, f"served-{name}") for name in ("a", "b")}


def ask(served: str) -> Request:
    return Request(served, (Message("user", "?"),), 0.7, 1.0, 8, 0)


def engine(**settings: object) -> VLLM:
    launch = Launch(python=str(STANDIN), gpus=(), linger_s=0.5, start_s=20)
    return VLLM(POOL, launch, connect_s=2, **settings)  # type: ignore[arg-type]


async def test_each_model_is_asked_where_it_is_served():
    llm = engine()
    await llm.check()
    said = [(await llm.complete(ask(f"served-{name}"))).text for name in "ab"]
    assert [text.split()[0] for text in said] == ["served-a", "served-b"]
    assert said[0].split()[-1] != said[1].split()[-1]  # two processes
    await llm.aclose()


async def test_it_is_there_for_who_did_not_look_first(root):
    llm = engine()
    texts = await asyncio.gather(*(llm.complete(ask("served-a")) for _ in range(5)))
    assert len({t.text for t in texts}) == 1
    assert len(list(root.glob("served-b*"))) == 0  # nobody asked for it
    await llm.aclose()
    await llm.aclose()


async def test_a_server_that_runs_already_is_adopted_and_left_alone(root):
    first = engine()
    await first.check()
    (folder,) = root.glob("served-a*")
    url = Place(folder).state().url
    second = engine(base_url={"served-a": url})
    assert [spec.served for spec in second.specs] == ["served-b"]
    assert (await second.complete(ask("served-a"))).text == (
        await first.complete(ask("served-a"))
    ).text
    await first.aclose()
    everything = engine(base_url=url)
    assert not everything.specs
    for llm in (second, everything):
        await llm.aclose()


async def test_answers_are_known_by_what_gave_them_not_by_where():
    llm = engine()
    before = llm.identity_for(ask("served-a"))
    await llm.check()
    assert llm.identity_for(ask("served-a")) == before
    assert llm.identity_for(ask("served-b")) != before
    assert engine(omit=["seed"]).identity_for(ask("served-a")) != before
    fewer = VLLM({"a": POOL["a"]}, llm.launch)
    assert fewer.identity_for(ask("served-a")) == before  # another pool, the same answers
    await llm.aclose()


async def test_a_name_that_no_server_has_is_refused():
    with pytest.raises(ConfigError, match=r"llm\.base_url names x.*served-a, served-b"):
        engine(base_url={"x": "http://localhost:1"})
    with pytest.raises(EngineUnavailable, match="'m'; there are served-a, served-b"):
        await engine().complete(ask("m"))


async def test_a_server_that_fails_to_start_ends_the_check():
    broken = Launch(python=str(STANDIN), gpus=(), env={"STANDIN_FAIL": "out of memory"})
    llm = VLLM(POOL, broken)
    with pytest.raises(EngineUnavailable, match="out of memory"):
        await llm.check()
    await llm.aclose()


async def test_a_server_that_comes_back_is_asked_again(root):
    llm = engine()
    await llm.check()
    (folder,) = root.glob("served-a*")
    place = Place(folder)
    before = (await llm.complete(ask("served-a"))).text
    with suppress(OSError):
        urllib.request.urlopen(place.state().url.removesuffix("/v1") + "/crash", timeout=5)
    while place.state().starts < 2 or place.state().status != "up":
        await asyncio.sleep(0.05)
    assert (await llm.complete(ask("served-a"))).text != before
    await llm.aclose()
