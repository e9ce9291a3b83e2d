"""How an endpoint is reached, what names us there, and what its refusals say."""

import asyncio
import json
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from endpoint import ANSWERS, REFUSALS, Endpoint, reply
from fakes import ask

from tts_search.errors import CallFailed, EngineUnavailable
from tts_search.llm.base import Message, Request
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.llm.openai_errors import Refusal

LOGIN = "me:p%40ss@"
ENCODED = "bWU6cEBzcw=="  # me:p@ss


def _with_login(url: str) -> str:
    return url.replace("http://", f"http://{LOGIN}")


def test_digests_of_requests_stay_what_they_were():
    """Caches on disk are found by them."""
    question = (Message("user", "What is 2 + 2?"),)
    request = Request("m", question, 0.7, 1.0, 64, 5, '{"type": "object"}')
    plain = OpenAICompatible("http://host:8000/v1/")
    changed = OpenAICompatible(
        "https://me:pass@host/v1",
        "KEY",
        json_mode="json_object",
        omit=["top_p", "seed"],
        max_tokens_field="max_completion_tokens",
        extra_body={"b": 1, "a": {"c": 2}},
    )
    assert request.digest(plain.identity) == "a03e97112ee4a0167be0d8fb01e83c09"
    assert request.digest(changed.identity) == "0a8c895291032800f97d1ac694f9652a"


async def test_without_a_key_none_is_sent(endpoint):
    engine = OpenAICompatible(endpoint.url)
    await engine.complete(ask("ok"))
    assert endpoint.keys == {None}
    await engine.aclose()


@pytest.mark.parametrize("key_env", [None, "THE_KEY"])
async def test_a_login_in_the_url_is_sent_and_never_shown(endpoint, key_env, monkeypatch):
    monkeypatch.setenv("THE_KEY", "sk-secret")
    echo = (422, f"me:p@ss, p@ss, {ENCODED} and api=q1 are no good", {})
    monkeypatch.setitem(REFUSALS, "echo", echo)
    engine = OpenAICompatible(_with_login(endpoint.url) + "/?api=q1", key_env)
    said = {}
    for question in ("401", "drop", "echo"):
        with pytest.raises((CallFailed, EngineUnavailable)) as caught:
            await engine.complete(ask(question))
        said[question] = str(caught.value)
    assert endpoint.keys == {f"Basic {ENCODED}"}
    assert said["401"].endswith("refused the key (401); correct USER:PASSWORD in llm.base_url")
    assert said["drop"].startswith(f"endpoint {endpoint.url}: connection lost")
    assert said["echo"].endswith("(422): ***, ***, *** and *** are no good")
    await engine.aclose()


async def test_the_query_of_the_url_is_kept_and_never_shown():
    seen = []

    async def refuse(request: web.Request) -> web.Response:
        seen.append(str(request.rel_url))
        return web.Response(text=f"<html>no: {request.rel_url}</html>", status=400)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", refuse)
    async with TestServer(app) as server:
        engine = OpenAICompatible(f"{server.make_url('/v1')}?version=2")
        with pytest.raises(CallFailed, match=r"\(400\): no: /v1/chat/completions\?\*\*\*$"):
            await engine.complete(ask())
        await engine.aclose()
    assert seen == ["/v1/chat/completions?version=2"]


async def test_a_key_of_several_lines_is_named(endpoint, monkeypatch):
    monkeypatch.setenv("THE_KEY", "sk-1\nsk-2")
    with pytest.raises(EngineUnavailable, match="THE_KEY holds more than a line") as caught:
        await OpenAICompatible(endpoint.url, "THE_KEY").complete(ask())
    assert "sk-" not in str(caught.value)


async def test_a_url_that_is_none_is_said():
    engine = OpenAICompatible("localhost:8000/v1")
    with pytest.raises(EngineUnavailable, match=r"cannot be reached.*llm\.base_url"):
        await engine.complete(ask())
    await engine.aclose()


