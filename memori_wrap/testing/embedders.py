"""A deterministic embedder without a model: hashed words and their three-letter pieces."""

from __future__ import annotations

import re
import threading
import time
import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from memori_wrap.types import Vectors

_WORD = re.compile(r"\w+")
_PIECE_WEIGHT = 0.4


class HashEmbedder:
    """Texts that share words, or parts of words, are close. Equal in every process and on every machine.

    ``gate`` and ``delay`` freeze or slow its loading, and with it whoever embeds before it is loaded, as a real model
    does; ``error`` is raised by every attempt to load. ``loads`` and ``embedded`` count loads and texts.
    """

    def __init__(
        self,
        dimension: int = 256,
        *,
        delay: float = 0.0,
        gate: threading.Event | None = None,
        error: Exception | None = None,
    ) -> None:
        self._dimension = dimension
        self._delay = delay
        self._gate = gate
        self._error = error
        self._lock = threading.Lock()
        self._loaded = False
        self.loads = 0
        self.embedded = 0

    @property
    def model(self) -> str:
        """The name of the vector space."""
        return f"hash-{self._dimension}"

    @property
    def dimension(self) -> int:
        """Numbers per vector."""
        return self._dimension

    def load(self) -> None:
        """Nothing to load: waits as it was told to, once."""
        with self._lock:
            if self._loaded:
                return
            if self._gate is not None:
                self._gate.wait()
            time.sleep(self._delay)
            if self._error is not None:
                raise self._error
            self.loads += 1
            self._loaded = True

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text. A text without a word gets a fixed direction of its own, not zero."""
        if not self._loaded:
            self.load()
        rows = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for feature, weight in _features(text):
                # crc32 of similar strings is similar: the multiplication spreads it over all bits
                mixed = zlib.crc32(feature.encode("utf-8", "replace")) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
                row[(mixed >> 32) % self._dimension] += weight if mixed >> 31 & 1 else -weight
            if not row.any():
                row[0] = 1.0
        with self._lock:
            self.embedded += len(texts)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in _WORD.findall(text.casefold()):
        yield word, 1.0
        padded = f"<{word}>"
        for i in range(len(padded) - 2):
            yield padded[i : i + 3], _PIECE_WEIGHT
