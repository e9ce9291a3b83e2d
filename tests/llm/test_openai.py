import asyncio
import socket
import time
from dataclasses import replace

import pytest
from endpoint import ANSWERS, Endpoint, reply
from fakes import ask

from tts_search.errors import CallFailed, CallRejected, EngineUnavailable
from tts_search.llm.failures import Busy, Lost, TryLater
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.llm.wrappers import wrap

KEY = "sk-secret"


@pytest.fixture
async def engine(endpoint: Endpoint, monkeypatch):
    monkeypatch.setenv("THE_KEY", KEY)
    engine = OpenAICompatible(endpoint.url, "THE_KEY", timeout_s=5)
    yield engine
    await engine.aclose()


async def failure(engine, question: str) -> Exception:
    with pytest.raises((CallFailed, EngineUnavailable)) as caught:
        await engine.complete(ask(question))
    message = str(caught.value)
    assert KEY not in message
    assert "\n" not in message
    return caught.value


async def test_a_request_arrives_whole(engine, endpoint):
    schema = '{"type": "object", "additionalProperties": false}'
    answer = await engine.complete(replace(ask("ok", seed=5), schema=schema))
    assert (answer.text, answer.prompt_tokens, answer.output_tokens) == ("4", 11, 7)
    assert 0 < answer.seconds < 5
    body = endpoint.bodies[0]
    form = body.pop("response_format")["json_schema"]
    assert form["schema"]["type"] == "object"
    assert form["strict"] is True
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "ok"}],
        "temperature": 0.7,
        "top_p": 1.0,
        "seed": 5,
        "max_tokens": 64,
    }
    assert endpoint.keys == {f"Bearer {KEY}"}


async def test_settings_change_what_is_sent_and_the_identity(endpoint):
    plain = OpenAICompatible(endpoint.url)
    engine = OpenAICompatible(
        endpoint.url,
        max_tokens_field="max_completion_tokens",
        omit=["temperature", "top_p", "seed"],
        extra_body={"effort": "low"},
        json_mode="json_object",
    )
    await engine.complete(ask("ok", schema="{}"))
    body = endpoint.bodies[0]
    assert set(body) == {"model", "messages", "max_completion_tokens", "response_format", "effort"}
    assert body["response_format"] == {"type": "json_object"}
    assert engine.identity != plain.identity == endpoint.url
    await engine.aclose()


@pytest.mark.parametrize(
    ("question", "text", "finish"),
    [
        ("think inline", "4", "stop"),
        ("think half", "4", "stop"),
        ("think cut", "", "length"),
        ("think apart", "4", "stop"),
        ("nothing", "", "stop"),
    ],
)
async def test_thinking_is_cut_and_counted(engine, question, text, finish):
    answer = await engine.complete(ask(question))
    assert (answer.text, answer.output_tokens, answer.finish_reason) == (text, 7, finish)