async def test_silence_before_a_connection_ends_in_time(monkeypatch):
    async def asleep(*_: object, **__: object) -> None:
        await asyncio.sleep(30)

    engine = OpenAICompatible("http://127.0.0.1:9/v1?api=q1", connect_s=0.2)
    monkeypatch.setattr(engine._connect().connector, "_create_connection", asleep)
    start = time.monotonic()
    with pytest.raises(EngineUnavailable, match="cannot be reached") as caught:
        await engine.complete(ask())
    assert time.monotonic() - start < 2
    assert "q1" not in str(caught.value)
    await engine.aclose()


async def test_connections_that_idle_are_dropped_without_loss():
    served = Endpoint()
    await served.server.start_server(keepalive_timeout=0.05)
    engine = OpenAICompatible(served.url)
    for _ in range(4):
        await asyncio.gather(*(engine.complete(ask(f"q{i}")) for i in range(4)))
        await asyncio.sleep(0.15)
    assert len(served.connections) == 16
    await engine.aclose()
    await served.server.close()


@pytest.mark.parametrize(("bypass", "through"), [("", True), ("no-such-host.invalid", False)])
async def test_a_proxy_of_the_environment_is_used(monkeypatch, bypass, through):
    seen = []

    async def forward(request: web.Request) -> web.Response:
        seen.append((request.raw_path, request.headers.get("Proxy-Authorization")))
        return web.json_response(reply())

    proxy = TestServer(web.Application())
    proxy.app.router.add_route("*", "/{path:.*}", forward)
    await proxy.start_server()
    monkeypatch.setenv("http_proxy", _with_login(str(proxy.make_url("/"))))
    monkeypatch.setenv("no_proxy", bypass)
    engine = OpenAICompatible("http://no-such-host.invalid/v1", connect_s=1)
    if through:
        assert (await engine.complete(ask())).text == "4"
        url = "http://no-such-host.invalid/v1/chat/completions"
        assert seen == [(url, f"Basic {ENCODED}")]
    else:
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await engine.complete(ask())
        assert not seen
    await engine.aclose()
    await proxy.close()


@pytest.mark.parametrize(
    ("body", "message", "code", "param"),
    [
        ({"error": {"message": "no", "code": "c", "param": "p"}}, "no", "c", "p"),
        ({"error": {"message": "no", "code": 400}}, "no", "400", None),
        ({"object": "error", "message": "no", "code": None}, "no", None, None),
        ({"error": "no"}, "no", None, None),
        ({"error": None, "message": "no"}, "no", None, None),
        ({"detail": "no"}, "no", None, None),
        ({"detail": [{"loc": ["body"]}]}, "[{'loc': ['body']}]", None, None),
        (["no"], '["no"]', None, None),
        ("  no\n way ", "no way", None, None),
        ("<html>\n<h1>502 Bad\nGateway</h1><hr></html>", "502 Bad Gateway", None, None),
        ("", "Bad Gateway", None, None),
    ],
)
def test_refusals_are_read_in_every_form(body, message, code, param):
    text = body if isinstance(body, str) else json.dumps(body)
    seen = Refusal.read(502, {}, text)
    assert (seen.message, seen.code, seen.param) == (message, code, param)


def test_a_status_without_a_name_or_a_word_is_said():
    assert Refusal.read(529, {}, " ").message == "no reason given"


@pytest.mark.parametrize(
    "odd",
    [
        {"usage": None},
        {"usage": {"prompt_tokens": None, "completion_tokens": 3}},
        {"usage": []},
        {"finish": None},
        {"message": {"reasoning_content": None}},
        {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "4"}, None]},
    ],
)
async def test_fields_may_be_missing_or_null(endpoint, monkeypatch, odd):
    monkeypatch.setitem(ANSWERS, "odd", reply(**odd))
    engine = OpenAICompatible(endpoint.url)
    answer = await engine.complete(ask("odd"))
    assert (answer.text, answer.finish_reason) == ("4", "stop")
    await engine.aclose()


@pytest.mark.parametrize("choice", [None, {}, {"message": None}, {"message": "4"}, "4"])
async def test_replies_of_no_known_form_are_failed_calls(endpoint, monkeypatch, choice):
    monkeypatch.setitem(ANSWERS, "odd", reply(choices=[choice]))
    engine = OpenAICompatible(endpoint.url)
    with pytest.raises(CallFailed, match="without an answer"):
        await engine.complete(ask("odd"))
    await engine.aclose()
