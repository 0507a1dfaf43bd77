"""Rows out and in, whatever the table: what ``export`` writes and ``import_`` reads."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from memori_wrap.rows.placing import renamed
from memori_wrap.store.capture import bump
from memori_wrap.store.tables import PREFIX, conversation, embedding, exchange, fact, graph, job, mention, message

TABLES: dict[str, sa.Table] = {
    table.name.removeprefix(PREFIX): table
    for table in (conversation, exchange, message, fact, graph, mention, embedding, job)
}
BATCH = 500
_MARK = "$"
"""A value of a type that JSON lacks: {"$": "time" or "bytes", "v": its text}."""


def page(conn: sa.Connection, table: str, name: str, after: Sequence[str] | None) -> list[dict[str, Any]]:
    """The next rows of an entity in the order of their keys, without the entity itself."""
    of = TABLES[table]
    keys = [column for column in of.primary_key.columns if column.name != "entity_id"]
    query = sa.select(of).where(of.c.entity_id == name).order_by(*keys).limit(BATCH)
    if after is not None:
        query = query.where(_behind(keys, after))
    return [{k: v for k, v in row.items() if k != "entity_id"} for row in conn.execute(query).mappings()]


def key_of(table: str, row: Mapping[str, Any]) -> list[str]:
    return [row[column.name] for column in TABLES[table].primary_key.columns if column.name != "entity_id"]


def _behind(keys: Sequence[sa.Column[Any]], after: Sequence[str]) -> sa.ColumnElement[bool]:
    """(a, b) > (x, y), spelt out: not every database compares rows."""
    terms = [sa.and_(*(keys[i] == after[i] for i in range(n)), keys[n] > after[n]) for n in range(len(keys))]
    return sa.or_(*terms)


def insert(conn: sa.Connection, name: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> int:
    """Writes the rows that are not there yet, as one revision of the entity; how many."""
    revision = bump(conn, name)
    return sum(_insert(conn, name, revision, table, [row for t, row in rows if t == table]) for table in TABLES)


def _insert(conn: sa.Connection, name: str, revision: int, table: str, rows: list[dict[str, Any]]) -> int:
    if not rows:
        return 0
    of = TABLES[table]
    rows = [_fitted(conn, name, of, row) for row in rows]
    known = {tuple(key) for key in _known(conn, name, of, rows)}
    names = [column.name for column in of.primary_key.columns]
    new = {
        key: row | ({"revision": revision} if "revision" in of.c else {})
        for row in rows
        if (key := tuple(row[n] for n in names)) not in known
    }
    if new:
        conn.execute(sa.insert(of), list(new.values()))
    return len(new)


def _fitted(conn: sa.Connection, name: str, of: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """A row as this database takes it: nothing of a newer version's columns, no lease of another database."""
    row = {k: v for k, v in row.items() if k in of.c} | {"entity_id": name}
    if of is job:
        row |= {"lease": None, "heartbeat": 0}
    if of is conversation:
        taken = sa.select(of.c.id).where(
            of.c.entity_id == name, of.c.process_id == row["process_id"], of.c.session_id == row["session_id"]
        )
        if conn.execute(taken).scalar() not in (None, row["id"]):
            row = renamed(row)
    return row


def _known(conn: sa.Connection, name: str, of: sa.Table, rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Any]]:
    columns = list(of.primary_key.columns)
    first = columns[1]
    values = sorted({row[first.name] for row in rows})
    for at in range(0, len(values), BATCH):
        query = sa.select(*columns).where(of.c.entity_id == name, first.in_(values[at : at + BATCH]))
        yield from conn.execute(query).all()


def to_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _plain(v) for k, v in row.items() if v is not None}


def from_json(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with every column of its table; raises ``ValueError`` for what is none."""
    of = TABLES[table]
    found = {column.name: _rich(row.get(column.name)) for column in of.columns if column.name != "entity_id"}
    for column in of.columns:
        if not column.nullable and column.name not in ("entity_id", "revision") and found[column.name] is None:
            raise ValueError(f"{table}: {column.name} is missing")
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_MARK: "time", "v": value.isoformat()}
    if isinstance(value, (bytes, memoryview)):
        return {_MARK: "bytes", "v": base64.b64encode(bytes(value)).decode()}
    return value


def _rich(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {_MARK, "v"}:
        return datetime.fromisoformat(value["v"]) if value[_MARK] == "time" else base64.b64decode(value["v"])
    return value
