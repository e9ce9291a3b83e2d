"""A pretend engine: no weights, no network, the statistics of real models. Results are simulated.

What it answers is decided in tts_search.simulation, by the identity of a call and the answers it
reads; here answers are turned into text and back. Every reply says in its first line how long it
pretends to be, so that whoever reads it counts the tokens of a real one.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from tts_search.core.data import CallSite, Example
from tts_search.errors import CallFailed
from tts_search.llm.base import Completion, Request
from tts_search.simulation.calls import DRAWS, Odds, answer, tokens_written
from tts_search.simulation.graphs import greedy_state, sampled_state
from tts_search.simulation.latents import Questions
from tts_search.simulation.noise import draws, fold, name, uniform
from tts_search.simulation.world import World

_MEMORY = 8192  # questions remembered, so that long runs do not grow
_LENGTH = re.compile(r"\[(\d+) tokens, simulated\]\n")


class Speaker(Protocol):
    """The task's own words: a reply that states an answer, a wrong answer, what a reply states."""

    def write(self, answer: str) -> str: ...
    def wrong(self, example: Example, index: int) -> str: ...
    def extract(self, text: str, example: Example | None = None) -> str | None: ...


class SimulatedLLM:
    """Deterministic in (world, call). See conf/llm/simulated.yaml and docs/simulation.md.

    world             settings of simulation.world.World
    seconds_per_token wall-clock of each output token, really waited for; 0 does not wait
    failure_rate      share of calls that fail, always the same ones
    speaker           usually the task

    Prompt tokens are the world's A and the tokens of the answers read, whatever the prompt's text.
    A call without site (an agent's) gets an empty JSON object, or a plain sentence.
    """

    def __init__(
        self,
        world: Mapping[str, Any],
        *,
        speaker: Speaker,
        seconds_per_token: float = 0.0,
        failure_rate: float = 0.0,
    ) -> None:
        self.world = World.of(world)
        self.identity = f"simulated:{self.world.identity}"
        if failure_rate:
            self.identity += f":{failure_rate:g}"
        self._pace_s = seconds_per_token
        self._failure_rate = failure_rate
        self._page: Callable[[Example], _Page] = lru_cache(_MEMORY)(
            lambda example: _Page(self.world, speaker, example)
        )

    async def complete(self, request: Request) -> Completion:
        completion, state = self._aside(request) if request.site is None else self._said(request)
        if self._failure_rate and uniform(state, DRAWS) < self._failure_rate:
            raise CallFailed("simulated failure (llm.failure_rate)")
        if completion.seconds:
            await asyncio.sleep(completion.seconds)
        return completion

    async def aclose(self) -> None:
        """Nothing is held."""

    def _said(self, request: Request) -> tuple[Completion, int]:
        """The reply to a call of a graph, and where its noise starts."""
        site = request.site
        assert site is not None
        page, world = self._page(site.example), self.world
        read = [page.read(text) for text in site.answers]
        state = page.state(site, read if not request.temperature else None)
        u = draws(state, DRAWS)
        ability = world.ability(request.model)
        number = answer(
            world.habits,
            world.habits.span(ability.size),
            world.reader(site.role),
            page.odds(request.model),
            [(said, tokens) for said, tokens in read if said is not None],
            u,
        )
        output = tokens_written(ability, request.max_tokens, u)
        cut = output < tokens_written(ability, 2**31, u)
        text = f"[{output} tokens, simulated]\n{page.text(number)}"
        prompt = world.prompt_tokens + sum(tokens for _, tokens in read)
        pace = output * self._pace_s
        return Completion(text, prompt, output, "length" if cut else "stop", pace), state

    def _aside(self, request: Request) -> tuple[Completion, int]:
        """The reply to a call that belongs to no graph."""
        text = "{}" if request.schema is not None else "This is a simulated reply."
        prompt = sum(len(m.content) for m in request.messages) // 4
        output = min(round(self.world.ability(request.model).output_tokens), request.max_tokens)
        state = name(request.digest(self.identity))
        return Completion(text, prompt, output, "stop", output * self._pace_s), state


class _Page:
    """One question: the odds of models on it, and the texts of its answers by number."""

    def __init__(self, world: World, speaker: Speaker, example: Example) -> None:
        self._world, self._speaker, self._example = world, speaker, example
        self._question = Questions(world, (example.id,))
        self._start = int(self._question.states[0])
        self._odds: dict[str, Odds] = {}
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def state(self, site: CallSite, read: list[tuple[int | None, int]] | None) -> int:
        """Where the noise of a call starts; greedy calls (`read` given) go by what they read."""
        if read is None:
            key = sampled_state(self._world, site.seed, site.key)
            return int(fold(self._start, key))
        state = fold(self._start, greedy_state(self._world, site.role, site.sampling))
        for number, tokens in read:
            state = fold(fold(state, 2**32 if number is None else number), tokens)
        return int(state)

    def odds(self, served: str) -> Odds:
        if served not in self._odds:
            solve, spot, mends = (values[0].item() for values in self._question.skill(served))
            self._odds[served] = Odds(self._question.lure[0].item(), solve, spot, mends)
        return self._odds[served]

    def text(self, number: int) -> str:
        """A reply that states the answer of that number; equal texts count as the lowest one."""
        while len(self._texts) <= number:
            index, example = len(self._texts), self._example
            said = self._speaker.wrong(example, index - 1) if index else example.answer
            self._texts.append(self._speaker.write(said))
            self._numbers.setdefault(self._texts[-1], index)
        return self._texts[number]

    def read(self, text: str) -> tuple[int | None, int]:
        """Number (None: none is stated) and tokens of a reply."""
        head = _LENGTH.match(text)
        body = text[head.end() :] if head else text
        if body not in self._numbers:
            self._learn(body)
        number = self._numbers.get(body)
        return number, int(head[1]) if head else len(text) // 4

    def _learn(self, body: str) -> None:
        """A text not written by this process: a known answer in other words, or one more."""
        stated = self._speaker.extract(body, self._example)
        if stated is None:
            return
        count = self._world.habits.wrong_answers
        self.text(count)
        for known, number in list(self._numbers.items()):
            if self._speaker.extract(known, self._example) == stated:
                self._numbers[body] = number
                return
        self._numbers[body] = count + 1 + len(self._numbers)
