"""Searches on a real vLLM server. In order: later tests find the server that earlier ones started,
as runs do."""

import json
import os
import signal
import urllib.request

import pytest

from tts_search.llm.base import Message, Request
from tts_search.llm.hf_weights import MODEL
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.serving.end import end
from tts_search.serving.place import Place

pytestmark = pytest.mark.vllm


def test_two_runs_at_once_share_one_server_and_whole_searches_come_of_it(machine):
    runs = [machine.start(f"seed {n}", f"seed={n}") for n in range(2)]
    for n, run in enumerate(runs):
        code, error = machine.finish(run)
        assert code == 0, error
        found = machine.summary(f"seed {n}")
        assert found["calls"]["failed"] == 0
        assert found["calls"]["sent"] == machine.answered(f"seed {n}") > 50
        assert 0 <= found["test"]["score"] <= 1
        assert found["calls"]["prefix_tokens"] > 0.3 * found["calls"]["prompt_tokens"]
    assert machine.state.status == "up"
    assert machine.place.log.read_text().count("--- start") == 1
    assert not machine.place.used


def test_the_same_again_asks_nothing(machine):
    code, error = machine.finish(machine.start("seed 0", "seed=0"))
    assert code == 0, error
    assert machine.summary("seed 0")["calls"]["sent"] == 0


async def test_a_schema_binds_the_reply(machine):
    properties = {"width": {"type": "integer"}, "role": {"enum": ["fuser", "assistant"]}}
    schema = {"type": "object", "properties": properties, "required": ["width", "role"],
              "additionalProperties": False}  # fmt: skip
    llm = OpenAICompatible(machine.state.url)
    ask = Message("user", "Which team would you take? Say what you like.")
    for seed in range(5):
        request = Request(MODEL, (ask,), 1.0, 1.0, 60, seed, json.dumps(schema))
        reply = await llm.complete(request)
        said = json.loads(reply.text)
        assert set(said) == {"width", "role"}
        assert said["role"] in ("fuser", "assistant")
    await llm.aclose()


async def test_a_common_prefix_is_read_once(machine):
    llm = OpenAICompatible(machine.state.url)
    shown = Message("system", "Count the words that are told to you, and say nothing else. " * 20)
    replies = [
        await llm.complete(Request(MODEL, (shown, Message("user", f"{n} words")), 0.0, 1.0, 4, 0))
        for n in range(3)
    ]
    assert all(reply.cached_tokens > 0.8 * reply.prompt_tokens for reply in replies[1:])
    await llm.aclose()


def test_a_search_outlives_its_server(machine):
    """Killed in the middle: the keeper starts it again, the run waits and loses nothing."""
    run = machine.start("killed", "seed=2")
    machine.until(lambda: machine.answered("killed") > 20)
    os.killpg(machine.state.server, signal.SIGKILL)
    code, error = machine.finish(run)
    assert code == 0, error
    assert machine.state.starts == 2
    found = machine.summary("killed")
    assert found["calls"]["failed"] == 0


def test_a_server_that_never_comes_back_ends_the_run_and_the_same_command_goes_on(machine):
    run = machine.start("gone", "seed=3")
    machine.until(lambda: machine.answered("gone") > 30)
    assert end(machine.place, force=True)
    code, error = machine.finish(run, 60)
    assert code == 1
    assert "Traceback" not in error
    assert "is gone" in error
    assert "run the same command again" in error
    paid = machine.answered("gone")
    assert (machine.run("gone") / "archive.jsonl").exists()
    code, error = machine.finish(machine.start("gone", "seed=3"))
    assert code == 0, error
    calls = machine.summary("gone")["calls"]
    assert calls["failed"] == 0
    assert calls["sent"] == machine.answered("gone") - paid


def test_replicas_share_a_search_and_one_that_dies_is_not_missed(machine):
    """The second is killed in the middle: the router asks the first until it is back."""
    run = machine.start("replicas", "seed=4", f"+llm.launch.own.{MODEL}.replicas=2")
    machine.until(lambda: machine.answered("replicas") > 60)
    second = machine.place_of(f"{MODEL} replica 2")
    assert all(asked(place) > 10 for place in (machine.place, second))
    os.killpg(second.state().server, signal.SIGKILL)
    code, error = machine.finish(run)
    assert code == 0, error
    found = machine.summary("replicas")["calls"]
    assert found["failed"] == 0
    assert found["sent"] == machine.answered("replicas")


def asked(place: Place) -> float:
    """Requests this server has answered, as it counts them."""
    url = place.state().url.replace("/v1", "/metrics")
    with urllib.request.urlopen(url, timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    counts = [line for line in lines if line.startswith("vllm:request_success_total")]
    return sum(float(line.rpartition(" ")[2]) for line in counts)


def test_the_served_model_is_the_agent_of_a_search(machine):
    """Its replies are held to their schema by the server, whose context they need."""
    words = ("optimizer=agent_reinforce", "agent=embedded", "search.max_trials=14", "seed=5")
    code, error = machine.finish(
        machine.start("agent", *words, "llm.launch.args.max_model_len=8192")
    )
    assert code == 0, error
    found = machine.summary("agent")
    assert found["calls"]["failed"] == 0
    assert found["agent"] == "smollm2-135m"
    assert 2 <= found["search_spend"]["agent_calls"] <= 4  # a pick, an update; few asked again


def test_the_commands_show_it_and_take_it_down(machine):
    shown = machine.servers("show")
    assert f"{MODEL}: up, http://127.0.0.1:" in shown
    assert f"{MODEL}: stopped" in machine.servers("down", MODEL)
