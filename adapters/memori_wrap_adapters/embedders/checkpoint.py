"""What a model's folder says, read without PyTorch: configuration, pooling, prompts, and the tensors in place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memori_wrap.errors import ConfigurationError
from memori_wrap_adapters.embedders.weights import WEIGHTS

Tensors = Mapping[str, npt.NDArray[np.float32]]

_POOLINGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""As sentence-transformers looks for them."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """An encoder of the BERT family. ``first_position``: XLM-RoBERTa begins behind its padding's."""

    layers: int
    heads: int
    epsilon: float
    first_position: int
    max_tokens: int
    pooling: str
    prompts: Mapping[str, str] = field(default_factory=dict)


def architecture(folder: Path) -> Architecture:
    """Raises ``ConfigurationError`` for a model of another family, or of parts that are not known here."""
    config = _json(folder / "config.json")
    pooling = _json(folder / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True})
    modes = [mode for key, mode in _POOLINGS.items() if pooling.get(key)] or [str(pooling.get("pooling_mode"))]
    kind, positions = config.get("model_type"), int(config.get("max_position_embeddings", 512))
    if (
        kind not in ("bert", "xlm-roberta")
        or config.get("hidden_act") != "gelu"
        or config.get("position_embedding_type", "absolute") != "absolute"
        or len(modes) != 1
        or modes[0] not in _POOLINGS.values()
        or any(pooling.get(key) for key in pooling if key.startswith("pooling_mode_") and key not in _POOLINGS)
        or any("Dense" in module.get("type", "") for module in _json(folder / "modules.json", []))
    ):
        raise ConfigurationError(
            f"{folder} is no BERT with mean or CLS pooling, which is what the onnx embedder builds: "
            "take local (sentence-transformers), or a server (openai, ollama)"
        )
    first = int(config.get("pad_token_id", 1)) + 1 if kind == "xlm-roberta" else 0
    limits = (
        _json(folder / "sentence_bert_config.json", {}).get("max_seq_length"),
        _json(folder / "tokenizer_config.json", {}).get("model_max_length"),
        positions - first,
    )
    return Architecture(
        layers=int(config["num_hidden_layers"]),
        heads=int(config["num_attention_heads"]),
        epsilon=float(config["layer_norm_eps"]),
        first_position=first,
        max_tokens=min(int(limit) for limit in limits if limit),
        pooling=modes[0],
        prompts=_prompts(folder),
    )


def tensors(folder: Path) -> Tensors:
    """The weights by name, float32, read from the file as they are needed. Raises ``ConfigurationError``."""
    try:
        raw = np.memmap(folder / WEIGHTS, np.uint8, "r")
        start = 8 + int.from_bytes(raw[:8].tobytes(), "little")
        head: dict[str, Any] = json.loads(raw[8:start].tobytes())
        head.pop("__metadata__", None)
        return {_bare(name): _tensor(raw[start:], entry) for name, entry in head.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{folder / WEIGHTS} cannot be read as safetensors: {error}") from error


def _tensor(raw: npt.NDArray[np.uint8], entry: Mapping[str, Any]) -> Any:
    begin, end = entry["data_offsets"]
    kinds: dict[str, npt.DTypeLike] = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
    read: npt.NDArray[Any] = raw[begin:end].view(kinds[entry["dtype"]]).reshape(entry["shape"])
    return read.astype(np.float32) if entry["dtype"] == "F16" else read


def _bare(name: str) -> str:
    """Some checkpoints hold the model under a name."""
    for prefix in ("bert.", "roberta."):
        name = name.removeprefix(prefix)
    return name


def _prompts(folder: Path) -> dict[str, str]:
    told = _json(folder / "config_sentence_transformers.json", {}).get("prompts") or {}
    document = next((told[name] for name in _DOCUMENT_PROMPTS if told.get(name)), "")
    return {"query": told.get("query") or "", "document": document}


def _json(path: Path, default: Any = None) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        if default is not None:
            return default
        raise ConfigurationError(f"{path} is missing") from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
