"""Which vLLM servers a pool needs, and with what words they are started."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tts_search.core.models import ModelSpec
from tts_search.errors import ConfigError
from tts_search.serving.cards import Cards, Placement, card_gb, visible
from tts_search.serving.command import flags, program
from tts_search.serving.own import Own
from tts_search.serving.spec import PORT, SPARE, ServerSpec, weights_name

BYTES = 2  # of a parameter in bfloat16


@dataclass(frozen=True)
class Launch:
    """How servers are started.

    python    of the environment vLLM is installed in
    gpus      cards that may be used, by number, among those of CUDA_VISIBLE_DEVICES if that is
              set; [] for a CPU
    card_gb   memory of a card; None asks nvidia-smi and, without it, checks nothing
    memory    part of each card's memory that all servers take together
    weights   by `served`: a folder or repository in place of the one the model names
    args      of every server, as vLLM names them: {max_model_len: 8192, enforce_eager: true}
    own       by `served`: the fields of Own
    router    arguments of vllm-router, which stands in front of replicas, in the same environment
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
    router: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str | float | bool] = field(default_factory=dict)
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

    def servers(self, models: Sequence[ModelSpec]) -> list[Placement]:
        """What the models need: one for each `served`, or its replicas, where they go still open.
        Raises ConfigError for names that do not fit together."""
        known = {model.served for model in models}
        for name in (*self.own, *self.weights):
            if name not in known:
                raise ConfigError(
                    f"llm.launch names {name}, which no model to be started is served as; there "
                    f"are {', '.join(known)}"
                )
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
        return [replica for server in found.values() for replica in self._replicas(server)]

    def _replicas(self, server: Placement) -> list[Placement]:
        own = self._own(server)
        each = len(own.gpus) // own.replicas
        parts = [tuple(own.gpus[n * each : (n + 1) * each]) for n in range(own.replicas)]
        share = own.memory or 0.0
        return [replace(server, gpus=g, share=share, replica=n) for n, g in enumerate(parts)]

    def place(self, servers: Sequence[Placement]) -> list[Placement]:
        """Where each goes. Raises ConfigError for what does not fit the cards."""
        if not self.gpus:
            return [replace(server, gpus=()) for server in servers]
        gb = self.card_gb or card_gb(visible(self.gpus))
        return Cards(self.gpus, gb, self.memory).place(servers)

    def identity(self, server: Placement) -> str:
        """What decides its answers: weights and settings."""
        args = json.dumps(self._args(server), sort_keys=True)
        return f"vllm {weights_name(server.weights)} {args}"

    def spec(self, placed: Placement) -> ServerSpec:
        words = ["-m", "vllm.entrypoints.openai.api_server"]
        words += ["--model", placed.weights, "--served-model-name", placed.served]
        words += ["--enable-prompt-tokens-details"]
        env = {str(name): str(value) for name, value in self.env.items()}
        gpus = visible(placed.gpus) if placed.gpus else ()
        if gpus:
            words += ["--tensor-parallel-size", str(len(gpus))]
            words += ["--gpu-memory-utilization", f"{placed.share:g}"]
            order = os.environ.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # nvidia-smi's
            env |= {"CUDA_VISIBLE_DEVICES": ",".join(gpus), "CUDA_DEVICE_ORDER": order}
        words += flags(self._args(placed))
        identity = self.identity(placed)
        return self._spec(placed.served, identity, words, placed.part, gpus=gpus, env=env)

    def router_of(self, served: str, urls: Sequence[str]) -> ServerSpec:
        """One address in front of the servers of a model."""
        workers = [url.removesuffix("/v1") for url in urls]
        words = ["-m", "vllm_router.launch_router", "--worker-urls", *workers]
        words += ["--prometheus-port", SPARE]
        words += flags(self.router)
        env = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}  # workers are on this machine
        return self._spec(served, f"vllm-router {words}", words, "router", env=env)

    def _spec(
        self, served: str, identity: str, words: Sequence[str], part: str, **placed: Any
    ) -> ServerSpec:
        return ServerSpec(
            served=served,
            identity=identity,
            command=(program(self.python), *words, "--host", "127.0.0.1", "--port", PORT),
            part=part,
            start_s=self.start_s,
            linger_s=self.linger_s,
            restarts=self.restarts,
            **placed,
        )

    def _own(self, server: Placement) -> Own:
        return Own.of(server.served, self.own.get(server.served, {}))

    def _args(self, server: Placement) -> dict[str, Any]:
        return {**self.args, **self._own(server).args}
