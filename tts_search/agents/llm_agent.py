"""The agent of Agent-REINFORCE: a language model that picks mixes and updates probabilities."""

import json
import logging
from collections.abc import Sequence
from typing import TypeVar

from tts_search.agents.base import Agent, Feedback, Mix, Pick, Update
from tts_search.agents.prompts import SYSTEM, pick_prompt, retry_prompt, unit, update_prompt, wish
from tts_search.agents.replies import BadReply, final, read
from tts_search.agents.shapes import Reply, pick_shape, update_shape
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.trial import AgentUsage, Trial
from tts_search.errors import AgentError, ConfigError, LLMError
from tts_search.llm.base import LLM, Completion, Message, Request

_log = logging.getLogger(__name__)

QUOTED = 4000  # characters of a bad reply that are shown back

R = TypeVar("R", bound=Reply)


class LLMAgent(Agent):
    """Asks any `llm` for JSON, and asks again, with what was wrong, when the reply is unusable.

    name         of the agent, in logs and reports; `model` is the name the engine serves
    max_tokens   of one reply, thoughts included
    attempts     replies asked for per decision before AgentError
    price_in, price_out   USD per million input and output tokens; None counts no dollars

    The seed of each request comes from the run's seed and the number of the call, so a run that
    is repeated on a cache asks for the same replies. Usage counts every call, failed ones too.
    Over-budget wishes are no error: decode bounds every graph; the update's notes name them.
    """

    def __init__(
        self,
        llm: LLM,
        name: str,
        model: str,
        temperature: float,
        top_p: float,
        max_tokens: int,
        attempts: int = 3,
        price_in: float | None = None,
        price_out: float | None = None,
    ) -> None:
        if attempts < 1:
            raise ConfigError(f"agent.attempts must be at least 1, but got {attempts}")
        self.name = name
        self.llm = llm
        self._model = model
        self._temperature = temperature
        self._top_p = top_p
        self._max_tokens = max_tokens
        self._attempts = attempts
        self._prices = (price_in or 0.0, price_out or 0.0)
        self._usage = AgentUsage()

    @property
    def usage(self) -> AgentUsage:
        return self._usage

    async def pick_mixes(
        self, context: SearchContext, mixes: Sequence[Mix], singles: Sequence[Trial], count: int
    ) -> Pick:
        if not mixes or count < 1:
            raise AgentError(
                f"the agent must have a mix to pick, but got {len(mixes)} mixes and count={count}"
            )
        prompt = pick_prompt(context, mixes, singles, count)
        reply, _ = await self._ask(context, prompt, pick_shape(len(mixes), count))
        return Pick(tuple(dict.fromkeys(reply.mixes))[:count], reply.reason)

    async def update(
        self, context: SearchContext, current: GraphDistribution, feedback: Feedback
    ) -> Update:
        prompt = update_prompt(context, current, feedback)
        reply, notes = await self._ask(context, prompt, update_shape(context.space))
        wanted = reply.distribution()
        cost, over = wish(context.space, wanted)
        if over:
            limit = f"{context.space.budget.limit:g} {unit(context.space)}"
            notes.append(f"wished for {cost:.3g} of {limit}; decode keeps what fits")
        return Update(wanted, reply.reason, tuple(notes))

    async def aclose(self) -> None:
        await self.llm.aclose()

    async def _ask(
        self, context: SearchContext, prompt: str, shape: type[R]
    ) -> tuple[R, list[str]]:
        """A valid reply, and what was wrong with those before it. Raises AgentError."""
        schema = json.dumps(shape.model_json_schema(), separators=(",", ":"))
        opening = (Message("system", SYSTEM), Message("user", prompt))
        messages: tuple[Message, ...] = opening
        notes: list[str] = []
        for attempt in range(1, self._attempts + 1):
            completion = await self._call(context, messages, schema)
            try:
                return read(completion.text, shape), notes
            except BadReply as error:
                problem = _explain(error, completion)
            notes.append(f"reply {attempt} was unusable: {problem}")
            _log.info("agent %s: %s", self.name, notes[-1])
            # White space is a trap for small models under a grammar: shown it, they repeat it.
            quoted = " ".join(_writable(final(completion.text)).split())[:QUOTED] or "(empty)"
            follow_up = Message("user", retry_prompt(problem))
            messages = (*opening, Message("assistant", quoted), follow_up)
        raise AgentError(
            f"the agent gave no usable reply in {self._attempts} attempts; the last: {problem}"
        )

    async def _call(
        self, context: SearchContext, messages: tuple[Message, ...], schema: str
    ) -> Completion:
        number = self._usage.calls
        request = Request(
            model=self._model,
            messages=messages,
            temperature=self._temperature,
            top_p=self._top_p,
            max_tokens=self._max_tokens,
            seed=int(context.rng(f"agent call {number}").integers(2**31)),
            schema=schema,
        )
        self._count()
        try:
            completion = await self.llm.complete(request)
        except LLMError as error:
            raise AgentError(f"the agent's model {self._model} cannot be asked: {error}") from error
        self._count(completion)
        return completion

    def _count(self, completion: Completion | None = None) -> None:
        """A call when it is sent, its tokens and dollars when it comes back."""
        used = self._usage
        if completion is None:
            self._usage = AgentUsage(used.calls + 1, used.tokens, used.dollars)
            return
        read_, written = completion.prompt_tokens, completion.output_tokens
        dollars = (self._prices[0] * read_ + self._prices[1] * written) * 1e-6
        self._usage = AgentUsage(used.calls, used.tokens + read_ + written, used.dollars + dollars)


def _explain(error: BadReply, completion: Completion) -> str:
    problem = _writable(str(error))
    if completion.finish_reason == "length":
        problem += f" (the reply was cut off after {completion.output_tokens} tokens; be brief)"
    return problem


def _writable(text: str) -> str:
    """Without halves of surrogate pairs, which no client can send."""
    return text.encode(errors="replace").decode()
