"""The embeddings of an entity: which row of the index belongs to which turn or fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from memori_wrap.protocols import VectorIndex
from memori_wrap.retrieve.columns import Column
from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.types import StoredVector, Vectors

TURN, CONTEXT, FACT = 0, 1, 2
"""What a row embeds: a turn or a passage of it, a turn with the one before, a fact."""
_ROW_BYTES = 250


def kind_of_turn(variant: str) -> int:
    return CONTEXT if variant == "context" else TURN


class ItemVectors:
    """Rows are numbered in the order of arrival; a vector that comes again under its item and variant replaces.

    An item's rows form a chain: its first row, and for every row the next one of the same item; -1 ends it.
    """

    since: int | None = 0
    """The revision up to which it has vectors that nobody gave it; None while its index cannot be had."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._kind = Column(np.int64)
        self._number = Column(np.int64)
        self._next = Column(np.int64)
        self._first = {kind: Column(np.int64) for kind in (TURN, CONTEXT, FACT)}
        self._rows: dict[tuple[int, int, str], int] = {}
        self._dimension = 0

    def __len__(self) -> int:
        return len(self._kind)

    def add(self, batch: Iterable[tuple[int, int, StoredVector]]) -> None:
        """Takes (kind, number, vector) triples."""
        keys: list[int] = []
        vectors: list[Vectors] = []
        for kind, number, stored in batch:
            keys.append(self._place(kind, number, stored.variant))
            vectors.append(np.asarray(stored.vector, np.float32).reshape(-1))
        if keys:
            self._dimension = len(vectors[0])
            self._index.add(keys, np.stack(vectors))

    def settle(self, revision: int, *, complete: bool) -> None:
        """All of a delta has been added; ``complete``: none of its vectors waits for its item."""

    def nearest(self, query: Vectors, few: int, k: int, counts: Mapping[int, int]) -> dict[int, Floats]:
        """Per kind the best cosine of each of its ``counts`` items; NaN for those without a vector or, if there are
        more than ``few`` rows in all, not among the ``k`` nearest."""
        if len(self) <= few:
            rows = np.arange(len(self))
            scores = self._scores(query, rows)
        else:
            rows, scores = self._search(query, k)
        kinds, numbers = self._kind.view()[rows], self._number.view()[rows]
        out: dict[int, Floats] = {}
        for kind, count in counts.items():
            out[kind] = np.full(count, np.nan)
            mine = kinds == kind
            np.fmax.at(out[kind], numbers[mine], scores[mine])
        return out

    def fill(self, query: Vectors, kind: int, numbers: Ints, cosines: Floats) -> None:
        """Puts the best cosine of each of ``numbers`` into ``cosines`` where that is NaN and there is a vector."""
        owners = self._having(kind, numbers[np.isnan(cosines[numbers])])
        rows = self._first[kind].view()[owners]
        asked = [(owners, rows)]
        while len(rows):
            following = self._next.view()[rows]
            owners, rows = owners[following >= 0], following[following >= 0]
            asked.append((owners, rows))
        owners, rows = (np.concatenate(parts) for parts in zip(*asked, strict=True))
        if len(rows):
            np.fmax.at(cosines, owners, self._scores(query, rows))

    def call_far(self, kind: int, numbers: Ints, cosines: Floats) -> None:
        """The same without looking: 0, as for what has nothing to do with the question."""
        cosines[self._having(kind, numbers[np.isnan(cosines[numbers])])] = 0.0

    def nbytes(self) -> int:
        return len(self) * (self._dimension * 4 + _ROW_BYTES)

    def _place(self, kind: int, number: int, variant: str) -> int:
        """The row of this item and variant, a new one at the end of the item's chain where there is none."""
        row = self._rows.setdefault((kind, number, variant), len(self._kind))
        if row == len(self._kind):
            first = self._first[kind]
            while len(first) <= number:
                first.append(-1)
            self._next.append(first.view()[number])
            first[number] = row
            self._kind.append(kind)
            self._number.append(number)
        return row

    def _scores(self, query: Vectors, rows: Ints) -> Floats:
        return np.array(self._index.scores(query, rows.tolist()), np.float64)

    def _search(self, query: Vectors, k: int) -> tuple[Ints, Floats]:
        keys, scores = self._index.search(query, k)
        return np.array(keys, np.int64), np.array(scores, np.float64)

    def _having(self, kind: int, numbers: Ints) -> Ints:
        """Those of ``numbers`` that have a vector."""
        first = self._first[kind].view()
        numbers = numbers[numbers < len(first)]
        having: Ints = numbers[first[numbers] >= 0]
        return having
