"""Whatever a model replies, the agent returns a valid decision or raises AgentError."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tts_search.core.distribution import GraphDistribution
from tts_search.errors import AgentError

from .parts import MIXES, Scripted, agent, context, feedback, good, pick

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 100)
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=5)
)
keys = st.sampled_from(["0", "1", "2", "reason", "edges", "roles", "models", "mixes", "\ud83d"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
near_misses = st.builds(
    lambda field, value: {**good(), "mixes": [0], field: value},
    st.sampled_from(["reason", "edges", "roles", "models", "mixes"]),
    values,
)
pieces = st.sampled_from(
    ["{", "}", "[", "]", '"', ":", ",", "80", "<think>", "</think>", "```json\n", "NaN", "-", "\\"]
)
texts = (
    st.text(max_size=40)
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
    | st.lists(pieces, max_size=20).map("".join)
    | st.builds(lambda cut: json.dumps(good())[:cut], st.integers(0, 150))
    | (values | near_misses).map(json.dumps)
)


@settings(deadline=None)
@given(texts)
async def test_any_text_gives_a_decision_or_an_agent_error(text: str) -> None:
    where: Any = context()
    for make in (
        lambda: agent(Scripted([text]), attempts=2).update(
            where, GraphDistribution.uniform(where.space), feedback()
        ),
        lambda: agent(Scripted([text]), attempts=2).pick_mixes(where, MIXES, (), 2),
    ):
        try:
            decision = await make()
        except AgentError as error:
            str(error).encode()
        else:
            decision.reason.encode()


@given(near_misses.map(json.dumps))
async def test_any_text_may_come_before_a_good_reply(text: str) -> None:
    chosen = await agent(Scripted(["no", text + pick(1)])).pick_mixes(context(), MIXES, (), 2)
    assert chosen.mixes == (1,)
