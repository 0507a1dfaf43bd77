"""all-MiniLM-L6-v2 on this machine, through sentence-transformers; other models by name or path."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np

from memori_wrap.errors import MissingExtra
from memori_wrap.types import Vectors
from memori_wrap_adapters.embedders import weights
from memori_wrap_adapters.embedders.spaces import space
from memori_wrap_adapters.embedders.weights import MINILM


class LocalEmbedder:
    """A ``QueryEmbedder``. ``name``: a model of the hub or a folder; the default comes from the ``local`` extra.

    ``prompts``: what is put before a "query" and a "document", where the model's own configuration does not say
    (``{"query": "query: ", "document": "passage: "}`` for the E5 family). Raises ``MissingExtra`` where
    sentence-transformers is not installed, and from ``load`` ``ConfigurationError`` where the weights of the default
    are not the official ones.
    """

    def __init__(self, name: str = MINILM, *, prompts: Mapping[str, str] | None = None) -> None:
        if find_spec("sentence_transformers") is None:
            raise MissingExtra("sentence-transformers is not installed: pip install 'memori-wrap[local]'")
        self._name, self._prompts = name, dict(prompts or {})
        self.model = space(name, self._prompts)
        self.dimension = 0
        self._lock = threading.Lock()
        self._encoder: Any = None

    def load(self) -> None:
        with self._lock:
            if self._encoder is None:
                self._load()

    def _load(self) -> None:
        is_packaged = self._name == MINILM and weights.packaged() is not None
        source = str(weights.folder(MINILM)) if is_packaged else self._name
        from sentence_transformers import SentenceTransformer

        with _no_progress_bar():
            encoder: Any = SentenceTransformer(source, device="cpu", prompts=self._prompts or None)
        self.dimension = int(encoder.encode(["warm"], show_progress_bar=False).shape[1])
        self._encoder = encoder

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._encode(self._loaded.encode_document, texts)

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimension,): with the model's prompt for questions, where it has one."""
        row: Vectors = self._encode(self._loaded.encode_query, [text])[0]
        return row

    @property
    def _loaded(self) -> Any:
        self.load()
        return self._encoder

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        vectors: Vectors = encode(
            [t.encode("utf-8", "replace").decode() for t in texts],
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return vectors.astype(np.float32, copy=False)


@contextmanager
def _no_progress_bar() -> Generator[None]:
    """transformers draws one on stderr while it reads weights; the host's own choice is put back."""
    from transformers.utils import logging

    bars: Any = logging
    was_on = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            bars.enable_progress_bar()
