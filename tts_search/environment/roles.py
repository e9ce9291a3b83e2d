"""What a node does: ask a model with a prompt, or combine answers without a call."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tts_search.core.roles import RoleSpec
from tts_search.errors import ConfigError

Extract = Callable[[str], str | None]


class Role(Protocol):
    """A role is either asked (`calls_model`, then `render`) or computed (then `combine`)."""

    @property
    def name(self) -> str: ...

    @property
    def min_parents(self) -> int: ...

    @property
    def calls_model(self) -> bool: ...

    @property
    def system(self) -> str:
        """Put before the task's instruction; may be empty."""
        ...

    def render(self, question: str, answers: Sequence[str]) -> str:
        """The user message."""
        ...

    def combine(self, answers: Sequence[str], extract: Extract) -> str:
        """The answer of a role that calls no model."""
        ...


@dataclass(frozen=True)
class PromptRole:
    """A role that is nothing but a prompt: one YAML makes one.

    alone         user message without predecessors; {question} is filled in
    with_answers  user message with predecessors; {question} and {answers} are filled in
    answer        how one predecessor's answer is written; {index} from 1, {answer}
    """

    name: str
    with_answers: str
    alone: str = "{question}"
    answer: str = "Answer {index}:\n{answer}"
    system: str = ""
    min_parents: int = 0
    calls_model: bool = True

    def __post_init__(self) -> None:
        for field, text in (("alone", self.alone), ("with_answers", self.with_answers)):
            if "{question}" not in text:
                raise ConfigError(
                    f"role {self.name}: {field} must contain {{question}}, but got {text!r}"
                )
        if "{answers}" not in self.with_answers:
            raise ConfigError(f"role {self.name}: with_answers must contain {{answers}}")

    def render(self, question: str, answers: Sequence[str]) -> str:
        if not answers:
            return fill(self.alone, question=question)
        shown = "\n\n".join(
            fill(self.answer, index=str(i), answer=text.strip())
            for i, text in enumerate(answers, start=1)
        )
        return fill(self.with_answers, question=question, answers=shown)

    def combine(self, answers: Sequence[str], extract: Extract) -> str:
        raise NotImplementedError(f"role {self.name} calls a model")


@dataclass(frozen=True)
class MajorityVote:
    """The answer stated most often, word for word as first given; ties go to the earlier one.

    Costs no call. Replies that state no answer do not vote, unless none does.
    """

    name: str = "vote"
    min_parents: int = 1
    calls_model: bool = False
    system: str = ""

    def render(self, question: str, answers: Sequence[str]) -> str:
        raise NotImplementedError("a majority vote calls no model")

    def combine(self, answers: Sequence[str], extract: Extract) -> str:
        stated = [(extract(text), text) for text in answers]
        votes: Counter[str | None] = Counter(a for a, _ in stated if a is not None)
        if not votes:
            return answers[0]
        winner = max(votes.values())
        return next(text for answer, text in stated if votes.get(answer) == winner)


def spec(role: Role) -> RoleSpec:
    """What the search must know of a role."""
    return RoleSpec(role.name, role.min_parents, role.calls_model)


WORDS = ("system", "alone", "with_answers", "answer")


def worded(role: Role, words: Mapping[str, str]) -> Role:
    """The role in a task's own words: its WORDS by name. Raises ConfigError."""
    if not words:
        return role
    own = WORDS if isinstance(role, PromptRole) else ()
    for field in words:
        if field not in own:
            allowed = ", ".join(own) or "nothing, for it asks no model"
            raise ConfigError(f"task.prompts.{role.name} may set {allowed}, but got {field}")
    assert isinstance(role, PromptRole)
    texts: dict[str, Any] = dict(words)
    return replace(role, **texts)


def fill(template: str, **values: str) -> str:
    """Fill {name} in one pass: braces inside the values (LaTeX, code) are left alone."""
    return re.sub(r"\{(\w+)\}", lambda m: values.get(m[1], m[0]), template)
