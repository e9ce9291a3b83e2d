"""Fixed topologies: the plain ways to spend compute, each tried in every size within budget.

The sizes of one model share calls (a vote over 6 samples holds that over 5), so the largest is
tried first and the smaller ones add little. The smallest of every family is the single call.
"""

import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

from tts_search.core.context import SearchContext
from tts_search.core.graph import Graph, Node
from tts_search.core.roles import RoleSpec, vote
from tts_search.core.space import SearchSpace
from tts_search.core.topologies import refine_chain, self_consistency, single, star, tree
from tts_search.core.trial import Proposal, Trial
from tts_search.errors import ConfigError
from tts_search.optimizers.base import Optimizer

_log = logging.getLogger(__name__)


class FixedTopology(Optimizer):
    """Proposes its members, model by model in turn, the largest ones first."""

    fixed_family = True

    def start(self, context: SearchContext) -> None:
        """Raises ConfigError when a role is missing."""
        super().start(context)
        space = context.space
        ladders = [self._ladder(model) for model in space.budget.affordable()]
        self._left = [m for m in chain.from_iterable(zip_longest(*ladders)) if m]
        if self.name != "single_model" and max(len(g.nodes) for g, _ in self._left) == 1:
            _log.warning(
                "%s: nothing but single calls fits budget.limit=%g and space.slots=%d",
                *(self.name, space.budget.limit, space.slots),
            )

    async def ask(self, n: int) -> Sequence[Proposal]:
        asked, self._left = self._left[:n], self._left[n:]
        return [Proposal(graph, reason, "family") for graph, reason in asked]

    def tell(self, trials: Sequence[Trial]) -> None:
        pass  # the family is fixed

    @abstractmethod
    def larger(self, space: SearchSpace, model: str) -> Iterator[Graph]:
        """Members of more than one call with samples of this model, of space.slots nodes at most.

        Raises ConfigError when a role is missing.
        """

    def _ladder(self, model: str) -> list[tuple[Graph, str]]:
        """Members within budget and why they are tried, the largest first."""
        space, opener = self.context.space, self.context.space.opener.name
        members = [g for g in self.larger(space, model) if space.budget.admits(g)]
        members.sort(key=lambda g: (-len(g.nodes), -space.budget.estimate(g)))
        members.append(single(opener, model))
        return [(g, self._reason(model, g, i)) for i, g in enumerate(members)]

    def _reason(self, model: str, graph: Graph, rank: int) -> str:
        calls = sum(node.model is not None for node in graph.nodes)
        most = ", the most that budget and slots admit" if rank == 0 else ""
        return f"{self.name} of {model}, {calls} call{'s' * (calls > 1)}{most}"

    def _fuser(self, space: SearchSpace) -> RoleSpec:
        found = next((r for r in space.roles if r.calls_model and r.min_parents), None)
        return found or self._refuse(space, "one that reads answers and writes one", "fuser")

    def _refuse(self, space: SearchSpace, needed: str, example: str) -> RoleSpec:
        names = ",".join(r.name for r in space.roles)
        raise ConfigError(
            f"optimizer={self.name} needs a role, {needed}, but the roles are {names}; "
            f"type roles=[{names},{example}]"
        )


class SingleModel(FixedTopology):
    """Each model alone."""

    name = "single_model"

    def larger(self, space: SearchSpace, model: str) -> Iterator[Graph]:
        yield from ()


class SelfConsistency(FixedTopology):
    """A majority vote over samples of one model (Wang et al., arXiv 2203.11171)."""

    name = "self_consistency"

    def larger(self, space: SearchSpace, model: str) -> Iterator[Graph]:
        free = vote(space.roles) or self._refuse(space, "one that votes without a call", "vote")
        for samples in range(2, space.slots):
            yield self_consistency(space.opener.name, free.name, model, samples)


class BestOfN(FixedTopology):
    """Samples of one model, and a judge, of any model, that reads them all and answers.

    judge  name of its role. A fuser may combine as well as choose; a role that only chooses is
           a YAML of your own (CONTRIBUTING.md)
    """

    name = "best_of_n"

    def __init__(self, judge: str = "fuser"):
        self._judge = judge

    def larger(self, space: SearchSpace, model: str) -> Iterator[Graph]:
        able = [r.name for r in space.roles if r.calls_model]
        if self._judge not in able:
            self._refuse(space, f"optimizer.judge={self._judge}, that calls a model", self._judge)
        for judge in space.budget.affordable():
            for samples in range(2, space.slots):
                yield star(space.opener.name, model, samples, Node(self._judge, judge))


class RefineChain(FixedTopology):
    """One model's answer, improved on again and again (Madaan et al., arXiv 2303.17651)."""

    name = "refine_chain"

    def larger(self, space: SearchSpace, model: str) -> Iterator[Graph]:
        for length in range(2, space.slots + 1):
            yield refine_chain(space.opener.name, model, length)


class Star(FixedTopology):
    """Samples of one model and a fuser, of that model too, that reads them all."""

    name = "star"

    def larger(self, space: SearchSpace, model: str) -> Iterator[Graph]:
        fuser = self._fuser(space).name
        for samples in range(2, space.slots):
            yield star(space.opener.name, model, samples, Node(fuser, model))


class Tree(FixedTopology):
    """Samples of one model under fusers, and a fuser of these. Needs 7 slots for the smallest."""

    name = "tree"

    def larger(self, space: SearchSpace, model: str) -> Iterator[Graph]:
        fuser = self._fuser(space).name
        for branches in range(2, space.slots):
            for samples in range(2, (space.slots - 1) // branches):
                yield tree(space.opener.name, fuser, model, branches, samples)
