"""GSM8K: grade-school word problems with a number for an answer (Cobbe et al. 2021,
arXiv 2110.14168)."""

from collections.abc import Sequence

from tts_search.core.data import Example, Tokens
from tts_search.tasks.answers.number import gold_number, same_number, stated_number
from tts_search.tasks.base import first_shots, near
from tts_search.tasks.benchmark import Benchmark
from tts_search.tasks.gsm8k_shots import SHOTS
from tts_search.tasks.rows import Row, text_id
from tts_search.tasks.source import Source


def fault(row: Row) -> str | None:
    if gold_number(row["answer"]) is None:
        return "the field 'answer' to end with '#### NUMBER'"
    return None


class GSM8K(Benchmark):
    """Search and validation read the hub's train part, test its test part.

    Parameters as those of Benchmark. Raises DataError for unreadable data, ConfigError for splits
    larger than the data.
    """

    name = "gsm8k"
    profile = Tokens(110, 130)  # a guess from the length of questions and solutions
    rows_of = Source("openai/gsm8k", ("question", "answer"), configs=("main",), fault=fault)

    def __init__(
        self,
        data: str = "hub",
        search: int = 120,
        validation: int = 160,
        test: int = 200,
        seed: int = 0,
        instruction: str = "Solve the problem step by step. End with: The answer is NUMBER.",
        max_tokens: int = 512,
    ) -> None:
        super().__init__(data, search, validation, test, seed)
        self.instruction, self.max_tokens = instruction, max_tokens

    def example(self, row: Row) -> Example:
        answer = gold_number(row["answer"])
        assert answer is not None
        return Example(text_id(self.name, row["question"]), row["question"].strip(), answer)

    def shots(self, count: int, example: Example | None = None) -> Sequence[tuple[str, str]]:
        """Problems of our own, in no split."""
        return first_shots(SHOTS, count, f"task {self.name}")

    def extract(self, text: str, example: Example | None = None) -> str | None:
        """The number stated last; see `stated_number` for the rule and its source."""
        return stated_number(text)

    async def score(self, example: Example, text: str) -> float:
        """1 when the stated number equals the one behind `####`, else 0."""
        stated = stated_number(text)
        return float(stated is not None and same_number(example.answer, stated))

    def write(self, answer: str) -> str:
        return f"The answer is {answer}."

    def wrong(self, example: Example, index: int) -> str:
        """Near misses: one above, one below, two above, ..."""
        whole, point, rest = example.answer.partition(".")
        return f"{int(whole) + near(index)}{point}{rest}"
