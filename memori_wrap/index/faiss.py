"""Nearest neighbours: exact, and past some size by a graph of FAISS (M. Douze et al.: The Faiss library, 2024)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memori_wrap.index.flat import FlatIndex, products
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
    """A ``FlatIndex`` with a graph beside it. Not for use by several threads at once.

    Past ``GRAPH_FROM`` vectors ``tend`` builds the graph, and ``search`` is approximate once that has them; scores are
    exact always. FAISS is not loaded before.
    """

    def __init__(self, graph_from: int = GRAPH_FROM) -> None:
        super().__init__()
        self._graph_from = graph_from
        self._graph: Graph | None = None
        self._waiting: dict[int, None] = {}

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        super().add(keys, vectors)
        if self._graph is not None:
            self._graph.remove(keys)
            self._waiting.update(dict.fromkeys(map(int, keys)))

    def remove(self, keys: Sequence[int]) -> None:
        super().remove(keys)
        for key in keys:
            self._waiting.pop(key, None)
        if self._graph is not None:
            self._graph.remove(keys)

    def search(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        if self._graph is None or len(self._waiting) > TAIL or not 0 < 4 * k <= len(self):
            return super().search(query, k)
        keys = np.concatenate([self._graph.search(query, k), np.fromiter(self._waiting, np.int64)])
        scores = products(self._rows[self._row[keys]], query)
        order = np.lexsort((keys, -scores))[:k]
        return keys[order].tolist(), scores[order].tolist()

    @property
    def is_behind(self) -> bool:
        """Whether there are vectors that the graph, where there is to be one, lacks."""
        return len(self) >= self._graph_from and (self._graph is None or bool(self._waiting))

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
