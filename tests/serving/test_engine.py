"""llm=vllm as a run sees it, with a stand-in for vLLM."""

import asyncio
import os
import signal
import sys
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

Own = dict[str, dict[str, object]]
POOL = {name: ModelSpec(name, f"served-{name}") for name in ("a", "b")}


def ask(served: str) -> Request:
    return Request(served, (Message("user", "?"),), 0.7, 1.0, 8, 0)


def engine(own: Own | None = None, **settings: object) -> VLLM:
    launch = Launch(python=str(STANDIN), gpus=(), linger_s=0.5, start_s=20, own=own or {})
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
    assert list(second.specs) == ["served-b"]
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


async def test_replicas_share_the_calls_and_are_known_as_one(root):
    llm = engine({"served-a": {"replicas": 2}})
    texts = {(await llm.complete(ask("served-a"))).text for _ in range(6)}
    assert len(texts) == 2  # two processes
    titles = {place.spec.title: place for place in map(Place, root.glob("served-a*"))}
    assert set(titles) == {"served-a", "served-a replica 2", "served-a router"}
    assert all(place.used for place in titles.values())
    assert llm.identity_for(ask("served-a")) == engine().identity_for(ask("served-a"))
    again = engine({"served-a": {"replicas": 2}})  # finds them, and the router
    assert (await again.complete(ask("served-a"))).text in texts
    assert all("--- start 1" in place.log.read_text() for place in titles.values())
    os.kill(titles["served-a router"].state().keeper, signal.SIGKILL)
    while titles["served-a router"].kept:
        await asyncio.sleep(0.05)
    try:
        with pytest.raises(EngineUnavailable, match=r"served-a_router.*is gone"):
            await llm.check()
    finally:
        await llm.aclose()
        await again.aclose()
    assert not any(place.used for place in titles.values())


async def test_servers_of_this_machine_are_not_looked_for_through_a_proxy(monkeypatch):
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://no-such-proxy.invalid:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    llm = engine({"served-a": {"replicas": 2}})
    assert (await llm.complete(ask("served-a"))).text.startswith("served-a")
    await llm.aclose()


async def test_where_one_of_several_cannot_be_started_none_is_held(root):
    llm = VLLM(POOL, Launch(python=str(STANDIN), gpus=(), own={"served-a": {"replicas": 2}},
                            router={"fail": True}))  # fmt: skip
    with pytest.raises(EngineUnavailable, match="no such router"):
        await llm.check()
    assert not any(place.used for place in map(Place, root.glob("served-a*")))
    await llm.aclose()


async def test_cards_are_not_looked_at_before_a_server_is_wanted():
    """`show` and `coverage` of a run that was made elsewhere build its engine, too."""
    big = {"a": ModelSpec("a", "a", params=7e10)}
    llm = VLLM(big, Launch(card_gb=80))
    assert "vllm a" in llm.identity_for(ask("a"))
    with pytest.raises(ConfigError, match="card 0 need 144 GB"):
        await llm.check()


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


@pytest.mark.parametrize(
    ("python", "lacks"),
    [(sys.executable, "has no vllm"), ("/no/python", "which would serve it, does not exist")],
)
async def test_without_vllm_it_says_where_one_may_be_named(root, python, lacks):
    llm = VLLM(POOL, Launch(python=python, gpus=()))
    with pytest.raises(
        EngineUnavailable, match=rf"served-a is not served yet, and .*{lacks}.*llm\.launch"
    ):
        await llm.check()
    assert not list(root.glob("*/server.log"))
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
