"""The vLLM servers of this machine, by hand. Runs need none of it: they start what is missing.

python -m tts_search.servers up [SETTING=VALUE ...]    those of a pool; they stay until taken down
python -m tts_search.servers show                      what runs, where, who uses it
python -m tts_search.servers down [NAME ...]           all, or those of these models
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import rich
from hydra import compose, initialize_config_dir

from tts_search.commands import Parser, said
from tts_search.config import check_settings
from tts_search.errors import ConfigError
from tts_search.llm.started import side_by_side
from tts_search.llm.vllm import VLLM, servers_root
from tts_search.parts import engine_of
from tts_search.serving.end import end
from tts_search.serving.place import Place, State

CONF = Path(__file__).resolve().parents[1] / "conf"


def main(words: Sequence[str] | None = None) -> int:
    return said(lambda: _run(_parser().parse_args(words)), "interrupted: what was started stays")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m tts_search.servers", description="vLLM servers of this machine")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start those of a pool, wait until they answer")
    up.add_argument("settings", nargs="*", help="as of run.py, e.g. pool=qwen")
    verbs.add_parser("show", help="what runs")
    down = verbs.add_parser("down", help="end them")
    down.add_argument("names", nargs="*", help="models, by `served`; all by default")
    down.add_argument("--force", action="store_true", help="even those in use")
    return parser


def _run(args: argparse.Namespace) -> None:
    if args.verb == "up":
        asyncio.run(_up(vllm_of(args.settings)))
    told = list(_down(args.names, args.force)) if args.verb == "down" else []
    for line in [*told, *listing()] or ["no server runs here"]:
        rich.get_console().print(line, soft_wrap=True, highlight=False, markup=False)


def vllm_of(settings: Sequence[str]) -> VLLM:
    """Raises ConfigError where there is nothing to start."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", ["llm=vllm", *settings])
    check_settings(config)
    engine = engine_of(config.llm)
    if not isinstance(engine, VLLM) or not engine.placements:
        raise ConfigError("these settings start no server: llm must be vllm, without llm.base_url")
    return engine


async def _up(engine: VLLM) -> None:
    """Pinned once all answer. What fails leaves the others to end by themselves."""
    names = ", ".join(engine.specs)
    with ExitStack() as stack:
        with rich.get_console().status(f"{names}: logs are in {servers_root()}"):
            joined = await side_by_side(map(engine.join, engine.specs))
        leases = [stack.enter_context(closing(each)) for group in joined for each in group]
        for held in leases:
            held.place.pinned.touch()


def places() -> Iterator[Place]:
    root = servers_root()
    yield from (Place(f) for f in sorted(root.glob("*")) if (f / "spec.json").is_file())


def _down(names: Sequence[str], force: bool) -> Iterator[str]:
    """A line for each that ran. Raises InUse at the first that a run uses."""
    known = {place.spec.served for place in places()}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"there is no server of {name}; there are {', '.join(known) or 'none'}"
            )
    for place in places():
        if (not names or place.spec.served in names) and end(place, force=force):
            yield f"{place.spec.title}: stopped"


def listing() -> Iterator[str]:
    """Two lines for each that runs or was not ended by anybody."""
    for place in places():
        if (state := place.state()) and state.status != "stopped":
            since = time.strftime("%m-%d %H:%M:%S", time.localtime(state.since))
            yield f"{place.spec.title}: {_status(place, state)} since {since}"
            yield f"    log: {place.log}"


def _status(place: Place, state: State) -> str:
    if state.status == "failed":
        return f"failed ({state.reason})"
    if not place.kept:
        return "lost: its keeper was killed"
    use = ["in use"] * place.used + ["pinned"] * place.pinned.exists()
    return ", ".join([state.status, state.url, f"process {state.server}", *use])


if __name__ == "__main__":
    sys.exit(main())
