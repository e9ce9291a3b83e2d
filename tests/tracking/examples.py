"""A graph, a trial and a summary to show, and random graphs from a seed."""

import random
from dataclasses import replace
from typing import Any

from tts_search.core.graph import Graph, Node
from tts_search.core.result import Baseline, BudgetUse, Calls, Summary, TestScore
from tts_search.core.statistics import wilson
from tts_search.core.trial import Evaluation, Proposal, Spend, Trial

FEW, ZERO = "smollm2-few-shot-t0.7", "smollm2-zero-shot"
VOTE = Node("vote", None)
SINGLE = Graph((Node("assistant", FEW),))
VOTE_OF_5 = Graph(
    (*[Node("assistant", FEW)] * 3, *[Node("assistant", ZERO)] * 2, VOTE),
    tuple((i, 5) for i in range(5)),
)
NODES = (
    Node("assistant", FEW),
    Node("assistant", ZERO),
    Node("fuser", "llama-8b"),
    Node(
        "a role with a very long name indeed", "a-model-with-a-name-that-is-far-too-long-for-a-box"
    ),
    VOTE,
)


def random_graph(seed: int) -> Graph:
    """1 to 12 nodes, sparse to dense, many replicates."""
    draw = random.Random(seed)
    n, density = draw.randint(1, 12), draw.choice([0.0, 0.15, 0.3, 0.6, 1.0])
    kinds = draw.sample(NODES, draw.randint(1, len(NODES)))
    edges = {(i, j) for j in range(n) for i in range(j) if draw.random() < density}
    edges |= {(i, n - 1) for i in range(n - 1) if not any(src == i for src, _ in edges)}
    return Graph(tuple(draw.choice(kinds) for _ in range(n)), tuple(edges))


def trial(number: int, score: float = 0.5, within_budget: bool = True) -> Trial:
    right = round(score * 20)
    seen = Evaluation(
        questions=tuple(f"q{i}" for i in range(20)),
        scores=(1.0,) * right + (0.0,) * (20 - right),
        costs=(4.0, 5.0) * 10,
        prompt_tokens=100.0,
        output_tokens=20.0,
        calls=5.0,
        failures=0,
    )
    spend = Spend(trials=number + 1, calls=100 * (number + 1), tokens=12000, agent_tokens=7)
    proposal = Proposal(VOTE_OF_5, reason="wider")
    return Trial(number, f"key{number}", proposal, 4.4, seen, within_budget, spend=spend)


def summary(**changes: Any) -> Summary:
    """67% of 200 against 57.5% and 66.5%."""
    base = Summary(
        task="arithmetic",
        data="generated",
        engine="embedded",
        simulated=False,
        optimizer="agent_reinforce",
        agent="smollm2",
        seed=3,
        budget=BudgetUse("flops", "x cheapest call", 8.0, 7.4, 7.63, "FLOPs", 5.1e10),
        best=VOTE_OF_5,
        best_key="winner",
        search_score=0.73,
        validation_score=0.66,
        test=TestScore(0.67, wilson(134, 200), 200),
        baselines=(
            Baseline("best single model", SINGLE, "one", 0.5, wilson(100, 200), 2.31, 200),
            Baseline("self-consistency", VOTE_OF_5, "sc", 0.665, wilson(133, 200), 6.9, 200),
        ),
        calls=Calls(sent=12345, reused=40211, failed=3),
        search_spend=Spend(60, 24000, 3_100_000, 0.0123, 14, 45210, 0.0023),
        profile={FEW: (120.0, 8.0)},
        stopped_by="search.trials",
        seconds=754.0,
    )
    return replace(base, **changes)
