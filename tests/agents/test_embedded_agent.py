"""The real small model, held to the grammar, takes both of the agent's decisions."""

import pytest

from tts_search.core.distribution import GraphDistribution
from tts_search.llm.embedded import EmbeddedLLM

from .parts import MIXES, agent, context, feedback, single


@pytest.mark.embedded
async def test_the_embedded_model_picks_and_updates() -> None:
    llm = EmbeddedLLM(threads=2)
    mine = agent(llm, model=llm.model, max_tokens=400, attempts=5)
    where = context(slots=3)
    try:
        chosen = await mine.pick_mixes(where, MIXES, [single("1B", [1.0, 0.0])], 2)
        new = await mine.update(where, GraphDistribution.uniform(where.space), feedback())
    finally:
        await mine.aclose()
    assert set(chosen.mixes) <= {0, 1, 2}
    assert where.space.budget.admits(where.space.decode(new.distribution.mode()))
    assert 2 <= mine.usage.calls <= 10
    assert mine.usage.tokens > 0
