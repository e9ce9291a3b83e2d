"""Shipped worlds, the pool and roles of conf/, and both ways to run a graph in a world."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from core.strategies import ROLES

from tts_search.budgets.flops import Flops
from tts_search.core.budget import BoundBudget, Budget, BudgetMetric
from tts_search.core.graph import Graph, Node
from tts_search.core.models import ModelPool, ModelSpec
from tts_search.core.roles import RoleSpec
from tts_search.environment.simulated import SimulatedEnvironment
from tts_search.simulation.mixes import random_mix
from tts_search.simulation.published import sizes
from tts_search.simulation.world import World

CONF = Path(__file__).parents[2] / "conf"
WORLDS = sorted(p.stem for p in (CONF / "llm" / "world").glob("*.yaml"))


@lru_cache
def plain(task: str) -> dict[str, Any]:
    """Settings of a shipped world, as they are in its YAML."""
    found: dict[str, Any] = yaml.safe_load((CONF / "llm" / "world" / f"{task}.yaml").read_text())
    return found


@lru_cache
def world(task: str = "math") -> World:
    return World.of(plain(task))


def _model(size: str, **changes: Any) -> ModelSpec:
    (node,) = yaml.safe_load((CONF / "model" / f"sim-{size}.yaml").read_text()).values()
    fields = {k: v for k, v in node.items() if k != "_target_"} | {"name": size}
    return ModelSpec(**fields | {"params": float(node["params"])} | changes)


POOL = ModelPool(
    (*map(_model, ("1b", "3b", "8b", "70b")), _model("3b", name="3b-greedy", temperature=0.0))
)


def budget(
    task: str | World = "math", limit: float = 18, metric: BudgetMetric | None = None
) -> BoundBudget:
    """On the pool of conf/; one unit is a call of the 1B model."""
    where = world(task) if isinstance(task, str) else task
    profile = {model.name: where.tokens(model.served) for model in POOL.models}
    return Budget(metric or Flops(), limit).bind(POOL, profile)


@lru_cache
def environment(task: str = "math") -> SimulatedEnvironment:
    return SimulatedEnvironment(world(task), budget(task))


@lru_cache(maxsize=4096)
def truth(task: str, graph: Graph) -> float:
    """True score in percent. Standard error of a difference of two graphs: below 0.5 points."""
    return 100 * environment(task).true_score(graph, questions=10_000, runs=2)


def single(model: str) -> Graph:
    return Graph((Node("assistant", model),))


def star(model: str, width: int, sink: str = "fuser", by: str | None = None) -> Graph:
    """`width` samples under one sink; a vote asks nobody."""
    top = Node(sink, None if sink == "vote" else by or model)
    nodes = (*[Node("assistant", model)] * width, top)
    return Graph(nodes, tuple((i, width) for i in range(width)))


def chain(model: str, depth: int, role: str = "assistant") -> Graph:
    """One answer, improved on depth - 1 times."""
    nodes = (Node("assistant", model), *[Node(role, model)] * (depth - 1))
    return Graph(nodes, tuple((i, i + 1) for i in range(depth - 1)))


def chains(model: str, width: int, depth: int, sink: str = "fuser") -> Graph:
    """`width` chains of `depth` nodes under one sink; a chain alone has none."""
    if width == 1:
        return chain(model, depth)
    top = width * depth
    edges = [(w * depth + d, w * depth + d + 1) for w in range(width) for d in range(depth - 1)]
    edges += [(w * depth + depth - 1, top) for w in range(width)]
    node = Node(sink, None if sink == "vote" else model)
    return Graph((*[Node("assistant", model)] * top, node), tuple(edges))


def random_graph(rng: np.random.Generator, size: int, roles: tuple[RoleSpec, ...] = ROLES) -> Graph:
    """Any DAG over all roles and models: votes, replicates, and one source at least."""
    edges = {(v, int(rng.integers(v + 1, size))) for v in range(size - 1)}
    edges |= {(i, j) for j in range(size) for i in range(j) if rng.random() < 0.3}
    heard = {dst for _, dst in edges}
    nodes = []
    for v in range(size):
        role = roles[rng.integers(len(roles))] if v in heard else roles[0]
        model = POOL.names[rng.integers(len(POOL))] if role.calls_model else None
        nodes.append(Node(role.name, model))
    return Graph(tuple(nodes), tuple(edges))


def random_mix_of(task: str, mix: str, count: int) -> list[Graph]:
    rng = np.random.default_rng(1)
    return [random_mix(rng, sizes(mix), ROLES, budget(task)) for _ in range(count)]
