"""The part of the SQL store that keeps a framework's items. One transaction a method."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from memori_wrap.itemstore import ItemChange, ItemPlace, Namespace, StoredItem
from memori_wrap.store import items
from memori_wrap.store.conflicts import repeated
from memori_wrap.store.session import Session
from memori_wrap.types import Vectors


class SqlItems:
    """An ``ItemStore``."""

    _session: Session

    def items(self, places: Sequence[ItemPlace], now: datetime) -> Sequence[StoredItem | None]:
        with self._session.read() as conn:
            return items.get(conn, places, now)

    @repeated
    def write_items(self, changes: Sequence[ItemChange], now: datetime) -> None:
        with self._session.write() as conn:
            items.write(conn, changes, now)

    def find_items(self, prefix: Namespace, now: datetime, page: slice | None) -> Sequence[StoredItem]:
        with self._session.read() as conn:
            return items.find(conn, prefix, now, page)

    def item_namespaces(self, prefix: Namespace, now: datetime) -> Sequence[Namespace]:
        with self._session.read() as conn:
            return items.namespaces(conn, prefix, now)

    @repeated
    def touch_items(self, found: Sequence[StoredItem], now: datetime) -> None:
        with self._session.write() as conn:
            items.touch(conn, found, now)

    @repeated
    def embed_items(self, model: str, vectors: Sequence[tuple[StoredItem, Vectors]]) -> None:
        with self._session.write() as conn:
            items.embed(conn, model, vectors)
