"""Facts and vectors into their tables: a fact said again counts, one that ended gets its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa

from memori_wrap.rows.records import fact_row, graph_row, mention_row, said_again, stored_message, vector_row
from memori_wrap.store.rows import MESSAGES
from memori_wrap.store.tables import embedding, fact, graph, mention, message
from memori_wrap.types import ResolvedFact, StoredMessage, StoredVector, Triple


def write_fact(conn: sa.Connection, entity: str, revision: int, found: ResolvedFact) -> None:
    where = sa.and_(fact.c.entity_id == entity, fact.c.id == found.id)
    known = conn.execute(sa.select(fact).where(where)).mappings().first()
    cited = sa.and_(mention.c.entity_id == entity, mention.c.fact_id == found.id, mention.c.message_id == found.message)
    is_cited = conn.execute(sa.select(mention.c.fact_id).where(cited)).first() is not None
    if known is None:
        conn.execute(sa.insert(fact).values(**fact_row(entity, revision, found, datetime.now(timezone.utc))))
        conn.execute(sa.insert(graph).values(**graph_row(entity, found)))
    elif not is_cited:
        conn.execute(sa.update(fact).where(where).values(**said_again(known, revision, found.said_at)))
    if not is_cited:
        conn.execute(sa.insert(mention).values(**mention_row(entity, found)))
    if found.ends is not None:
        _end(conn, entity, revision, found, found.ends)


def _end(conn: sa.Connection, entity: str, revision: int, found: ResolvedFact, ends: Callable[[Triple], bool]) -> None:
    """Closes the facts that this one ends, so far as they were last said before it."""
    open_ = sa.and_(fact.c.valid_to.is_(None), fact.c.last_seen <= found.said_at, fact.c.id != found.id)
    known = (
        sa.select(graph)
        .join_from(graph, fact, sa.and_(fact.c.entity_id == graph.c.entity_id, fact.c.id == graph.c.fact_id))
        .where(graph.c.entity_id == entity, open_)
    )
    for row in conn.execute(known).mappings().all():
        if ends(Triple(row["subject"], row["predicate"], row["object"])):
            where = sa.and_(fact.c.entity_id == entity, fact.c.id == row["fact_id"])
            conn.execute(sa.update(fact).where(where).values(valid_to=found.said_at, revision=revision))


def write_vectors(conn: sa.Connection, entity: str, revision: int, model: str, vectors: Sequence[StoredVector]) -> None:
    """A vector that is there already is left: equal text and model give an equal vector."""
    if not vectors:
        return
    known = sa.select(embedding.c.item_id, embedding.c.variant).where(
        embedding.c.entity_id == entity,
        embedding.c.model == model,
        embedding.c.item_id.in_([v.item for v in vectors]),
    )
    there = {(item, variant) for item, variant in conn.execute(known)}
    rows = {
        (v.item, v.variant): vector_row(entity, revision, model, v) for v in vectors if (v.item, v.variant) not in there
    }
    if rows:
        conn.execute(sa.insert(embedding), list(rows.values()))


def unembedded(
    conn: sa.Connection, model: str, after: tuple[str, str], limit: int
) -> tuple[list[tuple[str, StoredMessage, StoredMessage | None]], tuple[str, str] | None]:
    """(entity, message, the one before it) of live messages that ``model`` has no vector of, and where to go on."""
    rows = conn.execute(_lacking(MESSAGES.where(message.c.origin == "live"), message, model, after).limit(limit))
    found: list[tuple[str, StoredMessage, StoredMessage | None]] = []
    last: tuple[str, str] | None = None
    for row in rows.mappings().all():
        m, name = stored_message(row), row["entity_id"]
        last = (name, m.id)
        previous = MESSAGES.where(
            message.c.entity_id == name,
            message.c.conversation_id == m.conversation,
            message.c.position < m.position,
        )
        before = conn.execute(previous.order_by(message.c.position.desc()).limit(1)).mappings().first()
        found.append((name, m, stored_message(before) if before is not None else None))
    return found, last


def unembedded_facts(conn: sa.Connection, model: str, after: tuple[str, str], limit: int) -> list[tuple[str, str, str]]:
    """(entity, fact id, text) of facts that ``model`` has no vector of."""
    wanted: sa.Select[Any] = sa.select(fact)
    query = _lacking(wanted, fact, model, after).limit(limit)
    return [(row.entity_id, row.id, row.text) for row in conn.execute(query)]


def _lacking(query: sa.Select[Any], of: sa.Table, model: str, after: tuple[str, str]) -> sa.Select[Any]:
    there = sa.exists().where(
        embedding.c.entity_id == of.c.entity_id, embedding.c.item_id == of.c.id, embedding.c.model == model
    )
    name, id = after
    behind = sa.or_(of.c.entity_id > name, sa.and_(of.c.entity_id == name, of.c.id > id))
    return query.where(~there, behind).order_by(of.c.entity_id, of.c.id)
