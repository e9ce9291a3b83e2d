"""The agent protocol on the replies in replies/*/*.jsonl, written by us after what models do.

In every file the last reply is usable and those before it are not. What each is, its note says.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from optimizers.worlds import drive

from tts_search.agents.base import Pick, Update
from tts_search.agents.replay import ReplayLLM, read_replies
from tts_search.core.distribution import GraphDistribution
from tts_search.core.space import SearchSpace
from tts_search.core.trial import AgentUsage
from tts_search.errors import AgentError
from tts_search.llm.base import Completion
from tts_search.optimizers.initialise import MixPretest, Uniform
from tts_search.optimizers.loop import SampleFeedbackUpdate
from tts_search.optimizers.update import AgentUpdate, Step

from .parts import MIXES, agent, context, single

REPLIES = Path(__file__).parent / "replies"
UPDATES = sorted((REPLIES / "updates").glob("*.jsonl"))
PICKS = sorted((REPLIES / "picks").glob("*.jsonl"))
CASES = [
    pytest.param(path, i, id=f"{path.parent.name}/{path.stem}/{i}")
    for path in (*UPDATES, *PICKS)
    for i in range(len(read_replies(path)) - 1)
]
MEGABYTE = {
    "letters": "x" * 1_000_000,
    "braces": "{" * 1_000_000,
    "objects": '{"reason": "again"}' * 60_000,
    "nested": '{"edges": ' * 100_000,
    "a reason": '{"reason": "' + "y" * 1_000_000 + '"}',
    "a row": '{"reason": "all", "edges": [' + "80, " * 250_000 + "80]}",
}


def replayed(path: Path, replies: Sequence[Completion]) -> ReplayLLM:
    path.write_text("".join(json.dumps(r.to_json()) + "\n" for r in replies), encoding="utf-8")
    return ReplayLLM(path)


async def update(llm: ReplayLLM) -> Update:
    """One update of one step, with the fallback that a search has."""
    where, seen = context(), [single("1B", [1.0, 0.0]), single("8B", [1.0, 1.0])]
    step = Step(where, GraphDistribution.uniform(where.space), seen, seen[1:])
    return await AgentUpdate(agent(llm)).update(step)


async def pick(llm: ReplayLLM) -> Pick:
    return await agent(llm).pick_mixes(context(), MIXES, (), 2)


def assert_valid(wanted: GraphDistribution, space: SearchSpace) -> None:
    """Probabilities, and of 100 samples no graph above the budget. No graph can hold a cycle."""
    assert ((wanted.edge >= 0) & (wanted.edge <= 1)).all()
    for rows in (wanted.role, wanted.model):
        assert (rows >= 0).all()
        assert rows.sum(axis=1) == pytest.approx(1.0)
    rng = np.random.default_rng(0)
    assert all(space.budget.admits(space.decode(wanted.sample(rng))) for _ in range(100))


def same(one: GraphDistribution, other: GraphDistribution) -> bool:
    names = ("edge", "role", "model")
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


# --- updates ----------------------------------------------------------------------------------


def test_the_replies_were_found() -> None:
    assert len(UPDATES) >= 28
    assert len(PICKS) >= 8


@pytest.mark.parametrize("path", UPDATES, ids=lambda p: p.stem)
async def test_it_ends_in_the_usable_reply_and_keeps_nothing_of_those_before(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replies = read_replies(path)
    with caplog.at_level(logging.WARNING):
        new = await update(ReplayLLM(path))
        alone = await update(replayed(tmp_path / "last.jsonl", replies[-1:]))
    assert not caplog.records, "fell back"
    assert sum("was unusable" in note for note in new.notes) == len(replies) - 1
    assert same(new.distribution, alone.distribution)
    assert new.reason == alone.reason
    assert_valid(new.distribution, context().space)


@pytest.mark.parametrize("path", UPDATES, ids=lambda p: p.stem)
async def test_a_whole_search_goes_on_whatever_its_agent_says(path: Path) -> None:
    """Also when the replies run out, which is soon."""
    where, mine = context(), agent(ReplayLLM(path))
    search = SampleFeedbackUpdate("replayed", Uniform(), AgentUpdate(mine), samples=2)
    course = await drive(search, where, trials=10, parallel=2)
    assert len(course.trials) == 10
    assert all(where.space.budget.admits(t.graph) for t in course.trials)
    assert search.distribution
    assert_valid(search.distribution, where.space)


@pytest.mark.parametrize(("path", "i"), CASES)
async def test_an_unusable_reply_said_thrice_ends_in_the_logged_fallback(
    path: Path, i: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    llm = replayed(tmp_path / "r.jsonl", [read_replies(path)[i]] * 3)
    if path.parent.name == "picks":
        with pytest.raises(AgentError, match="no usable reply in 3 attempts"):
            await pick(llm)
        return
    with caplog.at_level(logging.WARNING):
        new = await update(llm)
    assert "no usable reply in 3 attempts" in new.reason
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "a REINFORCE step instead" in caplog.text
    assert_valid(new.distribution, context().space)


@pytest.mark.parametrize("text", MEGABYTE.values(), ids=MEGABYTE)
async def test_a_megabyte_is_refused_and_not_sent_back(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    llm = replayed(tmp_path / "r.jsonl", [Completion(text, 0, 250_000)] * 3)
    new = await update(llm)
    assert "no usable reply" in new.reason
    assert len(new.reason) < 2000
    assert max(len(r.getMessage()) for r in caplog.records) < 2000
    assert_valid(new.distribution, context().space)


async def test_a_megabyte_of_thoughts_before_the_answer_is_fine(tmp_path: Path) -> None:
    last = read_replies(UPDATES[0])[-1]
    long = Completion(f"<think>{'hm ' * 350_000}</think>{last.text}", 0, 0)
    new = await update(replayed(tmp_path / "r.jsonl", [long]))
    assert new.notes == ()


# --- picks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PICKS, ids=lambda p: p.stem)
async def test_a_pick_ends_in_the_usable_reply(path: Path) -> None:
    assert (await pick(ReplayLLM(path))).mixes == (1, 0)


async def test_without_a_usable_pick_the_first_mixes_are_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The refusal, then nothing more to replay."""
    mine = agent(ReplayLLM(REPLIES / "updates" / "refusal.jsonl"), attempts=2)
    search = SampleFeedbackUpdate("replayed", MixPretest(mine, mixes=2), AgentUpdate(mine))
    with caplog.at_level(logging.WARNING):
        course = await drive(search, context(), trials=12)
    assert "the first mixes instead" in caplog.text
    assert any("agent fell back" in t.proposal.reason for t in course.trials)


