"""A navigable graph over vectors: approximate nearest neighbours in a time that hardly grows.

HNSW (Y. Malkov, D. Yashunin: Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
Small World graphs, 2018), as FAISS has it, over half-precision copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from memori_wrap.index.threads import alone
from memori_wrap.types import Vectors

LINKS = 32
"""Neighbours that a node keeps; twice as many on the lowest level."""
BUILD = 120
"""Candidates that are looked at for a new node's neighbours."""
SEARCH = 200
"""Candidates of a search at least."""


class Graph:
    """Keys and vectors of length 1. A node cannot be taken out of such a graph: what is removed is passed over."""

    def __init__(self, dimension: int) -> None:
        import faiss

        fp16: Any = faiss.ScalarQuantizer.QT_fp16
        self._index: Any = faiss.IndexHNSWSQ(dimension, fp16, LINKS, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = BUILD
        self._index.is_trained = True  # half precision has nothing to learn
        self._keys: list[int] = []
        self._node: dict[int, int] = {}
        self.dead = 0
        """Nodes of removed vectors."""

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        """Adds nodes; a key must not be there already."""
        with alone():
            self._index.add(np.ascontiguousarray(vectors, np.float32))
        self._node.update(zip(keys, range(len(self._keys), len(self._keys) + len(keys)), strict=True))
        self._keys.extend(keys)

    def remove(self, keys: Sequence[int]) -> None:
        for key in keys:
            node = self._node.pop(int(key), None)
            if node is not None:
                self._keys[node] = -1
                self.dead += 1

    def search(self, query: Vectors, k: int) -> npt.NDArray[np.int64]:
        """About the ``k`` nearest keys, in no order."""
        wanted = min(k + self.dead, len(self._keys)) if self.dead < k else 2 * k
        question = np.ascontiguousarray(query, np.float32).reshape(1, -1)
        with alone() as faiss:
            parameters = faiss.SearchParametersHNSW(efSearch=max(SEARCH, wanted))
            nodes = self._index.search(question, wanted, params=parameters)[1][0]
        keys = np.array([self._keys[node] for node in nodes if node >= 0], np.int64)
        return keys[keys >= 0]

    def nbytes(self) -> int:
        return len(self._keys) * (2 * int(self._index.d) + 8 * LINKS + 200)
