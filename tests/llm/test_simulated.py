"""Shares over 2,000 questions: standard error at most 1.1 points, so 5 points is 4.5 sigma.

Everything is drawn from hashes, so a test that passes once passes always.
"""

import asyncio
import time
from dataclasses import replace

import pytest
from worlds import Numbers, call, right, simulated

from tts_search.errors import CallFailed, ConfigError

N = 2000


async def share(engine, reply) -> float:
    return sum([right(i, await reply(engine, i)) for i in range(N)]) / N


async def alone(engine, i, model="3b", seed=0):
    return (await engine.complete(call(i, model, seed=seed))).text


@pytest.mark.parametrize(
    ("model", "accuracy"), [("1b", 0.31), ("3b", 0.40), ("8b", 0.49), ("70b", 0.68), ("?", 0.45)]
)
async def test_accuracy_alone_is_the_calibrated_one(model, accuracy):
    engine = simulated()
    assert abs(await share(engine, lambda e, i: alone(e, i, model)) - accuracy) < 0.05


async def test_the_same_request_always_gets_the_same_answer():
    one, two = simulated(), simulated()
    requests = [call(i, seed=s) for i in range(50) for s in range(4)]
    first = [await one.complete(r) for r in requests]
    assert first == [await two.complete(r) for r in reversed(requests)][::-1]
    assert first != [await simulated({"seed": 1}).complete(r) for r in requests]
    assert len({a.text for a in first}) > 50


async def test_models_of_a_family_err_together():
    ability = {"accuracy": 0.5, "output_tokens": 9}
    names = {"a": "x", "b": "x", "c": "y"}
    models = {name: {**ability, "family": family} for name, family in names.items()}
    habits = {"difficulty": 0.2, "kinship": 0.6}
    engine = simulated({"models": models, "habits": habits})
    hits = {m: [right(i, await alone(engine, i, m)) for i in range(N)] for m in names}
    agree = {
        pair: sum(x == y for x, y in zip(hits[pair[0]], hits[pair[1]], strict=True)) / N
        for pair in ("ab", "ac")
    }
    assert agree["ab"] > agree["ac"] + 0.1


async def test_tokens_follow_the_model_and_the_cap():
    engine = simulated()
    answers = [await engine.complete(call(i)) for i in range(N)]
    assert sum(a.output_tokens for a in answers) / N == pytest.approx(275, rel=0.03)
    assert {a.prompt_tokens for a in answers} == {202}
    assert answers[1].seconds == 0
    capped = simulated({"models": {"3b": {"accuracy": 0.4, "output_tokens": 5000}}})
    answer = await capped.complete(call(1))
    assert (answer.output_tokens, answer.finish_reason) == (512, "length")


async def test_what_is_read_counts_as_long_as_it_claims_to_be():
    engine = simulated()
    read = [await engine.complete(call(1, seed=s)) for s in range(3)]
    answer = await engine.complete(call(1, role="fuser", answers=tuple(r.text for r in read)))
    assert answer.prompt_tokens == 202 + sum(r.output_tokens for r in read)


async def test_replies_of_which_none_states_an_answer_are_not_taken_over():
    engine = simulated()
    for i in range(50):
        answer = await engine.complete(call(i, role="fuser", answers=("hm", "")))
        assert Numbers().extract(answer.text) is not None


async def test_a_known_answer_in_other_words_is_the_same_answer():
    """Never spoiled and never repaired, a right draft stays right and a wrong one wrong."""
    still = {"corrupt": 0.0, "repair": 0.0, "fresh": 0.0, "comfort": 1e9}
    engine = simulated({"habits": still})
    for i in range(20):
        for number, stays in ((100 * i + 7, True), (100 * i + 9, False), (100 * i + 99, False)):
            answer = await engine.complete(call(i, answers=(f"I say {number}",)))
            assert right(i, answer.text) == stays


async def test_a_greedy_call_goes_by_its_prompt_and_not_by_key_or_run():
    engine = simulated()

    async def says(i, **changes):
        request = replace(call(i), temperature=changes.pop("temperature", 0.0))
        return (await engine.complete(replace(request, site=replace(request.site, **changes)))).text

    def all_of(**changes):
        return [says(i, **changes) for i in range(50)]

    plain = await asyncio.gather(*all_of())
    assert plain == await asyncio.gather(*all_of(key="another", seed=3))
    assert plain != await asyncio.gather(*all_of(sampling=("other shots",)))
    assert plain != await asyncio.gather(*all_of(answers=("I say 5",)))
    warm = await asyncio.gather(*all_of(temperature=0.7))
    assert warm != await asyncio.gather(*all_of(temperature=0.7, seed=3))
    assert warm != await asyncio.gather(*all_of(temperature=0.7, key="another"))


async def test_calls_from_nowhere_get_an_empty_reply():
    from fakes import ask

    engine = simulated()
    assert (await engine.complete(ask(schema="{}"))).text == "{}"
    assert "simulated" in (await engine.complete(ask())).text


async def test_failures_come_at_the_given_rate_and_always_for_the_same_requests():
    engine = simulated(failure_rate=0.2)

    async def lost() -> list[int]:
        out = []
        for i in range(N):
            try:
                await engine.complete(call(i))
            except CallFailed:
                out.append(i)
        return out

    first = await lost()
    assert abs(len(first) / N - 0.2) < 0.05
    assert first == await lost()


async def test_latency_is_really_waited_for():
    engine = simulated(seconds_per_token=1e-4)
    start = time.monotonic()
    answer = await engine.complete(call(1))
    assert time.monotonic() - start >= answer.seconds == pytest.approx(1e-4 * answer.output_tokens)


def test_the_world_is_in_the_identity():
    identities = [
        simulated().identity,
        simulated({"seed": 1}).identity,
        simulated({"habits": {"muddle": 0.01}}).identity,
        simulated({"fallback": {"accuracy": 0.2, "output_tokens": 9}}).identity,
        simulated({"models": {}}).identity,
        simulated({"readers": {}}).identity,
        simulated(failure_rate=0.1).identity,
    ]
    assert len(set(identities)) == len(identities)
    assert simulated().identity == identities[0]
    assert all(identity.startswith("simulated:") for identity in identities)


@pytest.mark.parametrize(
    "bad",
    [
        {"models": {"a": {"accuracy": 1.2, "output_tokens": 5}}},
        {"models": {"a": {"accuracy": 0.5}}},
        {"models": 3},
        {"habits": {"difficulty": 0.9, "kinship": 0.2}},
        {"habits": {"overlaod": 0.2}},
        {"habits": {"popularity": 1.0}},
        {"habits": {"mend": 1.5}},
        {"habits": {"corrupt": "often"}},
        {"readers": {"fuser": {"weighs": 2}}},
        {"sede": 1},
        {"seed": "x"},
    ],
)
def test_a_world_that_makes_no_sense_is_refused(bad):
    with pytest.raises(ConfigError) as refused:
        simulated(bad)
    assert "\n" not in str(refused.value)


async def test_a_call_costs_little():
    """Aim: 40 us with a 3 KB prompt. Five times that fails the test."""
    engine = simulated()
    requests = [call(i, answers=("few-shot example " * 180, "7")) for i in range(2000)]
    start = time.process_time()
    for request in requests:
        await engine.complete(request)
    assert (time.process_time() - start) / len(requests) < 200e-6
