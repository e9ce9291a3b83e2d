"""Agent-REINFORCE: what is tried in which order, and that the agent's word is what is sampled."""

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from tts_search.agents.base import Feedback, Mix, Pick, Update
from tts_search.core.context import SearchContext
from tts_search.core.distribution import GraphDistribution
from tts_search.core.graph import Graph
from tts_search.core.space import Choices
from tts_search.core.topologies import self_consistency, single
from tts_search.core.trial import AgentUsage, Proposal, Spend, Trial
from tts_search.errors import AgentError, ConfigError
from tts_search.optimizers.feedback import write_feedback
from tts_search.optimizers.initialise import Initialiser, MixPretest, Uniform
from tts_search.optimizers.loop import SampleFeedbackUpdate
from tts_search.optimizers.mixes import offered_mixes, shaped
from tts_search.optimizers.update import AgentUpdate, ReinforceStep, Step

from .worlds import bumpy, context, drive, judge, paper_space

SPACE = paper_space(slots=6)


@dataclass
class Stub:
    """Picks the mixes it is told to and always answers with the same probabilities."""

    answer: GraphDistribution | None = None
    picks: tuple[int, ...] = (1, 0)
    broken: bool = False
    name: str = "stub"
    read: list[Feedback] = field(default_factory=list)
    told_singles: Sequence[Trial] = ()
    closed: int = 0

    @property
    def usage(self) -> AgentUsage:
        calls = len(self.read) + bool(self.told_singles)
        return AgentUsage(calls, 100 * calls, 0.5 * calls)

    async def pick_mixes(
        self, _: SearchContext, mixes: Sequence[Mix], singles: Sequence[Trial], count: int
    ) -> Pick:
        self.told_singles = singles
        assert mixes
        assert count
        if self.broken:
            raise AgentError("no usable reply")
        return Pick(self.picks, "because")

    async def update(
        self, _: SearchContext, current: GraphDistribution, feedback: Feedback
    ) -> Update:
        self.read.append(feedback)
        if self.broken:
            raise AgentError("no usable reply")
        return Update(self.answer or current, "as I say")

    async def aclose(self) -> None:
        self.closed += 1


def search(agent: Stub, updater: Stub | None = None, samples: int = 4) -> SampleFeedbackUpdate:
    init, update = MixPretest(agent, mixes=2), AgentUpdate(updater or agent)
    return SampleFeedbackUpdate("agent_reinforce", init, update, samples)


# --- the stages -------------------------------------------------------------------------------


async def test_singles_then_the_agent_s_mixes_then_samples() -> None:
    course = await drive(search(Stub()), context(SPACE), trials=24)
    stages = [stage for stage, _ in itertools.groupby(t.proposal.stage for t in course.trials)]
    assert stages == ["single", "mix", "sample"]


async def test_every_affordable_model_is_tried_alone() -> None:
    tried = (await drive(search(Stub()), context(SPACE), trials=24)).trials
    alone = [t.graph for t in tried if t.proposal.stage == "single"]
    assert alone == [single("assistant", m) for m in ("1B", "3B", "8B")], "70B is beyond 18 units"


async def test_the_agent_picks_after_it_has_seen_the_singles() -> None:
    agent = Stub()
    await drive(search(agent), context(SPACE), trials=12)
    assert [t.graph.nodes[0].model for t in agent.told_singles] == ["1B", "3B", "8B"]


async def test_the_picked_mixes_are_tried_in_every_shape_as_the_budget_allows() -> None:
    tried = (await drive(search(Stub(picks=(3,))), context(SPACE), trials=24)).trials
    mix = offered_mixes(SPACE)[3]
    want = [
        SPACE.decode(SPACE.encode(shaped(SPACE, mix, shape)))
        for shape in ("vote", "fuse", "refine")
    ]
    assert [t.graph for t in tried if t.proposal.stage == "mix"] == want
    assert all("because" in t.proposal.reason for t in tried if t.proposal.stage == "mix")


async def test_no_more_mixes_are_tried_than_allowed() -> None:
    agent = Stub(picks=tuple(range(6)))
    tried = (await drive(search(agent), context(SPACE), trials=24)).trials
    assert sum(t.proposal.stage == "mix" for t in tried) <= 2 * 3


