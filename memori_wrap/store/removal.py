"""Taking away: an entity whole, or what was said before a time. What is gone leaves a note, not a trace.

The note says up to which revision a cache may hold what is gone, and which exchanges began before an erasure: one
that is still under way, in a queue, a journal or another process, is then not taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

import sqlalchemy as sa

from memori_wrap.ids import digest, new_id
from memori_wrap.store.tables import (
    conversation,
    embedding,
    entity,
    exchange,
    fact,
    graph,
    item,
    job,
    mention,
    message,
    removal,
)

_NOTE = sa.select(removal.c.revision, removal.c.floor).where(removal.c.entity_digest == sa.bindparam("d"))
OF_AN_ENTITY = (item, embedding, graph, mention, fact, job, message, exchange, conversation, entity)
"""The tables that hold what belongs to an entity."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Removed:
    """Up to which revision something was removed, 0 for nothing, and the smallest exchange id that is still taken."""

    revision: int = 0
    floor: str | None = None


def removed(conn: sa.Connection, name: str) -> Removed:
    row = conn.execute(_NOTE, {"d": digest(name)}).first()
    return Removed(*row) if row is not None else Removed()


def erase(conn: sa.Connection, name: str) -> dict[str, int]:
    """Deletes all rows of the entity; how many, by table."""
    last = conn.execute(sa.select(entity.c.revision).where(entity.c.entity_id == name).with_for_update()).scalar()
    counts = {
        table.name: conn.execute(sa.delete(table).where(table.c.entity_id == name)).rowcount for table in OF_AN_ENTITY
    }
    _note(conn, name, last or 0, new_id())
    return counts


def expire(conn: sa.Connection, name: str, before: datetime) -> int:
    """Deletes up to a batch of the entity's oldest messages said before then, with the facts that rest on them alone.

    Returns how many; the same again until it is 0.
    """
    held = conn.execute(sa.select(entity.c.revision).where(entity.c.entity_id == name).with_for_update()).scalar()
    old = sa.select(message.c.id, message.c.exchange_id).where(message.c.entity_id == name, message.c.said_at < before)
    rows = conn.execute(old.order_by(message.c.said_at, message.c.id).limit(_BATCH)).all()
    if not rows or held is None:
        return 0
    ids, exchanges = [row.id for row in rows], sorted({row.exchange_id for row in rows})
    facts = _cited(conn, name, ids)
    conn.execute(sa.delete(mention).where(mention.c.entity_id == name, mention.c.message_id.in_(ids)))
    still = set(
        conn.execute(
            sa.select(mention.c.fact_id).where(mention.c.entity_id == name, mention.c.fact_id.in_(facts)).distinct()
        ).scalars()
    )
    gone = [id for id in facts if id not in still]
    for table, column, values in (
        (fact, fact.c.id, gone),
        (graph, graph.c.fact_id, gone),
        (embedding, embedding.c.item_id, [*ids, *gone]),
        (message, message.c.id, ids),
    ):
        for at in range(0, len(values), _BATCH):
            conn.execute(sa.delete(table).where(table.c.entity_id == name, column.in_(values[at : at + _BATCH])))
    left = set(
        conn.execute(
            sa.select(message.c.exchange_id).where(message.c.entity_id == name, message.c.exchange_id.in_(exchanges))
        ).scalars()
    )
    empty = [id for id in exchanges if id not in left]
    for table, column in ((exchange, exchange.c.id), (job, job.c.exchange_id)):
        conn.execute(sa.delete(table).where(table.c.entity_id == name, column.in_(empty)))
    conn.execute(sa.update(entity).where(entity.c.entity_id == name).values(revision=held + 1))
    _note(conn, name, held, removed(conn, name).floor)
    return len(ids)


def _cited(conn: sa.Connection, name: str, messages: list[str]) -> list[str]:
    query = sa.select(mention.c.fact_id).where(mention.c.entity_id == name, mention.c.message_id.in_(messages))
    return sorted(set(conn.execute(query).scalars()))


def _note(conn: sa.Connection, name: str, revision: int, floor: str | None) -> None:
    known = removed(conn, name).revision
    key = removal.c.entity_digest == digest(name)
    conn.execute(sa.delete(removal).where(key))
    row = {"revision": max(known, revision), "floor": floor, "removed_at": datetime.now(timezone.utc)}
    conn.execute(sa.insert(removal).values(entity_digest=digest(name), **row))
