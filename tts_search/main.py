"""The command: Hydra in, a screen out; every mistake of the user's is one line."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import rich
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tts_search.analysis.progress import RichProgress
from tts_search.analysis.screen import render_summary
from tts_search.app import Run
from tts_search.archive import Archive
from tts_search.config import plain, settings
from tts_search.core.result import Summary
from tts_search.errors import TTSError
from tts_search.files import write_files
from tts_search.messages import one_line
from tts_search.parts import Parts, assemble

_log = logging.getLogger(__name__)


def job(config: DictConfig) -> None:
    """One run in the directory that Hydra made for it."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    summary, files = asyncio.run(run(config, folder))
    rich.get_console().print(render_summary(summary, folder, files))


async def run(config: DictConfig, folder: Path) -> tuple[Summary, tuple[Path, ...]]:
    """The run, its files and its tracker, all closed whatever happens."""
    parts, progress = assemble(config), RichProgress()
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
    config: DictConfig, folder: Path, parts: Parts, archive: Archive, progress: RichProgress
) -> tuple[Summary, tuple[Path, ...]]:
    summary: Summary | None = None
    files: tuple[Path, ...] = ()
    parts.tracker.start({**parts.labels, "folder": folder, "config": plain(config)})
    try:
        search = settings(config)
        summary = await Run(parts, search, config.space.slots, archive, progress).summary()
        files = (folder / "archive.jsonl", *write_files(summary, folder))
        return summary, files
    finally:
        parts.tracker.finish(summary, files)


def report_errors(command: Callable[[], None]) -> int:
    """Run a command; a mistake ends in one line and an exit code. HYDRA_FULL_ERROR=1 shows all."""
    full = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing
    try:
        command()
    except KeyboardInterrupt:
        return _say(
            "interrupted: the archive and all finished calls are kept; "
            "the same command goes on from there",
            130,
        )
    except (TTSError, HydraException, OmegaConfBaseException, OSError) as error:
        if full:
            raise
        return _say(one_line(error), 1)
    return 0


def _say(line: str, code: int) -> int:
    sys.stderr.write(f"error: {line}\n" if code == 1 else f"{line}\n")
    return code