async def test_missing_usage_is_estimated_counted_and_logged_once(engine, caplog):
    for _ in range(2):
        answer = await engine.complete(ask("no usage"))
    assert (answer.prompt_tokens, answer.output_tokens) == (len("no usage") // 4, 9 // 4)
    assert engine.estimated == 2
    assert caplog.text.count("reports no tokens") == 1


@pytest.mark.parametrize(
    ("question", "kind", "words"),
    [
        ("401", EngineUnavailable, ["THE_KEY", "401"]),
        ("403", EngineUnavailable, ["THE_KEY", "403"]),
        ("402", EngineUnavailable, ["no credit"]),
        ("quota", EngineUnavailable, ["no credit"]),
        ("no model", EngineUnavailable, ["'m'", "it serves: p, q"]),
        ("odd model", EngineUnavailable, ["'m'", "it serves: p, q"]),
        ("parameter", EngineUnavailable, ["llm.omit=[max_tokens]", "max_completion_tokens"]),
        ("too long", CallRejected, ["maximum context length", "***"]),
        ("422", CallRejected, ["422"]),
        ("filtered", CallRejected, ["filtered"]),
        ("429", Busy, ["429", "slow down"]),
        ("500", CallFailed, ["500"]),
        ("503", Busy, ["503"]),
        ("drop", CallFailed, ["connection lost"]),
        ("half", CallFailed, ["connection lost"]),
        ("not json", CallFailed, ["not JSON"]),
        ("html", CallFailed, ["not JSON"]),
        ("no choices", CallFailed, ["without an answer"]),
        ("null choices", CallFailed, ["without an answer"]),
    ],
)
async def test_each_failure_means_one_thing(engine, endpoint, question, kind, words):
    error = await failure(engine, question)
    assert type(error) is kind
    for word in (endpoint.url, *words):
        assert word in str(error)
    assert endpoint.seen[question] == 1


async def test_a_model_is_missed_without_a_list_of_models(engine, endpoint):
    endpoint.lists_models = False
    assert "served" in str(await failure(engine, "no model"))


async def test_the_wait_that_the_endpoint_names_is_kept(endpoint):
    engine = OpenAICompatible(endpoint.url)
    error = await failure(engine, "busy once")
    assert isinstance(error, TryLater)
    assert error.wait_s == pytest.approx(0.2)
    endpoint.seen.clear()
    stack = wrap(engine, cache_path=None)
    start = time.monotonic()
    assert (await stack.complete(ask("busy once"))).text == "4"
    assert 0.2 <= time.monotonic() - start < 2
    await stack.aclose()


async def test_a_slow_reply_fails_in_time(endpoint):
    engine = OpenAICompatible(endpoint.url, timeout_s=0.3)
    start = time.monotonic()
    assert type(await failure(engine, "slow")) is Busy
    assert time.monotonic() - start < 2
    await engine.aclose()


@pytest.mark.parametrize("question", ["drop", "half"])
async def test_a_connection_that_breaks_after_an_answer_is_lost(engine, question):
    await engine.complete(ask("ok"))
    error = await failure(engine, question)
    assert type(error) is Lost
    assert "connection lost" in str(error)


async def test_an_endpoint_that_is_gone_after_an_answer_is_lost(engine, endpoint):
    await engine.complete(ask("ok"))
    await endpoint.server.close()
    assert type(await failure(engine, "ok")) is Lost
    with pytest.raises(Lost):
        await engine.check()


@pytest.mark.parametrize(
    ("details", "tokens"), [({"cached_tokens": 8}, 8), ({"cached_tokens": None}, 0), (None, 0)]
)
async def test_tokens_from_the_prefix_cache_are_read(engine, monkeypatch, details, tokens):
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    known = reply(usage=usage | {"prompt_tokens_details": details})
    monkeypatch.setitem(ANSWERS, "cached", known)
    assert (await engine.complete(ask("cached"))).cached_tokens == tokens
    assert (await engine.complete(ask("ok"))).cached_tokens == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "no-such-host.invalid"])
async def test_nothing_there_is_said_within_seconds(host):
    url = f"http://{host.format(port=_free_port())}/v1"
    engine = OpenAICompatible(url, connect_s=2)
    start = time.monotonic()
    for attempt in (engine.check(), engine.complete(ask())):
        with pytest.raises(EngineUnavailable, match=r"cannot be reached .*llm\.base_url") as caught:
            await attempt
        assert url in str(caught.value)
    assert time.monotonic() - start < 6
    await engine.aclose()


async def test_a_key_that_is_not_set_is_named(endpoint, monkeypatch):
    monkeypatch.delenv("THE_KEY", raising=False)
    engine = OpenAICompatible(endpoint.url, "THE_KEY")
    with pytest.raises(EngineUnavailable, match="export THE_KEY"):
        await engine.check()
    monkeypatch.setenv("THE_KEY", "wrong")
    with pytest.raises(EngineUnavailable, match="refused the key"):
        await engine.check()
    await engine.aclose()


async def test_check_passes_with_and_without_a_list_of_models(engine, endpoint):
    await engine.check()
    endpoint.lists_models = False
    await engine.check()


def test_credentials_in_the_url_stay_out_of_the_identity():
    assert OpenAICompatible("http://me:pass@host:1/v1/?k=x").identity == "http://host:1/v1"


async def test_many_calls_share_one_client_and_its_connections(engine, endpoint):
    await asyncio.gather(*(engine.complete(ask(f"q{i}")) for i in range(8)))
    await asyncio.gather(*(engine.complete(ask(f"r{i}")) for i in range(8)))
    assert len(endpoint.connections) <= 8
    client = engine._client
    await engine.aclose()
    assert client.closed
    await engine.aclose()


async def test_an_endpoint_that_dies_stops_the_run_and_loses_nothing(endpoint, tmp_path):
    endpoint.dies_after = 20

    def stack():
        engine = OpenAICompatible(endpoint.url)
        limits = {"attempts": 2, "concurrency": 4, "dead_after": 5, "base_s": 0.01}
        return wrap(engine, cache_path=tmp_path / "c", **limits)

    first = stack()
    results = await asyncio.gather(
        *(first.complete(ask(f"q{i}")) for i in range(60)), return_exceptions=True
    )
    await first.aclose()
    stops = [r for r in results if isinstance(r, EngineUnavailable)]
    assert len(stops) >= 30
    assert "run the same command again to continue" in str(stops[0])
    assert endpoint.seen.total() < 45
    endpoint.dies_after = None
    again = stack()
    await asyncio.gather(*(again.complete(ask(f"q{i}")) for i in range(60)))
    assert (again.reused, again.sent) == (20, 40)
    await again.aclose()
