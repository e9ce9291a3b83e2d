"""Generated arithmetic: short questions without data files, for first runs and small models."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from tts_search.core.data import Example, Split, Tokens
from tts_search.errors import ConfigError
from tts_search.tasks.answers.number import stated_number
from tts_search.tasks.base import Task, first_shots, near
from tts_search.tasks.expressions import draw, solve, spaced

RESERVED = 16  # questions of each family kept out of every split, for worked examples
_FAMILY = re.compile(r"[a-z]([-+*][a-z])+")


class Arithmetic(Task):
    """Questions such as `What is 7 * 8 + 3?`, without repeats; the same for every run seed.

    family    a pattern of letters joined by + - *, each letter a number (`a*b+c`), or a mapping
              of patterns to weights; each split holds the families in these proportions
    digits    digits of every number, so 1 means 1 to 9
    search, validation, test  questions in each split
    seed      the data seed; it is not the seed of the run
    question, reply  templates of a question and of a worked reply: {expression}, {steps}, {answer}

    Raises ConfigError when a family is malformed or has too few distinct questions.
    """

    name = "arithmetic"

    def __init__(
        self,
        family: str | Mapping[str, float] = "a*b+c",
        digits: int = 1,
        search: int = 120,
        validation: int = 160,
        test: int = 240,
        seed: int = 0,
        question: str = "What is {expression}?",
        reply: str = "{answer}",
        instruction: str = "Answer with one number.",
        max_tokens: int = 16,
        profile: Tokens = Tokens(150, 4),  # noqa: B008 - frozen
    ) -> None:
        weights = {family: 1.0} if isinstance(family, str) else dict(family)
        _validate(weights, digits)
        self.instruction, self.max_tokens, self.profile = instruction, max_tokens, profile
        self._question, self._reply = question, reply
        self._drawn = {name: draw(name, digits, seed) for name in weights}
        sizes = {"search": search, "validation": validation, "test": test}
        self._names = {split: _mix(weights, size) for split, size in sizes.items()}
        self._check_sizes(digits)

    @property
    def source(self) -> str:
        return "generated: " + ", ".join(self._drawn)

    def load(self, split: Split) -> Sequence[Example]:
        """`search` reads each family's draw from the front, `validation` what follows, `test` from
        the back: a smaller `search` or `test` is a prefix of a larger one."""
        step = -1 if split == "test" else 1
        streams = {name: iter(drawn[RESERVED:][::step]) for name, drawn in self._drawn.items()}
        skipped = self._names["search"] if split == "validation" else []
        for name in skipped:
            next(streams[name])
        return [self._example(next(streams[name])) for name in self._names[split]]

    def shots(self, count: int, example: Example | None = None) -> Sequence[tuple[str, str]]:
        """The families in turn; their questions are in no split."""
        reserved = [drawn[:RESERVED] for drawn in self._drawn.values()]
        turns = [expression for turn in zip(*reserved, strict=False) for expression in turn]
        worked = [(self._ask(e), self._work(e)) for e in turns]
        return first_shots(worked, count, f"task {self.name}")

    def extract(self, text: str, example: Example | None = None) -> str | None:
        """The number stated last; see `stated_number` for the rule and its source."""
        return stated_number(text)

    async def score(self, example: Example, text: str) -> float:
        """1 when the stated number is the answer, else 0 (exact match)."""
        return float(self.extract(text) == example.answer)

    def write(self, answer: str) -> str:
        return f"The answer is {answer}."

    def wrong(self, example: Example, index: int) -> str:
        """Near misses: one above, one below, two above, ..."""
        return str(int(example.answer) + near(index))

    def _example(self, expression: str) -> Example:
        answer = str(solve(expression)[0])
        return Example(f"{self.name}/{expression}", self._ask(expression), answer)

    def _ask(self, expression: str) -> str:
        return self._question.format(expression=spaced(expression))

    def _work(self, expression: str) -> str:
        answer, steps = solve(expression)
        return self._reply.format(
            expression=spaced(expression), answer=answer, steps=", ".join(steps)
        )

    def _check_sizes(self, digits: int) -> None:
        for name, drawn in self._drawn.items():
            wanted = sum(names.count(name) for names in self._names.values())
            spare = max(0, len(drawn) - RESERVED)
            if wanted > spare:
                raise ConfigError(
                    f"search, validation and test together ask for {wanted} questions of {name!r}, "
                    f"which has {spare} distinct ones with digits={digits}; raise task.digits "
                    "or lower task.search, task.validation and task.test"
                )


def _validate(weights: Mapping[str, float], digits: int) -> None:
    for name, weight in weights.items():
        if not _FAMILY.fullmatch(name) or not weight > 0:
            raise ConfigError(
                "task.family must be letters joined by + - * with a weight above 0, "
                f"got {name!r} with weight {weight}; write for example a*b+c"
            )
    if not weights or not 1 <= digits <= 18:
        raise ConfigError(f"task.digits must be 1 to 18 and task.family not empty, got {digits}")


def _mix(weights: Mapping[str, float], count: int) -> list[str]:
    """`count` family names in the proportions of the weights, every prefix of them too."""
    return list(itertools.islice(_turns(weights), count))


def _turns(weights: Mapping[str, float]) -> Iterator[str]:
    total, given = sum(weights.values()), dict.fromkeys(weights, 0)
    for done in itertools.count(1):
        name = max(weights, key=lambda f: weights[f] / total * done - given[f])
        given[name] += 1
        yield name
