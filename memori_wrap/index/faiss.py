"""Exact nearest neighbours with FAISS (M. Douze et al.: The Faiss library, 2024): a flat inner-product index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from memori_wrap.types import Vectors

DECIMALS = 6


class FaissIndex:
    """A ``VectorIndex`` that loads FAISS at the first vector. Not for use by several threads at once."""

    def __init__(self) -> None:
        self._index: Any = None
        self._keys: set[int] = set()

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        vectors = np.ascontiguousarray(vectors, np.float32)
        if len(keys) != len(vectors):
            raise ValueError(f"{len(keys)} keys for {len(vectors)} vectors")
        if not len(keys):
            return
        if self._index is None or (not self._keys and self._index.d != vectors.shape[1]):
            import faiss

            self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
        if vectors.shape[1] != self._index.d:
            raise ValueError(f"vectors of {vectors.shape[1]} dimensions in an index of {self._index.d}")
        latest = {int(key): row for row, key in enumerate(keys)}
        self.remove([key for key in latest if key in self._keys])
        self._index.add_with_ids(vectors[list(latest.values())], np.array(list(latest), np.int64))
        self._keys.update(latest)

    def remove(self, keys: Sequence[int]) -> None:
        known = self._keys.intersection(int(key) for key in keys)
        if known:
            self._index.remove_ids(np.array(sorted(known), np.int64))
            self._keys -= known

    def search(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        count = len(self._keys)
        if not count or k <= 0:
            return [], []
        wanted = min(k, count)
        asked = min(wanted + 8, count)
        while True:
            found, keys = self._ask(query, asked)
            # FAISS breaks ties as it likes: go on until all that are as good as the last one wanted are here
            if asked == count or found[wanted - 1] > found[-1]:
                break
            asked = min(2 * asked, count)
        order = np.lexsort((keys, -found))[:wanted]
        return keys[order].tolist(), found[order].tolist()

    def scores(self, query: Vectors, keys: Sequence[int]) -> Sequence[float]:
        if not len(keys):
            return []
        missing = [key for key in keys if int(key) not in self._keys]
        if missing:
            raise KeyError(missing[0])
        rows = self._index.reconstruct_batch(np.asarray(keys, np.int64))
        scores: list[float] = np.round(rows @ np.asarray(query, np.float32), DECIMALS).tolist()
        return scores

    def _ask(self, query: Vectors, k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        scores, keys = self._index.search(np.ascontiguousarray(query, np.float32).reshape(1, -1), k)
        return np.round(scores[0], DECIMALS), keys[0]
