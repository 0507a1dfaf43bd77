"""Items: what a framework keeps under a namespace and a key. Exact: what was put in comes out equal.

Namespace, key and value are kept as JSON in ASCII, which holds any text there is, and found by digests of them; so
no database's collation, no limit of an index's length and no character that it lacks has a say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Any

import numpy as np
import sqlalchemy as sa

from memori_wrap.ids import digest
from memori_wrap.itemstore import ItemChange, ItemPlace, Namespace, StoredItem
from memori_wrap.store.tables import item
from memori_wrap.text import clean
from memori_wrap.types import Vectors

CHUNK = 200
MAX_TEXT = 100_000
"""Characters of an item's text that are searched."""
NOBODY = ""
"""The entity of what belongs to nobody in particular."""


def item_id(place: ItemPlace) -> str:
    return digest("item", _json(list(place.namespace)), _json(place.key))


def get(conn: sa.Connection, places: Sequence[ItemPlace], now: datetime) -> list[StoredItem | None]:
    """The items at the places, in their order; None where there is none, or no more."""
    found: dict[tuple[str, str], StoredItem] = {}
    for entity, ids in _by_entity(places):
        for chunk in _chunks(ids):
            query = sa.select(item).where(item.c.entity_id == entity, item.c.id.in_(chunk), _is_alive(now))
            found |= {(entity, row["id"]): _item(row) for row in conn.execute(query).mappings()}
    return [found.get((p.entity or NOBODY, item_id(p))) for p in places]


def write(conn: sa.Connection, changes: Sequence[ItemChange], now: datetime) -> None:
    """Puts and deletes, the last of those at one place, and takes away what has expired."""
    conn.execute(sa.delete(item).where(item.c.expires_at <= now))
    # in one order everywhere: two writers cannot wait for each other
    last = {(c.place.entity or NOBODY, item_id(c.place)): c for c in changes}
    known: set[tuple[str, str]] = set()
    for entity, ids in _by_entity([c.place for c in last.values()]):
        for chunk in _chunks(ids):
            query = sa.select(item.c.id).where(item.c.entity_id == entity, item.c.id.in_(chunk))
            known |= {(entity, id) for id in conn.execute(query).scalars()}
    for entity, id in sorted(last):
        change, here = last[entity, id], sa.and_(item.c.entity_id == entity, item.c.id == id)
        if change.value is None:
            conn.execute(sa.delete(item).where(here))
        elif (entity, id) in known:
            conn.execute(sa.update(item).where(here).values(**_row(change, now)))
        else:
            row = {"entity_id": entity, "id": id, **_place(change.place), **_row(change, now)}
            conn.execute(sa.insert(item).values(created_at=now, **row))


def find(conn: sa.Connection, prefix: Namespace, now: datetime, page: slice | None = None) -> list[StoredItem]:
    """The items of the namespaces that begin with ``prefix``, the one changed last first; a ``page`` of them."""
    query = sa.select(item).where(*_within(prefix), _is_alive(now))
    rows = conn.execute(query.order_by(item.c.updated_at.desc(), item.c.id)).mappings()
    found = (made for row in rows if (made := _item(row)).place.namespace[: len(prefix)] == prefix)
    return list(found if page is None else islice(found, page.start, page.stop))


def namespaces(conn: sa.Connection, prefix: Namespace, now: datetime) -> list[Namespace]:
    """The namespaces that hold anything and begin with ``prefix``, sorted."""
    query = sa.select(item.c.namespace).where(*_within(prefix), _is_alive(now)).distinct()
    found = (tuple(json.loads(text)) for text in conn.execute(query).scalars())
    return sorted(n for n in found if n[: len(prefix)] == prefix)


def touch(conn: sa.Connection, items: Iterable[StoredItem], now: datetime) -> None:
    """Begins the time to live of those that have one anew."""
    for one in sorted(items, key=lambda i: (i.place.entity or NOBODY, item_id(i.place))):
        if one.ttl is not None:
            here = (item.c.entity_id == (one.place.entity or NOBODY), item.c.id == item_id(one.place))
            conn.execute(sa.update(item).where(*here).values(expires_at=_end(one.ttl, now)))


def embed(conn: sa.Connection, model: str, vectors: Sequence[tuple[StoredItem, Vectors]]) -> None:
    """Writes the vectors of items that are still as they were read."""
    for one, vector in sorted(vectors, key=lambda pair: (pair[0].place.entity or NOBODY, item_id(pair[0].place))):
        same = (
            item.c.entity_id == (one.place.entity or NOBODY),
            item.c.id == item_id(one.place),
            item.c.updated_at == one.updated_at,
        )
        conn.execute(sa.update(item).where(*same).values(model=model, vector=vector.astype("<f4").tobytes()))


# ---------------------------------------------------------------- rows


def _json(given: object) -> str:
    return json.dumps(given, separators=(",", ":"))


def _place(place: ItemPlace) -> dict[str, Any]:
    space = place.namespace
    prefixes = {f"prefix{n}": _prefix(space[:n]) for n in (1, 2)}
    return {**prefixes, "namespace": _json(list(space)), "name": _json(place.key)}


def _prefix(labels: Namespace) -> str:
    return digest("prefix", _json(list(labels)))


def _row(change: ItemChange, now: datetime) -> dict[str, Any]:
    return {
        "value": _json(change.value),
        "text": clean(change.text, MAX_TEXT) if change.text is not None else None,
        "model": None,
        "vector": None,
        "ttl": change.ttl,
        "expires_at": _end(change.ttl, now),
        "updated_at": now,
    }


def _end(minutes: float | None, now: datetime) -> datetime | None:
    return now + timedelta(minutes=minutes) if minutes is not None else None


def _item(row: Mapping[str, Any] | sa.RowMapping) -> StoredItem:
    vector = row["vector"]
    return StoredItem(
        place=ItemPlace(tuple(json.loads(row["namespace"])), json.loads(row["name"]), row["entity_id"] or None),
        value=json.loads(row["value"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        text=row["text"],
        ttl=row["ttl"],
        model=row["model"],
        vector=np.frombuffer(vector, "<f4").astype(np.float32) if vector is not None else None,
    )


def _is_alive(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(item.c.expires_at.is_(None), item.c.expires_at > now)


def _within(prefix: Namespace) -> list[sa.ColumnElement[bool]]:
    """What an index can tell of it; the rest is compared by whoever reads the rows."""
    if not prefix:
        return []
    return [item.c.prefix1 == _prefix(prefix)] if len(prefix) == 1 else [item.c.prefix2 == _prefix(prefix[:2])]


def _by_entity(places: Sequence[ItemPlace]) -> Iterable[tuple[str, list[str]]]:
    pairs = sorted({(p.entity or NOBODY, item_id(p)) for p in places})
    return [(entity, [id for _, id in group]) for entity, group in groupby(pairs, key=lambda pair: pair[0])]


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK))
