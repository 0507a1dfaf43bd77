"""The embeddings of an entity: which row of the index belongs to which turn or fact."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from memori_wrap.protocols import VectorIndex
from memori_wrap.retrieve.columns import Column
from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.retrieve.turns import Bools
from memori_wrap.types import StoredVector, Vectors

TURN, CONTEXT, FACT = 0, 1, 2
"""What a row embeds: a turn or a passage of it, a turn with the one before, a fact."""
_ROW_BYTES = 250


@dataclass(frozen=True, slots=True)
class Near:
    """What lies nearest to a question: kind, number and cosine of each row."""

    kinds: Ints
    numbers: Ints
    cosines: Floats

    def of(self, kind: int) -> Ints:
        """The numbers of one kind; one with several rows may come several times."""
        found: Ints = self.numbers[self.kinds == kind]
        return found


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

    def nearest(self, query: Vectors, few: int, k: int) -> Near:
        """All rows where there are no more than ``few``, else the ``k`` nearest."""
        if len(self) <= few:
            rows = np.arange(len(self))
            scores = self._scores(query, rows)
        else:
            rows, scores = self._search(query, k)
        return Near(self._kind.view()[rows], self._number.view()[rows], scores)

    def cosines(self, query: Vectors, near: Near, kind: int, numbers: Ints, exact: Ints) -> Floats:
        """The best cosine of each of ``numbers`` (ascending), NaN without a vector; of what is neither near nor in
        ``exact`` it is 0, as for what has nothing to do with the question."""
        out = np.full(len(numbers), np.nan)
        first = self._first[kind].view()
        has = numbers < len(first)
        has[has] = first[numbers[has]] >= 0
        mine = near.kinds == kind
        place, there = _places(numbers, near.numbers[mine])
        np.fmax.at(out, place[there], near.cosines[mine][there])
        place, there = _places(numbers, exact)
        place = place[there]
        place = place[has[place] & np.isnan(out[place])]
        rows = first[numbers[place]]
        asked: list[tuple[Ints, Ints]] = []
        while len(rows):
            asked.append((place, rows))
            following = self._next.view()[rows]
            place, rows = place[following >= 0], following[following >= 0]
        if asked:
            scores = self._scores(query, np.concatenate([rows for _, rows in asked]))
            for place, rows in asked:
                out[place] = np.fmax(out[place], scores[: len(rows)])
                scores = scores[len(rows) :]
        out[has & np.isnan(out)] = 0.0
        return out

    @property
    def is_behind(self) -> bool:
        """Whether the index has work to do that no answer waits for."""
        behind: bool = getattr(self._index, "is_behind", False)
        return behind

    def tend(self) -> None:
        """Lets the index do a step of it."""
        index: Any = self._index
        index.tend()

    def nbytes(self) -> int:
        own: Callable[[], int] | None = getattr(self._index, "nbytes", None)
        return len(self) * _ROW_BYTES + (own() if own is not None else len(self) * self._dimension * 4)

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


def _places(numbers: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    """Where each of ``wanted`` stands in ``numbers`` (ascending), and whether it does."""
    if not len(numbers):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    place = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    return place, numbers[place] == wanted
