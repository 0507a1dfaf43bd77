"""all-MiniLM-L6-v2, and other models of the BERT family, on ONNX Runtime: without PyTorch, loaded in a moment."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from memori_wrap.errors import ConfigurationError, MissingExtra
from memori_wrap.types import Vectors
from memori_wrap_adapters.embedders import weights
from memori_wrap_adapters.embedders.spaces import space
from memori_wrap_adapters.embedders.weights import MINILM

MAX_TOKENS = 4096
"""Tokens of one run, padding included: bounds the memory of the attention."""
THREADS = 2
"""Of one run; they sleep in between. The host's own settings (OpenMP, BLAS, torch) are neither read nor changed."""

QUIET = "ORT_DISABLE_TELEMETRY"

Precision = Literal["fp32", "int8"]

_all: weakref.WeakSet[OnnxEmbedder] = weakref.WeakSet()


class OnnxEmbedder:
    """A ``QueryEmbedder``. ``name``: a model of the hub or a folder, BERT or XLM-RoBERTa with mean or CLS pooling.

    ``precision``: "fp32" gives the vectors of sentence-transformers, and shares their space; "int8" is faster, less
    exact, and a space of its own. ``name`` may end in ":int8". ``prompts``: see ``LocalEmbedder``.
    Raises ``MissingExtra``; from ``load`` ``ConfigurationError`` for a model that is missing, damaged or of another
    family.
    """

    def __init__(
        self,
        name: str = MINILM,
        *,
        precision: Precision = "fp32",
        prompts: Mapping[str, str] | None = None,
        threads: int = THREADS,
    ) -> None:
        for package in ("onnxruntime", "onnx", "tokenizers"):
            if find_spec(package) is None:
                raise MissingExtra(f"{package} is not installed: pip install 'memori-wrap[onnx]'")
        if name in ("int8", "fp32"):
            name = f"{MINILM}:{name}"
        if name.endswith((":int8", ":fp32")):
            name, precision = name[:-5], "int8" if name.endswith("int8") else "fp32"
        if precision not in ("fp32", "int8"):
            raise ConfigurationError(f'precision is "fp32" or "int8", not {precision!r}')
        self._name, self._precision, self._prompts = name, precision, dict(prompts or {})
        self._threads = max(1, min(threads, os.cpu_count() or 1))
        self.model = space(name, self._prompts) + ("" if precision == "fp32" else f":{precision}")
        self.dimension = 0
        self._lock = threading.Lock()
        self._session: Any = None
        _all.add(self)

    def load(self) -> None:
        if self._session is None:
            with self._lock:
                if self._session is None:
                    self._load()

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, "document")

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimension,): with the model's prompt for questions, where it has one."""
        row: Vectors = self._embed([text], "query")[0]
        return row

    def _load(self) -> None:
        from tokenizers import Tokenizer

        onnxruntime = runtime()
        from memori_wrap_adapters.embedders import checkpoint, onnx_graph

        folder = weights.folder(self._name)
        shape, tensors = checkpoint.architecture(folder), checkpoint.tensors(folder)
        try:
            graph = onnx_graph.build(shape, tensors, int8=self._precision == "int8")
        except KeyError as error:
            raise ConfigurationError(f"{folder / weights.WEIGHTS} has no {error}") from error
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self._threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in graph.weights.values()]
        options.add_external_initializers(list(graph.weights), values)
        session = onnxruntime.InferenceSession(graph.model, options, providers=["CPUExecutionProvider"])
        tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(shape.max_tokens)
        self._tokenizer, self._prompts = tokenizer, {**shape.prompts, **self._prompts}
        self.dimension = int(session.get_outputs()[0].shape[1])
        self._weights, self._session = graph.weights, session

    def forked(self) -> None:
        """In a forked child: a session of its own is loaded when there is need of one. The parent's has threads that
        are not here; its destructor would wait for them for ever, also at the child's end, so it is never run."""
        self._lock = threading.Lock()
        if self._session is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._session))
            self._session = None

    def _embed(self, texts: Sequence[str], kind: str) -> Vectors:
        self.load()
        prompt, session = self._prompts.get(kind, ""), self._session
        # one by one: a batch would start the tokenizer's own threads, which a fork complains about
        ids = [self._tokenizer.encode((prompt + t).encode("utf-8", "replace").decode()).ids for t in texts]
        out = np.empty((len(ids), self.dimension), np.float32)
        for at in _batches([len(i) for i in ids]):
            lengths = np.array([len(ids[i]) for i in at], np.int64)
            padded = np.zeros((len(at), int(lengths.max())), np.int64)
            for row, i in zip(padded, at, strict=True):
                row[: len(ids[i])] = ids[i]
            out[at] = session.run(None, {"ids": padded, "lengths": lengths})[0]
        return out


def runtime() -> Any:
    """The module ``onnxruntime``, told to report nothing.

    Since 1.29 its wheels send usage data to Microsoft, from threads that begin with the import, and over which a
    forked child aborts when it ends. This is a library that tells nobody anything.
    """
    is_set = QUIET in os.environ
    os.environ.setdefault(QUIET, "1")
    try:
        import onnxruntime
    finally:
        if not is_set:
            del os.environ[QUIET]
    onnxruntime.disable_telemetry_events()  # where somebody had imported it before
    return onnxruntime


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indexes, equal lengths together, so that each batch padded to its longest has ``MAX_TOKENS`` at most."""
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[i] > MAX_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _forked() -> None:
    for embedder in list(_all):
        embedder.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
