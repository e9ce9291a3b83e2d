"""What tells the methods of the one loop apart, as their YAMLs say."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from tts_search.agents.base import Feedback, Update
from tts_search.agents.rules import RulesAgent
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.trial import Trial
from tts_search.optimizers.loop import SampleFeedbackUpdate
from tts_search.optimizers.random import RandomSearch
from tts_search.optimizers.update import Alternate, Step, Updater
from tts_search.parts import build_optimizer

from .worlds import context, drive, paper_space

SPACE = paper_space(slots=6)
CONF = Path(__file__).parents[2] / "conf" / "optimizer"
LOOPS = sorted(
    p.stem
    for p in CONF.glob("*.yaml")
    if p.stem.startswith("agent_reinforce") or "SampleFeedbackUpdate" in p.read_text()
)

Compose = Callable[..., Any]


class Spy(RulesAgent):
    """The rules, and what they were told."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[Feedback] = []

    async def update(
        self, context: SearchContext, current: GraphDistribution, feedback: Feedback
    ) -> Update:
        self.read.append(feedback)
        return await super().update(context, current, feedback)


def built(compose: Compose, name: str, agent: RulesAgent | None = None) -> SampleFeedbackUpdate:
    config = compose(f"optimizer={name}", "agent=rules", "llm=simulated")
    optimizer = build_optimizer(config.optimizer, agent or Spy())
    assert isinstance(optimizer, SampleFeedbackUpdate)
    assert optimizer.name == name
    return optimizer


def settings(compose: Compose, name: str) -> dict[str, Any]:
    """Flat: "update.guided": False."""
    node = OmegaConf.to_container(compose(f"optimizer={name}", "llm=simulated").optimizer)
    found: dict[str, Any] = {}

    def walk(at: Any, path: str) -> None:
        for key, value in at.items():
            if isinstance(value, dict):
                walk(value, f"{path}{key}.")
            else:
                found[path + key] = value

    walk(node, "")
    return found


# --- the ablations ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("agent_reinforce_no_init", "init."),
        ("agent_reinforce_no_insights", "update.guided"),
        ("agent_reinforce_no_archive", "update.remember"),
    ],
)
def test_an_ablation_changes_one_thing(compose: Compose, name: str, group: str) -> None:
    full, less = settings(compose, "agent_reinforce"), settings(compose, name)
    changed = {k for k in full | less if full.get(k) != less.get(k)} - {"name"}
    assert changed
    assert all(key.startswith(group) for key in changed), changed


@pytest.mark.parametrize(
    ("name", "pretest", "guided", "remembers"),
    [
        ("agent_reinforce", True, True, True),
        ("agent_reinforce_no_init", False, True, True),
        ("agent_reinforce_no_insights", True, False, True),
        ("agent_reinforce_no_archive", True, True, False),
        ("textgrad", False, False, True),
        ("maao", False, False, True),
    ],
)
async def test_a_method_is_told_what_its_yaml_says(
    compose: Compose, name: str, pretest: bool, guided: bool, remembers: bool
) -> None:
    agent = Spy()
    course = await drive(built(compose, name, agent), context(SPACE), trials=36)
    stages = {t.proposal.stage for t in course.trials}
    assert ({"single", "mix"} <= stages) is pretest
    assert (course.trials[0].proposal.reason == "uniform start") is not pretest
    assert len(agent.read) > 1
    assert {f.guided for f in agent.read} == {guided}
    last = agent.read[-1]
    assert (len(last.trials) > len(last.latest)) is remembers


async def test_reinforce_asks_no_agent_and_starts_uniform(compose: Compose) -> None:
    agent = Spy()
    course = await drive(built(compose, "reinforce", agent), context(SPACE), trials=12)
    assert course.trials[0].proposal.reason == "uniform start"
    assert course.trials[4].proposal.reason.startswith("policy-gradient step")
    assert not agent.read
    assert "agent" not in compose("optimizer=reinforce", "llm=simulated").optimizer


@pytest.mark.parametrize("name", LOOPS)
async def test_a_second_search_knows_nothing_of_the_first(compose: Compose, name: str) -> None:
    optimizer = built(compose, name)
    first = await drive(optimizer, context(SPACE), trials=28)
    again = await drive(optimizer, context(SPACE), trials=28)
    assert again.keys == first.keys


def test_every_loop_was_found() -> None:
    assert {"agent_reinforce_no_archive", "reinforce", "textgrad", "maao"} <= set(LOOPS)


# --- MAAO -------------------------------------------------------------------------------------


@dataclass
class Likes(Updater):
    """Always wants the same probabilities."""

    wants: GraphDistribution
    seen: list[Step] = field(default_factory=list)
    starts: int = 0

    def start(self, context: SearchContext) -> None:
        self.starts += 1

    async def update(self, step: Step) -> Update:
        self.seen.append(step)
        return Update(self.wants, "gradient")


def other() -> GraphDistribution:
    point = SPACE.encode(SPACE.decode(GraphDistribution.uniform(SPACE).mode()))
    return GraphDistribution.around(SPACE, point)


async def trials() -> list[Trial]:
    return (await drive(RandomSearch(), context(SPACE), trials=4)).trials


async def test_gradient_and_agent_take_turns_the_gradient_first() -> None:
    gradient, agent = Likes(other()), Spy()
    update, told = Alternate(gradient, agent), await trials()
    step = Step(context(SPACE), GraphDistribution.uniform(SPACE), told, told)
    update.start(step.context)
    counts = []
    for _ in range(4):
        await update.update(step)
        counts.append((len(gradient.seen), len(agent.read)))
    assert counts == [(1, 0), (1, 1), (2, 1), (2, 2)]
    assert not agent.read[0].guided
    update.start(step.context)
    assert gradient.starts == 2
    await update.update(step)
    assert len(gradient.seen) == 3, "a new search starts with the gradient"


@pytest.mark.parametrize("models", [True, False])
async def test_it_learns_models_or_leaves_them(models: bool) -> None:
    update, told = Alternate(Likes(other()), Spy(), models=models), await trials()
    uniform = GraphDistribution.uniform(SPACE)
    update.start(context(SPACE))
    for _ in range(2):
        new = (await update.update(Step(context(SPACE), uniform, told, told))).distribution
        assert np.array_equal(new.model, uniform.model) is not models
        assert not np.array_equal(new.edge, uniform.edge)
