"""The models a graph may be built of: what they cost, how they are asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tts_search.core.data import Tokens
from tts_search.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One choice of model: the served weights and the way they are prompted and sampled.

    served            name the engine knows
    params, layers, hidden   M, L, D of the FLOPs formula; None if not published
    price_in, price_out      USD per million input and output tokens; None if no price is known
    price_source      where the price was read, with its date
    prefill_tps, decode_tps  tokens per second, for the latency budget; None if not known
    family            models of one family share training, hence errors
    shots             worked examples put before the question
    first_shot        where in the task's list of examples they begin
    scores            published scores alone in [0, 1], by the task's label; told to the agent
    scores_source     where they were read, with the date
    max_tokens        cap on generated tokens; the lower of this and the task's holds
    context           longest prompt and answer together, in tokens; None if not known
    weights           a Hugging Face repository or local folder; '' means the same as `served`
    size_source       where params, layers, hidden and context were read, with the date
    """

    name: str
    served: str
    params: float | None = None
    layers: int | None = None
    hidden: int | None = None
    family: str = ""
    price_in: float | None = None
    price_out: float | None = None
    price_source: str = ""
    prefill_tps: float | None = None
    decode_tps: float | None = None
    temperature: float = 0.7
    top_p: float = 1.0
    shots: int = 0
    first_shot: int = 0
    max_tokens: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict, hash=False)
    scores_source: str = ""
    context: int | None = None
    weights: str = ""
    size_source: str = ""

    def __post_init__(self) -> None:
        for task, score in self.scores.items():
            if not 0 <= score <= 1:
                raise ConfigError(
                    f"pool.models.{self.name}.scores must lie in [0, 1], but got {task}: {score}; "
                    "write 0.49 for 49%"
                )

    def dollars(self, tokens: Tokens) -> float:
        """Of so many tokens at list price; 0 where it has none."""
        price_in, price_out = self.price_in or 0, self.price_out or 0
        return 1e-6 * (price_in * tokens.prompt + price_out * tokens.output)

    @property
    def sampling(self) -> tuple[object, ...]:
        """What, besides role, question and seed, decides what this model answers."""
        shots = (self.shots, self.first_shot)
        return (self.served, self.temperature, self.top_p, shots, self.max_tokens)


@dataclass(frozen=True)
class ModelPool(Mapping[str, ModelSpec]):
    """The models of a run by name, in the order of the config."""

    models: tuple[ModelSpec, ...]
    _by_name: dict[str, ModelSpec] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.models:
            raise ConfigError(
                "the model pool is empty; name at least one model, e.g. pool=embedded"
            )
        object.__setattr__(self, "_by_name", {m.name: m for m in self.models})
        if len(self._by_name) < len(self.models):
            raise ConfigError("two models of the pool share a name; names must differ")

    def __getitem__(self, name: str) -> ModelSpec:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)


Profile = Mapping[str, Tokens]
"""Mean tokens (A, B) of one call without predecessors, by model name, on the task at hand."""
