import asyncio
import logging
import math
import random
from dataclasses import dataclass, field

import pytest
from fakes import Fake, ask
from hypothesis import given
from hypothesis import strategies as st

from tts_search.llm.base import Completion, Request
from tts_search.llm.failures import Busy
from tts_search.llm.pace import Gate, Pace
from tts_search.llm.wrappers import Sensed, Throttled, guard

STEP_S = 0.002


@dataclass
class Server(Fake):
    """Answers `takes` calls at once and refuses the others. `limits`: the client's, at each answer
    and refusal."""

    takes: int = 10
    refused: int = 0
    limits: list[float] = field(default_factory=list)
    pace: Pace | None = None
    rng: random.Random = field(default_factory=lambda: random.Random(0))

    async def complete(self, request: Request) -> Completion:
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            if self.pace:
                self.limits.append(self.pace.limit)
            full = self.running > self.takes
            await asyncio.sleep(0)
            if full:
                self.refused += 1
                raise Busy("full")
            await asyncio.sleep(STEP_S * self.rng.uniform(0.5, 1.5))
            return Completion("4", 11, 7)
        finally:
            self.running -= 1


def guarded(server: Server, most: int = 64) -> Throttled:
    stack = guard(server, concurrency=most, attempts=9, base_s=STEP_S)
    assert isinstance(stack, Throttled)
    server.pace = stack.pace
    return stack


async def send(stack: Throttled, count: int) -> None:
    await asyncio.gather(*(stack.complete(ask(seed=i)) for i in range(count)))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


# --- the limit --------------------------------------------------------------------------------


