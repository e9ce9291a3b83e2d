"""What the agent's model is asked. Plain text; every number has a unit or an error beside it."""

import json
from collections.abc import Sequence
from dataclasses import replace

from tts_search.agents.base import Feedback, Mix
from tts_search.core.context import SearchContext
from tts_search.core.distribution import Floats, GraphDistribution
from tts_search.core.roles import RoleSpec
from tts_search.core.space import SearchSpace
from tts_search.core.trial import Trial

SYSTEM = (
    "You search for the best collaboration graph of language models for a task under a compute "
    "budget. You reply with one JSON object and nothing else."
)

# Wang et al. 2025 (arXiv 2511.00086), the three findings, in our words.
INSIGHT_MIX = (
    "What is known: reasoning tasks tend to gain from several smaller models that refine each "
    "other's answers; knowledge tasks from one large model. Copies of the best family usually "
    "beat a blend of families."
)
INSIGHTS_SHAPE = (
    "What is known: (1) width (slots side by side) and depth (rounds of refinement) each help "
    "only up to an optimum that depends on the task; beyond it width overloads the slot that "
    "reads the answers, and depth passes mistakes on. (2) The two optima depend on each other: "
    "the wider a graph, the less depth it bears. So change width and depth together, judge by "
    "the scores, and grow out from the sink: first what feeds the sink, then what feeds that."
)

GRAPH_TEXT = (
    "a graph is written node=role:model(nodes it reads), its nodes numbered from 0 whichever slots "
    "hold them; the last is the sink"
)

ROLES = {
    "assistant": "answers the question; with predecessors, improves on their answers",
    "fuser": "reads all predecessors' answers and writes one answer out of them",
    "vote": "returns the answer that most predecessors gave",
}


def pick_prompt(
    context: SearchContext, mixes: Sequence[Mix], singles: Sequence[Trial], count: int
) -> str:
    numbered = "\n".join(f"{i}: {mix}" for i, mix in enumerate(mixes))
    return "\n\n".join(
        [
            _task(context),
            _models(context.space),
            _single_scores(context, singles),
            f"Mixes of models that fit the budget:\n{numbered}",
            INSIGHT_MIX,
            f"Choose at most {count} mixes to test, the most promising first. Reply as "
            '{"reason": "one short sentence", "mixes": [numbers of mixes]}',
        ]
    )


def update_prompt(context: SearchContext, current: GraphDistribution, feedback: Feedback) -> str:
    space = context.space
    parts = [
        _task(context),
        _space(space),
        _roles(space.roles),
        _models(space),
        f"Current probabilities, in percent:\n{as_percents(current)}\n{_spending(space, current)}",
        f"Results so far ({GRAPH_TEXT}):\n{feedback.text}",
        INSIGHTS_SHAPE if feedback.guided else "",
        _form(space),
    ]
    return "\n\n".join(part for part in parts if part)


def retry_prompt(problem: str) -> str:
    return (
        f"That reply cannot be used: {problem}\n"
        "Reply again with the corrected JSON object only, on one line."
    )


def _task(context: SearchContext) -> str:
    lines = [f"Task: {context.task}. {context.description}".strip()]
    if context.goal:
        lines.append(f"Goal: {context.goal}")
    if context.batch:
        lines.append(f"A graph's score is its mean over {context.batch} questions, from 0 to 1.")
    return "\n".join(lines)


def _space(space: SearchSpace) -> str:
    last = space.slots - 1
    return (
        f"A graph has up to {space.slots} slots, 0..{last}. Each holds a model (or is off) and a "
        "role; an edge i -> j (i < j) lets j read i's answer. The last slot in use is the sink "
        "and gives the final answer. Slots that do not reach the sink are left out, and so are "
        f"slots that would break the budget of {space.budget.limit:g} {unit(space)} per question."
    )


def _roles(roles: Sequence[RoleSpec]) -> str:
    lines = [f"- {r.name}: {_role(r)}" for r in roles]
    return "Roles, in order:\n" + "\n".join(lines)


def _role(role: RoleSpec) -> str:
    does = [ROLES[role.name]] if role.name in ROLES else []
    if role.min_parents:
        does.append(f"needs {role.min_parents} predecessor(s) or more")
    return "; ".join([*does, "one model call" if role.calls_model else "costs nothing"])


def _models(space: SearchSpace) -> str:
    """Cost of a call by the number of answers it reads."""
    degrees = range(min(space.slots, 4))
    lines = ["- off: the slot is not used"]
    for name in space.models:
        costs = ", ".join(f"{space.budget.estimate_call(name, d):.3g}" for d in degrees)
        family = space.budget.pool[name].family
        lines.append(f"- {name}: {costs}" + (f"; family {family}" if family else ""))
    head = f"Models, in order, with the cost of a call that reads 0, 1, ... answers ({unit(space)})"
    return f"{head}; budget {space.budget.limit:g}:\n" + "\n".join(lines)


def _single_scores(context: SearchContext, singles: Sequence[Trial]) -> str:
    lines = [
        f"- {t.graph.nodes[-1].model}: {t.score:.3f} +- {t.evaluation.standard_error:.3f} "
        f"(standard error, {len(t.evaluation.scores)} questions)"
        for t in singles
    ]
    lines += [f"- {m}: {score:.3f} (published)" for m, score in context.published.items()]
    return "Scores of one model alone:\n" + ("\n".join(lines) or "- none known")


def _form(space: SearchSpace) -> str:
    n = space.slots
    return (
        'Reply with new probabilities as {"reason": "one short sentence", "edges": ..., "roles": '
        f'..., "models": ...}} in the form of the current ones: whole percents from 0 to 100; '
        f'"edges" row i goes to slots i+1..{n - 1}; each of the {n} rows of "roles" has '
        f'{len(space.roles)} numbers, each of "models" {len(space.models) + 1}, in the order '
        "given above; no row of these two may be all 0. Write it on one line."
    )


def _spending(space: SearchSpace, current: GraphDistribution) -> str:
    cost, over = wish(space, current)
    text = f"The most probable graph costs {cost:.3g} of {space.budget.limit:g} {unit(space)}"
    return f"{text}: over the budget, slots far from the sink are left out." if over else f"{text}."


def wish(space: SearchSpace, wanted: GraphDistribution) -> tuple[float, bool]:
    """Cost of the most probable graph as if nothing bounded it, and whether that is too much."""
    budget = space.budget
    boundless = replace(budget, budget=replace(budget.budget, limit=1e300))
    cost = budget.estimate(replace(space, budget=boundless).decode(wanted.mode()))
    return cost, not budget.fits(cost)


def as_percents(current: GraphDistribution) -> str:
    """The distribution as the JSON that is asked back, without a reason."""
    n = len(current.role)
    rows = {
        "edges": {str(i): _whole(current.edge[i, i + 1 :]) for i in range(n - 1)},
        "roles": {str(i): _whole(row) for i, row in enumerate(current.role)},
        "models": {str(i): _whole(row) for i, row in enumerate(current.model)},
    }
    return json.dumps(rows, separators=(",", ":"))


def _whole(row: Floats) -> list[int]:
    return [round(100 * float(p)) for p in row]


def unit(space: SearchSpace) -> str:
    return space.budget.budget.unit_name
