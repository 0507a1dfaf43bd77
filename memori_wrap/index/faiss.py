"""Nearest neighbours with FAISS (M. Douze et al.: The Faiss library, 2024): exact, and by a graph past some size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from memori_wrap.index.flat import DECIMALS, FlatIndex
from memori_wrap.index.graph import Graph
from memori_wrap.types import Vectors

GRAPH_FROM = 40_000
"""Vectors from which a graph is made: looking at all of them takes longer than the rest of a recall."""
TAIL = 1000
"""Vectors that the graph may lack and still be asked: they are looked at one by one."""
STEP = 16
"""Vectors that are put into the graph at once: a few milliseconds."""
DEAD = 0.2
"""The share of removed vectors in the graph past which it is made anew."""


class FaissIndex(FlatIndex):
    """A ``FlatIndex`` that FAISS searches. Not for use by several threads at once.

    Past ``GRAPH_FROM`` vectors ``tend`` builds a graph beside them (see ``Graph``), and ``search`` is approximate
    once that has them; scores are exact always.
    """

    def __init__(self, graph_from: int = GRAPH_FROM) -> None:
        super().__init__()
        self._graph_from = graph_from
        self._graph: Graph | None = None
        self._waiting: dict[int, None] = {}

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        super().add(keys, vectors)
        self._waiting.update(dict.fromkeys(map(int, keys)))
        if self._graph is not None:
            self._graph.remove(keys)

    def remove(self, keys: Sequence[int]) -> None:
        super().remove(keys)
        for key in keys:
            self._waiting.pop(key, None)
        if self._graph is not None:
            self._graph.remove(keys)

    def search(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        if self._graph is None or len(self._waiting) > TAIL or 4 * k > len(self):
            return self._exact(query, k)
        keys = np.concatenate([self._graph.search(query, k), np.fromiter(self._waiting, np.int64)])
        scores = np.round(self._rows[self._row[keys]] @ np.asarray(query, np.float32), DECIMALS)
        order = np.lexsort((keys, -scores))[:k]
        return keys[order].tolist(), scores[order].tolist()

    @property
    def is_behind(self) -> bool:
        """Whether there are vectors that the graph, where there is to be one, lacks."""
        return bool(self._waiting) and len(self) >= self._graph_from

    def tend(self) -> None:
        """Brings the graph a step of some milliseconds on."""
        if self._graph is None or self._graph.dead > DEAD * len(self) + STEP:
            self._graph = Graph(self._rows.shape[1])
            self._waiting = dict.fromkeys(self._keys[: len(self)].tolist())
        step = [key for key, _ in zip(self._waiting, range(STEP), strict=False)]
        if step:
            self._graph.add(step, self._rows[self._row[step]])
            for key in step:
                del self._waiting[key]

    def nbytes(self) -> int:
        """What the vectors and their graph take."""
        return self._rows.nbytes + self._keys.nbytes + self._row.nbytes + (self._graph.nbytes() if self._graph else 0)

    def _exact(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        count = len(self)
        if not count or k <= 0:
            return [], []
        wanted = min(k, count)
        asked = min(wanted + 8, count)
        while True:
            found, rows = self._ask(query, asked)
            # FAISS breaks ties as it likes: go on until all that are as good as the last one wanted are here
            if asked == count or found[wanted - 1] > found[-1]:
                break
            asked = min(2 * asked, count)
        keys = self._keys[rows]
        order = np.lexsort((keys, -found))[:wanted]
        return keys[order].tolist(), found[order].tolist()

    def _ask(self, query: Vectors, k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        import faiss

        question: Any = np.ascontiguousarray(query, np.float32).reshape(1, -1)
        scores, rows = faiss.knn(question, self._rows[: len(self)], k, metric=faiss.METRIC_INNER_PRODUCT)
        return np.round(scores[0], DECIMALS), rows[0]
