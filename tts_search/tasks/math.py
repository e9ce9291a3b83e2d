"""MATH: competition mathematics with LaTeX answers (Hendrycks et al. 2021, arXiv 2103.03874)."""

import re
from collections.abc import Hashable, Sequence
from functools import cached_property

from tts_search.core.data import Example, Split, Tokens
from tts_search.tasks.answers import latex
from tts_search.tasks.answers.checker import Checker
from tts_search.tasks.base import first_shots, near
from tts_search.tasks.benchmark import Benchmark
from tts_search.tasks.math_data import MATH, SAMPLE, find
from tts_search.tasks.math_shots import SHOTS
from tts_search.tasks.rows import Row, text_id
from tts_search.tasks.source import Rows


class Math(Benchmark):
    """MATH problems, sampled evenly over types and levels.

    data      auto: the hub if it can be reached or is cached, else the built-in sample;
              hub: the hub or a DataError; sample: the built-in sample;
              PATH: a folder with train.jsonl and test.jsonl, or one JSONL file
    search, validation, test, seed  see Benchmark. Search and validation read train, test reads
              test. The built-in sample gives each at most its share: 1/4, 1/4 and 1/2.
    workers, seconds  processes of the grader, and the time one comparison may take
    """

    name = "math"
    profile = Tokens(202, 275)  # published means for MATH
    rows_of = MATH

    def __init__(
        self,
        data: str = "auto",
        search: int = 120,
        validation: int = 160,
        test: int = 200,
        seed: int = 0,
        instruction: str = r"Solve the problem. End with the answer in \boxed{}.",
        max_tokens: int = 1024,
        workers: int = 2,
        seconds: float = 5.0,
    ) -> None:
        super().__init__(data, search, validation, test, seed)
        self.instruction, self.max_tokens = instruction, max_tokens
        self._checker = Checker(workers, seconds)

    @property
    def label(self) -> str:
        """`math-sample` when the problems are the built-in ones, for they are not MATH."""
        return "math-sample" if self.rows.place == SAMPLE else self.name

    @cached_property
    def rows(self) -> Rows:
        return find(self._data)

    def sizes_for(self, rows: Rows) -> dict[Split, int]:
        if rows.place != SAMPLE:
            return self.sizes
        parts: dict[Split, int] = {"search": 4, "validation": 4, "test": 2}
        return {split: min(n, len(rows.test) // parts[split]) for split, n in self.sizes.items()}

    def example(self, row: Row) -> Example | None:
        """Two problems of MATH have an empty box: nothing to score."""
        answer = latex.boxed(row["solution"])
        meta = {"level": row["level"], "type": row["type"]}
        identity = text_id(self.name, row["problem"])
        return Example(identity, row["problem"], answer, meta) if answer else None

    def kind(self, example: Example) -> Hashable:
        return (example.meta["type"], example.meta["level"])

    def shots(self, count: int, example: Example | None = None) -> Sequence[tuple[str, str]]:
        """Problems of our own, in no split of the sample either."""
        return first_shots(SHOTS, count, f"task {self.name}")

    def extract(self, text: str, example: Example | None = None) -> str | None:
        """The boxed or stated answer (latex.stated_answer), in one spelling for equal answers."""
        answer = latex.stated_answer(text)
        return latex.normal(answer)[:1000] or None if answer else None

    async def score(self, example: Example, text: str) -> float:
        """1 when the answer equals the gold one mathematically (Checker), else 0."""
        answer = latex.stated_answer(text)
        return float(answer is not None and await self._checker.equal(example.answer, answer))

    def write(self, answer: str) -> str:
        return rf"The answer is $\boxed{{{answer}}}$."

    def wrong(self, example: Example, index: int) -> str:
        """Whole numbers and fractions: a near numerator; other answers: a number."""
        number = re.fullmatch(r"(-?\d{1,15})(/\d{1,15})?", latex.normal(example.answer))
        if number is None:
            return str(1009 + 7 * index)
        return f"{int(number[1]) + near(index)}{number[2] or ''}"

    async def aclose(self) -> None:
        await self._checker.aclose()
