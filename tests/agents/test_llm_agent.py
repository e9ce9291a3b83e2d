"""Good replies are used, bad ones are sent back with the reason, and every call is counted."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tts_search.agents.base import AgentUsage
from tts_search.core.distribution import GraphDistribution
from tts_search.errors import AgentError, CallFailed, CallRejected, ConfigError, EngineUnavailable

from .parts import MIXES, Scripted, agent, context, feedback, good, pick

GOOD = json.dumps(good())


async def update(llm: Scripted, slots: int = 3, **settings: Any) -> Any:
    where = context(slots)
    current = GraphDistribution.uniform(where.space)
    return await agent(llm, **settings).update(where, current, feedback())


async def test_percents_become_probabilities_and_rows_are_normalised() -> None:
    new = await update(Scripted([GOOD]))
    assert new.reason == "wider"
    assert new.notes == ()
    assert new.distribution.edge == pytest.approx(np.triu(np.full((3, 3), 0.8), 1))
    assert new.distribution.role == pytest.approx(np.tile([0.5, 0.25, 0.25], (3, 1)))
    assert new.distribution.model == pytest.approx(np.tile([0.125, 0.75, 0.125], (3, 1)))


SQUARE = [[0, 80, 80], [0, 0, 80], [0, 0, 0]]
LENIENT: dict[str, str] = {
    "code fence": f"Here it is:\n```json\n{GOOD}\n```\nHope it helps {{smile}}!",
    "thoughts": f"<think>maybe {json.dumps(good(reason='draft'))}?</think>{GOOD}",
    "thoughts without their start": f'a draft: {{"reason": 1}} </think>\n{GOOD}',
    "a draft before": json.dumps(good(reason="draft")) + "\nNo, rather\n" + GOOD,
    "further fields": json.dumps(good(confidence="high")),
    "lists of rows": json.dumps(
        good(edges=[[80, 80], [80]], roles=[[2, 1, 1]] * 3, models=[[1, 6, 1]] * 3)
    ),
    "an empty last edge row": json.dumps(good(edges={"0": [80, 80], "1": [80], "2": []})),
    "square edges": json.dumps(good(edges=SQUARE)),
    "whole floats": GOOD.replace("80", "80.0"),
    "a line break in a string": GOOD.replace("wider", "wider\n"),
    "half a surrogate pair": GOOD.replace("wider", "wider\\ud83d")[:-1] + "}",
}


@pytest.mark.parametrize("text", LENIENT.values(), ids=LENIENT)
async def test_a_reply_with_things_around_it_is_read(text: str) -> None:
    llm = Scripted([text])
    new = await update(llm)
    assert len(llm.asked) == 1
    assert new.reason.startswith("wider")
    new.reason.encode()  # writable
    assert new.distribution.edge == pytest.approx(np.triu(np.full((3, 3), 0.8), 1))
    assert new.distribution.role == pytest.approx(np.tile([0.5, 0.25, 0.25], (3, 1)))


def without(field: str) -> str:
    return json.dumps({k: v for k, v in good().items() if k != field})


BAD: dict[str, tuple[str, str]] = {
    "empty": ("", "no JSON object"),
    "prose": ("I would make it wider.", "no JSON object"),
    "an ellipsis": (GOOD.replace("[80, 80]", "[80, ...]"), "not valid JSON"),
    "truncated": (GOOD[:60], "not valid JSON"),
    "endless thoughts": (f"<think> {GOOD}", "no JSON object"),
    "a list": ("[1, 2]", "no JSON object"),
    "another object": ('{"answer": 42}', "no JSON object"),
    "python": ("dict(reason=__import__('os').getcwd())", "no JSON object"),
    "deep": ('{"edges":' * 20_000, "not valid JSON"),
    "long": ("{" * 300_000, "characters"),
    "no reason": (without("reason"), "reason: Field required"),
    "no edges": (without("edges"), "edges: Field required"),
    "no roles": (without("roles"), "roles: Field required"),
    "no models": (without("models"), "models: Field required"),
    "null": (json.dumps(good(models=None)), "models: "),
    "a number for rows": (json.dumps(good(edges=80)), "edges: "),
    "a missing row": (json.dumps(good(roles={"0": [1, 0, 0]})), "roles.1: Field required"),
    "a row too many": (json.dumps(good(roles=[[1, 0, 0]] * 4)), "roles.3: "),
    "a short row": (json.dumps(good(roles=[[1, 0]] * 3)), "roles.0: List should have at least 3"),
    "a long row": (json.dumps(good(models=[[1] * 4] * 3)), "models.0: List should have at most 3"),
    "below 0": (json.dumps(good(edges=[[80, -1], [80]])), "edges.0.1: Input should be greater"),
    "above 100": (json.dumps(good(edges=[[80, 101], [80]])), "edges.0.1: Input should be less"),
    "a fraction": (json.dumps(good(edges=[[0.8, 10], [80]])), "fractional part (got 0.8)"),
    "ones for certain": (json.dumps(good(edges=[[1, 0], [1]])), "write 100 for always"),
    "words": (json.dumps(good(edges=[["high", 1], [80]])), "edges.0.0: "),
    "a truth value": (json.dumps(good(edges=[[True, 1], [80]])), "not true or false"),
    "NaN": (GOOD.replace("60", "NaN"), "models.0.1: Input should be a finite number"),
    "infinity": (GOOD.replace("60", "1e999"), "models.0.1: Input should be a finite number"),
    "many digits": (GOOD.replace("60", "9" * 5000), "not valid JSON"),
    "a row of zeros": (json.dumps(good(roles=[[0, 0, 0]] * 3)), "a row must not be all 0"),
    "a self-loop": (json.dumps(good(edges=[[9, 80, 80], *SQUARE[1:]])), "0 -> 0 got 9"),
    "a cycle": (json.dumps(good(edges=[*SQUARE[:2], [30, 0, 0]])), "2 -> 0 got 30"),
    "an unknown slot": (json.dumps(good(edges={"0": [8, 8], "1": [8], "7": [8]})), "edges.7: "),
}


@pytest.mark.parametrize(("text", "problem"), BAD.values(), ids=BAD)
async def test_a_bad_reply_is_sent_back_with_the_reason(text: str, problem: str) -> None:
    llm = Scripted([text, GOOD])
    new = await update(llm)
    first, second = (request.messages for request in llm.asked)
    assert second[:2] == first
    assert [m.role for m in second] == ["system", "user", "assistant", "user"]
    assert problem in second[3].content
    assert len(second[2].content) <= 4000
    assert problem in new.notes[0]
    assert new.reason == "wider"


@pytest.mark.parametrize("text", [text for text, _ in BAD.values()], ids=BAD)
async def test_nothing_but_bad_replies_is_an_agent_error(text: str) -> None:
    llm = Scripted([text])
    with pytest.raises(AgentError, match=r"gave no usable reply in 2 attempts; the last: "):
        await update(llm, attempts=2)
    assert len(llm.asked) == 2


async def test_a_reply_that_was_cut_off_is_told_so() -> None:
    llm = Scripted([GOOD[:60]], finish_reason="length")
    with pytest.raises(AgentError, match="cut off after 10 tokens"):
        await update(llm)


async def test_a_bad_reply_is_quoted_without_its_white_space() -> None:
    llm = Scripted(['{"edges":\n   \n\n   [', GOOD])
    await update(llm)
    assert llm.asked[1].messages[2].content == '{"edges": ['


async def test_what_breaks_the_budget_is_no_error_but_noted() -> None:
    greedy = good(8, models=[[0, 0, 100]] * 8, roles=[[100, 0, 0]] * 8)
    new = await update(Scripted([json.dumps(greedy)]), slots=8)
    assert "of 18 x cheapest call; decode keeps what fits" in new.notes[0]
    where = context(8)
    assert where.space.budget.admits(where.space.decode(new.distribution.mode()))


@pytest.mark.parametrize("error", [EngineUnavailable, CallFailed, CallRejected])
async def test_a_dead_endpoint_is_an_agent_error_that_names_the_cause(
    error: Callable[[str], Exception],
) -> None:
    llm = Scripted([error("endpoint x refused the key in DEEPSEEK_API_KEY (401)")])
    mine = agent(llm)
    with pytest.raises(AgentError, match="DEEPSEEK_API_KEY"):
        await mine.pick_mixes(context(), MIXES, (), 2)
    assert mine.usage == AgentUsage(1, 0, 0.0)


async def test_every_call_is_counted_also_the_useless() -> None:
    mine = agent(Scripted(["no", pick(0), GOOD]), price_in=0.5, price_out=2.0)
    assert mine.usage == AgentUsage()
    await mine.pick_mixes(context(), MIXES, (), 2)
    assert mine.usage.calls == 2
    await mine.update(context(), GraphDistribution.uniform(context().space), feedback())
    assert mine.usage.calls == 3
    assert mine.usage.tokens == 330
    assert mine.usage.dollars == pytest.approx((300 * 0.5 + 30 * 2.0) * 1e-6)


async def test_requests_depend_on_the_run_seed_and_the_number_of_the_call() -> None:
    async def requests(seed: int) -> list[Any]:
        llm = Scripted(["no", pick(0), GOOD])
        mine, where = agent(llm), context(seed=seed)
        await mine.pick_mixes(where, MIXES, (), 2)
        await mine.update(where, GraphDistribution.uniform(where.space), feedback())
        return llm.asked

    once, again, other = await requests(7), await requests(7), await requests(8)
    assert [r.digest("e") for r in once] == [r.digest("e") for r in again]
    assert len({r.seed for r in (*once, *other)}) == 6


async def test_mixes_come_back_once_each_and_no_more_than_asked_for() -> None:
    chosen = await agent(Scripted([pick(2, 0, 2, 1)])).pick_mixes(context(), MIXES, (), 2)
    assert chosen.mixes == (2, 0)
    assert chosen.reason == "small ones refine"


@pytest.mark.parametrize("text", [pick(), pick(3), pick(-1), pick("1B"), pick(True), pick(0.5)])
async def test_a_mix_that_is_not_there_is_sent_back(text: str) -> None:
    llm = Scripted([text, pick(1)])
    chosen = await agent(llm).pick_mixes(context(), MIXES, (), 2)
    assert chosen.mixes == (1,)
    assert "mixes" in llm.asked[1].messages[-1].content


async def test_no_mix_to_choose_from_asks_nobody() -> None:
    llm = Scripted([pick(0)])
    with pytest.raises(AgentError, match="0 mixes"):
        await agent(llm).pick_mixes(context(), (), (), 2)
    assert not llm.asked


def test_zero_attempts_is_a_mistake_in_the_config() -> None:
    with pytest.raises(ConfigError, match=r"agent\.attempts"):
        agent(Scripted([GOOD]), attempts=0)


async def test_closing_closes_the_client() -> None:
    llm = Scripted([GOOD])
    await agent(llm).aclose()
    assert llm.closed == 1
