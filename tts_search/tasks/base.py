"""What a task is: questions in named splits, a prompt, and a rule that scores an answer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from tts_search.core.data import Example, Split, Tokens
from tts_search.errors import ConfigError

Shot = tuple[str, str]
"""A worked example: a question, and a reply to it."""


class Task(ABC):
    """One benchmark. A new task is one subclass in one file and one YAML that names it.

    name         name in results; `label` differs from it when the data are not the named ones
    instruction  what every model is told about the form of the answer (system prompt)
    max_tokens   cap on generated tokens of one call, unless the model sets its own
    prompts      what roles are told otherwise than in their own words, by role name: fields of
                 PromptRole such as `with_answers`
    profile      mean tokens (A read, B generated) of one call without predecessors, as published
                 or as known beforehand; a run measures its own unless told not to
    """

    name: str
    instruction: str = ""
    max_tokens: int = 512
    prompts: Mapping[str, Mapping[str, str]] = {}
    profile: Tokens

    @property
    def label(self) -> str:
        """Name under which every result, file and tracked run appears."""
        return self.name

    @property
    def source(self) -> str:
        """Where the questions came from, for the record: a path, a hub id, 'generated', ..."""
        return self.name

    @abstractmethod
    def load(self, split: Split) -> Sequence[Example]:
        """Questions of one split, in a fixed order. Splits never overlap. Raises DataError."""

    def shots(self, count: int, example: Example | None = None) -> Sequence[Shot]:
        """`count` worked (question, reply) pairs for few-shot prompts, from no split; for a task
        whose examples depend on the question, those for `example`.

        Raises ConfigError when the task has fewer.
        """
        return first_shots((), count, f"task {self.name}")

    @abstractmethod
    def extract(self, text: str, example: Example | None = None) -> str | None:
        """The answer that a reply states, in a normal form that equal answers share.

        `example` is the question replied to, for tasks where an answer is found or completed with
        the help of it. None when the reply states none. Majority votes group replies by it.
        """

    @abstractmethod
    async def score(self, example: Example, text: str) -> float:
        """Score of a reply in [0, 1]. Never raises for any text; returns within bounded time."""

    @abstractmethod
    def write(self, answer: str) -> str:
        """A reply that states `answer`: extract(write(a)) is a's normal form. For simulation."""

    @abstractmethod
    def wrong(self, example: Example, index: int) -> str:
        """The index-th (from 0) plausible wrong answer to a question. For simulation."""

    def check(self) -> None:  # noqa: B027 - most tasks need nothing
        """Raise a TTSError if replies cannot be scored here; asked before a call is paid for."""

    async def aclose(self) -> None:  # noqa: B027 - most tasks hold nothing
        """Release worker processes."""


def near(index: int) -> int:
    """1, -1, 2, -2, ...: how far the index-th near miss lies from a right number."""
    distance = index // 2 + 1
    return distance if index % 2 == 0 else -distance


def first_shots(shots: Sequence[Shot], count: int, owner: str) -> Sequence[Shot]:
    """The first `count` of `shots`. Raises ConfigError when there are fewer."""
    if count > len(shots):
        raise ConfigError(
            f"{owner} has {len(shots)} worked examples, but got shots={count}; choose models "
            f"with at most {len(shots)} shots"
        )
    return shots[:count]
