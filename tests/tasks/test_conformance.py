"""What every task promises, tried on each YAML in conf/task: a new one is picked up by itself."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import hydra.utils
import pytest
from omegaconf import OmegaConf

from tts_search.core.data import SPLITS, Example
from tts_search.errors import ConfigError, DataError
from tts_search.tasks.base import Task

from . import standins

YAMLS = sorted((Path(__file__).parents[2] / "conf" / "task").glob("*.yaml"))
JUNK = (
    "", " ", "\n\n\n", "\x00", "a\x00b", "x" * 1_000_000, "{" * 100_000, "\n" * 300_000,
    "\\boxed{" * 50_000, "answer is " * 100_000, "= " * 500_000, "9" * 1_000_000, "答案是 ٤٢ 🙂",
    "\ud800", "\\boxed{}", "\\boxed{10000!!!}", "<answer>", "<answer></answer>", "```python\n",
    "NaN", "-", "1e999", "\\frac{1}{0}", "answer: " + "(" * 5_000,
)  # fmt: skip


@pytest.fixture(scope="module", params=YAMLS, ids=lambda path: path.stem)
def build(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Task]]:
    """build(): a fresh task, on stand-in rows where its own do not ship; skips without any."""
    path, node = request.param, OmegaConf.load(request.param)
    settings = standins.write(tmp_path_factory.mktemp("data")).get(path.stem, {})

    def make() -> Task:
        try:
            task = hydra.utils.instantiate(node, **settings)
            task.load("search")
        except DataError as error:
            pytest.skip(f"{path.stem} has no data here: {error}")
        assert isinstance(task, Task)
        return task

    with pytest.MonkeyPatch.context() as patch:
        # Nothing is downloaded in a test: tasks fall back to what ships with them.
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hf")))
        yield make


@pytest.fixture(scope="module")
def task(build: Callable[[], Task]) -> Iterator[Task]:
    task = build()
    yield task
    asyncio.run(task.aclose())


def some(task: Task, count: int = 40) -> list[Example]:
    """Examples of two splits that have a reference answer."""
    chosen = [*task.load("search")[:count], *task.load("test")[:count]]
    return [example for example in chosen if example.answer]


def test_a_task_names_itself_and_its_profile(task):
    assert task.name
    assert task.label
    assert task.source
    assert task.max_tokens > 0
    assert task.profile.prompt > 0
    assert task.profile.output > 0


def test_splits_hold_distinct_questions_and_never_overlap(task):
    examples = [example for split in SPLITS for example in task.load(split)]
    assert all(task.load(split) for split in SPLITS)
    assert len({example.id for example in examples}) == len(examples)
    assert len({example.question for example in examples}) == len(examples)


def test_questions_are_the_same_in_every_load(task, build):
    again = build()
    for split in SPLITS:
        first = [(e.id, e.question, e.answer) for e in task.load(split)]
        assert first == [(e.id, e.question, e.answer) for e in again.load(split)]
    asyncio.run(again.aclose())


async def test_the_right_answer_scores_one(task):
    examples = some(task)
    scores = await asyncio.gather(*(task.score(e, task.write(e.answer)) for e in examples))
    assert [e.id for e, score in zip(examples, scores, strict=True) if score != 1.0] == []


@pytest.mark.parametrize("index", [0, 1, 2, 7])
async def test_a_wrong_answer_scores_zero(task, index):
    examples = some(task)
    replies = [task.write(task.wrong(e, index)) for e in examples]
    scores = await asyncio.gather(*map(task.score, examples, replies))
    assert [e.id for e, score in zip(examples, scores, strict=True) if score != 0.0] == []


def test_wrong_answers_of_a_question_are_distinct_votes(task):
    for example in some(task, 5):
        votes = [task.extract(task.write(task.wrong(example, i)), example) for i in range(3)]
        assert len({*votes, task.extract(task.write(example.answer), example)}) >= 2
        assert None not in votes


def test_a_written_answer_is_extracted_in_its_normal_form(task):
    for example in some(task):
        normal = task.extract(task.write(example.answer), example)
        assert normal is not None
        assert task.extract(task.write(normal), example) == normal


@pytest.mark.parametrize("text", JUNK, ids=lambda text: ascii(text[:12]))
async def test_no_text_makes_a_task_raise_or_hang(task, text):
    example = task.load("search")[0]
    for answer in (task.extract(text), task.extract(text, example)):
        assert answer is None or isinstance(answer, str)
    async with asyncio.timeout(20):
        assert 0.0 <= await task.score(example, text) <= 1.0


def test_worked_examples_are_in_no_split(task):
    try:
        shots = task.shots(3)
    except ConfigError:
        pytest.skip(f"{task.name} has no worked examples")
    asked = {example.question for split in SPLITS for example in task.load(split)}
    assert len(shots) == 3
    assert all(question not in asked for question, _ in shots)
    assert all(task.extract(reply) is not None for _, reply in shots)
    with pytest.raises(ConfigError, match="shots"):
        task.shots(10_000)
