"""Whether two mathematical answers are equal: the grader behind the MATH task."""

from collections import OrderedDict

from tts_search.tasks.answers import spelling
from tts_search.tasks.answers.workers import CallLost, Pool

LONGEST = 1_000  # characters; the longest answer of MATH has about 150
CACHED = 50_000  # verdicts kept, at most about 2 kB each


class Checker:
    """`await equal(gold, answer)`; math-verify in worker processes, exact spelling first.

    workers   processes, started when the first hard comparison comes
    seconds   running time of one comparison; past it the answer counts as wrong

    What math-verify alone would grade wrongly, and the rule here:
    - `50` against `50\\%`, `\\$18` against `18`, degrees: signs of units are dropped, and a
      percentage also equals its value (`25\\%` is `0.25`);
    - words (`\\text{even}`): compared as words, never as products of symbols;
    - `(1,2)` against `\\{1,2\\}`, `2516_8` against `2516_9`: brackets and bases must agree;
    - several boxed answers: the caller takes the last (latex.boxed).
    """

    def __init__(self, workers: int = 2, seconds: float = 5.0) -> None:
        self._pool = Pool("tts_search.tasks.answers.verify", workers, seconds)
        self._verdicts: OrderedDict[tuple[str, str], bool] = OrderedDict()

    async def equal(self, gold: str, answer: str) -> bool:
        """Never raises for any text. ConfigError when math-verify cannot be imported."""
        if len(answer) > LONGEST:
            return False
        if spelling.normal(gold) == spelling.normal(answer) or _percent(gold, answer):
            return True
        if not answer.strip():
            return False
        in_words = spelling.words(gold)
        if in_words is not None:
            return in_words in (spelling.words(answer, letters=True), spelling.option(answer))
        if spelling.in_base(gold) or spelling.in_base(answer):
            return False
        kinds = {spelling.brackets(gold), spelling.brackets(answer)} - {""}
        if len(kinds) > 1:
            return False
        key = (spelling.clean(gold), spelling.clean(answer))
        if key not in self._verdicts:
            self._verdicts[key] = await self._verify(*key)
            if len(self._verdicts) > CACHED:
                self._verdicts.popitem(last=False)
        return self._verdicts[key]

    async def aclose(self) -> None:
        """Stop the worker processes."""
        await self._pool.aclose()

    async def _verify(self, gold: str, answer: str) -> bool:
        try:
            return bool(await self._pool.call("same", gold, answer))
        except CallLost:
            return False


def _percent(gold: str, answer: str) -> bool:
    """Whether one is a percentage and the other its value: `25\\%` and `0.25`."""
    if ("%" in gold) == ("%" in answer):
        return False
    percentage, value = (gold, answer) if "%" in gold else (answer, gold)
    return spelling.hundredth(percentage) == spelling.normal(value)
