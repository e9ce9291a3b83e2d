"""The finals where score and price are two objectives: which graphs are on the front."""

from collections.abc import Sequence
from dataclasses import dataclass

from tts_search import finals
from tts_search.archive import Candidate
from tts_search.core.data import Example
from tts_search.core.front import hypervolume, non_dominated
from tts_search.core.result import Finalist
from tts_search.core.roles import opener
from tts_search.finals import Choice
from tts_search.runner import Search


@dataclass(frozen=True)
class Worth:
    """As in ObjectiveUse."""

    hypervolume: float
    reference: float


def worth(search: Search) -> Worth:
    """Of the front that the search has found, by scores on the batch."""
    environment, space = search.environment, search.optimizer.context.space
    role = opener(space.roles).name
    reference = environment.objective.dearest(environment.budget, role, space.slots)
    points = [c.point for c in search.archive.front(environment.budget.limit)]
    return Worth(hypervolume(points, (0.0, reference)) / reference, reference)


async def choose(search: Search, examples: Sequence[Example], finalists: int) -> tuple[Choice, ...]:
    """The recommended graph and, where there is a front, its other graphs.

    On a front are the finalists that none beats in validation score and price, best score first:
    the best score is recommended. Finalists are spread evenly over the front of the batch, both
    ends included, and all of them answer all questions. Where the limits leave nothing for that,
    the front of the batch stands. Raises BudgetError if no graph is within the budget.
    """
    if not search.environment.objective.front:
        return (await finals.choose(search, examples, finalists),)
    budget, found = search.environment.budget, list[Choice]()
    for leader in spread(search.archive.front(budget.limit), finalists):
        if not search.affordable([leader.graph], len(examples), trials=0):
            continue
        seen = await search.environment.evaluate(leader.graph, examples)
        search.ledger.book(seen.calls)
        choice = finals.validated(search, leader, seen.evaluation)
        if budget.fits(choice.cost):
            found.append(choice)
    found = found or list(map(finals.as_searched, search.archive.front(budget.limit)))
    front = [found[i] for i in non_dominated([choice.point for choice in found])]
    return tuple(front) or (finals.unvalidated(search),)


def spread(front: Sequence[Candidate], count: int) -> list[Candidate]:
    """At most `count` of them, evenly by rank, the first and (from 2 on) the last included."""
    if len(front) <= count:
        return list(front)
    places = [round(i * (len(front) - 1) / max(count - 1, 1)) for i in range(count)]
    return [front[i] for i in places]


def finalist(choice: Choice) -> Finalist:
    return Finalist(
        key=choice.key,
        graph=choice.graph,
        search_score=choice.search_score,
        validation_score=choice.validation_score,
        cost=choice.cost,
        price=choice.price,
    )
