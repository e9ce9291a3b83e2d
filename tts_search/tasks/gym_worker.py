"""What the reasoning-gym task does in a worker process: make questions, and score answers."""

import dataclasses
import difflib
import json
import random
from functools import lru_cache
from typing import Any

import reasoning_gym
from reasoning_gym.factory import DATASETS

Entry = dict[str, Any]
RESERVED = 8  # questions kept out of every split, for worked examples
_TRIES = 4  # entries looked at for each question wanted, to find distinct ones


def generate(
    dataset: str, parameters: str, seed: int, sizes: dict[str, int]
) -> str | dict[str, list[Entry]]:
    """Distinct entries for `shots` and the splits, or the user's mistake as a sentence.

    Entry i of a generator depends on seed + i, so neighbouring seeds share entries: the splits
    take the indices of one seed in turn, and that seed is spread out.
    """
    tries = RESERVED + _TRIES * len(sizes) * max(sizes.values())
    try:
        source = _dataset(dataset, parameters, random.Random(seed).randrange(2**31), tries)
    except (AssertionError, TypeError, ValueError, KeyError) as error:
        return _mistake(dataset, parameters, error)
    wanted, splits = {"shots": RESERVED, **sizes}, tuple(sizes)
    entries: dict[str, list[Entry]] = {split: [] for split in wanted}
    seen: set[str] = set()
    for index in range(tries):
        split = "shots" if index < RESERVED else splits[index % len(splits)]
        if len(entries[split]) < wanted[split]:
            entry = source[index]
            if entry["question"] not in seen:
                seen.add(entry["question"])
                entries[split].append(entry)
    for split in splits:
        if len(entries[split]) < wanted[split]:
            return (
                f"generator {dataset} gave only {len(entries[split])} distinct questions for "
                f"{split}; lower task.{split} below that or widen its parameters"
            )
    if _accepts_anything(source, entries["test"]):
        return f"the scorer of generator {dataset} accepts any answer; choose another generator"
    return entries


def score(dataset: str, parameters: str, answer: str, entry: Entry) -> float:
    """The generator's own score of an answer, 0 to 1."""
    return float(_dataset(dataset, parameters, 0, RESERVED).score_answer(answer, entry))


def _accepts_anything(source: Any, entries: list[Entry]) -> bool:
    """As that of game_of_life_halting does: it compares bool("False") with bool("True")."""
    try:
        return all(source.score_answer("??", entry) == 1.0 for entry in entries[:20])
    except Exception:  # a scorer that raises does not accept
        return False


@lru_cache(maxsize=8)
def _dataset(dataset: str, parameters: str, seed: int, size: int) -> Any:
    # Most generators make an entry when it is asked for; acre and others make all `size` at once.
    settings = {**json.loads(parameters), "seed": seed, "size": size}
    return reasoning_gym.create_dataset(dataset, **settings)


def _mistake(dataset: str, parameters: str, error: Exception) -> str:
    if dataset not in DATASETS:
        near = difflib.get_close_matches(dataset, DATASETS, n=4, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else "see the reasoning-gym gallery"
        return f"reasoning-gym has no generator {dataset!r} among its {len(DATASETS)}; {hint}"
    fields = [field.name for field in dataclasses.fields(DATASETS[dataset][1])]
    known = ", ".join(name for name in fields if name not in {"seed", "size"})
    return f"generator {dataset} refuses {parameters}: {error}; its parameters are {known}"
