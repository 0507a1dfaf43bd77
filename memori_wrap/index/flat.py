"""Exact nearest neighbours in NumPy: the reference that other indexes are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memori_wrap.types import Vectors

DECIMALS = 6
"""Scores are rounded, so that the order of equal ones does not hang on how a product was summed up."""


def products(rows: Vectors, query: Vectors) -> Vectors:
    """The inner product of each row with the query, on this thread alone.

    BLAS would share it out: on a busy machine waiting for its other threads takes many times as long.
    """
    found: Vectors = np.round(np.einsum("ij,j->i", rows, np.asarray(query, np.float32)), DECIMALS)
    return found


class FlatIndex:
    """All vectors in one array; a removed one is replaced by the last. Not for use by several threads at once.

    ``_row`` has the row of each key, -1 where there is none: keys are small integers.
    """

    def __init__(self) -> None:
        self._rows: Vectors = np.empty((0, 0), np.float32)
        self._keys = np.empty(0, np.int64)
        self._row = np.empty(0, np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        vectors = np.asarray(vectors, np.float32)
        if len(keys) != len(vectors):
            raise ValueError(f"{len(keys)} keys for {len(vectors)} vectors")
        if not len(keys):
            return
        self._reserve(self._count + len(keys), vectors.shape[1], max(keys))
        for key, vector in zip(keys, vectors, strict=True):
            row = int(self._row[key])
            if row < 0:
                row = self._row[key] = self._count
                self._keys[row] = key
                self._count += 1
            self._rows[row] = vector

    def remove(self, keys: Sequence[int]) -> None:
        for key in keys:
            row = int(self._row[key]) if key < len(self._row) else -1
            if row < 0:
                continue
            self._count -= 1
            last = self._keys[self._count]
            self._rows[row], self._keys[row], self._row[last] = self._rows[self._count], last, row
            self._row[key] = -1

    def search(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        if not self._count or k <= 0:
            return [], []
        scores = products(self._rows[: self._count], query)
        keys = self._keys[: self._count]
        if k < self._count:
            least = np.partition(scores, self._count - k)[self._count - k]
            near = np.nonzero(scores >= least)[0]
            scores, keys = scores[near], keys[near]
        order = np.lexsort((keys, -scores))[:k]
        return keys[order].tolist(), scores[order].tolist()

    def scores(self, query: Vectors, keys: Sequence[int]) -> Sequence[float]:
        wanted = np.asarray(keys, np.int64)
        known = wanted < len(self._row)
        known[known] = self._row[wanted[known]] >= 0
        if not known.all():
            raise KeyError(int(wanted[~known][0]))
        if not len(wanted):
            return []
        found: list[float] = products(self._rows[self._row[wanted]], query).tolist()
        return found

    def _reserve(self, count: int, dimension: int, key: int) -> None:
        if self._count and dimension != self._rows.shape[1]:
            raise ValueError(f"vectors of {dimension} dimensions in an index of {self._rows.shape[1]}")
        if count > len(self._rows) or dimension != self._rows.shape[1]:
            rows = np.empty((max(16, 2 * len(self._rows), count), dimension), np.float32)
            keys = np.empty(len(rows), np.int64)
            if self._count:
                rows[: self._count], keys[: self._count] = self._rows[: self._count], self._keys[: self._count]
            self._rows, self._keys = rows, keys
        if key >= len(self._row):
            row = np.full(max(16, 2 * len(self._row), key + 1), -1, np.int64)
            row[: len(self._row)] = self._row
            self._row = row
