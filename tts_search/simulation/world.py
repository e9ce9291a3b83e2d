"""A pretend world: what its models can do, and how they read each other. docs/simulation.md."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tts_search.core.data import Tokens
from tts_search.errors import ConfigError

_VERSION = 2  # of the equations: under others the same settings are another world


@dataclass(frozen=True, slots=True)
class Ability:
    """accuracy: share of questions right alone; output_tokens: mean of one reply; size: 1e9
    parameters; family: models of one family err together (empty: a family of its own)."""

    accuracy: float
    output_tokens: float
    size: float = 5.0
    family: str = ""

    def __post_init__(self) -> None:
        if not (0 < self.accuracy < 1 and self.output_tokens >= 1 and self.size > 0):
            raise ConfigError(
                "llm.world.models needs 0 < accuracy < 1, output_tokens >= 1 and size > 0, but got "
                f"accuracy={self.accuracy}, output_tokens={self.output_tokens}, size={self.size}"
            )


@dataclass(frozen=True, slots=True)
class Reader:
    """What a role does with answers. weighs: how much of a model's skill to spot a right minority
    it uses; refines: share of its calls that go on to improve on the answer chosen."""

    weighs: float = 0.0
    refines: float = 1.0

    def __post_init__(self) -> None:
        _need_shares("readers", weighs=self.weighs, refines=self.refines)


@dataclass(frozen=True, slots=True)
class Habits:
    """How all models of a world behave beyond their accuracy.

    difficulty     share of the variance of being right that lies in the question
    kinship        share that the models of a family have in common
    popularity     mean share of the wrong answers to a question that are its popular one
    wrong_answers  different wrong answers a question has
    spot           how much easier it is to tell a right answer than to give one, in probits
    repair, growth a model of size g can repair a wrong draft on 1 - exp(-repair g^growth) of all
                   questions, the same ones every time
    mend           chance that it then does so
    fresh          chance that it answers anew in place of a wrong draft it did not repair
    corrupt        chance that a model spoils a right draft to a question it would always get wrong
    comfort, stretch  tokens of answers, comfort g^stretch, at which half of a model's attention
                   is lost
    muddle         share of inattentive calls that answer wrongly; the others repeat any answer read
    """

    difficulty: float = 0.45
    kinship: float = 0.15
    popularity: float = 0.3
    wrong_answers: int = 24
    spot: float = 0.3
    repair: float = 0.2
    growth: float = 0.3
    mend: float = 0.5
    fresh: float = 0.1
    corrupt: float = 0.15
    comfort: float = 1500.0
    stretch: float = 0.3
    muddle: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.difficulty + self.kinship < 1:
            raise ConfigError(
                "llm.world.habits: difficulty + kinship must lie in [0, 1), but got "
                f"{self.difficulty} + {self.kinship}"
            )
        names = ("difficulty", "kinship", "mend", "fresh", "corrupt", "muddle")
        _need_shares("habits", **{name: getattr(self, name) for name in names})
        if not (0 < self.popularity < 1 and self.wrong_answers >= 1 and self.comfort > 0):
            raise ConfigError(
                "llm.world.habits needs 0 < popularity < 1, wrong_answers >= 1 and comfort > 0, "
                f"but got popularity={self.popularity}, wrong_answers={self.wrong_answers}, "
                f"comfort={self.comfort}"
            )
        if self.repair < 0:
            raise ConfigError(f"llm.world.habits.repair must be 0 or more, but got {self.repair}")

    def repairs(self, size: float) -> float:
        """Share of questions on which a model of that size can repair a wrong draft."""
        return 1 - math.exp(-self.repair * size**self.growth)

    def span(self, size: float) -> float:
        """Tokens of answers that cost a model of that size half of its attention."""
        return float(self.comfort * size**self.stretch)


@dataclass(frozen=True)
class World:
    """`fallback` stands in for every model, and Reader() for every role, that is not listed.

    prompt_tokens  A: read by a call without predecessors
    seed           of the world: its questions and all luck
    """

    models: Mapping[str, Ability]
    fallback: Ability
    prompt_tokens: int
    habits: Habits = field(default_factory=Habits)
    readers: Mapping[str, Reader] = field(default_factory=dict)
    seed: int = 0

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "World":
        """From plain data, as in conf/llm/world. Raises ConfigError."""
        try:
            unknown = set(plain) - {f.name for f in fields(cls)}
            if unknown:
                raise TypeError(f"there is no setting world.{min(unknown)}")
            return cls(
                models={str(name): Ability(**own) for name, own in plain["models"].items()},
                fallback=Ability(**plain["fallback"]),
                prompt_tokens=int(plain["prompt_tokens"]),
                habits=Habits(**plain.get("habits", {})),
                readers={name: Reader(**own) for name, own in plain.get("readers", {}).items()},
                seed=int(plain.get("seed", 0)),
            )
        except KeyError as error:
            raise ConfigError(f"llm.world needs {error}; see conf/llm/world") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"llm.world: {error}; see conf/llm/world") from error

    def ability(self, served: str) -> Ability:
        return self.models.get(served, self.fallback)

    def reader(self, role: str) -> Reader:
        return self.readers.get(role, Reader())

    def tokens(self, served: str) -> Tokens:
        """Mean tokens of one call without predecessors: A, B."""
        return Tokens(self.prompt_tokens, self.ability(served).output_tokens)

    @property
    def identity(self) -> str:
        """Equal for equal worlds, different for all others."""
        data = json.dumps([_VERSION, asdict(self)], sort_keys=True)
        return hashlib.blake2b(data.encode(), digest_size=8).hexdigest()


def _need_shares(part: str, **shares: float) -> None:
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ConfigError(f"llm.world.{part}.{name} must lie in [0, 1], but got {value}")
