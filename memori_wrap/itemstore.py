"""The plug for what frameworks keep under a namespace and a key: its records, and what a store is that takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias, runtime_checkable

from memori_wrap.types import Vectors

Namespace: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemPlace:
    """Where an item is kept. ``entity``: whose it is, so that it is erased with them; always the same for one place."""

    namespace: Namespace
    key: str
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A value to be put at a place, or None to delete what is there. ``text``: what a search looks at, if any.

    ``ttl``: minutes after which it is gone, counted from its last change or, where that is asked for, reading.
    """

    place: ItemPlace
    value: Mapping[str, Any] | None
    text: str | None = None
    ttl: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StoredItem:
    """An item as it is kept. ``vector``: that of its text, shape (dimension,), made by ``model``."""

    place: ItemPlace
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    text: str | None = None
    ttl: float | None = None
    model: str | None = None
    vector: Vectors | None = None


@runtime_checkable
class ItemStore(Protocol):
    """What a ``Store`` may be as well. Every method is one transaction and raises ``StoreError``; ``now`` decides
    what has expired, and is not read any more."""

    def items(self, places: Sequence[ItemPlace], now: datetime) -> Sequence[StoredItem | None]: ...

    def write_items(self, changes: Sequence[ItemChange], now: datetime) -> None:
        """Puts and deletes, of several at one place the last."""
        ...

    def find_items(self, prefix: Namespace, now: datetime, page: slice | None) -> Sequence[StoredItem]:
        """Those of the namespaces that begin with ``prefix``, the one changed last first."""
        ...

    def item_namespaces(self, prefix: Namespace, now: datetime) -> Sequence[Namespace]:
        """Those that hold anything and begin with ``prefix``, sorted."""
        ...

    def touch_items(self, found: Sequence[StoredItem], now: datetime) -> None:
        """Begins their time to live anew."""
        ...

    def embed_items(self, model: str, vectors: Sequence[tuple[StoredItem, Vectors]]) -> None:
        """Writes vectors of those that have not changed since they were read."""
        ...
