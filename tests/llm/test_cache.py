import asyncio
import sqlite3
import time
from pathlib import Path

import pytest
from fakes import Fake, ask

from tts_search.errors import CacheError, CallFailed
from tts_search.llm.base import Completion, Wrapper
from tts_search.llm.cache import Cached
from tts_search.llm.recorded import Recorded
from tts_search.llm.store import ResponseStore


async def test_a_stored_answer_comes_back_whole_and_costs_no_call(tmp_path, fake):
    first = Cached(fake, tmp_path / "deep" / "cache.sqlite")
    answer = await first.complete(ask())
    await first.aclose()
    second = Cached(fake, tmp_path / "deep" / "cache.sqlite")
    assert await second.complete(ask()) == answer == Completion("4", 11, 7, "stop", 1.5)
    assert (second.sent, second.reused, second.failed) == (0, 1, 0)
    assert fake.calls == 1
    await second.aclose()
    await second.aclose()


async def test_everything_that_may_change_the_answer_is_in_the_key(tmp_path, fake):
    cached = Cached(fake, tmp_path / "c")
    variants = [
        ask(),
        ask("3+3?"),
        ask(seed=1),
        ask(model="n"),
        ask(temperature=0.0),
        ask(top_p=0.5),
        ask(max_tokens=9),
        ask(schema="{}"),
    ]
    for request in variants:
        await cached.complete(request)
    fake.identity = "other"
    await cached.complete(ask())
    assert cached.sent == len(variants) + 1
    await cached.aclose()


async def test_identical_requests_in_flight_share_one_call(tmp_path, fake):
    cached = Cached(fake, tmp_path / "c")
    answers = await asyncio.gather(*(cached.complete(ask()) for _ in range(50)))
    assert len({a.text for a in answers}) == 1
    assert (fake.calls, cached.sent, cached.reused) == (1, 1, 49)
    assert not cached._flights
    await cached.aclose()


