"""Every YAML of conf/ composes into a run and builds what it names; none needs a network."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from math import prod
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf
from tasks import standins

from tts_search.config import check_settings, settings
from tts_search.core.models import ModelSpec
from tts_search.llm.base import innermost
from tts_search.parts import Parts, assemble

CONF = Path(__file__).parents[1] / "conf"
GROUPS = sorted(p.name for p in CONF.iterdir() if p.is_dir() and p.name not in ("hydra", "model"))
CHOICES = [(group, p.stem) for group in GROUPS for p in sorted((CONF / group).glob("*.yaml"))]

Compose = Callable[..., DictConfig]

# What a choice cannot do without.
WITH = {
    "llm/openai": ["budget=cost"],
    "pool/openai": ["budget=cost"],
    "roles/fuser": ["roles=[assistant,fuser]"],
    "roles/vote": ["roles=[assistant,vote]"],
    "roles/assistant": ["roles=[assistant]"],
}
RUN = re.compile(r"^#.*?python run\.py (?:-m )?((?:[\w.]+=\S+ ?)+)", re.MULTILINE)


def commands() -> list[str]:
    """What the YAMLs tell people to type, but for words such as PATH that stand for others."""
    found = {m[1].strip() for path in CONF.rglob("*.yaml") for m in RUN.finditer(path.read_text())}
    return sorted(command for command in found if not re.search(r"=[A-Z]+\b(?!_)", command))


def words(group: str, choice: str) -> list[str]:
    own = [] if group == "roles" else [f"{group}={choice}"]
    return own + WITH.get(f"{group}/{choice}", [f"roles=[assistant,{choice}]"] * (not own))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Building parts opens no connection and loads no weights."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened while parts were built")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("tts_search.llm.openvino_engine.Pipeline", refuse)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def built(config: DictConfig) -> Parts:
    check_settings(config)
    settings(config)
    return assemble(config)


def test_the_config_tree_was_found() -> None:
    assert {"task", "budget", "llm", "pool", "roles", "agent", "optimizer"} <= set(GROUPS)
    assert len(CHOICES) > 25


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=["/".join(c) for c in CHOICES])
async def test_every_choice_builds(
    compose: Compose, tmp_path: Path, group: str, choice: str
) -> None:
    rows = standins.write(tmp_path).get(choice, {}) if group == "task" else {}
    own = [f"task.{key}={value}" for key, value in rows.items()]
    config = compose(*words(group, choice), *own, f"cache={tmp_path / 'c.sqlite'}")
    assert OmegaConf.missing_keys(config) == set()
    parts = built(config)
    assert parts.labels["optimizer"]
    assert innermost(parts.llm).identity
    await parts.aclose()


@pytest.mark.parametrize("command", commands())
async def test_what_a_yaml_tells_to_type_works(compose: Compose, command: str) -> None:
    await built(compose(*command.split(), "cache=null")).aclose()


@pytest.mark.parametrize("optimizer", [c for g, c in CHOICES if g == "optimizer"])
@pytest.mark.parametrize("agent", [c for g, c in CHOICES if g == "agent"])
async def test_every_agent_serves_every_optimizer(
    compose: Compose, optimizer: str, agent: str
) -> None:
    config = compose("llm=simulated", f"optimizer={optimizer}", f"agent={agent}", "cache=null")
    parts = built(config)
    assert (parts.agent is None) == ("agent" not in config.optimizer)
    await parts.aclose()


@pytest.mark.parametrize("path", sorted((CONF / "model").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_model_says_what_it_is_and_where_its_price_is_from(path: Path) -> None:
    ((name, node),) = yaml.safe_load(path.read_text()).items()
    fields = {k: float(v) if k == "params" else v for k, v in node.items() if k != "_target_"}
    model = ModelSpec(**fields)
    assert name == model.name == path.stem
    assert model.family
    assert (model.price_in is None) == (model.price_out is None)
    assert model.price_source or model.price_in is None
    assert bool(model.scores_source) == bool(model.scores)
    assert model.layers is None or (model.context and model.size_source)


def test_where_weights_are_and_how_long_a_text_may_be_change_no_call() -> None:
    bare = ModelSpec("m", "m-instruct")
    assert (
        replace(bare, context=8192, weights="org/m", size_source="there").sampling == bare.sampling
    )


def table(first: str) -> list[list[str]]:
    """Rows of a table of docs/pools.md by the first word of its head."""
    lines = (CONF.parent / "docs" / "pools.md").read_text().splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    body = takewhile(lambda line: line.startswith("|"), lines[head + 2 :])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


def stored() -> dict[str, float]:
    """GB of the weights by model, as docs/pools.md counts them."""
    rows = table("model | params")
    return {name: 2 * int(count.replace(",", "")) / 1e9 for name, *_, count, _ in rows}


@pytest.mark.parametrize("row", table("model | params"), ids=lambda row: row[0])
def test_docs_and_yaml_agree_on_a_model(row: list[str]) -> None:
    name, params, layers, hidden, context, count, gb = row
    node = yaml.safe_load((CONF / "model" / f"{name}.yaml").read_text())[name]
    assert float(params) == float(node["params"])
    assert [int(layers), int(hidden), int(context)] == [
        node[k] for k in ("layers", "hidden", "context")
    ]
    assert float(gb) == pytest.approx(stored()[name], abs=0.006)
    # The formula's M is the paper's round value for LLaMA, and leaves out what sees pictures.
    assert 0.8 < float(params) / int(count.replace(",", "")) <= 1.001


def test_docs_show_every_pool_of_weights(compose: Compose) -> None:
    shown = {name for name, *_ in table("model | params")}
    for pool in ("llama", "gemma", "qwen"):
        models = compose(f"pool={pool}").pool.models
        assert set(models) <= shown
        assert all(node.weights.count("/") == 1 for node in models.values())


def answer(loads: list[float], card: float, cards: int) -> str:
    """The rule of docs/pools.md."""
    if sum(loads) > 0.9 * card * cards:
        return "-"
    held = [0.0] * cards
    for load in sorted(loads, reverse=True):
        held[held.index(min(held))] += load
    return "yes" if max(held) <= 0.9 * card else "split"


@pytest.mark.parametrize("row", table("models"), ids=lambda row: row[0])
def test_docs_say_what_fits_by_their_own_rule(compose: Compose, row: list[str]) -> None:
    pool, _, less = row[0].partition(" less ")
    without = tuple(f"-{size}" for size in less.split(", ") if size)
    names = [n for n in compose(f"pool={pool}").pool.models if not n.endswith(without)]
    weights = [stored()[name] for name in names]
    total = sum(weights) + 4 * len(names)
    assert row[1] == f"{sum(weights):.1f} + {4 * len(names)} = {total:.1f}"
    for cell, card in zip(row[2:], (24, 40, 80, 141), strict=True):
        expected = [answer([gb + 4 for gb in weights], card, cards) for cards in (1, 2, 4)]
        assert cell.split() == expected


@pytest.mark.parametrize("row", table("model | 2 x layers x heads of keys x their width x 2"))
def test_docs_multiply_right(row: list[str]) -> None:
    factors, _, product = row[1].partition(" = ")
    bytes_each = prod(map(int, factors.split(" x ")))
    assert f"{bytes_each:,}" == product
    assert f"{4 * 10**9 // bytes_each:,}" == row[2]
    for name in row[0].split(", "):
        node = yaml.safe_load((CONF / "model" / f"{name}.yaml").read_text())[name]
        assert int(factors.split(" x ")[1]) == node["layers"]


def test_the_pool_follows_the_engine(compose: Compose) -> None:
    for llm in [c for g, c in CHOICES if g == "llm"]:
        pool = compose(f"llm={llm}").pool
        assert pool == compose(f"pool={llm}").pool


def test_a_model_in_a_pool_of_one_yaml_is_the_model_of_its_own(compose: Compose) -> None:
    for choice in (c for g, c in CHOICES if g == "pool"):
        for name, node in compose(f"pool={choice}").pool.models.items():
            own = OmegaConf.load(CONF / "model" / f"{name}.yaml")
            assert node == own[name]


def test_settings_of_the_schema_are_all_there_is(compose: Compose) -> None:
    """Presets included: `check_settings` would refuse another."""
    for choice in (c for g, c in CHOICES if g == "experiment"):
        check_settings(compose(f"experiment={choice}"))


def test_every_yaml_says_in_its_first_line_what_it_is() -> None:
    first: dict[str, Any] = {
        f"{group}/{choice}": (CONF / group / f"{choice}.yaml").read_text().splitlines()[:2]
        for group, choice in CHOICES
    }
    silent = [name for name, lines in first.items() if not any(x.startswith("# ") for x in lines)]
    assert not silent
