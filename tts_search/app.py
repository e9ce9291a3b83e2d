"""One run: profile -> search -> finals -> baselines -> held-out test -> summary."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tts_search import finals, fronts
from tts_search.archive import Archive
from tts_search.config import SearchSettings
from tts_search.core.budget import BoundBudget
from tts_search.core.context import SearchContext
from tts_search.core.data import SPLITS, Example, Split
from tts_search.core.result import BudgetUse, Calls, ObjectiveUse, Summary, TestScore
from tts_search.core.roles import opener, vote
from tts_search.core.space import SearchSpace
from tts_search.core.statistics import mean_interval
from tts_search.environment.environment import Environment
from tts_search.environment.ledger import Ledger
from tts_search.environment.profile import measure_profile
from tts_search.errors import ConfigError
from tts_search.parts import Parts
from tts_search.runner import Search
from tts_search.tracking.progress import Progress


@dataclass(frozen=True, eq=False)
class Run:
    """The course of a run over its parts. `slots`: most nodes of a candidate graph."""

    parts: Parts
    settings: SearchSettings
    slots: int
    archive: Archive
    progress: Progress

    async def summary(self) -> Summary:
        """The whole run. Raises a TTSError; what was evaluated by then is in the archive."""
        started = time.monotonic()
        await self.parts.check()
        searched, validation, test_split = map(self._split, SPLITS)
        batch = self._shuffled(searched)[: self.settings.batch]
        ledger = Ledger()
        search = self._search(await self._budget(batch, ledger), batch, ledger)
        stopped_by = await self._searched(search)
        self._phase("finals", self.settings.finalists * len(validation))
        front = fronts.worth(search) if search.environment.objective.front else None
        chosen = await fronts.choose(search, validation, self.settings.finalists)
        best = chosen[0]
        spend = search.spend()
        self.progress.phase("baselines", unit="questions")
        contest = self._contest(search.environment)
        baselines = await contest.baselines(validation, test_split)
        self.progress.phase("test", len(test_split), "questions")
        test, use, paid = await self._test(search.environment, best, test_split)
        llm, profile = self.parts.llm, search.environment.budget.profile
        return Summary(
            task=self.parts.task.label,
            data=self.parts.task.source,
            engine=llm.identity,
            simulated=self.parts.simulated,
            optimizer=self.parts.optimizer.name,
            agent=self.parts.agent.name if self.parts.agent else None,
            seed=self.parts.seed,
            budget=use,
            best=best.graph,
            best_key=best.key,
            search_score=best.search_score,
            validation_score=best.validation_score,
            test=test,
            baselines=baselines,
            calls=Calls(llm.sent, llm.reused, llm.failed, llm.read, llm.known),
            search_spend=spend,
            profile={name: (mean.prompt, mean.output) for name, mean in profile.items()},
            stopped_by=stopped_by,
            seconds=time.monotonic() - started,
            objective=self._objective(search, chosen, front, paid),
        )

    async def _searched(self, search: Search) -> str:
        """What ended the search. Raises ConfigError if not one graph could be tried."""
        trials = self.parts.limits.max_trials
        self._phase("search", trials and trials * len(search.batch))
        stopped_by = await search.run()
        if not self.archive.count:
            raise ConfigError(
                f"search.{stopped_by} leaves no room for a single graph on {len(search.batch)} "
                f"questions: {search.ledger.calls} calls went into the token profile; raise it, or "
                "lower search.batch and search.profile"
            )
        return stopped_by

    def _phase(self, name: str, questions: int | None) -> None:
        """Nobody knows beforehand how many questions a race will take."""
        self.progress.phase(name, None if self.parts.evaluation.races else questions, "questions")

    def _split(self, name: Split) -> Sequence[Example]:
        examples = self.parts.task.load(name)
        if not examples:
            raise ConfigError(f"the {name} split of task {self.parts.task.name} is empty")
        return examples

    def _shuffled(self, examples: Sequence[Example]) -> list[Example]:
        order = np.random.default_rng(self.parts.seed).permutation(len(examples))
        return [examples[i] for i in order]

    async def _budget(self, batch: Sequence[Example], ledger: Ledger) -> BoundBudget:
        asked = batch[: self.settings.profile]
        self.progress.phase("profile", len(asked) * len(self.parts.pool), "questions")
        source = opener(self.parts.role_specs).name
        profile, calls = await measure_profile(
            self.parts.executor, source, asked, self.progress.advance
        )
        ledger.book(calls)
        return self.parts.budget.bind(self.parts.pool, profile)

    def _search(self, budget: BoundBudget, batch: Sequence[Example], ledger: Ledger) -> Search:
        space = SearchSpace(self.slots, self.parts.role_specs, budget)
        objective = self.parts.objective.bind(self.parts.pool, budget.profile)
        use, aim = self.parts.budget, objective.words(self.parts.optimizer.fronts)
        context = SearchContext(
            space=space,
            seed=self.parts.seed,
            task=self.parts.task.label,
            description=self.parts.task.instruction,
            goal=f"{aim} at no more than {use.limit:g} {use.unit_name} "
            f"({use.metric.name}) a question",
            batch=len(batch),
            objective=objective,
            published={
                model.name: model.scores[self.parts.task.label]
                for model in self.parts.pool.models
                if self.parts.task.label in model.scores
            },
        )
        self.parts.optimizer.start(context)
        return Search(
            environment=Environment(self.parts.executor, budget, self.progress.advance, objective),
            optimizer=self.parts.optimizer,
            archive=self.archive,
            ledger=ledger,
            limits=self.parts.limits,
            batch=batch,
            parallel=self.settings.parallel,
            share=1 - self.settings.finals_share,
            policy=self.parts.evaluation,
            forecast=self.parts.evaluation.forecast(context),
            tracker=self.parts.tracker,
            progress=self.progress,
        )

    def _contest(self, environment: Environment) -> finals.Contest:
        specs = self.parts.role_specs
        free = vote(specs)
        return finals.Contest(environment, opener(specs).name, free.name if free else None)

    async def _test(
        self, environment: Environment, best: finals.Choice, examples: Sequence[Example]
    ) -> tuple[TestScore, BudgetUse, float]:
        """The winner, and it alone, on held-out questions, once; and their mean price."""
        seen = (await environment.evaluate(best.graph, examples)).evaluation
        budget, metric = environment.budget, self.parts.budget.metric
        use = BudgetUse(
            metric=metric.name,
            unit=self.parts.budget.unit_name,
            limit=budget.limit,
            estimated=budget.estimate(best.graph),
            measured=best.cost,
            native_unit=metric.unit,
            unit_value=budget.unit,
            cheapest=budget.affordable()[0],
        )
        score = TestScore(
            seen.mean, mean_interval(seen.scores), len(seen.scores), seen.failures, seen.cost
        )
        return score, use, seen.price

    def _objective(
        self,
        search: Search,
        chosen: Sequence[finals.Choice],
        front: fronts.Worth | None,
        paid: float,
    ) -> ObjectiveUse | None:
        """What is told of the objective; nothing where the score is all there is."""
        objective, best = search.environment.objective, chosen[0]
        meter = objective.meter
        if meter is None:
            return None
        return ObjectiveUse(
            name=self.parts.objective.name,
            metric=meter.budget.metric.name,
            unit=meter.budget.unit_name,
            native_unit=meter.budget.metric.unit,
            unit_value=meter.unit,
            weight=objective.weight,
            searched_as=objective.words(self.parts.optimizer.fronts),
            utility=best.utility,
            price=best.price,
            test_price=paid,
            front=tuple(map(fronts.finalist, chosen)) if front else (),
            hypervolume=front.hypervolume if front else None,
            reference=front.reference if front else None,
        )
