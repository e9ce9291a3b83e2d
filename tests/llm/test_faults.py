"""Whole searches at an endpoint of which every fifth try fails, in all ways there are."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from faulty import KINDS, Faulty
from omegaconf import DictConfig

from tts_search.core.result import Summary
from tts_search.main import run
from tts_search.tracking.progress import SilentProgress

TIMEOUT_S = 0.4


class Outcome(NamedTuple):
    summary: Summary
    archive: bytes

    @property
    def failures(self) -> int:
        """Questions left without an answer, of all trials."""
        return sum(json.loads(line)["failures"] for line in self.archive.splitlines())


Go = Callable[..., Awaitable[Outcome]]


@pytest.fixture
async def faulty() -> AsyncIterator[Faulty]:
    endpoint = Faulty(stall_s=3 * TIMEOUT_S)
    await endpoint.server.start_server()
    yield endpoint
    await endpoint.server.close()


@pytest.fixture
def go(
    compose: Callable[..., DictConfig],
    faulty: Faulty,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Go:
    monkeypatch.setattr("tts_search.files.save_pictures", lambda *_: ())

    async def start(attempts: int, **faults: Any) -> Outcome:
        vars(faulty).update({"share": 0, "hopeless": 0, "first": 0, **faults})
        faulty.tries.clear()
        faulty.faults.clear()
        config = compose(
            "llm=openai", "pool=simulated", f"llm.base_url={faulty.url}", "llm.api_key_env=null",
            f"llm.timeout_s={TIMEOUT_S}", f"llm.limits.attempts={attempts}",
            "llm.limits.base_s=0.02", "cache=null", "task.search=12", "task.validation=12",
            "task.test=12", "space.slots=4", "search.batch=12", "search.profile=3",
            "search.finalists=2", "search.max_trials=6",
        )  # fmt: skip
        summary, _ = await run(config, tmp_path, SilentProgress())
        archive = tmp_path / "archive.jsonl"
        return Outcome(summary, archive.rename(tmp_path / "kept").read_bytes())

    return start


async def test_faults_that_pass_change_nothing_but_the_time(go: Go, faulty: Faulty) -> None:
    smooth = await go(attempts=12)
    assert not faulty.faults
    rough = await go(attempts=12, share=20)
    assert set(faulty.faults) == set(KINDS)
    assert len(faulty.tries) == rough.summary.calls.sent == smooth.summary.calls.sent > 200
    assert 0.15 < faulty.first / len(faulty.tries) < 0.25
    assert rough.summary.calls.failed == rough.failures == 0
    assert rough.archive == smooth.archive
    assert rough.summary.best_key == smooth.summary.best_key
    assert rough.summary.test == smooth.summary.test
    assert rough.summary.search_spend == smooth.summary.search_spend


async def test_calls_that_always_fail_are_counted_and_the_search_goes_on(
    go: Go, faulty: Faulty
) -> None:
    done = await go(attempts=3, hopeless=6)
    lost = [name for name, tries in faulty.tries.items() if tries >= 3]
    assert done.summary.calls.failed >= len(lost) > 5
    assert done.failures > 0
    assert len(done.archive.splitlines()) == 6
    assert 0 < done.summary.test.score <= 1