async def test_cancelling_the_first_waiter_leaves_the_call_to_the_others(tmp_path, fake):
    fake.gate = asyncio.Event()
    cached = Cached(fake, tmp_path / "c")
    first, second = (asyncio.create_task(cached.complete(ask())) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    fake.gate.set()
    assert (await second).text == "4"
    assert first.cancelled()
    assert fake.calls == 1
    await cached.aclose()


async def test_a_call_nobody_waits_for_is_cancelled(tmp_path, fake):
    fake.gate = asyncio.Event()
    cached = Cached(fake, tmp_path / "c")
    waiters = [asyncio.create_task(cached.complete(ask())) for _ in range(2)]
    await asyncio.sleep(0.01)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.sleep(0.01)
    assert fake.running == 0
    assert not cached._flights
    fake.gate = None
    assert (await cached.complete(ask())).text == "4"
    await cached.aclose()


async def test_a_failure_reaches_all_waiters_and_is_not_kept(tmp_path, fake):
    fake.errors = [CallFailed("busy")]
    cached = Cached(fake, tmp_path / "c")
    results = await asyncio.gather(
        *(cached.complete(ask()) for _ in range(3)), return_exceptions=True
    )
    assert [str(r) for r in results] == ["busy"] * 3
    assert (await cached.complete(ask())).text == "4"
    assert (cached.sent, cached.reused, cached.failed) == (2, 0, 1)
    await cached.aclose()


async def test_closing_ends_calls_in_flight(tmp_path, fake):
    fake.gate = asyncio.Event()
    cached = Cached(fake, tmp_path / "c")
    waiter = asyncio.create_task(cached.complete(ask()))
    await asyncio.sleep(0.01)
    await cached.aclose()
    with pytest.raises(CallFailed):
        await waiter
    assert fake.running == 0
    assert fake.closed == 1


async def test_memory_keeps_answers_for_the_process_and_nothing_in_flight(fake):
    cached = Cached(fake, ":memory:")
    for seed in range(300):
        await asyncio.gather(*(cached.complete(ask(seed=seed)) for _ in range(2)))
    assert (cached.sent, cached.reused, len(cached.store)) == (300, 300, 300)
    assert not cached._flights
    await cached.aclose()


async def test_an_answer_of_one_endpoint_survives_when_another_joins_the_engine(tmp_path):
    class Pool(Fake):
        """Wrapped, as an engine usually is."""

        def identity_for(self, request):
            return f"endpoint of {request.model}"

    for identity, sent in (("a", 1), ("a, b", 0)):
        cached = Cached(Wrapper(Pool(identity=identity)), tmp_path / "c")
        await cached.complete(ask(model="a"))
        assert cached.sent == sent
        await cached.aclose()
    recorded = Recorded("a, b", tmp_path / "c", engine=Pool())
    assert (await recorded.complete(ask(model="a"))).text == "4"
    await recorded.aclose()


def test_an_answer_stored_before_there_were_cached_tokens_loads(tmp_path):
    store = ResponseStore(tmp_path / "c")
    store.put("k", ask(), Completion("x", 5, 1, cached_tokens=4))
    assert store.get("k").cached_tokens == 4
    store._db.execute("UPDATE calls SET answer = json_remove(answer, '$.cached_tokens')")
    assert store.get("k") == Completion("x", 5, 1)
    store.close()


def test_a_lone_surrogate_survives():
    store = ResponseStore(":memory:")
    odd = Completion("a\ud800b", 1, 1)
    store.put("k", ask("q\udfff"), odd)
    assert store.get("k") == odd
    store.close()


def test_the_first_answer_stored_wins(tmp_path):
    one, two = ResponseStore(tmp_path / "c"), ResponseStore(tmp_path / "c")
    assert one.put("k", ask(), Completion("mine", 1, 1)).text == "mine"
    assert two.put("k", ask(), Completion("late", 1, 1)).text == "mine"
    one.close()
    two.close()


@pytest.mark.parametrize(
    "damage", ["'{'", "'[]'", "'{\"text\": 3}'", "cast(x'ff' as text)", "'null'"]
)
async def test_a_damaged_row_is_a_miss_and_is_replaced(tmp_path, fake, damage):
    cached = Cached(fake, tmp_path / "c")
    await cached.complete(ask())
    cached.store._db.execute(f"UPDATE calls SET answer = {damage}")
    assert (await cached.complete(ask())).text == "4"
    assert (await cached.complete(ask())).text == "4"
    assert (cached.sent, cached.reused) == (2, 1)
    await cached.aclose()


def _refused(path: Path, *words: str, patience_s: float = 0.2) -> None:
    with pytest.raises(CacheError) as caught:
        ResponseStore(path, patience_s)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message


def test_a_file_that_is_no_cache_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "c"
    path.write_bytes(b"hello world, not a database. " * 100)
    _refused(path, f"mv {path} {path}.corrupt", "cache=PATH")
    assert path.read_bytes().startswith(b"hello")


def test_a_truncated_cache_is_refused(tmp_path):
    path = tmp_path / "c"
    store = ResponseStore(path)
    for i in range(200):
        store.put(str(i), ask("long " * 100), Completion("x", 1, 1))
    store.close()
    path.write_bytes(path.read_bytes()[: 3 * 4096])
    with pytest.raises(CacheError, match=r"mv .* .*corrupt"):
        _read_all(path)


def _read_all(path: Path) -> None:
    store = ResponseStore(path)
    try:
        for i in range(200):
            store.get(str(i))
    finally:
        store.close()


def test_unwritable_places_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    _refused(tmp_path / "file" / "c", "cache=PATH")
    _refused(tmp_path, "cache=PATH")
    _refused(Path("/proc/nowhere/c"), "cache=PATH")


def test_another_schema_and_another_programs_database_are_refused(tmp_path):
    for name, statement in {"v": "PRAGMA user_version = 99", "o": "CREATE TABLE t (x)"}.items():
        db = sqlite3.connect(tmp_path / name)
        db.execute(statement)
        db.close()
        _refused(tmp_path / name, "schema version", f"mv {tmp_path / name}")


def test_a_cache_locked_for_too_long_is_reported(tmp_path):
    path = tmp_path / "c"
    store = ResponseStore(path, patience_s=0.2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CacheError, match="locked by another process"):
        store.put("k", ask(), Completion("x", 1, 1))
    other.execute("ROLLBACK")
    store.put("k", ask(), Completion("x", 1, 1))
    other.close()
    store.close()


async def test_a_full_disk_stops_with_one_line(tmp_path, fake):
    cached = Cached(fake, tmp_path / "c")
    cached.store._db.execute("PRAGMA max_page_count = 4")
    with pytest.raises(CacheError, match="free space"):
        await asyncio.gather(*(cached.complete(ask("x" * 2500, seed=s)) for s in range(20)))
    await cached.aclose()


async def test_a_call_costs_little(tmp_path):
    """Aim: 150 us a hit and 250 us a miss, 3 KB prompts. Five times that fails the test."""
    cached = Cached(Fake(), tmp_path / "c")
    requests = [ask("few-shot example " * 180, seed=i) for i in range(500)]
    spent = []
    for _ in ("miss", "hit"):
        start = time.process_time()
        for request in requests:
            await cached.complete(request)
        spent.append((time.process_time() - start) / len(requests) * 1e6)
    assert spent[0] < 1250
    assert spent[1] < 750
    await cached.aclose()
