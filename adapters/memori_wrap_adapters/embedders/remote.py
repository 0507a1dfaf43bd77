"""What embedders over an API have in common: batches, texts that are blank or too long, rows of length 1.

Retries with back-off are the SDK's own.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from memori_wrap.errors import MemoriError
from memori_wrap.types import Vectors
from memori_wrap_adapters.embedders.spaces import space

Purpose = Literal["query", "document"]

TIMEOUT = 30.0
"""Seconds for one attempt."""
RETRIES = 3
SHORTEST = 200
"""Characters: a text that is refused at this length is not refused for its length."""
REFUSALS = frozenset((400, 413, 422))
"""Status codes of a request that has too much in it, among other faults."""


class RemoteEmbedder(ABC):
    """A ``QueryEmbedder``; a subclass makes the client and one request.

    ``batch``: texts of one request. ``dimension`` is learnt from the first answer, at ``load``. Blank texts are not
    sent: they get the first axis. A request that is refused as it may be for its size is made again in halves, in the
    end with a text cut in half.
    """

    def __init__(
        self, model: str, *, batch: int, prompts: Mapping[str, str] | None = None, dimensions: int | None = None
    ) -> None:
        """``prompts``: what is put before a "query" and a "document"; ``dimensions``: asked of the model."""
        self.model = space(model, prompts or {}, dimensions)
        self.dimension = 0
        self._name, self._batch, self._prompts, self._dimensions = model, batch, dict(prompts or {}), dimensions
        self._lock = threading.Lock()

    @abstractmethod
    def _request(self, texts: list[str], purpose: Purpose) -> Sequence[Sequence[float]]:
        """One row per text. Raises the SDK's errors."""

    @abstractmethod
    def _status(self, error: Exception) -> int | None:
        """The HTTP status of an error of the SDK; None for any other."""

    def load(self) -> None:
        with self._lock:
            if not self.dimension:
                self.dimension = len(self._request([self._prompts.get("document", "") + "memory"], "document")[0])

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, "document")

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimension,)."""
        row: Vectors = self._embed([text], "query")[0]
        return row

    def _embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        self.load()
        rows = np.zeros((len(texts), self.dimension), np.float32)
        said = [i for i, text in enumerate(texts) if text.strip()]
        for at in range(0, len(said), self._batch):
            part = said[at : at + self._batch]
            # without lone surrogates, which no wire format carries, and NUL, which not every server takes
            sent = [texts[i].encode("utf-8", "replace").decode().replace("\0", " ") for i in part]
            rows[part] = self._taken(sent, purpose)
        rows[~rows.any(axis=1), 0] = 1.0
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def _taken(self, texts: list[str], purpose: Purpose) -> Any:
        prompt = self._prompts.get(purpose, "")
        try:
            rows = np.asarray(self._request([prompt + text for text in texts], purpose), np.float32)
        except Exception as error:
            if self._status(error) not in REFUSALS or (len(texts) == 1 and len(texts[0]) <= SHORTEST):
                raise
        else:
            if rows.shape != (len(texts), self.dimension) or not np.isfinite(rows).all():
                raise MemoriError(
                    f"{self.model} answered {len(texts)} texts with rows of shape {rows.shape}, of which "
                    f"({len(texts)}, {self.dimension}) was expected"
                )
            return rows
        half = len(texts) // 2
        if half:
            return np.concatenate([self._taken(texts[:half], purpose), self._taken(texts[half:], purpose)])
        return self._taken([texts[0][: len(texts[0]) // 2]], purpose)