# --- from the file to the sampler -------------------------------------------------------------


async def test_what_the_agent_says_is_sampled_as_given_and_paid_for() -> None:
    """Two updates out of one file: the percents in it are the probabilities that are sampled."""
    path = UPDATES[[p.stem for p in UPDATES].index("cyclic")]
    replies = read_replies(path)
    mine = agent(ReplayLLM(path), price_in=0.5, price_out=2.0)
    search = SampleFeedbackUpdate("replayed", Uniform(), AgentUpdate(mine), samples=2)
    course = await drive(search, context(), trials=4, parallel=2)
    said = json.loads(replies[-1].text)
    assert search.distribution
    for i in range(3):
        assert search.distribution.role[i] * 100 == pytest.approx(said["roles"][str(i)])
        assert search.distribution.model[i] * 100 == pytest.approx(said["models"][str(i)])
    for i in range(2):
        assert search.distribution.edge[i, i + 1 :] * 100 == pytest.approx(said["edges"][str(i)])
    assert course.trials[-1].proposal.reason == said["reason"]
    read = sum(r.prompt_tokens for r in replies)
    written = sum(r.output_tokens for r in replies)
    dollars = pytest.approx((0.5 * read + 2.0 * written) * 1e-6)
    assert search.agent_usage == AgentUsage(3, read + written, dollars)  # type: ignore[arg-type]
