"""The embeddings of an entity in an index that outlives the process and that other processes use, too.

Such an index is a cache as any other: what it has is taken as it is, what it lacks is written to it, what the store
no longer has is removed from it. Where it fails or has lost rows, the words answer alone until it is opened again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

import numpy as np

from memori_wrap.errors import StoreError
from memori_wrap.ids import vector_key
from memori_wrap.retrieve.columns import Column
from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.retrieve.vectors import ItemVectors
from memori_wrap.types import StoredVector, Vectors
from memori_wrap.vectordb import SharedIndex

CHUNK = 500
"""Rows that are written at once."""
NAMES = 100
"""Names that are looked up before others may run."""
_ROW_BYTES = 450


class SharedVectors(ItemVectors):
    """``find`` in ``adopt`` tells the kind and number of an item; the items must be those of a later time than that
    at which this was made, else another process's new rows would be taken for remains."""

    def __init__(
        self,
        index: SharedIndex,
        breathe: Callable[[], None],
        on_fault: Callable[[Exception], None],
    ) -> None:
        super().__init__(index)
        self._shared, self._breathe, self._on_fault = index, breathe, on_fault
        self._keys = Column(np.int64)
        self._row_of: dict[int, int] = {}
        self._new: list[tuple[int, str, str, Vectors]] = []
        self._there: list[tuple[int, str, str]] = []
        self._is_filled = False
        with self._care():
            self.since = index.revision()  # before the names: so it cannot promise more than they hold
            self._is_filled = self.since > 0
            self._there = list(index.names())

    def adopt(self, find: Callable[[str, str], tuple[int, int] | None], revision: int, *, prune: bool) -> None:
        """Takes up the rows that the index has already; with ``prune`` those of unknown items are removed."""
        there, self._there = self._there, []
        remains: list[int] = []
        for start in range(0, len(there), NAMES):
            for key, item, variant in there[start : start + NAMES]:
                place = find(item, variant)
                if place is None:
                    remains.append(key)
                else:
                    self._known(key, *place, variant)
            self._breathe()
        if self.since is None:
            return
        with self._care():
            if self.since > revision:  # the store was set back, to a backup maybe: the mark says nothing
                self._shared.advance(0)
                self.since = 0
            if prune and remains:
                self._shared.remove(remains)

    def add(self, batch: Iterable[tuple[int, int, StoredVector]]) -> None:
        """Equal item, variant and model give an equal vector: one that is there is not written again."""
        for kind, number, stored in batch:
            key = vector_key(stored.item, stored.variant)
            if key not in self._row_of:
                self._known(key, kind, number, stored.variant)
                self._new.append((key, stored.item, stored.variant, stored.vector))

    def settle(self, revision: int, *, complete: bool) -> None:
        new, self._new = self._new, []
        if not new or self.since is None:
            return
        with self._care():
            mark = self._shared.revision()
            if self._is_filled and not mark:
                raise StoreError("the vector index was cleared: it is filled anew")
            if mark >= revision:
                return  # another process was here first
            for start in range(0, len(new), CHUNK):
                part = new[start : start + CHUNK]
                vectors = np.stack([np.asarray(vector, np.float32).reshape(-1) for *_, vector in part])
                self._shared.add([key for key, *_ in part], vectors, [(item, variant) for _, item, variant, _ in part])
                self._breathe()
            if complete:
                self._shared.advance(revision)
                self._is_filled = True

    def nbytes(self) -> int:
        return len(self) * _ROW_BYTES

    def _known(self, key: int, kind: int, number: int, variant: str) -> None:
        row = self._place(kind, number, variant)
        if row == len(self._keys):
            self._keys.append(key)
        self._row_of[key] = row

    def _scores(self, query: Vectors, rows: Ints) -> Floats:
        with self._reading():
            try:
                return np.array(self._shared.scores(query, self._keys.view()[rows].tolist()), np.float64)
            except KeyError:
                self._shared.advance(0)  # it was cleared, in part or whole
                raise

    def _search(self, query: Vectors, k: int) -> tuple[Ints, Floats]:
        with self._reading():
            keys, scores = self._shared.search(query, k)
        # what another process has added meanwhile is not known here yet
        mine = [(self._row_of[key], score) for key, score in zip(keys, scores, strict=True) if key in self._row_of]
        return np.array([row for row, _ in mine], np.int64), np.array([score for _, score in mine], np.float64)

    @contextmanager
    def _reading(self) -> Generator[None]:
        if self.since is None:
            raise StoreError("the vector index is away", transient=True)
        try:
            yield
        except Exception as error:
            self._failed(error)
            raise StoreError(f"the vector index failed: {type(error).__name__}", transient=True) from error

    @contextmanager
    def _care(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.since = None
        self._on_fault(error)