async def test_sampling_starts_around_the_best_pretest() -> None:
    """With spread 0 the first probabilities hold that one graph."""
    where, agent = context(SPACE), Stub()
    init = MixPretest(agent, mixes=2, spread=0.0)
    optimizer = SampleFeedbackUpdate("a", init, AgentUpdate(agent))
    course = await drive(optimizer, where, trials=24)
    pretests = [t for t in course.trials if t.proposal.stage in ("single", "mix")]
    start, _ = init.distribution(where, pretests)
    best = max(pretests, key=lambda t: (t.score, -t.evaluation.cost))
    assert start.entropy() == 0
    assert SPACE.decode(start.mode()) == best.graph


def test_an_impossible_spread_is_refused() -> None:
    with pytest.raises(ConfigError, match="spread"):
        MixPretest(Stub(), spread=1.5)


# --- what the agent says is what is sampled ---------------------------------------------------


class OneKnownGraph(Initialiser):
    """No pre-test; the first probabilities hold the single 1B."""

    async def pretest(self, *_: object) -> Sequence[Proposal]:
        return []

    def distribution(
        self, context: SearchContext, _: Sequence[Trial]
    ) -> tuple[GraphDistribution, str]:
        point = context.space.encode(single("assistant", "1B"))
        return GraphDistribution.around(context.space, point), "known"


def answer_without_single(space_slots: int) -> GraphDistribution:
    """Any probabilities under which slot N-2 always feeds N-1, so a single is never drawn."""
    rng = np.random.default_rng(5)
    n = space_slots
    edge = rng.uniform(0.1, 0.9, (n, n))
    edge[n - 2, n - 1] = 1.0
    model = rng.dirichlet(np.full(5, 2.0), n)
    model[-2:] = [[0, 0.7, 0.3, 0, 0], [0, 0.2, 0.8, 0, 0]]
    return GraphDistribution(edge, rng.dirichlet(np.full(3, 2.0), n), model)


async def first_draw(seed: int, answer: GraphDistribution) -> Choices:
    agent, where = Stub(answer), context(paper_space(slots=4, limit=200), seed)
    optimizer = SampleFeedbackUpdate("a", OneKnownGraph(), AgentUpdate(agent), samples=1)
    optimizer.start(where)
    (known,) = await optimizer.ask(1)
    optimizer.tell([judge(where, 0, known, 0.5, 1.0)])
    (drawn,) = await optimizer.ask(1)
    assert optimizer.distribution is answer
    assert drawn.stage == "sample"
    assert drawn.point
    return drawn.point


async def test_the_agent_s_probabilities_are_sampled_exactly() -> None:
    """1000 searches, the first draw after the update: 38 frequencies within 4.5 standard errors.

    A right loop fails with probability below 38 x 7e-6 = 3e-4; the seeds are fixed anyway.
    """
    answer, n = answer_without_single(4), 1000
    points = [await first_draw(seed, answer) for seed in range(n)]
    seen = (
        sum(np.triu(p.edge, 1) for p in points) / n,
        sum(np.eye(3)[p.role] for p in points) / n,
        sum(np.eye(5)[p.model] for p in points) / n,
    )
    for frequency, p in zip(seen, (answer.edge, answer.role, answer.model), strict=True):
        assert (abs(frequency - p) <= 4.5 * np.sqrt(p * (1 - p) / n) + 1e-12).all()


async def test_its_choices_are_drawn_independently() -> None:
    """The mean surprise of 300 draws is the entropy, within 4.5 of its standard errors."""
    answer = answer_without_single(4)
    surprise = [-answer.log_prob(await first_draw(seed, answer)) for seed in range(300)]
    error = np.std(surprise, ddof=1) / np.sqrt(len(surprise))
    assert abs(np.mean(surprise) - answer.entropy()) <= 4.5 * error


async def test_each_update_reads_the_trials_since_the_one_before() -> None:
    agent = Stub(GraphDistribution.uniform(SPACE))
    course = await drive(search(agent), context(SPACE), trials=25)
    sampled = [t.number for t in course.trials if t.proposal.stage == "sample"]
    told = [[t.number for t in f.latest] for f in agent.read]
    assert told == [sampled[i : i + 4] for i in range(0, len(sampled) - 1, 4)][: len(told)]
    assert [len(f.trials) for f in agent.read] == [
        sampled[0] + 4 * (i + 1) for i in range(len(told))
    ]


