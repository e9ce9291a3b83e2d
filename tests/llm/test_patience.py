import asyncio
import logging
from dataclasses import dataclass, field

import pytest
from endpoint import Endpoint
from fakes import Fake, ask

from tts_search.errors import CallFailed, EngineUnavailable
from tts_search.llm import patience
from tts_search.llm.base import Completion, Request
from tts_search.llm.failures import Lost
from tts_search.llm.openai_compatible import OpenAICompatible
from tts_search.llm.patience import Patient
from tts_search.llm.wrappers import wrap


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(patience, "FIRST_S", 0.005)
    monkeypatch.setattr(patience, "LONGEST_S", 0.02)


@dataclass
class Frail(Fake):
    """Loses calls while it is not `up`. `verdict` is raised by check while it is down."""

    up: bool = True
    verdict: Exception = field(default_factory=lambda: Lost("still down"))
    checks: int = 0
    checking: int = 0

    async def complete(self, request: Request) -> Completion:
        await asyncio.sleep(0)
        if not self.up:
            raise Lost("connection lost")
        return await super().complete(request)

    async def check(self) -> None:
        self.checks += 1
        self.checking += 1
        assert self.checking == 1, "one call asks for all"
        try:
            await asyncio.sleep(0.001)
        finally:
            self.checking -= 1
        if not self.up:
            raise self.verdict


def lines(caplog, level: int) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == level]


async def test_all_lost_calls_wait_together_and_succeed_when_tried_again(caplog):
    caplog.set_level(logging.INFO)
    engine = Frail(up=False)
    stack = wrap(engine, cache_path=None, attempts=2, base_s=0.001, patience_s=5)
    calls = [asyncio.create_task(stack.complete(ask(seed=i))) for i in range(30)]
    async with asyncio.timeout(20):
        while engine.checks < 4:
            await asyncio.sleep(0.005)
    assert not any(call.done() for call in calls)
    engine.up = True
    answers = await asyncio.gather(*calls)
    assert [a.text for a in answers] == ["4"] * 30
    assert (stack.sent, stack.failed) == (30, 0)
    assert lines(caplog, logging.WARNING) == ["connection lost; waiting for it, up to 5 s"]
    assert lines(caplog, logging.INFO) == ["endpoint fake is back after 0 s"]
    await stack.aclose()


async def test_each_outage_is_waited_for_anew(caplog):
    engine = Frail()
    patient = Patient(engine, 5)
    for _ in range(2):
        engine.up = False
        call = asyncio.create_task(patient.complete(ask()))
        await asyncio.sleep(0.03)
        engine.up = True
        with pytest.raises(Lost):
            await call
    assert len(lines(caplog, logging.WARNING)) == 2


async def test_one_dropped_call_of_an_endpoint_that_answers_is_no_outage(caplog):
    engine = Fake(errors=[Lost("dropped")])
    with pytest.raises(Lost):
        await Patient(engine, 5).complete(ask())
    assert not caplog.records


async def test_patience_ends_and_says_how_to_go_on():
    engine = Frail(up=False)
    patient = Patient(engine, 0.1)
    results = await asyncio.gather(
        *(patient.complete(ask(seed=i)) for i in range(9)), return_exceptions=True
    )
    for error in results:
        assert isinstance(error, EngineUnavailable)
        for words in ("connection lost", "waited 0 s", "kept", "same command", "patience_s=0.1"):
            assert words in str(error)
        assert "\n" not in str(error)


async def test_an_endpoint_that_is_gone_for_good_is_not_waited_for():
    engine = Frail(up=False, verdict=EngineUnavailable("its weights are gone"))
    patient = Patient(engine, 60)
    calls = [patient.complete(ask(seed=i)) for i in range(5)]
    for error in await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 2):
        with pytest.raises(EngineUnavailable, match=r"its weights are gone; .*same command"):
            raise error
    assert engine.checks == 1


async def test_waiting_calls_can_be_cancelled_and_another_goes_on_asking():
    engine = Frail(up=False)
    patient = Patient(engine, 5)
    calls = [asyncio.create_task(patient.complete(ask(seed=i))) for i in range(3)]
    await asyncio.sleep(0.02)
    calls[0].cancel()
    asked = engine.checks
    await asyncio.sleep(0.05)
    assert engine.checks > asked
    assert calls[0].cancelled()
    assert not calls[1].done()
    engine.up = True
    assert all(
        isinstance(e, Lost) for e in await asyncio.gather(*calls[1:], return_exceptions=True)
    )


async def test_other_failures_pass():
    engine = Fake(errors=[CallFailed("bad reply")])
    with pytest.raises(CallFailed, match="bad reply"):
        await Patient(engine, 5).complete(ask())


async def test_a_server_that_is_started_again_is_found(caplog):
    """The same port, another server; calls of both lives are answered."""
    first, second = Endpoint(), Endpoint()
    await first.server.start_server()
    limits = {"attempts": 3, "base_s": 0.01, "patience_s": 20, "concurrency": 4}
    stack = wrap(OpenAICompatible(first.url, connect_s=1), cache_path=None, **limits)
    port = first.server.port
    await asyncio.gather(*(stack.complete(ask(f"q{i}")) for i in range(8)))
    await first.server.close()
    calls = [asyncio.create_task(stack.complete(ask(f"r{i}"))) for i in range(8)]
    await asyncio.sleep(0.2)
    assert not any(call.done() for call in calls)
    second.server.port = port
    await second.server.start_server()
    await asyncio.gather(*calls)
    assert second.seen.total() == 8
    assert len(lines(caplog, logging.WARNING)) == 1
    await stack.aclose()
    await second.server.close()
