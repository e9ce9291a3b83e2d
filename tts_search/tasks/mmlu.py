"""MMLU: four-way multiple choice over 57 subjects (Hendrycks et al. 2021, arXiv 2009.03300)."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import cached_property
from string import ascii_uppercase as LETTERS

from tts_search.core.data import Example, Tokens
from tts_search.errors import ConfigError
from tts_search.tasks.answers.choice import stated_choice
from tts_search.tasks.benchmark import Benchmark
from tts_search.tasks.rows import Row, text_id
from tts_search.tasks.source import Source


def fault(row: Row) -> str | None:
    choices, answer = row.get("choices"), row.get("answer")
    if not isinstance(choices, list) or not 2 <= len(choices) <= len(LETTERS):
        return f"the field 'choices' as a list of 2 to {len(LETTERS)} texts"
    if not all(isinstance(choice, str) for choice in choices):
        return "every one of 'choices' to be a text"
    if not isinstance(answer, int) or isinstance(answer, bool) or not 0 <= answer < len(choices):
        return f"the field 'answer' as a whole number from 0 to {len(choices) - 1}"
    return None


class MMLU(Benchmark):
    """Sampled evenly over subjects; worked examples are the question's own subject's.

    Search and validation read the hub's validation part (1,531 questions) and test its test part,
    as is customary; a folder without validation.jsonl has all three cut from test.jsonl. Worked
    examples come from the dev part, five a subject.
    Parameters as those of Benchmark. Raises DataError for unreadable data, ConfigError for splits
    larger than the data and for examples that the data do not have.
    """

    name = "mmlu"
    profile = Tokens(213, 215)  # published means for MMLU
    rows_of = Source(
        "cais/mmlu",
        ("question", "subject"),
        configs=("all",),
        tune="validation",
        shots="dev",
        fault=fault,
    )

    def __init__(
        self,
        data: str = "hub",
        search: int = 120,
        validation: int = 160,
        test: int = 285,
        seed: int = 0,
        instruction: str = "Choose the right answer. End with: The answer is LETTER.",
        max_tokens: int = 512,
    ) -> None:
        super().__init__(data, search, validation, test, seed)
        self.instruction, self.max_tokens = instruction, max_tokens

    def example(self, row: Row) -> Example:
        """The question over its lettered choices, as in the official prompt."""
        lines = [f"{letter}. {text}" for letter, text in zip(LETTERS, row["choices"], strict=False)]
        question = "\n".join([row["question"].strip(), *lines])
        meta = {"subject": row["subject"], "choices": tuple(row["choices"])}
        return Example(text_id(self.name, question), question, LETTERS[row["answer"]], meta)

    def kind(self, example: Example) -> Hashable:
        return str(example.meta["subject"])

    def shots(self, count: int, example: Example | None = None) -> Sequence[tuple[str, str]]:
        """Of the question's subject, in the order of the dev part (hendrycks/test, evaluate.py
        gen_prompt). Without a question: one of each subject."""
        subject = example.meta["subject"] if example else None
        worked = self._worked[subject]
        if count > len(worked):
            raise ConfigError(
                f"{self.source} has {len(worked)} worked examples"
                f"{f' of {subject}' if subject else ''}, but got shots={count}; choose models "
                "with fewer shots, or give task.data a folder with dev.jsonl"
            )
        return worked[:count]

    def extract(self, text: str, example: Example | None = None) -> str | None:
        """The letter stated last; see `stated_choice` for the rule and its source."""
        return stated_choice(text, example.meta["choices"] if example else ("",) * 4)

    async def score(self, example: Example, text: str) -> float:
        """1 when the stated letter is the right one, else 0."""
        return float(self.extract(text, example) == example.answer)

    def write(self, answer: str) -> str:
        return f"The answer is {answer}."

    def wrong(self, example: Example, index: int) -> str:
        """The other letters in turn."""
        letters = LETTERS[: len(example.meta["choices"])]
        others = [letter for letter in letters if letter != example.answer]
        return others[index % len(others)]

    @cached_property
    def _worked(self) -> dict[str | None, list[tuple[str, str]]]:
        """By subject; under None the first of each subject."""
        worked: dict[str | None, list[tuple[str, str]]] = defaultdict(list)
        for row in self.rows.shots:
            shown = self.example(row)
            pair = (shown.question, self.write(shown.answer))
            if row["subject"] not in worked:
                worked[None].append(pair)
            worked[row["subject"]].append(pair)
        return worked