async def test_when_nothing_new_is_left_the_space_is_widened_not_given_up() -> None:
    """An agent that insists on one graph cannot end a search of a large space."""
    point = SPACE.encode(single("assistant", "1B"))
    agent = Stub(GraphDistribution.around(SPACE, point))
    course = await drive(search(agent), context(SPACE), trials=30)
    assert not course.finished
    assert course.trials[-1].proposal.stage == "widened"
    assert "as I say" in course.trials[-1].proposal.reason


async def test_the_uniform_distribution_is_the_last_resort() -> None:
    """Where widening finds nothing new either; here it widens by nothing."""
    known = GraphDistribution.around(SPACE, SPACE.encode(single("assistant", "1B")))
    update = AgentUpdate(Stub(known))
    optimizer = SampleFeedbackUpdate("a", OneKnownGraph(), update, samples=2, widen=0.0)
    course = await drive(optimizer, context(SPACE), trials=12)
    assert not course.finished
    assert [t.proposal.stage for t in course.trials] == ["sample", *["widened"] * 11]


# --- an agent that cannot be used -------------------------------------------------------------


async def test_without_its_agent_the_search_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        course = await drive(search(Stub(broken=True)), context(SPACE), trials=28)
    assert len(course.trials) == 28
    mixes = [t.proposal for t in course.trials if t.proposal.stage == "mix"]
    samples = [t.proposal for t in course.trials if t.proposal.stage == "sample"]
    assert all("agent fell back: no usable reply" in p.reason for p in mixes)
    assert samples[0].reason.startswith("start at the best pre-test")
    assert all("agent fell back: no usable reply" in p.reason for p in samples[4:])
    warned = [r.getMessage() for r in caplog.records]
    assert any("the first mixes instead" in text for text in warned)
    assert any("a REINFORCE step instead" in text for text in warned)
    assert mixes[0].graph == shaped(SPACE, offered_mixes(SPACE)[0], "vote")


async def test_the_fallback_is_the_reinforce_step() -> None:
    where, current = context(SPACE), GraphDistribution.uniform(SPACE)
    trials = [trial(i, g, s) for i, (g, s) in enumerate(((wide(3), 0.9), (wide(5), 0.1)))]
    broken = await AgentUpdate(Stub(broken=True)).update(Step(where, current, trials, trials))
    plain = await ReinforceStep().update(Step(where, current, trials, trials))
    for name in ("edge", "role", "model"):
        after = getattr(broken.distribution, name)
        assert np.array_equal(after, getattr(plain.distribution, name))
        assert not np.array_equal(after, getattr(current, name)) or name == "role"


# --- what it costs ----------------------------------------------------------------------------


async def test_one_agent_in_two_parts_is_counted_and_closed_once() -> None:
    agent = Stub()
    optimizer = search(agent)
    await drive(optimizer, context(SPACE), trials=24)
    assert agent.usage.calls > 2
    assert optimizer.agent_usage == agent.usage
    await optimizer.aclose()
    assert agent.closed == 1


async def test_two_agents_are_added_up() -> None:
    picker, updater = Stub(), Stub()
    optimizer = search(picker, updater)
    await drive(optimizer, context(SPACE), trials=24)
    assert picker.usage.calls == 1
    total = picker.usage.calls + updater.usage.calls
    assert optimizer.agent_usage == AgentUsage(total, 100 * total, 0.5 * total)


async def test_a_method_without_agent_uses_nothing() -> None:
    optimizer = SampleFeedbackUpdate("reinforce", Uniform(), ReinforceStep())
    await drive(optimizer, context(SPACE))
    assert optimizer.agent_usage == AgentUsage()


# --- the textual gradient ---------------------------------------------------------------------


def wide(samples: int, model: str = "1B") -> Graph:
    return self_consistency("assistant", "vote", model, samples)


def trial(number: int, graph: Graph, score: float, dear: float = 1.0) -> Trial:
    proposal = Proposal(graph, "why", point=SPACE.encode(graph))
    seen = judge(context(SPACE), number, proposal, score, dear)
    return replace(seen, spend=Spend(number + 1, 24 * (number + 1), 4800, 0.25))


