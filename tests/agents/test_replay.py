"""Recorded replies drive the whole protocol; what was recorded can be replayed."""

import json
from pathlib import Path

import pytest

from tts_search.agents.replay import RecordingLLM, ReplayLLM
from tts_search.core.distribution import GraphDistribution
from tts_search.errors import AgentError, DataError, EngineUnavailable
from tts_search.llm.base import Message, Request

from .parts import MIXES, Scripted, agent, context, feedback, good, pick

ASK = Request("m", (Message("user", "?"),), 0.0, 1.0, 10, 0)


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


async def test_a_file_of_replies_is_an_agent(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", "hm", pick(1), {"text": json.dumps(good())})
    mine, where = agent(ReplayLLM(path)), context()
    assert (await mine.pick_mixes(where, MIXES, (), 1)).mixes == (1,)
    current = GraphDistribution.uniform(where.space)
    assert (await mine.update(where, current, feedback())).reason == "wider"
    with pytest.raises(AgentError, match="all 3 replies"):
        await mine.update(where, current, feedback())
    assert mine.usage.calls == 4


async def test_replies_run_out(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="all 0 replies"):
        await ReplayLLM(written(tmp_path / "r.jsonl")).complete(ASK)


async def test_a_recording_replays_with_its_tokens(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    inner = Scripted(["one\u2028more", "\ud83d"])
    recorder = RecordingLLM(inner, path)
    said = [await recorder.complete(ASK) for _ in range(2)]
    await recorder.aclose()
    assert inner.closed == 1
    assert recorder.identity == "scripted"
    replay = ReplayLLM(path)
    assert [await replay.complete(ASK) for _ in range(2)] == said
    await replay.aclose()


def test_identity_follows_the_replies(tmp_path: Path) -> None:
    one, same, other = (
        ReplayLLM(written(tmp_path / name, text)).identity
        for name, text in (("a", "x"), ("b", "x"), ("c", "y"))
    )
    assert one == same != other


@pytest.mark.parametrize("line", ["{", "7", '{"tokens": 3}', "NaN", '{"text": []}', "[" * 10_000])
async def test_a_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(f'"fine"\n\n{line}\n')
    with pytest.raises(DataError, match="line 3 must be"):
        await ReplayLLM(path).complete(ASK)


async def test_a_missing_file_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"agent\.llm\.path"):
        await ReplayLLM(tmp_path / "none.jsonl").complete(ASK)
    with pytest.raises(DataError, match="cannot record"):
        await RecordingLLM(Scripted(["x"]), tmp_path).complete(ASK)
