"""A framework's items: values under a namespace and a key, and a search in them by what is said in their text.

They are no part of what is remembered of a conversation. Each is found by its place, exactly; only a search with a
question uses what recall is made of: the same retriever, over the items that come into question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from memori_wrap.errors import ConfigurationError
from memori_wrap.indexes import in_memory
from memori_wrap.itemstore import ItemChange, ItemPlace, ItemStore, Namespace, StoredItem
from memori_wrap.parts import Parts
from memori_wrap.protocols import Query
from memori_wrap.retrieve.hybrid import HybridRetriever
from memori_wrap.types import Delta, StoredMessage, StoredVector, Vectors

EMBEDDED = 128
"""Items that one search embeds, at most: the others are found by their words until a later one comes to them."""
Keep = Callable[[StoredItem], bool]


class Items:
    """What ``Memori.items`` gives. Every method is one transaction and raises ``StoreError``."""

    def __init__(self, parts: Callable[[], Parts]) -> None:
        self._parts = parts

    @property
    def _store(self) -> ItemStore:
        store = self._parts().store
        if not isinstance(store, ItemStore):
            raise ConfigurationError(f"{type(store).__name__} keeps no items: it is not an ItemStore")
        return store

    def get(self, places: Sequence[ItemPlace], touch: Sequence[ItemPlace] = ()) -> list[StoredItem | None]:
        """The items at the places, in their order; the time to live of those in ``touch`` begins anew."""
        found = self._store.items(places, _now()) if places else []
        wanted = set(touch)
        self._touch([one for one in found if one is not None and one.place in wanted])
        return list(found)

    def write(self, changes: Sequence[ItemChange]) -> None:
        """All of them or none; of several at one place the last. A value that is no JSON is a ``TypeError``."""
        if changes:
            self._store.write_items(changes, _now())

    def find(
        self,
        prefix: Namespace,
        limit: int,
        offset: int = 0,
        *,
        query: str | None = None,
        keep: Keep | None = None,
        touch: bool = False,
    ) -> list[tuple[StoredItem, float | None]]:
        """Items of the namespaces that begin with ``prefix`` and that ``keep`` says yes to, with their scores.

        With a ``query`` those that bear on it come first, best first; the others, and all without one, are in the
        order of their last change, the newest first, and have no score.
        """
        page = slice(offset, offset + limit)
        if query is None or not query.strip():
            found = self._store.find_items(prefix, _now(), page if keep is None else None)
            kept = found if keep is None else [one for one in found if keep(one)][page]
            scored: list[tuple[StoredItem, float | None]] = [(one, None) for one in kept]
        else:
            found = self._store.find_items(prefix, _now(), None)
            scored = self._ranked(query, [one for one in found if keep is None or keep(one)])[page]
        if touch:
            self._touch([one for one, _ in scored])
        return scored

    def namespaces(self, prefix: Namespace = ()) -> list[Namespace]:
        """Those that hold anything and begin with ``prefix``, sorted."""
        return list(self._store.item_namespaces(prefix, _now()))

    def _touch(self, items: Sequence[StoredItem]) -> None:
        if any(one.ttl is not None for one in items):
            self._store.touch_items(items, _now())

    def _ranked(self, query: str, items: Sequence[StoredItem]) -> list[tuple[StoredItem, float | None]]:
        vectors = self._vectors([one for one in items if one.text])
        by_id = {str(n): one for n, one in enumerate(items)}
        messages = [
            StoredMessage(id, id, id, 0, "user", one.text, one.updated_at) for id, one in by_id.items() if one.text
        ]
        retriever = HybridRetriever(in_memory)
        stored = [StoredVector(id, vectors[one.place]) for id, one in by_id.items() if one.place in vectors]
        retriever.apply(Delta("", 0, 1, messages, vectors=stored))
        vector = self._parts().model.query(retriever.focus(query)) if vectors else None
        ranked = retriever.rank(Query(query, limit=max(1, len(items))), vector, ())
        best = [(by_id[found.id], found.score) for found in ranked if found.id in by_id]
        seen = {one.place for one, _ in best}
        return [*best, *((one, None) for one in items if one.place not in seen)]

    def _vectors(self, items: Sequence[StoredItem]) -> dict[ItemPlace, Vectors]:
        """Of the present model; what lacks one gets it now, so far as that does not take too long."""
        model = self._parts().model
        model.start()
        name = model.name
        if name is None:
            return {}
        lacking = [one for one in items if one.model != name][:EMBEDDED]
        made = list(zip(lacking, model.embed([one.text or "" for one in lacking]), strict=True)) if lacking else []
        if made:
            self._store.embed_items(name, made)
        known = {one.place: one.vector for one in items if one.model == name and one.vector is not None}
        return {**known, **{one.place: vector for one, vector in made}}


def _now() -> datetime:
    return datetime.now(timezone.utc)
