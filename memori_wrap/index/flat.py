"""Exact nearest neighbours in NumPy: the reference that other indexes are compared with, and the one for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memori_wrap.types import Vectors

DECIMALS = 6
"""Scores are rounded, so that the order of equal ones does not hang on how a product was summed up."""


class FlatIndex:
    """All vectors in one array; a removed one is replaced by the last. Not for use by several threads at once."""

    def __init__(self) -> None:
        self._rows: Vectors = np.empty((0, 0), np.float32)
        self._keys = np.empty(0, np.int64)
        self._row: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._row)

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        vectors = np.asarray(vectors, np.float32)
        if len(keys) != len(vectors):
            raise ValueError(f"{len(keys)} keys for {len(vectors)} vectors")
        if not len(keys):
            return
        self._reserve(len(self._row) + len(keys), vectors.shape[1])
        for key, vector in zip(keys, vectors, strict=True):
            row = self._row.setdefault(int(key), len(self._row))
            self._keys[row] = key
            self._rows[row] = vector

    def remove(self, keys: Sequence[int]) -> None:
        for key in keys:
            row = self._row.pop(int(key), None)
            last = len(self._row)
            if row is not None and row != last:
                self._rows[row] = self._rows[last]
                self._keys[row] = self._keys[last]
                self._row[int(self._keys[row])] = row

    def search(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        count = len(self._row)
        if not count or k <= 0:
            return [], []
        scores = np.round(self._rows[:count] @ np.asarray(query, np.float32), DECIMALS)
        keys = self._keys[:count]
        if k < count:
            least = np.partition(scores, count - k)[count - k]
            near = np.nonzero(scores >= least)[0]
            scores, keys = scores[near], keys[near]
        order = np.lexsort((keys, -scores))[:k]
        return keys[order].tolist(), scores[order].tolist()

    def scores(self, query: Vectors, keys: Sequence[int]) -> Sequence[float]:
        if not len(keys):
            return []
        rows = [self._row[int(key)] for key in keys]
        scores: list[float] = np.round(self._rows[rows] @ np.asarray(query, np.float32), DECIMALS).tolist()
        return scores

    def _reserve(self, count: int, dimension: int) -> None:
        if self._row and dimension != self._rows.shape[1]:
            raise ValueError(f"vectors of {dimension} dimensions in an index of {self._rows.shape[1]}")
        if count <= len(self._rows) and dimension == self._rows.shape[1]:
            return
        used = len(self._row)
        rows = np.empty((max(16, 2 * len(self._rows), count), dimension), np.float32)
        keys = np.empty(len(rows), np.int64)
        if used:
            rows[:used], keys[:used] = self._rows[:used], self._keys[:used]
        self._rows, self._keys = rows, keys
