"""config -> parts: every part of a run, built from its group."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tts_search.agents.base import Agent
from tts_search.budgets.names import metric
from tts_search.build import build, misfit, plain, values
from tts_search.core.budget import Budget
from tts_search.core.models import ModelPool
from tts_search.core.objective import Objective
from tts_search.core.roles import RoleSpec, opener
from tts_search.environment.executor import Executor
from tts_search.environment.roles import Role, spec, worded
from tts_search.errors import ConfigError
from tts_search.evaluation import Policy
from tts_search.limits import Limits
from tts_search.llm.base import LLM, check
from tts_search.llm.cache import Cached
from tts_search.llm.wrappers import wrap
from tts_search.optimizers.base import Optimizer
from tts_search.tasks.base import Task
from tts_search.tracking.base import Harmless, Tracker


@dataclass(frozen=True, eq=False)
class Parts:
    """What a run is made of, before anything is asked of a model."""

    task: Task
    roles: Mapping[str, Role]
    pool: ModelPool
    budget: Budget
    llm: Cached
    agent: Agent | None
    optimizer: Optimizer
    objective: Objective
    evaluation: Policy
    tracker: Tracker
    limits: Limits
    seed: int

    @property
    def executor(self) -> Executor:
        return Executor(self.task, self.roles, self.pool, self.llm, self.seed)

    @property
    def labels(self) -> dict[str, object]:
        """What every result of this run is marked with."""
        budget = self.budget
        return {
            "task": self.task.label,
            "data": self.task.source,
            "engine": self.llm.identity,
            "simulated": self.simulated,
            "optimizer": self.optimizer.name,
            "agent": self.agent.name if self.agent else None,
            "budget": f"{budget.metric.name} {budget.limit:g} {budget.unit_name}",
            "seed": self.seed,
        }

    @property
    def role_specs(self) -> tuple[RoleSpec, ...]:
        """What the search knows of the roles."""
        return tuple(map(spec, self.roles.values()))

    async def check(self) -> None:
        """Whether replies can be scored, and, asked of the engines of the run and of the agent,
        whether calls can succeed at all."""
        self.task.check()
        for llm in (self.llm, getattr(self.agent, "llm", None)):
            if llm:
                await check(llm)

    @property
    def simulated(self) -> bool:
        return self.llm.identity.startswith("simulated:")

    async def aclose(self) -> None:
        await self.optimizer.aclose()
        await self.llm.aclose()
        await self.task.aclose()


def assemble(config: DictConfig) -> Parts:
    """Build all parts. Raises a TTSError that names the setting to change."""
    search = config.search
    pool = ModelPool(tuple(build(model) for model in values(config.pool.models)))
    budget: Budget = build(config.budget)
    budget.check(pool)
    objective, evaluation = build_objective(config.objective, pool), build(config.evaluation)
    if objective.front and evaluation.races:
        raise ConfigError(
            f"objective={objective.name} needs every candidate's answers to the whole batch, but "
            "evaluation=racing stops candidates early; type evaluation=full"
        )
    task: Task = build(config.task)
    roles: dict[str, Role] = {
        role.name: worded(role, task.prompts.get(role.name, {}))
        for role in map(build, values(config.roles))
    }
    opener([spec(role) for role in roles.values()])
    # After the checks above: it opens the cache.
    llm = build_llm(config.llm, config.cache, task)
    agent = build_agent(config, llm, task) if "agent" in config.optimizer else None
    return Parts(
        task=task,
        roles=roles,
        pool=pool,
        budget=budget,
        llm=llm,
        agent=agent,
        optimizer=build_optimizer(config.optimizer, agent),
        objective=objective,
        evaluation=evaluation,
        tracker=Harmless(build(config.tracker)),
        limits=Limits(search.max_trials, search.max_calls, search.max_tokens, search.max_dollars),
        seed=config.seed,
    )


def build_objective(node: DictConfig, pool: ModelPool) -> Objective:
    """The objective; its metric may be a name. Raises BudgetError when a model lacks what the
    metric needs."""
    named = "metric" in node and not isinstance(node.metric, DictConfig)
    own = {"metric": metric(node.metric)} if named else {}
    objective = build(_without(node, *own), **own)
    if not isinstance(objective, Objective):
        raise ConfigError(f"objective._target_ must name an Objective, but got {type(objective)}")
    objective.check(pool)
    return objective


def build_llm(node: DictConfig, cache: str | None, task: Task) -> Cached:
    """The engine in its wrappers. An engine built in part (`_partial_`) is given the task, whose
    words it needs to make up answers. One that is not `cacheable` is not kept on disk."""
    limits = node.get("limits") or {}
    engine = engine_of(node)
    if node.get("_partial_"):
        try:
            engine = engine(speaker=task)
        except TypeError as error:
            raise misfit(node._target_, error) from None
    if not getattr(engine, "cacheable", True):
        cache = None
    path = Path(cache).expanduser() if cache else None
    return wrap(engine, cache_path=path, **{str(k): v for k, v in limits.items()})


def engine_of(node: DictConfig) -> Any:
    """The bare engine, or what makes it once it is given the task."""
    return build(_without(node, "limits"))


def build_agent(config: DictConfig, llm: LLM, task: Task) -> Agent:
    """The agent, if it needs an LLM, with its own or, where `agent.llm` is null, the run's."""
    node = config.agent
    if "llm" not in node:
        return _agent(build(node))
    own = llm if node.llm is None else build_llm(node.llm, config.cache, task)
    return _agent(build(_without(node, "llm"), llm=own))


def build_optimizer(node: DictConfig, agent: Agent | None) -> Optimizer:
    """The optimizer; its parts that name an `agent` all get the same one."""
    parts: dict[str, Any] = {}
    for name, part in node.items():
        if agent and isinstance(part, DictConfig) and part.get("agent") is not None:
            parts[str(name)] = build(_without(part, "agent"), agent=agent)
    built = build(_without(node, "agent", *parts), **parts)
    if not isinstance(built, Optimizer):
        raise ConfigError(f"optimizer._target_ must name an Optimizer, but got {type(built)}")
    return built


def _agent(agent: Any) -> Agent:
    if not (hasattr(agent, "update") and hasattr(agent, "pick_mixes")):
        raise ConfigError(f"agent._target_ must name an Agent, but got {type(agent).__name__}")
    return agent  # type: ignore[no-any-return]


def _without(node: DictConfig, *names: str) -> DictConfig:
    """A copy of the node, resolved, without some of its keys."""
    return OmegaConf.create({k: v for k, v in plain(node).items() if k not in names})
