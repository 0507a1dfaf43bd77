"""The embeddings of an entity: which row of the index belongs to which turn or fact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from memori_wrap.protocols import VectorIndex
from memori_wrap.retrieve.columns import Column
from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.types import StoredVector, Vectors

TURN, CONTEXT, FACT = 0, 1, 2
"""What a row embeds: a turn or a passage of it, a turn with the one before, a fact."""


class ItemVectors:
    """Rows are numbered in the order of arrival; a vector that comes again under its item and variant replaces."""

    def __init__(self, make_index: Callable[[], VectorIndex]) -> None:
        self._index = make_index()
        self._kind = Column(np.int64)
        self._number = Column(np.int64)
        self._rows: dict[tuple[int, int], dict[str, int]] = {}
        self._dimension = 0

    def __len__(self) -> int:
        return len(self._kind)

    def add(self, batch: Iterable[tuple[int, int, StoredVector]]) -> None:
        """Takes (kind, number, vector) triples."""
        keys: list[int] = []
        vectors: list[Vectors] = []
        for kind, number, stored in batch:
            rows = self._rows.setdefault((kind, number), {})
            row = rows.get(stored.variant)
            if row is None:
                row = rows[stored.variant] = len(self._kind)
                self._kind.append(kind)
                self._number.append(number)
            keys.append(row)
            vectors.append(np.asarray(stored.vector, np.float32).reshape(-1))
        if keys:
            self._dimension = len(vectors[0])
            self._index.add(keys, np.stack(vectors))

    def nearest(self, query: Vectors, k: int, counts: Mapping[int, int]) -> dict[int, Floats]:
        """Per kind the best cosine of each of its ``counts`` items; NaN for those not among the ``k`` nearest rows."""
        keys, scores = self._index.search(query, k)
        rows = np.array(keys, np.int64)
        kinds, numbers = self._kind.view()[rows], self._number.view()[rows]
        cosines = np.array(scores, np.float64)
        out: dict[int, Floats] = {}
        for kind, count in counts.items():
            best = np.full(count, -np.inf)
            mine = kinds == kind
            np.maximum.at(best, numbers[mine], cosines[mine])
            out[kind] = np.where(np.isinf(best), np.nan, best)
        return out

    def fill(self, query: Vectors, kind: int, numbers: Ints, cosines: Floats) -> None:
        """Puts the best cosine of each of ``numbers`` into ``cosines`` where that is NaN and there is a vector."""
        keys: list[int] = []
        owners: list[int] = []
        for number in numbers[np.isnan(cosines[numbers])].tolist():
            rows = self._rows.get((kind, number), {}).values()
            keys += rows
            owners += [number] * len(rows)
        if keys:
            cosines[owners] = -np.inf
            np.maximum.at(cosines, owners, np.array(self._index.scores(query, keys), np.float64))

    def nbytes(self) -> int:
        return len(self) * (self._dimension * 4 + 250)
