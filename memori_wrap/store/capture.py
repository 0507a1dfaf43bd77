"""Exchanges into their tables: the conversation found, what is new placed behind its tail, the job queued.

Statements are built once: SQLAlchemy takes longer to build one than SQLite to run it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from itertools import islice

import sqlalchemy as sa

from memori_wrap.ids import digest, new_id
from memori_wrap.rows.placing import Key, Room, conversation_row, exchange_row, job_row, key_of, tails
from memori_wrap.rows.records import message_row
from memori_wrap.store.removal import removed
from memori_wrap.store.tables import conversation, entity, exchange, job, message, removal
from memori_wrap.types import Delta, Exchange

CHUNK = 500
"""Values in one IN list: every database takes as many."""

_e: sa.BindParameter[str] = sa.bindparam("e")
_values: sa.BindParameter[Sequence[str]] = sa.bindparam("v", expanding=True)
_BUMP = sa.update(entity).where(entity.c.entity_id == _e).values(revision=entity.c.revision + 1)
_BUMPED = _BUMP.returning(entity.c.revision)
_REVISION = sa.select(entity.c.revision).where(entity.c.entity_id == _e)
_ENTITY = sa.insert(entity)
_SEEN = sa.union_all(
    sa.select(sa.literal_column("0").label("floor"), exchange.c.id).where(
        exchange.c.entity_id == _e, exchange.c.id.in_(_values)
    ),
    sa.select(sa.literal_column("1"), removal.c.floor).where(
        removal.c.entity_digest == sa.bindparam("d"), removal.c.floor.is_not(None)
    ),
)
_KNOWN_DIGESTS = sa.select(message.c.digest).where(message.c.entity_id == _e, message.c.digest.in_(_values)).distinct()
_CONVERSATION = sa.select(conversation.c.id).where(
    conversation.c.entity_id == _e,
    conversation.c.process_id == sa.bindparam("p"),
    conversation.c.session_id == sa.bindparam("s"),
)
_NEW_CONVERSATION = sa.insert(conversation)
_TAIL = (
    sa.select(message.c.conversation_id, message.c.role, message.c.digest, message.c.position)
    .where(message.c.entity_id == _e, message.c.conversation_id == _CONVERSATION.scalar_subquery())
    .order_by(message.c.position.desc())
    .limit(sa.bindparam("n", type_=sa.Integer))
)
_EXCHANGES, _MESSAGES, _JOBS = sa.insert(exchange), sa.insert(message), sa.insert(job)


def capture(conn: sa.Connection, name: str, exchanges: Mapping[str, Exchange]) -> Delta | None:
    """Writes the exchanges of one entity that are not there yet; None where all of them are."""
    known, floor = _seen(conn, name, exchanges)
    new = [e for id, e in exchanges.items() if id not in known and id > floor]
    if not new:
        return None
    revision = bump(conn, name)
    now = datetime.now(timezone.utc)
    rooms = {key: _room(conn, name, key, wanted, now) for key, wanted in tails(new).items()}
    placed = [(e, rooms[key_of(e)].place(e, partial(_digests, conn, name))) for e in new]
    conn.execute(_EXCHANGES, [exchange_row(e, rooms[key_of(e)].id) for e in new])
    stored = [m for _, messages in placed for m in messages]
    if stored:
        conn.execute(_MESSAGES, [message_row(m, name, now, revision) for m in stored])
    if jobs := [job_row(e, rooms[key_of(e)].id, now) for e, ms in placed if any(m.origin == "live" for m in ms)]:
        conn.execute(_JOBS, jobs)
    return Delta(name, revision - 1, revision, tuple(stored))


def bump(conn: sa.Connection, name: str) -> int:
    """The entity's next revision; holds its row until the commit, so that revisions appear in their order.

    An entity that was erased goes on behind what it had, so that no cache takes the new for the old.
    """
    found: int | None = None
    if conn.dialect.update_returning:
        found = conn.execute(_BUMPED, {"e": name}).scalar()
    elif conn.execute(_BUMP, {"e": name}).rowcount:
        found = revision(conn, name)
    if found is None:
        found = removed(conn, name).revision + 1
        conn.execute(_ENTITY, {"entity_id": name, "revision": found, "created_at": datetime.now(timezone.utc)})
    return found


def hold(conn: sa.Connection, name: str) -> None:
    """Takes the entity's row until the commit, as ``bump`` does, before its jobs are touched."""
    conn.execute(sa.select(entity.c.revision).where(entity.c.entity_id == name).with_for_update()).first()


def revision(conn: sa.Connection, name: str) -> int:
    return conn.execute(_REVISION, {"e": name}).scalar() or 0


def _room(conn: sa.Connection, name: str, key: Key, wanted: int, now: datetime) -> Room:
    where = {"e": name, "p": key[0], "s": key[1]}
    rows = conn.execute(_TAIL, {**where, "n": wanted}).all()
    if rows:
        found, _, _, last = rows[0]
        return Room(found, [(role, mark) for _, role, mark, _ in reversed(rows)], last + 1)
    found = conn.execute(_CONVERSATION, where).scalar()  # one whose messages were all removed
    if found is None:
        found = new_id()
        conn.execute(_NEW_CONVERSATION, conversation_row(name, found, key, now))
    return Room(found, [], 0)


def _seen(conn: sa.Connection, name: str, exchanges: Iterable[str]) -> tuple[set[str], str]:
    """Which of the exchanges are stored, and the id up to which an erasure takes none ("" for no erasure)."""
    known: set[str] = set()
    floor = ""
    for chunk in _chunks(exchanges):
        for is_floor, id in conn.execute(_SEEN, {"e": name, "v": chunk, "d": digest(name)}):
            if is_floor:
                floor = id
            else:
                known.add(id)
    return known, floor


def _digests(conn: sa.Connection, name: str, marks: Iterable[str]) -> set[str]:
    """Those of the marks that a message of the entity has."""
    return {d for c in _chunks(marks) for d in conn.execute(_KNOWN_DIGESTS, {"e": name, "v": c}).scalars()}


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(values)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
