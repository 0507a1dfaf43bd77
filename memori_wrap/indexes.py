"""Where the vectors are searched: in an index in this process's memory, or in a database past it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeAlias, cast

from memori_wrap import plugins
from memori_wrap.errors import ConfigurationError
from memori_wrap.ids import owner_id
from memori_wrap.protocols import VectorIndex
from memori_wrap.vectordb import VectorDatabase

IndexFactory = Callable[[], VectorIndex]
Index: TypeAlias = "IndexFactory | VectorDatabase | str"
"""What a user says: a factory of empty indexes, a vector database, or the name of an installed one."""


class Indexes:
    """Opens the index of an entity. ``where``: the vector database's address where ``given`` is a name; ``key`` is
    the store's secret, so that several stores can share a vector database and it need not know who is remembered."""

    def __init__(self, given: Index, where: object, key: bytes) -> None:
        chosen = _named(given, where) if isinstance(given, str) else given
        self.database = chosen if isinstance(chosen, VectorDatabase) else None
        self._make = in_memory if isinstance(chosen, VectorDatabase) else chosen
        self._key = key

    def open(self, entity: str, model: str | None, dimension: int) -> VectorIndex:
        """Without I/O; without a model an empty one, for there are no vectors then."""
        if self.database is None or model is None:
            return self._make()
        return self.database.open(owner_id(self._key, entity), model, dimension)

    def erase(self, entity: str, keep: str | None = None) -> None:
        """Deletes an entity's vectors from a database past this process, all or but those of one model."""
        if self.database is not None:
            self.database.erase(owner_id(self._key, entity), keep)

    def close(self) -> None:
        if self.database is not None:
            self.database.close()

    def leave(self) -> None:
        """In a forked child: lets go of the parent's connections without closing them."""
        if self.database is not None:
            self.database.leave()


def _named(name: str, where: object) -> IndexFactory | VectorDatabase:
    if name == "auto":
        return in_memory
    made = plugins.load("indexes", name)
    if not callable(made):
        raise ConfigurationError(f"the index {name!r} is not callable: its entry point must name a class")
    if isinstance(made, type) and issubclass(made, VectorDatabase):
        return cast(Callable[[object], VectorDatabase], made)(where)
    return cast(IndexFactory, made)


_faiss_is_broken = False


def _forked() -> None:
    """FAISS's thread pool does not survive a fork: the child's first large operation would end it with SIGSEGV."""
    global _faiss_is_broken  # noqa: PLW0603 (of the process)
    _faiss_is_broken = "faiss" in sys.modules


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def in_memory() -> VectorIndex:
    """The index that is used where nothing else is said."""
    if _faiss_is_broken:
        from memori_wrap.index.flat import FlatIndex

        return FlatIndex()
    from memori_wrap.index.faiss import FaissIndex

    return FaissIndex()
