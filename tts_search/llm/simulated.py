"""A pretend engine: no weights, no network, the statistics of real models. Results are simulated.

Whether a model of accuracy `a` answers question q right is decided by a Gaussian copula:

    right  <=>  quantile(a) - sqrt(difficulty) D(q) + sqrt(kinship) F(q, family)
                + sqrt(1 - difficulty - kinship) E(call)  >  0          D, F, E ~ N(0, 1)

so its share of right answers over many questions is exactly `a`, hard questions are hard for all,
and models of a family err together. Every number derives from the seed and the request's content.
"""

import asyncio
import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Protocol

from tts_search.core.data import CallSite, Example
from tts_search.errors import CallFailed, ConfigError
from tts_search.llm.base import Completion, Request
from tts_search.llm.calibration import NORMAL, Ability, Habits, normal, popular, uniforms

_MEMORY = 65_536  # questions and answers remembered, so that long runs do not grow


class Speaker(Protocol):
    """The task's own words: a reply that states an answer, a wrong answer, what a reply states."""

    def write(self, answer: str) -> str: ...
    def wrong(self, example: Example, index: int) -> str: ...
    def extract(self, text: str, example: Example | None = None) -> str | None: ...


class SimulatedLLM:
    """Deterministic in (seed, request). See conf/llm/simulated.yaml for the calibration.

    models            ability by served name; `fallback` stands in for every other name
    seconds_per_token wall-clock of each output token, really waited for; 0 does not wait
    failure_rate      share of requests that fail, always the same ones
    speaker           usually the task

    Prompt tokens are characters // 4; output tokens lie evenly within half of the model's mean.
    A call without site (an agent's) gets an empty JSON object, or a plain sentence.
    """

    def __init__(
        self,
        models: Mapping[str, Mapping[str, Any]],
        fallback: Mapping[str, Any],
        *,
        speaker: Speaker,
        habits: Mapping[str, Any] | None = None,
        seed: int = 0,
        seconds_per_token: float = 0.0,
        failure_rate: float = 0.0,
    ) -> None:
        try:
            self._models = {str(name): Ability(**values) for name, values in models.items()}
            self._fallback = Ability(**fallback)
            self._habits = Habits(**(habits or {}))
        except TypeError as error:
            raise ConfigError(f"llm (simulated): {error}; see conf/llm/simulated.yaml") from error
        self._speaker = speaker
        self._seed = seed
        self._pace_s = seconds_per_token
        self._failure_rate = failure_rate
        self.identity = self._identity()
        self._extract: Callable[[str, Example], str | None] = lru_cache(_MEMORY)(speaker.extract)
        self._skill: Callable[[str, str], float] = lru_cache(_MEMORY)(self._chance)

    async def complete(self, request: Request) -> Completion:
        draws = self._draws(request)
        if draws[0] < self._failure_rate:
            raise CallFailed("simulated failure (llm.failure_rate)")
        text = self._reply(request, draws)
        ability = self._ability(request.model)
        wanted = max(1, round(ability.output_tokens * (0.5 + draws[1])))
        output = min(wanted, request.max_tokens)
        seconds = output * self._pace_s
        if seconds:
            await asyncio.sleep(seconds)
        prompt = sum(len(m.content) for m in request.messages) // 4
        return Completion(text, prompt, output, "stop" if wanted == output else "length", seconds)

    async def aclose(self) -> None:
        """Nothing is held."""

    def _identity(self) -> str:
        parts: tuple[object, ...] = (
            {name: asdict(ability) for name, ability in sorted(self._models.items())},
            asdict(self._fallback),
            asdict(self._habits) | {"fusers": sorted(self._habits.fusers)},
            self._seed,
            self._failure_rate,
        )
        return f"simulated:{hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()}"

    def _ability(self, model: str) -> Ability:
        return self._models.get(model, self._fallback)

    def _draws(self, request: Request) -> list[float]:
        """Eight uniform numbers in [0, 1) that belong to this request."""
        parts = [str(self._seed), request.model, str(request.seed)]
        return uniforms("\x1f".join(parts + [m.content for m in request.messages]))

    def _chance(self, model: str, question: str) -> float:
        """Chance that the model is right on the question of that id, alone."""
        ability, habits = self._ability(model), self._habits
        hard = normal(f"{self._seed}\x1fdifficulty\x1f{question}")
        kin = normal(f"{self._seed}\x1f{ability.family or model}\x1f{question}")
        mean = NORMAL.inv_cdf(ability.accuracy)
        mean += math.sqrt(habits.kinship) * kin - math.sqrt(habits.difficulty) * hard
        return NORMAL.cdf(mean / math.sqrt(1 - habits.difficulty - habits.kinship))

    def _reply(self, request: Request, draws: Sequence[float]) -> str:
        site = request.site
        if site is None:
            return "{}" if request.schema is not None else "This is a simulated reply."
        example = site.example
        right = self._extract(self._speaker.write(example.answer), example) or example.answer
        skill = self._skill(request.model, example.id)
        if not site.answers:
            said = right if draws[2] < skill else None
        else:
            said = self._choose(site, right, skill, draws)
            if site.role not in self._habits.fusers:
                said = self._refine(example, said, right, skill, draws)
        if said == right:
            return self._speaker.write(example.answer)
        wrong = self._speaker.wrong(example, popular(draws[7])) if said is None else said
        return self._speaker.write(wrong)

    def _choose(
        self, site: CallSite, right: str, skill: float, draws: Sequence[float]
    ) -> str | None:
        """The answer that a reader of several takes over; None when it loses the thread."""
        stated = [self._extract(text, site.example) for text in site.answers]
        crowd = max(0, len(stated) - self._habits.comfort)
        if draws[3] < 1 - self._habits.overload * crowd:
            if right in stated and draws[4] < self._habits.discern * skill:
                return right
            return Counter(stated).most_common(1)[0][0]
        return stated[int(2 * draws[4] * len(stated))] if draws[4] < 0.5 else None

    def _refine(
        self, example: Example, draft: str | None, right: str, skill: float, draws: Sequence[float]
    ) -> str | None:
        """Repair is up to the question, spoiling to the call: so depth helps once, then hurts."""
        if draft == right:
            return None if draws[5] < self._habits.corrupt * (1 - skill) else right
        gate = uniforms(f"{self._seed}\x1frepair\x1f{example.id}")[0]
        return right if gate < self._habits.repair and draws[5] < skill else draft
