import re

import pytest
from tracking.examples import FEW, SINGLE, VOTE, VOTE_OF_5, random_graph

from tts_search.analysis.boxes import draw_boxes
from tts_search.analysis.drawing import draw
from tts_search.analysis.lanes import draw_lanes
from tts_search.core.graph import Graph, Node
from tts_search.tracking.folding import fold, one_line

SEEDS = range(400)


def expand(ranges: str) -> set[int]:
    spans = [part.split("-") for part in ranges.split(",")]
    return {n for span in spans for n in range(int(span[0]), int(span[-1]) + 1)}


@pytest.mark.parametrize("width", [60, 100])
def test_no_graph_is_wider_than_the_console(width: int) -> None:
    for seed in SEEDS:
        lines = draw(random_graph(seed), width).plain.splitlines()
        assert lines, seed
        assert max(map(len, lines)) <= width, seed


def test_every_node_appears() -> None:
    """Boxes show a box a group with its size; lanes show the numbers of all members."""
    for seed in SEEDS:
        graph = random_graph(seed)
        folded = fold(graph)
        boxes = draw_boxes(folded)
        if boxes is not None:
            sizes = re.findall(r"[│║] (?:(\d+) × )?(?:assistant|fuser|vote|a role)", boxes.plain)
            assert sum(int(size or 1) for size in sizes) == len(graph.nodes), seed
        lanes = draw_lanes(folded, 200).plain.splitlines()
        assert len(lanes) == len(folded.groups), seed


def test_lanes_state_who_reads_whom() -> None:
    for seed in SEEDS:
        graph = random_graph(seed)
        for line in draw_lanes(fold(graph), 300).plain.splitlines():
            found = re.search(r"[●◉][ ─│┼┴├┤╯╰]*  ([\d,-]+) .*?(?: reads ([\d,-]+))?$", line)
            assert found, (seed, line)
            for node in expand(found[1]):
                assert set(graph.parents[node]) == (expand(found[2]) if found[2] else set())


def joined(line: str) -> int:
    """How many lanes end in or pass through the horizontal line, plus one from straight above."""
    return sum(line.count(c) for c in "├┼┤┴╯╰")


def test_lanes_join_exactly_the_predecessors() -> None:
    for seed in SEEDS:
        folded = fold(random_graph(seed))
        lines = draw_lanes(folded, 300).plain.splitlines()
        for v, line in enumerate(lines):
            art = re.split(r"  \d", line)[0]
            at = re.search("[●◉]", art)
            assert at
            above = lines[v - 1][at.start()] if v else " "
            taken_over = above in "●│├┼┤"
            assert joined(art) + taken_over == len(folded.parents[v]), (seed, v)


def test_replicates_are_folded_and_the_sink_stands_out() -> None:
    text = draw(VOTE_OF_5).plain
    assert "3 × assistant" in text
    assert "2 × assistant" in text
    assert "║ vote ║" in text
    assert text.count("▶") == 1
    assert "╔" in draw(SINGLE).plain


def test_a_role_that_calls_no_model_shows_none() -> None:
    assert "None" not in draw(VOTE_OF_5).plain
    assert "None" not in draw_lanes(fold(VOTE_OF_5)).plain


def test_an_edge_that_skips_a_level_is_drawn_in_lanes() -> None:
    a = Node("assistant", FEW)
    graph = Graph((a, Node("refiner", FEW), VOTE), ((0, 1), (0, 2), (1, 2)))
    assert draw_boxes(fold(graph)) is None
    assert "reads 0-1" in draw(graph).plain


def test_bundles_that_would_run_into_each_other_are_not_drawn_as_boxes() -> None:
    """Three readers of one node beside many boxes: lines must stay apart or lanes are used."""
    a, f = Node("assistant", FEW), Node("fuser", "llama-8b")
    sources = [Node("assistant", f"m{i}") for i in range(4)]
    graph = Graph((*sources, f, a, VOTE), ((0, 4), (1, 4), (2, 4), (3, 5), (4, 6), (5, 6)))
    boxes = draw_boxes(fold(graph), height=40)
    assert boxes is None or boxes.plain.count("▶") == 3


def test_wide_characters_fall_back_to_lanes() -> None:
    graph = Graph((Node("助手", "模型"), VOTE), ((0, 1),))
    assert draw_boxes(fold(graph)) is None
    assert "助手" in draw(graph).plain


def test_one_line_drops_models_before_it_drops_nodes() -> None:
    assert one_line(SINGLE) == f"assistant:{FEW}"
    assert one_line(VOTE_OF_5) == "5 × assistant → vote"
    assert len(one_line(random_graph(7), limit=30)) <= 30