@pytest.mark.parametrize("takes", [2, 5, 10, 30])
async def test_the_limit_settles_near_what_the_server_takes_and_no_call_is_lost(takes):
    """It swings between 0.7 (N + 1) and N + 1: its mean lies within a fifth of N, or within 1."""
    server = Server(takes=takes)
    await send(guarded(server), 60 * takes + 200)
    settled = server.limits[len(server.limits) // 2 :]
    assert mean(settled) == pytest.approx(takes, rel=0.2, abs=1)
    assert max(settled) <= takes + 1.5
    assert server.peak == 64, "it started at what was configured"


async def test_the_limit_follows_when_the_server_takes_more():
    server = Server(takes=4)
    stack = guarded(server)
    await send(stack, 300)
    assert stack.pace.limit < 6
    server.takes = 32
    await send(stack, 1500)
    assert stack.pace.limit > 20
    server.takes = 1000
    await send(stack, 4000)
    assert stack.pace.limit == 64, "and stays within what was configured"


async def test_a_server_that_takes_one_call_at_a_time_is_never_left_without():
    server = Server(takes=1)
    stack = guarded(server)
    await send(stack, 60)
    assert min(server.limits) >= 1
    for _ in range(20):
        stack.pace.refused(stack.pace.cuts)
    assert stack.pace.limit == stack.pace.lowest == 1


async def test_a_wave_of_refusals_cuts_once():
    """All 64 were sent before the first was refused."""
    pace = Pace(64)
    for _ in range(64):
        await pace.turns.acquire()
    for _ in range(64):
        pace.refused(0)
        pace.turns.release()
    assert (pace.cuts, pace.limit) == (1, pytest.approx(0.7 * 64))


async def test_a_cut_never_raises_the_limit():
    pace = Pace(64)
    for _ in range(64):
        await pace.turns.acquire()
    pace.limit = 8.0
    pace.refused(0)
    assert pace.limit == 8, "though many more are in flight, from before"


async def test_an_answer_below_the_limit_says_nothing():
    pace = Pace(8)
    pace.limit = 4.0
    await pace.places.acquire()
    pace.took(pace.cuts)
    assert pace.limit == 4
    for _ in range(3):
        await pace.places.acquire()
    pace.took(pace.cuts)
    assert pace.limit == pytest.approx(4 + 1 / 12)


@pytest.mark.parametrize("name", ["places", "turns"])
async def test_a_limit_that_grows_lets_in_who_waits(name):
    pace = Pace(4)
    pace.limit = 1.95
    gate: Gate = getattr(pace, name)
    await pace.places.acquire()
    first, second = (asyncio.create_task(gate.acquire()) for _ in range(2))
    if name == "turns":
        await first
        first = second
    await asyncio.sleep(0)
    assert not first.done()
    pace.took(pace.cuts)
    await asyncio.wait_for(first, 1)


async def test_tries_beyond_a_limit_that_fell_wait_for_their_turn():
    """64 calls hold places; those refused at first are not refused again and again."""
    server = Server(takes=8)
    await send(guarded(server), 64)
    assert server.refused < 2 * 56


@pytest.mark.parametrize(
    ("slow_s", "tokens", "cuts"), [(0.03, 1, 1), (None, 1, 0), (0.5, 1, 0), (0.03, 500, 0)]
)
async def test_an_answer_that_queued_counts_as_a_refusal(slow_s, tokens, cuts):
    """A long answer takes its time without queueing."""

    class Slow(Fake):
        async def complete(self, request: Request) -> Completion:
            await asyncio.sleep(0.05 if request.seed else 0.005)
            return Completion("4", 11, tokens if request.seed else 1)

    pace = Pace(4)
    sensed = Sensed(Slow(), pace, slow_s)
    for seed in range(2):
        await sensed.complete(ask(seed=seed))
    assert pace.cuts == cuts


async def test_half_of_the_deadline_is_slow():
    class Slow(Fake):
        deadline_s = 0.08

        async def complete(self, request: Request) -> Completion:
            await asyncio.sleep(0.05 if request.seed else 0)
            return Completion("4", 11, 7)

    stack = guard(Slow(), concurrency=4)
    assert isinstance(stack, Throttled)
    for seed in range(2):
        await stack.complete(ask(seed=seed))
    assert stack.pace.cuts == 1


async def test_what_the_limit_went_through_is_logged_once(caplog):
    caplog.set_level(logging.INFO)
    calm, full = guarded(Server(takes=99)), guarded(Server(takes=3))
    for stack in (calm, full):
        await send(stack, 100)
        await stack.aclose()
        await stack.aclose()
    (line,) = [r.getMessage() for r in caplog.records if "overloaded" in r.getMessage()]
    assert f"64 at most were tried; the limit fell to {full.pace.lowest:.1f}" in line


# --- the gate ---------------------------------------------------------------------------------


async def test_the_first_to_come_is_next():
    order: list[int] = []

    class Noting(Fake):
        async def complete(self, request: Request) -> Completion:
            order.append(request.seed)
            return await super().complete(request)

    throttled = Throttled(Noting(), 2)
    await asyncio.gather(*(throttled.complete(ask(seed=n)) for n in range(9)))
    assert order == list(range(9))


async def test_cancelled_calls_leave_no_place_taken():
    """Cancelled while they wait, at the moment they are let in, and while they run."""
    gate = Gate(lambda: 2)
    rng = random.Random(0)

    async def call() -> None:
        async with gate.held():
            await asyncio.sleep(0)

    for _ in range(200):
        calls = [asyncio.create_task(call()) for _ in range(6)]
        for _ in range(rng.randrange(4)):
            await asyncio.sleep(0)
        for task in rng.sample(calls, 3):
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert gate.inside == 0
    assert gate.peak == 2


async def test_a_call_let_in_and_cancelled_at_once_passes_its_place_on():
    gate = Gate(lambda: 1)
    await gate.acquire()
    second, third = (asyncio.create_task(gate.acquire()) for _ in range(2))
    await asyncio.sleep(0)
    gate.release()
    second.cancel()
    await asyncio.wait_for(third, 1)
    assert second.cancelled() or second.exception()
    assert gate.inside == 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.just(0)),
        st.tuples(st.sampled_from(["end", "cancel"]), st.integers(0, 99)),
        st.tuples(st.sampled_from(["refused", "took"]), st.just(0)),
    ),
    max_size=80,
)


@given(st.integers(1, 6), STEPS)
def test_never_more_than_the_limit_are_let_in(most, steps):
    asyncio.run(_walk(most, steps))


async def _walk(most: int, steps: list[tuple[str, int]]) -> None:
    pace, tasks, ends = Pace(most), [], {}
    let_in: list[int] = []

    async def call(name: int) -> None:
        async with pace.places.held(), pace.turns.held():
            assert pace.turns.inside <= math.ceil(pace.limit)
            let_in.append(name)
            await ends[name].wait()

    for step, number in steps:
        live = [t for t in tasks if not t.done()]
        match step:
            case "call":
                ends[len(tasks)] = asyncio.Event()
                tasks.append(asyncio.create_task(call(len(tasks))))
            case "end" if let_in:
                ends[let_in[number % len(let_in)]].set()
            case "cancel" if live:
                live[number % len(live)].cancel()
            case "refused":
                pace.refused(pace.cuts)
            case "took":
                pace.took(pace.cuts)
        for _ in range(3):
            await asyncio.sleep(0)
        assert 1 <= pace.limit <= most
        for gate in (pace.places, pace.turns):
            waiting = any(not turn.done() for turn in gate._waiting)
            assert not waiting or gate.full, "nobody waits where there is room"
    for end in ends.values():
        end.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [d for d in done if isinstance(d, AssertionError)]
    assert pace.turns.inside == pace.places.inside == 0
