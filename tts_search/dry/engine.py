"""An engine that answers nothing and counts everything: what a run would ask (search.dry_run)."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tts_search.core.data import Example, Split, Tokens
from tts_search.llm.base import Completion, Request
from tts_search.tasks.base import Shot, Task

RIGHT = 0.5  # share of replies that are right, so that graphs differ


@dataclass
class Use:
    """Calls of a model and their tokens."""

    calls: int = 0
    prompt: float = 0.0
    output: float = 0.0


class DryLLM:
    """Every call takes the tokens that the task expects of one: A and those of the answers read, B
    written. Right or wrong by chance, the same for the same call.

    used  by the model's `served`
    """

    identity = "dry run"
    cacheable = False

    def __init__(self, speaker: Task) -> None:
        self.used: dict[str, Use] = defaultdict(Use)
        self._task = speaker

    async def complete(self, request: Request) -> Completion:
        site, mean = request.site, self._task.profile
        assert site is not None, "an agent is not asked in a dry run"
        digest = hashlib.blake2b(request.digest("").encode(), digest_size=4).digest()
        luck = int.from_bytes(digest)
        example = site.example
        right = luck < RIGHT * 2**32
        said = example.answer if right else self._task.wrong(example, luck % 3)
        use = self.used[request.model]
        prompt = mean.prompt + len(site.answers) * mean.output
        output = min(mean.output, request.max_tokens)
        use.calls, use.prompt, use.output = use.calls + 1, use.prompt + prompt, use.output + output
        return Completion(self._task.write(said), round(prompt), round(output))

    async def aclose(self) -> None:
        """Nothing is held."""


class Unscored(Task):
    """A task whose replies are right if they are word for word what a dry run writes: no grader
    is asked, no code is run."""

    def __init__(self, inner: Task) -> None:
        self._inner = inner
        self.name, self.instruction = inner.name, inner.instruction
        self.max_tokens, self.prompts = inner.max_tokens, inner.prompts
        self.profile: Tokens = inner.profile

    @property
    def label(self) -> str:
        return self._inner.label

    @property
    def source(self) -> str:
        return self._inner.source

    def load(self, split: Split) -> Sequence[Example]:
        return self._inner.load(split)

    def shots(self, count: int, example: Example | None = None) -> Sequence[Shot]:
        return self._inner.shots(count, example)

    def extract(self, text: str, example: Example | None = None) -> str | None:
        return text

    async def score(self, example: Example, text: str) -> float:
        return float(text == self.write(example.answer))

    def write(self, answer: str) -> str:
        return self._inner.write(answer)

    def wrong(self, example: Example, index: int) -> str:
        return self._inner.wrong(example, index)
