"""The command: Hydra in, a screen out; every mistake of the user's is one line."""

import asyncio
import os
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import hydra
import rich
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tts_search.analysis.progress import RichProgress
from tts_search.analysis.screen import render_summary
from tts_search.app import Run
from tts_search.archive import Archive
from tts_search.build import plain
from tts_search.config import check_settings, register_schema, settings
from tts_search.core.result import Summary
from tts_search.dry.foresee import foresee, lines
from tts_search.errors import ConfigError, TTSError
from tts_search.files import write_files
from tts_search.messages import one_line
from tts_search.parts import Parts, assemble
from tts_search.tracking.progress import Progress

FILES = 1 << 16
INTERRUPTED = "interrupted: the archive and all finished calls are kept; run it again to go on"


def main(conf: Path) -> int:
    """Run the command line; the exit code. With HYDRA_FULL_ERROR=1 errors keep their traceback.

    A run that fails does not stop the others of a sweep.
    """
    full = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise instead of printing
    failed: list[str] = []
    composed = False

    def job(config: DictConfig) -> None:
        nonlocal composed
        composed = True
        try:
            one_run(config)
        except (TTSError, OmegaConfBaseException, OSError) as error:
            if full:
                raise
            failed.append(_say(f"error: {one_line(error)}"))

    register_schema()
    command: Callable[[], None] = hydra.main(str(conf), "config", "1.3")(job)
    try:
        command()
    except KeyboardInterrupt:
        _say(INTERRUPTED)
        return 130
    except Exception as error:
        own = isinstance(error, HydraException | OmegaConfBaseException | OSError)
        if full or (composed and not own):  # a bug in a run keeps its traceback
            raise
        failed.append(_say(f"error: {one_line(error)}"))
    return 1 if failed else 0


def _say(line: str) -> str:
    sys.stderr.write(line + "\n")
    return line


def one_run(config: DictConfig) -> None:
    """One run in the directory that Hydra made for it."""
    check_settings(config)
    chosen = HydraConfig.get().runtime
    if config.compare is not None:
        preset = chosen.choices["experiment"]
        raise ConfigError(
            f"experiment={preset} compares methods on simulated worlds and is no run; type "
            f"python -m tts_search.compare experiment={preset}"
        )
    if config.search.dry_run:
        for line in lines(asyncio.run(foresee(config))):
            rich.get_console().print(line, soft_wrap=True, markup=False, highlight=False)
        return
    allow_files()
    folder = Path(chosen.output_dir)
    summary, files = asyncio.run(run(config, folder, RichProgress()))
    rich.get_console().print(render_summary(summary, folder, files))


def allow_files() -> None:
    """As many open files as this user may have, for each call in flight has a connection. Many
    systems begin with 1024."""
    kind, none = resource.RLIMIT_NOFILE, resource.RLIM_INFINITY
    now, most = resource.getrlimit(kind)
    wanted = FILES if most == none else min(FILES, most)
    if now != none and now < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (wanted, most))


async def run(
    config: DictConfig, folder: Path, progress: Progress
) -> tuple[Summary, tuple[Path, ...]]:
    """The run and the files it wrote; everything is closed whatever happens."""
    parts = assemble(config)
    try:
        marks = {name: parts.labels[name] for name in ("task", "engine")}
        archive = Archive(folder / "archive.jsonl", marks)
        try:
            return await _tracked(config, folder, parts, archive, progress)
        finally:
            archive.close()
    finally:
        progress.close()
        await parts.aclose()


async def _tracked(
    config: DictConfig, folder: Path, parts: Parts, archive: Archive, progress: Progress
) -> tuple[Summary, tuple[Path, ...]]:
    summary: Summary | None = None
    files: tuple[Path, ...] = ()
    parts.tracker.start({**parts.labels, "folder": folder, "config": plain(config)})
    try:
        search = settings(config)
        summary = await Run(parts, search, config.space.slots, archive, progress).summary()
        files = (folder / "archive.jsonl", *write_files(summary, archive.points, folder))
        return summary, files
    finally:
        parts.tracker.finish(summary, files)
