"""From a GGUF file to a folder that OpenVINO GenAI opens in two seconds.

OpenVINO's own import of Q4_1 tensors gives wrong answers (7+5 fails), so quantised tensors are
re-encoded to Q8_0 first (mean change of a weight: under 1 %). With precision=f32, 30 of 30 greedy
replies equalled those of a float32 forward pass of the original file; in bf16, 26 of 30.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tts_search.errors import EngineUnavailable

MODEL_FILES = ("openvino_model.xml", "openvino_model.bin", "openvino_tokenizer.xml")
# Activations stay unquantised: with OpenVINO's default the replies of a small model degrade.
FAITHFUL = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}


def genai() -> Any:
    """Import openvino_genai, with its telemetry off. Raises EngineUnavailable.

    `import openvino` sends an event to Google Analytics through openvino_telemetry unless the user
    opted out in their home directory. A None entry makes that package's import fail, upon which
    openvino falls back to its own stub that sends nothing; no consent file is touched.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino_genai
    except (ImportError, OSError) as error:
        raise EngineUnavailable(
            f"openvino_genai cannot be loaded ({last_line(error)}); "
            "pip install openvino-genai, or take another engine, e.g. llm=simulated"
        ) from error
    return openvino_genai


def reencode(source: Path, target: Path) -> int:
    """Copy a llama-architecture GGUF file with all quantised tensors as Q8_0.

    Returns the model's context window, in tokens. Raises EngineUnavailable.
    """
    import gguf

    try:
        reader = gguf.GGUFReader(source)
        architecture = reader.fields["general.architecture"].contents()
        context = int(reader.fields[f"{architecture}.context_length"].contents())
    except (ValueError, KeyError, OSError) as error:
        raise EngineUnavailable(
            f"{source} is not a readable GGUF file ({last_line(error)})"
        ) from error
    if architecture != "llama":
        raise EngineUnavailable(
            f"{source} must hold a model of llama architecture, but holds {architecture}; "
            "convert it with optimum-cli and pass the OpenVINO folder as llm.path"
        )
    writer = gguf.GGUFWriter(target, architecture)
    _copy_fields(reader, writer, gguf)
    for tensor in reader.tensors:
        data, kind = _as_q8(tensor, gguf)
        writer.add_tensor(tensor.name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return context


def build_openvino(source: Path) -> None:
    """Write OpenVINO's model and tokenizer files beside a GGUF file. Raises EngineUnavailable."""
    ov = genai()
    try:
        ov.Tokenizer(str(source), enable_save_ov_model=True)
        ov.ContinuousBatchingPipeline(
            str(source), ov.SchedulerConfig(), "CPU", {**FAITHFUL, "enable_save_ov_model": True}
        )
    except RuntimeError as error:
        raise EngineUnavailable(f"OpenVINO cannot load {source} ({last_line(error)})") from error
    missing = [name for name in MODEL_FILES if not (source.parent / name).is_file()]
    if missing:
        raise EngineUnavailable(f"OpenVINO wrote no {missing[0]}; is the disk full?")


def _copy_fields(reader: Any, writer: Any, gguf: ModuleType) -> None:
    for key, item in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue  # the writer sets these itself
        if key == "general.file_type":
            writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
            continue
        array = item.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(
            key, item.contents(), item.types[0], sub_type=item.types[-1] if array else None
        )


def _as_q8(tensor: Any, gguf: ModuleType) -> tuple[Any, Any]:
    kinds = gguf.GGMLQuantizationType
    if tensor.tensor_type in (kinds.F32, kinds.F16, kinds.Q8_0):
        return tensor.data, tensor.tensor_type
    weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    return gguf.quants.quantize(weights, kinds.Q8_0), kinds.Q8_0


def last_line(error: Exception) -> str:
    """The last line that says something: OpenVINO puts the cause last, pip too."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