TRIALS = [
    trial(0, single("assistant", "1B"), 0.25),
    trial(1, wide(3), 0.5),
    trial(2, wide(5), 0.75),
    trial(3, wide(2, "8B"), 1.0, dear=2.0),
]


def text(**changes: bool) -> str:
    return write_feedback(context(SPACE), TRIALS, TRIALS[2:], **changes).text


def test_feedback_states_scores_with_their_errors() -> None:
    for t in TRIALS:
        assert f"{t.score:.3f} +- {t.evaluation.standard_error:.3f}, cost" in text()


def test_feedback_states_the_spend_of_the_search() -> None:
    assert "Spent so far: 96 calls, 4800 tokens, $0.2500." in text()


def test_feedback_sorts_scores_by_width_and_by_depth() -> None:
    assert "width 5, depth 2: 0=assistant:1B" in text()
    assert "Score by width: 1: mean 0.250, best 0.250 (n=1); 2: mean 1.000" in text()
    assert "Score by depth: 1: mean 0.250, best 0.250 (n=1); 2: mean 0.750" in text()


def test_feedback_tells_what_good_graphs_share_from_what_bad_ones_do() -> None:
    """Better half: 2x8B + vote, 5x1B + vote. Worse half: 3x1B + vote, 1x1B."""
    nodes = next(line for line in text().splitlines() if line.startswith("Nodes per graph"))
    assert "assistant:1B 2.5 vs 2.0" in nodes
    assert "assistant:8B 1.0 vs 0.0" in nodes
    assert "vote 1.0 vs 0.5" in nodes
    assert "assistant->vote 3.5 vs 1.5" in text()


def test_feedback_names_what_broke_the_budget() -> None:
    over = [line for line in text().splitlines() if "OVER BUDGET as measured" in line]
    assert over
    assert all("assistant:8B" in line for line in over)


def test_without_archive_only_the_last_step_is_shown() -> None:
    assert "3 graphs" not in text(remember=False)
    assert f"{TRIALS[0].score:.3f} +-" not in text(remember=False)
    assert f"{TRIALS[2].score:.3f} +-" in text(remember=False)


async def test_the_agent_gets_that_text_and_whether_it_may_use_the_insights() -> None:
    agent = Stub()
    update = AgentUpdate(agent, guided=False, remember=False)
    current = GraphDistribution.uniform(SPACE)
    await update.update(Step(context(SPACE), current, TRIALS, TRIALS[2:]))
    assert agent.read[0].text == text(remember=False)
    assert agent.read[0].guided is False
    assert list(agent.read[0].trials) == TRIALS[2:]


# --- REINFORCE --------------------------------------------------------------------------------


async def test_a_step_moves_probability_towards_better_graphs() -> None:
    current = GraphDistribution.uniform(SPACE)
    good, bad = trial(0, wide(4), 0.9), trial(1, wide(2, "3B"), 0.2)
    step = Step(context(SPACE), current, [good, bad], [good, bad])
    update = await ReinforceStep().update(step)
    for t, better in ((good, True), (bad, False)):
        assert t.proposal.point
        gain = update.distribution.log_prob(t.proposal.point) - current.log_prob(t.proposal.point)
        assert (gain > 0) is better


async def test_equal_scores_teach_nothing() -> None:
    current = GraphDistribution.uniform(SPACE)
    alike = [trial(0, wide(4), 0.5), trial(1, wide(2, "3B"), 0.5)]
    step = Step(context(SPACE), current, alike, alike)
    after = (await ReinforceStep().update(step)).distribution
    assert np.allclose(after.edge, current.edge)
    assert np.allclose(after.role, current.role)
    assert np.allclose(after.model, current.model)


async def test_reinforce_climbs() -> None:
    """On a surface with one optimum the later graphs are better than the first, for each seed."""
    for seed in range(3):
        optimizer = SampleFeedbackUpdate("reinforce", Uniform(), ReinforceStep(8.0), samples=8)
        course = await drive(optimizer, context(SPACE, seed), bumpy, trials=240, parallel=8)
        scores = [t.score for t in course.trials]
        assert np.mean(scores[-80:]) > np.mean(scores[:80]) + 0.02
