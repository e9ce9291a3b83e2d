"""Which vLLM servers a pool needs, and with what words they are started."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tts_search.core.models import ModelSpec
from tts_search.errors import ConfigError
from tts_search.serving.cards import Cards, Placement, card_gb
from tts_search.serving.spec import PORT, ServerSpec

BYTES = 2  # of a parameter in bfloat16
SAMPLE = 1 << 16  # bytes read at either end of a file to tell it from another


@dataclass(frozen=True)
class Launch:
    """How servers are started.

    python    of the environment vLLM is installed in
    gpus      cards that may be used, by number; [] for a CPU
    card_gb   memory of a card; None asks nvidia-smi and, without it, checks nothing
    memory    part of each card's memory that all servers take together
    weights   by `served`: a folder or repository in place of the one the model names
    args      of every server, as vLLM names them: {max_model_len: 8192, enforce_eager: true}
    own       by `served`: {gpus: [0, 1], args: {...}}: split over these cards
    env       variables of every server
    tflops, used   peak of a card in bf16, and the part of it that is expected: for the hours of a
              dry run alone
    start_s, linger_s, restarts   as in ServerSpec
    """

    python: str = "python"
    gpus: Sequence[int] = (0,)
    card_gb: float | None = None
    memory: float = 0.9
    weights: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    start_s: float = 900.0
    linger_s: float = 60.0
    restarts: int = 2
    tflops: float = 989.0
    used: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.memory <= 1:
            raise ConfigError(
                f"llm.launch.memory must be above 0 and at most 1, but got {self.memory:g}"
            )

    def placements(self, models: Sequence[ModelSpec]) -> list[Placement]:
        """One for each `served` of the pool. Raises ConfigError for what does not fit."""
        known = {model.served for model in models}
        for name in (*self.own, *self.weights):
            if name not in known:
                raise ConfigError(
                    f"llm.launch names {name}, which no model to be started is served as; there "
                    f"are {', '.join(known)}"
                )
        servers = self._servers(models)
        if not self.gpus:
            return servers
        fixed = {name: own["gpus"] for name, own in self.own.items() if "gpus" in own}
        return Cards(self.gpus, self.card_gb or card_gb(), self.memory).place(servers, fixed)

    def _servers(self, models: Sequence[ModelSpec]) -> list[Placement]:
        found: dict[str, Placement] = {}
        for model in models:
            weights = self.weights.get(model.served) or model.weights or model.served
            gb = (model.params or 0.0) * BYTES / 1e9
            first = found.setdefault(model.served, Placement(model.served, weights, gb=gb))
            if first.weights != weights:
                raise ConfigError(
                    f"{model.served} is served from {first.weights} and from {weights}; models "
                    "of one `served` must have the same weights"
                )
        return list(found.values())

    def spec(self, placed: Placement) -> ServerSpec:
        args = {**self.args, **self.own.get(placed.served, {}).get("args", {})}
        words = [_program(self.python), "-m", "vllm.entrypoints.openai.api_server"]
        words += ["--model", placed.weights, "--served-model-name", placed.served]
        words += ["--host", "127.0.0.1", "--port", PORT, "--enable-prompt-tokens-details"]
        env = {str(name): str(value) for name, value in self.env.items()}
        if placed.gpus:
            words += ["--tensor-parallel-size", str(len(placed.gpus))]
            words += ["--gpu-memory-utilization", f"{placed.share:g}"]
            env["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, placed.gpus))
        words += [word for name, value in args.items() for word in flag(name, value)]
        return ServerSpec(
            served=placed.served,
            identity=f"vllm {_named(placed.weights)} {json.dumps(args, sort_keys=True)}",
            command=tuple(words),
            gpus=placed.gpus,
            env=env,
            start_s=self.start_s,
            linger_s=self.linger_s,
            restarts=self.restarts,
        )


def _program(python: str) -> str:
    """A path is meant from where the run is started; a bare name is looked up."""
    path = Path(python).expanduser()
    return str(path.absolute()) if len(path.parts) > 1 else python


def flag(name: str, value: Any) -> list[str]:
    """max_model_len: 8192 -> --max-model-len 8192; true: --name, false: --no-name, null: none."""
    name = name.replace("_", "-")
    if value is None:
        return []
    if isinstance(value, bool):
        return [f"--{'' if value else 'no-'}{name}"]
    return [f"--{name}", json.dumps(value) if isinstance(value, dict | list) else str(value)]


def _named(weights: str) -> str:
    """A repository by its name, a folder by its content, sampled: other weights are another model,
    the same ones elsewhere are the same."""
    folder = Path(weights).expanduser()
    if not folder.is_dir():
        return weights
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(p for p in folder.iterdir() if p.is_file()):
        digest.update(f"{file.name} {file.stat().st_size}".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(SAMPLE))
            stream.seek(max(0, file.stat().st_size - SAMPLE))
            digest.update(stream.read(SAMPLE))
    return f"{folder.name} {digest.hexdigest()}"
