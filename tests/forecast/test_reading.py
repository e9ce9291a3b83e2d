"""The values by which a node's reading is described."""

import math

import numpy as np
import pytest
from optimizers.worlds import ROLES, paper_space

from tts_search.core.graph import Graph, Node
from tts_search.forecast.reading import BY_MODEL, BY_ROLE, Layout, loads

SPACE = paper_space()
LAYOUT = Layout(SPACE.roles, SPACE.models)


def test_every_role_and_model_has_coefficients_of_its_own() -> None:
    whole = [LAYOUT.columns(Node(r.name, None), reads) for r in ROLES for reads in (False, True)]
    for model in SPACE.models:
        for reads in (False, True):
            own = LAYOUT.columns(Node("vote", None), reads)
            whole.append(LAYOUT.columns(Node("vote", model), reads)[len(own) :])
    places = np.concatenate(whole)
    assert sorted(places) == list(range(LAYOUT.size))
    assert LAYOUT.size == len(ROLES) * (1 + len(BY_ROLE)) + len(SPACE.models) * (1 + len(BY_MODEL))


@pytest.mark.parametrize(
    ("right", "share", "some", "most", "whole"),
    [
        ([0, 0, 0], 0, 0, 0, 0),
        ([1, 0, 0], 1 / 3, 1, 0, 0),
        ([1, 0], 1 / 2, 1, 0, 0),
        ([1, 1, 0], 2 / 3, 1, 1, 0),
        ([1, 1], 1, 1, 1, 1),
    ],
)
def test_what_is_right_among_the_answers_read(right, share, some, most, whole) -> None:
    read = np.array(right, dtype=float)[:, None]
    values = LAYOUT.values(Node("fuser", "1B"), read, np.array(0.7))[0]
    log = math.log(len(right))
    expected = [1, share, some, most, whole, log, 0.7, 1, 0.7, 0.49, share]
    assert values.tolist() == pytest.approx(expected)
    vote = LAYOUT.values(Node("vote", None), read, np.array(0.7))[0]
    assert vote.tolist() == pytest.approx(expected[:7])


def test_a_node_that_reads_nothing_is_its_role_and_its_model() -> None:
    values = LAYOUT.values(Node("assistant", "1B"), np.zeros((0, 3, 5)), np.array(0.0))
    assert values.shape == (3, 5, 2)
    assert (values == 1).all()


def test_values_fit_their_columns_on_any_shape() -> None:
    for node in (Node("assistant", "3B"), Node("fuser", "1B"), Node("vote", None)):
        for count in (0, 1, 4):
            values = LAYOUT.values(node, np.ones((count, 2, 6)), np.ones((2, 1)))
            assert values.shape == (2, 6, len(LAYOUT.columns(node, count > 0)))


def test_four_answers_of_mean_length_are_a_load_of_one() -> None:
    """All models of this space write as much; a vote passes on a single answer."""
    sources = (Node("assistant", "1B"),) * 4
    fused = Graph((*sources, Node("fuser", "3B")), tuple((i, 4) for i in range(4)))
    assert loads(fused, SPACE.budget) == [0, 0, 0, 0, 1.0]
    voted = Graph(
        (*sources, Node("vote", None), Node("assistant", "1B")),
        (*((i, 4) for i in range(4)), (4, 5)),
    )
    assert loads(voted, SPACE.budget) == [0, 0, 0, 0, 1.0, 0.25]
