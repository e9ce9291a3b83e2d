"""The agent is told what it needs, with errors and units, and the insights only when guided."""

import json
from typing import Any

import pytest

from tts_search.agents.prompts import (
    INSIGHT_MIX,
    INSIGHTS_SHAPE,
    as_percents,
    pick_prompt,
    update_prompt,
)
from tts_search.agents.shapes import pick_shape, update_shape
from tts_search.core.distribution import GraphDistribution

from .parts import FEEDBACK, MIXES, context, feedback, good, single


def test_picking_shows_task_mixes_and_scores_with_errors() -> None:
    where = context(published={"8B": 0.49})
    text = pick_prompt(where, MIXES, [single("1B", [1.0] * 8 + [0.0] * 12)], 2)
    for part in ("sums", "Add two numbers.", "most right answers", INSIGHT_MIX, "at most 2"):
        assert part in text
    assert "0: 9x1B\n1: 1x8B\n2: 3x1B + 1x8B" in text
    assert "1B: 0.400 +- 0.101 (standard error, 20 questions)" in text
    assert "8B: 0.490 (published)" in text


def test_picking_without_scores_says_so() -> None:
    assert "none known" in pick_prompt(context(), MIXES, (), 2)


@pytest.mark.parametrize("guided", [True, False])
def test_the_insights_on_shape_are_told_only_when_guided(guided: bool) -> None:
    where = context()
    text = update_prompt(where, GraphDistribution.uniform(where.space), feedback(guided))
    assert (INSIGHTS_SHAPE in text) is guided
    assert ("grow out from the sink" in text) is guided
    assert FEEDBACK in text
    assert "node=role:model(nodes it reads)" in text


def test_updating_shows_space_costs_and_budget() -> None:
    where = context()
    text = update_prompt(where, GraphDistribution.uniform(where.space), feedback())
    for part in ("sums", "3 slots, 0..2", "budget of 18 x cheapest call", "off", "family llama"):
        assert part in text
    assert "1B: 1, 1.59, 2.19" in text  # method, section 2
    assert "fuser: reads" in text
    assert "vote: returns the answer that most predecessors gave; needs 1" in text
    assert '"edges":{"0":[50,50],"1":[50]}' in text


def test_updating_says_when_the_current_wish_breaks_the_budget() -> None:
    where = context(slots=8)
    space = where.space
    every = GraphDistribution.uniform(space, edge=0.9)
    greedy = GraphDistribution(every.edge, every.role, [[0.0, 0.0, 1.0]] * 8)  # type: ignore[arg-type]
    assert "over the budget" in update_prompt(where, greedy, feedback())
    thrifty = GraphDistribution(every.edge * 0, every.role, [[0.0, 1.0, 0.0]] * 8)  # type: ignore[arg-type]
    assert "costs 1 of 18 x cheapest call." in update_prompt(where, thrifty, feedback())


def test_the_current_probabilities_have_the_shape_of_a_reply() -> None:
    where = context(slots=5)
    shown = json.loads(as_percents(GraphDistribution.uniform(where.space)))
    reply = update_shape(where.space).model_validate({"reason": "", **shown})
    assert reply.distribution().edge.max() == 0.5


def test_the_grammar_fixes_every_length_and_range() -> None:
    schema = update_shape(context().space).model_json_schema()
    assert list(schema["properties"]) == ["reason", "edges", "roles", "models"]
    rows = schema["$defs"]["Edges"]
    assert rows["required"] == ["0", "1"]
    assert rows["additionalProperties"] is False
    assert {k: rows["properties"]["0"][k] for k in ("minItems", "maxItems", "items")} == {
        "minItems": 2,
        "maxItems": 2,
        "items": {"type": "integer", "minimum": 0, "maximum": 100},
    }
    chosen = pick_shape(3, 2).model_json_schema()["properties"]["mixes"]
    assert (chosen["minItems"], chosen["maxItems"], chosen["items"]["maximum"]) == (1, 2, 2)


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_shapes_fit_any_number_of_slots(slots: int) -> None:
    reply: Any = update_shape(context(slots).space).model_validate(good(slots))
    assert reply.distribution().edge.shape == (slots, slots)
