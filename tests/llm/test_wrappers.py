import asyncio
import random

import pytest
from fakes import Fake, ask

from tts_search.errors import CallFailed, CallRejected, ConfigError, EngineUnavailable
from tts_search.llm.base import innermost
from tts_search.llm.failures import Busy, TryLater
from tts_search.llm.retried import Retried
from tts_search.llm.wrappers import Throttled, wrap


class Clock:
    """A sleep that only notes how long it was asked for."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def retried(fake: Fake, *errors: Exception, **settings: object) -> tuple[Retried, Clock]:
    fake.errors, clock = list(errors), Clock()
    return Retried(fake, sleep=clock.sleep, **settings), clock  # type: ignore[arg-type]


async def test_at_most_limit_calls_run_at_once(fake):
    throttled = Throttled(fake, 5)
    await asyncio.gather(*(throttled.complete(ask(seed=i)) for i in range(40)))
    assert (fake.peak, fake.calls) == (5, 40)


async def test_starts_are_spread_over_the_minute(fake):
    clock = Clock()
    throttled = Throttled(fake, 10, per_minute=60, sleep=clock.sleep)
    await asyncio.gather(*(throttled.complete(ask(seed=i)) for i in range(4)))
    assert clock.slept == pytest.approx([1, 2, 3], abs=0.1)


async def test_waits_grow_and_stay_within_their_bounds(fake):
    engine, clock = retried(fake, *[CallFailed("x")] * 4, rng=random.Random(1))
    assert (await engine.complete(ask())).text == "4"
    assert all(2**i / 2 <= wait <= 2**i for i, wait in enumerate(clock.slept))
    assert engine.retries == len(clock.slept) == 4
    again, other = retried(Fake(), *[CallFailed("x")] * 4, rng=random.Random(1))
    await again.complete(ask())
    assert other.slept == clock.slept


async def test_the_last_failure_comes_out(fake):
    engine, _ = retried(fake, CallFailed("a"), CallFailed("b"), attempts=2)
    with pytest.raises(CallFailed, match="b"):
        await engine.complete(ask())
    assert fake.calls == 2


async def test_a_named_wait_is_kept_unless_too_long(fake):
    engine, clock = retried(fake, TryLater("x", 7.5))
    await engine.complete(ask())
    assert clock.slept == [7.5]
    engine, clock = retried(fake, TryLater("in an hour", 3600))
    with pytest.raises(TryLater):
        await engine.complete(ask())
    assert clock.slept == []


async def test_a_refusal_that_names_no_wait_is_waited_for_as_any_failure(fake):
    engine, clock = retried(fake, Busy("x"), base_s=4.0)
    await engine.complete(ask())
    assert 2 <= clock.slept[0] <= 4


@pytest.mark.parametrize("error", [CallRejected("no"), EngineUnavailable("gone"), ValueError()])
async def test_what_cannot_help_is_not_retried(fake, error):
    engine, _ = retried(fake, error)
    with pytest.raises(type(error)):
        await engine.complete(ask())
    assert fake.calls == 1


async def fail(engine: Retried, count: int) -> None:
    for _ in range(count):
        with pytest.raises(CallFailed):
            await engine.complete(ask())


async def test_a_dead_engine_is_told_once_and_never_asked_again(fake):
    engine, _ = retried(fake, *[CallFailed("down")] * 9, attempts=1, dead_after=3)
    await fail(engine, 2)
    for _ in range(2):
        with pytest.raises(
            EngineUnavailable, match=r"fake stopped answering: 3 calls .* down.*kept"
        ):
            await engine.complete(ask())
    assert fake.calls == 3


async def test_a_success_or_a_rejection_is_a_sign_of_life(fake):
    engine, _ = retried(fake, *[CallFailed("x")] * 2, attempts=1, dead_after=3)
    for error in ([], [CallRejected("no")]):
        fake.errors = [CallFailed("x"), CallFailed("x"), *error]
        await fail(engine, 2 + len(error))
        if not error:
            await engine.complete(ask())
    fake.errors = [CallFailed("x")] * 2
    await fail(engine, 2)


async def test_calls_that_back_off_give_up_when_the_engine_is_dead(fake):
    engine, _ = retried(fake, *[CallFailed("x")] * 99, attempts=4, dead_after=1)
    results = await asyncio.gather(
        *(engine.complete(ask()) for _ in range(9)), return_exceptions=True
    )
    assert all(isinstance(r, EngineUnavailable) for r in results)


async def test_zero_never_counts_as_dead(fake):
    engine, _ = retried(fake, *[CallFailed("x")] * 30, attempts=1, dead_after=0)
    await fail(engine, 30)


async def test_the_stack_passes_identity_and_closing_through(fake, tmp_path):
    stack = wrap(fake, cache_path=tmp_path / "c", concurrency=2)
    await asyncio.gather(*(stack.complete(ask(seed=i)) for i in range(9)))
    assert (stack.identity, fake.peak, stack.sent) == ("fake", 2, 9)
    await stack.aclose()
    assert fake.closed == 1


async def test_an_engine_of_several_endpoints_has_each_guarded_on_its_own():
    class Several(Fake):
        def guarded(self, guard):
            self.ends = {name: guard(Fake(identity=name)) for name in "ab"}
            return self

        async def complete(self, request):
            return await self.ends[request.model].complete(request)

    engine = Several()
    stack = wrap(engine, cache_path=None, concurrency=2)
    await asyncio.gather(*(stack.complete(ask(seed=i, model="ab"[i % 2])) for i in range(20)))
    assert stack.inner is engine
    assert [innermost(end).peak for end in engine.ends.values()] == [2, 2]
    await stack.aclose()


@pytest.mark.parametrize(
    ("bad", "value"),
    [("concurrency", 0), ("attempts", 0), ("per_minute", 0), ("base_s", -1), ("patience_s", -1)],
)
def test_limits_that_make_no_sense_are_refused(fake, bad, value):
    with pytest.raises(ConfigError, match=rf"limits\.{bad} .*got {value}"):
        wrap(fake, cache_path=None, **{bad: value})
