"""Any generator of the reasoning-gym package (Stojanovski et al. 2025, arXiv 2505.24760)."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from tts_search.core.data import Example, Split, Tokens
from tts_search.errors import ConfigError
from tts_search.tasks.answers.number import plain_number
from tts_search.tasks.answers.workers import CallLost, Pool
from tts_search.tasks.base import Task, first_shots, near
from tts_search.tasks.rows import text_id

GENERATING = 300.0  # seconds all questions together may take
_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_STATED = re.compile(r"answer(?: is\b|:|=)[ \t:]*([^\n]+)", re.IGNORECASE)
_LONGEST = 20_000  # characters read, from the end of a reply


class ReasoningGym(Task):
    """Generated puzzles, scored by the generator's own rule.

    dataset     name of a generator, such as chain_sum
    parameters  its own settings, without seed and size
    search, validation, test  questions of each split
    seed        of the questions, not of the run
    partial_credit  keep scores between 0 and 1; otherwise only a full score counts
    workers, seconds  processes of the scorer, and the time one answer may take; past it, or
              when the scorer raises, the answer scores 0

    Some generators have no reference answer (rubiks_cube, rush_hour): their questions can be
    scored but not simulated or shown as worked examples.
    Raises ConfigError for unknown generators and parameters, when the questions are first used.
    """

    name = "reasoning-gym"

    def __init__(
        self,
        dataset: str = "chain_sum",
        parameters: Mapping[str, Any] | None = None,
        search: int = 120,
        validation: int = 160,
        test: int = 200,
        seed: int = 0,
        partial_credit: bool = False,
        instruction: str = "Put the final answer between <answer> and </answer>.",
        max_tokens: int = 512,
        profile: Tokens = Tokens(100, 150),  # noqa: B008 - frozen
        workers: int = 2,
        seconds: float = 10.0,
    ) -> None:
        self._dataset, self._parameters = dataset, json.dumps(_plain(parameters or {}))
        self._order = (seed, {"search": search, "validation": validation, "test": test})
        self._partial = partial_credit
        self.instruction, self.max_tokens, self.profile = instruction, max_tokens, profile
        self._pool = Pool("tts_search.tasks.gym_worker", workers, seconds)

    @property
    def label(self) -> str:
        return f"{self.name}-{self._dataset}"

    @property
    def source(self) -> str:
        return f"generated: {self._dataset} {self._parameters}"

    def load(self, split: Split) -> Sequence[Example]:
        return [self._example(entry) for entry in self._entries[split]]

    def shots(self, count: int, example: Example | None = None) -> Sequence[tuple[str, str]]:
        entries = [entry for entry in self._entries["shots"] if entry["answer"] is not None]
        worked = [(entry["question"], self.write(str(entry["answer"]))) for entry in entries]
        return first_shots(worked, count, f"generator {self._dataset}")

    def extract(self, text: str, example: Example | None = None) -> str | None:
        """What stands in the last <answer> tags, else behind "answer:", else on the last line.

        Numbers in one spelling. reasoning_gym.utils.extract_answer knows the tags alone.
        """
        answer = self._stated(text)
        number = re.fullmatch(r"-?\d[\d,]*(\.\d+)?", answer, re.ASCII)
        return plain_number(answer) if number else answer or None

    async def score(self, example: Example, text: str) -> float:
        answer = self._stated(text)
        if not answer:
            return 0.0
        call = ("score", self._dataset, self._parameters, answer, example.meta["entry"])
        try:
            score = await self._pool.call(*call)
        except CallLost:
            return 0.0
        score = min(1.0, max(0.0, score))
        return float(score if self._partial else score == 1.0)

    def write(self, answer: str) -> str:
        return f"<answer>{answer}</answer>"

    def wrong(self, example: Example, index: int) -> str:
        """A near number for a whole number, else a text that no scorer takes for an answer."""
        if re.fullmatch(r"-?\d{1,15}", example.answer, re.ASCII):
            return str(int(example.answer) + near(index))
        return f"?? {index}"

    async def aclose(self) -> None:
        await self._pool.aclose()

    def _stated(self, text: str) -> str:
        text = text[-_LONGEST:]
        found = _TAGGED.findall(text) or _STATED.findall(text)
        lines = text.strip().splitlines()
        return str(found[-1] if found else lines[-1] if lines else "").strip()

    def _example(self, entry: dict[str, Any]) -> Example:
        answer = "" if entry["answer"] is None else str(entry["answer"])
        identity = text_id(f"{self.name}/{self._dataset}", entry["question"])
        return Example(identity, entry["question"], answer, {"entry": entry})

    @cached_property
    def _entries(self) -> dict[str, list[dict[str, Any]]]:
        call = ("generate", self._dataset, self._parameters, *self._order)
        try:
            entries = self._pool.call_now(*call, seconds=GENERATING)
        except CallLost as error:
            raise ConfigError(
                f"generator {self._dataset} made no questions: {error}; ask for fewer or easier "
                "ones (task.search, task.test, task.parameters)"
            ) from None
        if isinstance(entries, str):
            raise ConfigError(entries)
        return dict(entries)


def _plain(value: Any) -> Any:
    """Hydra's mappings and lists as plain ones, so that they can be written as JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
