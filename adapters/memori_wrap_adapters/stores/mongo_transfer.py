"""Rows out and in, and what has no vector yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pymongo.database import Database

from memori_wrap.rows.placing import renamed
from memori_wrap.types import StoredMessage
from memori_wrap_adapters.stores.mongo_commits import CHUNK, Change, Commits, View
from memori_wrap_adapters.stores.mongo_documents import (
    CONVERSATION,
    EMBEDDING,
    EXCHANGE,
    FACT,
    GRAPH,
    JOB,
    KEYS,
    MESSAGE,
    PREFIX,
    Document,
    graph_row,
    job_of,
    job_row,
    to_document,
    to_row,
    triple_of,
)
from memori_wrap_adapters.stores.mongo_exchanges import joined

BATCH = 500
_PARTS = {JOB: (EXCHANGE, "exchange_id", "job", job_of), GRAPH: (FACT, "fact_id", "subject", triple_of)}
"""Tables whose rows are parts of documents: of which, the column that names it, a field that tells that it is there,
and what makes the part of the row."""


def page(view: View, table: str, after: Sequence[str] | None) -> list[Document]:
    """The next rows of an entity in the order of their keys."""
    if table in _PARTS:
        collection, _, field, _ = _PARTS[table]
        found = _behind(view, collection, after, {field: {"$nin": [None]}})
        rows = [job_row(e) if table == JOB else graph_row(e) for e in found]
        return [{k: v for k, v in row.items() if k != "entity_id"} for row in rows]
    return [to_row(d) for d in _behind(view, table, after, {})]


def _behind(view: View, collection: str, after: Sequence[str] | None, where: Document) -> list[Document]:
    keys = KEYS[collection]
    if after is not None:
        # (a, b) > (x, y), spelt out
        terms = [{**dict(zip(keys[:n], after, strict=False)), keys[n]: {"$gt": after[n]}} for n in range(len(keys))]
        where = {**where, "$or": terms}
    return list(view.find(collection, where).sort([(key, 1) for key in keys]).limit(BATCH))


def insert(view: View, rows: Sequence[tuple[str, dict[str, Any]]]) -> tuple[Change | None, int]:
    """What writes the rows that are not there yet, as one revision; how many."""
    change, count = Change(), 0
    new: dict[tuple[str, tuple[Any, ...]], Document] = {}
    for table in KEYS:
        given = [row for t, row in rows if t == table]
        known = _known(view, table, given)
        for row in given:
            key = tuple(row[k] for k in KEYS[table])
            if key not in known and (table, key) not in new:
                new[table, key] = to_document(_fitted(view, table, row))
                count += 1
    for table, (collection, named_by, field, part) in _PARTS.items():
        named = {row[named_by]: row for t, row in rows if t == table}
        there = {d["id"]: d for d in view.among(collection, "id", named, "id", field)}
        for id, row in named.items():
            made: Document = {"job": part(_fitted(view, table, row))} if table == JOB else part(row)
            if (whole := new.get((collection, (id,)))) is not None:
                whole |= made
                count += 1
            elif id in there and there[id].get(field) is None:
                change.set(collection, {"id": id}, made if table == JOB else made | {"revision": view.head.last + 1})
                count += 1
    for (table, _), document in new.items():
        change.add(table, {"job": None, **document} if table == EXCHANGE else document)
    return change if count else None, count


def _fitted(view: View, table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row as this database takes it: a revision of its own, no lease of another database."""
    if table == JOB:
        return row | {"lease": None, "heartbeat": 0}
    if table == CONVERSATION:
        name = {"process_id": row["process_id"], "session_id": row["session_id"]}
        taken = next(view.find(CONVERSATION, name, "id"), None)
        return row if taken is None or taken["id"] == row["id"] else renamed(row)
    return row | {"revision": view.head.last + 1} if "revision" in row else row


def _known(view: View, table: str, rows: Sequence[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    keys = KEYS[table]
    there = view.among(table, keys[0], {row[keys[0]] for row in rows}, *keys)
    return {tuple(d[k] for k in keys) for d in there}


class Unembedded:
    """What a model has no vector of, whoever it belongs to, in the order of (entity, id)."""

    def __init__(self, database: Database[Document], commits: Commits) -> None:
        self._database, self._commits = database, commits

    def messages(
        self, model: str, after: tuple[str, str], limit: int
    ) -> tuple[list[tuple[str, StoredMessage, StoredMessage | None]], tuple[str, str] | None]:
        found: list[tuple[str, StoredMessage, StoredMessage | None]] = []
        last: tuple[str, str] | None = None
        for view, document in islice(self._lacking(MESSAGE, {"origin": "live"}, model, after), limit):
            last = (view.head.name, document["id"])
            earlier = {"conversation_id": document["conversation_id"], "position": {"$lt": document["position"]}}
            before = joined(view, list(view.find(MESSAGE, earlier).sort("position", -1).limit(1)))
            found += [(view.head.name, m, before[0] if before else None) for m in joined(view, [document])]
        return found, last

    def facts(self, model: str, after: tuple[str, str], limit: int) -> list[tuple[str, str, str]]:
        lacking = islice(self._lacking(FACT, {}, model, after), limit)
        return [(view.head.name, f["id"], f["text"]) for view, f in lacking]

    def _lacking(
        self, collection: str, where: Document, model: str, after: tuple[str, str]
    ) -> Iterator[tuple[View, Document]]:
        name, id = after
        while True:
            view = self._commits.view(name)
            order = [("id", 1)]
            while batch := list(view.find(collection, {**where, "id": {"$gt": id}}).sort(order).limit(CHUNK)):
                there = view.among(EMBEDDING, "item_id", [d["id"] for d in batch], "item_id", model=model)
                known = {v["item_id"] for v in there}
                yield from ((view, d) for d in batch if d["id"] not in known)
                id = batch[-1]["id"]
            behind = {"entity_id": {"$gt": name}}
            following = self._database[PREFIX + collection].find_one(behind, {"entity_id": 1}, sort=[("entity_id", 1)])
            if following is None:
                return
            name, id = following["entity_id"], ""
