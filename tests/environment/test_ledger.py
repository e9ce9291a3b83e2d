"""The books: each distinct call once a run, whoever asked for it and whether it was cached."""

from pathlib import Path

from tts_search.environment.ledger import Ledger
from tts_search.environment.profile import measure_profile
from tts_search.llm.cache import Cached

from .parts import QUESTIONS, Engine, environment, executor, graph, star

CANDIDATES = [star(2), star(3), star(3, "vote"), graph("large"), star(2)]


async def booked(path: Path | str, engine: Engine) -> Ledger:
    cached = Cached(engine, path)
    ledger = Ledger()
    _, calls = await measure_profile(executor(cached), "assistant", QUESTIONS[:3])
    ledger.book(calls)
    for candidate in CANDIDATES:
        ledger.book((await environment(cached).evaluate(candidate, QUESTIONS[:6])).calls)
    await cached.aclose()
    return ledger


async def test_what_is_booked_is_what_an_empty_cache_had_to_send() -> None:
    engine = Engine()
    ledger = await booked(":memory:", engine)
    assert ledger.calls == len(engine.asked) == len(set(engine.asked))
    assert ledger.tokens == 15 * len(engine.asked)


async def test_a_cached_run_books_the_same_and_sends_nothing(tmp_path: Path) -> None:
    first, second = Engine(), Engine()
    books = [await booked(tmp_path / "c.sqlite", engine) for engine in (first, second)]
    assert first.asked
    assert not second.asked
    assert vars(books[0]) == vars(books[1])


async def test_dollars_are_list_prices_of_real_tokens() -> None:
    """small 1/2, large 10/20 USD per million tokens read/written; greedy has no price."""
    ledger = Ledger()
    world = environment(Engine(tokens=lambda _: (1000, 100)))
    for shape in (graph("small"), graph("large"), graph("greedy")):
        ledger.book((await world.evaluate(shape, QUESTIONS[:1])).calls)
    assert round(ledger.dollars, 12) == 1e-6 * (1000 + 200 + 10_000 + 2_000)


async def test_booking_twice_changes_nothing() -> None:
    ledger = Ledger()
    calls = (await environment(Engine()).evaluate(star(3), QUESTIONS)).calls
    ledger.book(calls)
    before = vars(ledger) | {}
    ledger.book(calls)
    assert vars(ledger) == before
    assert ledger.calls == 4 * len(QUESTIONS)
