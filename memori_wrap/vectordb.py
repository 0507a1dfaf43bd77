"""The plug of a vector database: indexes past one process's memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from memori_wrap.protocols import VectorIndex
from memori_wrap.types import Vectors


@runtime_checkable
class SharedIndex(VectorIndex, Protocol):
    """A ``VectorIndex`` that outlives the process: one owner's vectors of one model, which others read and write, too.

    Keys are digests of names (``ids.vector_key``), equal in every process. Making one touches no server; every method
    may raise ``StoreError``, and then the words answer alone. A key that is not there any more is a ``KeyError``.
    """

    def add(self, keys: Sequence[int], vectors: Vectors, names: Sequence[tuple[str, str]] = ()) -> None:
        """Adds rows with their names: item and variant. Raises ``StoreError`` where the owner was erased since this
        index was made: what a slow writer still holds must not come back."""
        ...

    def names(self) -> Sequence[tuple[int, str, str]]:
        """Key, item and variant of every row."""
        ...

    def revision(self) -> int:
        """The revision of the entity up to which it has every vector of the store; 0: to be filled anew."""
        ...

    def advance(self, revision: int) -> None:
        """Says up to which revision it is complete: never back, but for 0."""
        ...


@runtime_checkable
class VectorDatabase(Protocol):
    """Vectors of many owners past one process's memory. Entry points in the group ``memori_wrap.indexes`` name a
    class of these, which is called with a URL, or a factory of ``VectorIndex``, which is called with nothing.

    An ``owner`` is 32 hex digits that stand for a store and an entity in it; every statement filters by it.
    """

    def open(self, owner: str, model: str, dimension: int) -> SharedIndex: ...

    def erase(self, owner: str, keep: str | None = None) -> None:
        """Deletes an owner's vectors, all or but those of one model. Raises ``StoreError``."""
        ...

    def close(self) -> None: ...

    def leave(self) -> None:
        """In a forked child: lets go of the parent's connections without closing them."""
        ...
