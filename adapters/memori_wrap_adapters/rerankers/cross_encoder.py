"""A cross-encoder on this machine, through sentence-transformers: BAAI/bge-reranker-v2-m3 and its like."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from memori_wrap.errors import ConfigurationError, MissingExtra

MAX_CHARS = 8_000
"""Characters of one text that are looked at."""


class CrossEncoderReranker:
    """A ``Reranker``. ``name``: a model of the hub or a folder.

    Raises ``MissingExtra``; from ``load`` ``ConfigurationError`` for a model that gives more than one score.
    """

    def __init__(self, name: str) -> None:
        if find_spec("sentence_transformers") is None:
            raise MissingExtra("sentence-transformers is not installed: pip install 'memori-wrap[local]'")
        self.model = name
        self._lock = threading.Lock()
        self._encoder: Any = None

    def load(self) -> None:
        with self._lock:
            if self._encoder is not None:
                return
            from sentence_transformers import CrossEncoder

            encoder: Any = CrossEncoder(self.model, device="cpu")
            if encoder.config.num_labels != 1:
                raise ConfigurationError(f"{self.model} gives {encoder.config.num_labels} scores for a pair, not one")
            self._encoder = encoder

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        self.load()
        if not texts:
            return []
        pairs = [[t[:MAX_CHARS].encode("utf-8", "replace").decode() for t in (query, text)] for text in texts]
        return [float(score) for score in self._encoder.predict(pairs, show_progress_bar=False)]
