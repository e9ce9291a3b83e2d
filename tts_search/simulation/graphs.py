"""A whole graph on many questions at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tts_search.core.graph import Graph
from tts_search.core.identity import reading_order
from tts_search.core.models import ModelPool, ModelSpec
from tts_search.simulation.calls import DRAWS, Ints, answers, first_of_most, tokens_written_array
from tts_search.simulation.latents import Questions
from tts_search.simulation.noise import States, fold, name, uniforms
from tts_search.simulation.world import World


@dataclass(frozen=True, eq=False)
class Played:
    """What every node did on every question; arrays (nodes, questions).

    said     answers: 0 right, else wrong
    read     tokens of the prompt, 0 for a vote
    written  tokens of what the node passes on; a vote passes on what it was given
    states   names of the calls: equal for equal calls
    """

    said: Ints
    read: Ints
    written: Ints
    states: States


def sampled_state(world: World, seed: int, key: str) -> int:
    """Where the noise of a sampled call starts: world, run and the identity of the node."""
    state: int = fold(fold(name(f"calls {world.seed}"), name(f"run {seed}")), name(key))
    return state


def greedy_state(world: World, role: str, sampling: tuple[object, ...]) -> int:
    """The same without temperature: the same prompt gets the same answer, in every run."""
    state: int = fold(name(f"greedy {world.seed}"), name(repr((role, sampling))))
    return state


def play(
    world: World,
    pool: ModelPool,
    graph: Graph,
    keys: Sequence[str],
    questions: Questions,
    seed: int,
    max_tokens: int,
) -> Played:
    """Run the graph. keys: identities of the nodes' calls. max_tokens: the task's cap."""
    shape = (len(graph.nodes), len(questions.ids))
    said, read, written = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    starts = np.array([sampled_state(world, seed, key) for key in keys], dtype=np.uint64)
    states: States = fold(questions.states, starts[:, None])
    noise = uniforms(states, DRAWS)
    for v, node in enumerate(graph.nodes):
        up = list(reading_order(graph, keys, v))
        heard, lengths = said[up], written[up]
        if node.model is None:
            winner = first_of_most(heard), np.arange(shape[1])
            said[v], written[v] = heard[winner], lengths[winner]
            continue
        model, draws = pool[node.model], noise[:, v]
        if not model.temperature:
            states[v] = _greedy(world, node.role, model, questions.states, heard, lengths)
            draws = uniforms(states[v], DRAWS)
        ability, cap = world.ability(model.served), min(model.max_tokens or max_tokens, max_tokens)
        said[v] = answers(
            world.habits,
            world.habits.span(ability.size),
            world.reader(node.role),
            questions.lure,
            questions.skill(model.served),
            heard,
            lengths,
            draws,
        )
        read[v] = world.prompt_tokens + lengths.sum(axis=0)
        written[v] = tokens_written_array(ability, cap, draws)
    return Played(said, read, written, states)


def _greedy(
    world: World, role: str, model: ModelSpec, start: States, heard: Ints, lengths: Ints
) -> States:
    state: States = fold(start, greedy_state(world, role, model.sampling))
    for said, length in zip(heard.astype(np.uint64), lengths.astype(np.uint64), strict=True):
        state = fold(fold(state, said), length)
    return state
