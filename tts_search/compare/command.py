"""The command: python -m tts_search.compare. Every mistake of the user's is one line."""

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import rich
from rich.progress import track

from tts_search.commands import said
from tts_search.compare.aa import LEAST, LEVEL, aa
from tts_search.compare.arena import RANDOM, arena_of
from tts_search.compare.outcome import Outcome, write_whole
from tts_search.compare.parallel import outcomes, references
from tts_search.compare.plan import Plan, choices
from tts_search.compare.preset import preset_of
from tts_search.compare.report import write_report
from tts_search.compare.tables import Results, best_known
from tts_search.errors import ConfigError

CONF = Path(__file__).resolve().parents[2] / "conf"
QUICK = "experiment=compare_quick"
INTERRUPTED = "interrupted: finished searches are kept; type the same again to go on"
PRESET = "experiment="
SETTING = re.compile(r"[+~]*[\w./@]+=\S*")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    return said(lambda: _run(parsed(given), " ".join(given)), INTERRUPTED)


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """Settings may stand anywhere, as SETTING=VALUE; of two equal options the later one counts."""
    words = [QUICK if word == "--quick" else word for word in words]
    own = [word for word in words if SETTING.fullmatch(word)]
    rest = [word for word in words if word not in own]
    presets = [word for word in own if word.startswith(PRESET)]
    parser = _parser()
    conf = parser.parse_args(rest).conf
    for preset in presets:
        parser.set_defaults(**preset_of(conf, preset.removeprefix(PRESET)))
    args = parser.parse_args(rest)
    args.settings = [*args.settings, *(word for word in own if word not in presets)]
    return args


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tts_search.compare",
        usage="%(prog)s [options] [SETTING=VALUE ...]",
        description="Search methods on simulated worlds, whose true scores are known. No key. "
        "Settings are those of run.py, such as search.batch=32, and hold for every run; "
        "experiment=compare_methods and the like bring options, which yours override.",
        epilog="What is finished is kept: the same command goes on where it was interrupted.",
    )
    add = parser.add_argument
    add("--methods", nargs="+", help='of conf/optimizer, with own settings: "maao agent=rules"')
    add("--without", nargs="+", default=[], help="methods to leave out, e.g. slow ones")
    add("--worlds", nargs="*", help="of conf/llm/world, or random-N; all shipped by default")
    add("--random-worlds", type=int, default=5, metavar="N", help="random-0 .. as well (5)")
    add("--budgets", nargs="+", type=float, default=[18, 42, 80], help="limits, in units")
    add("--seeds", type=int, default=20, help="of every world and budget (20)")
    add("--validation", type=int, default=120, help="questions that choose the winner (120)")
    add("--test", type=int, default=240, help="questions that score it (240)")
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes (all cores)")
    add("--out", type=Path, default=Path("outputs/compare"), help="folder (outputs/compare)")
    add("--conf", type=Path, default=CONF, help=argparse.SUPPRESS)
    add("--aa", type=int, default=0, metavar="N", help="N comparisons of a method with itself")
    add("--quick", action="store_true", help=f"a tiny whole run: {QUICK}")
    parser.set_defaults(settings=[])
    return parser


def plan_of(args: argparse.Namespace) -> Plan:
    """Raises ConfigError."""
    methods = args.methods or choices(args.conf, "optimizer")
    worlds = args.worlds if args.worlds is not None else choices(args.conf, "llm/world")
    drawn = [f"{RANDOM}{n}" for n in range(args.random_worlds)]
    return Plan(
        conf=args.conf,
        methods=tuple(m for m in methods if m not in args.without),
        worlds=(*worlds, *(w for w in drawn if w not in worlds)),
        budgets=tuple(args.budgets),
        seeds=args.seeds * max(1, args.aa),
        overrides=tuple(args.settings),
        validation=args.validation,
        test=args.test,
        twins=2 if args.aa else 1,
    )


def _run(args: argparse.Namespace, title: str) -> None:
    if args.workers < 1:
        raise ConfigError(f"--workers must be at least 1, but got {args.workers}")
    blocks = args.seeds * len(args.budgets) * len(plan_of(args).worlds)
    if args.aa and blocks < LEAST:
        raise ConfigError(
            f"a comparison of fewer than {LEAST} blocks cannot reach p = {LEVEL}, but --aa has "
            f"{blocks} of world, budget and seed; type --seeds {LEAST}"
        )
    started, plan, console = time.monotonic(), plan_of(args), rich.get_console()
    for job in {(j.world, j.budget, j.method): j for j in plan.jobs()}.values():
        arena_of(plan, job)  # a mistake shows before anything runs
    found = _outcomes(plan, args)
    if args.aa:
        lines = [str(aa(method, found, args.aa)) for method in plan.methods]
        write_whole(args.out / "aa.md", "\n".join([f"`{title}`", "", *lines]) + "\n")
        console.print("\n".join(lines), highlight=False)
    else:
        best = best_known(found, references(plan, args.out, args.workers))
        measure = arena_of(plan, found[0].job).worth.measure
        files = write_report(Results(plan.methods, found, best, measure), title, args.out)
        console.print((args.out / "report.md").read_text(encoding="utf-8").split("\n## ")[1])
        console.print("files: " + " ".join(map(str, files)), soft_wrap=True, highlight=False)
    console.print(f"{len(found)} searches, {time.monotonic() - started:.0f} s", highlight=False)


def _outcomes(plan: Plan, args: argparse.Namespace) -> list[Outcome]:
    """In the order of the plan, whatever the order they came in."""
    jobs = list(plan.jobs())
    coming = outcomes(plan, jobs, args.out, args.workers)
    done = {o.job: o for o in track(coming, "searches (simulated)", total=len(jobs))}
    return [done[job] for job in jobs]
