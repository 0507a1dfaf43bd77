"""Exchanges into their tables: the conversation found, what is new placed behind its tail, the job queued.

Statements are built once: SQLAlchemy takes longer to build one than SQLite to run it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice

import sqlalchemy as sa

from memori_wrap.ids import message_id, new_id
from memori_wrap.store.align import digest_of, is_storable, new_messages
from memori_wrap.store.removal import removed
from memori_wrap.store.rows import message_row
from memori_wrap.store.tables import conversation, entity, exchange, job, message
from memori_wrap.types import Delta, Exchange, Message, Origin, StoredMessage

SLACK = 20
"""Stored messages that a request is aligned with, beyond twice its own length: attempts, what was trimmed."""
CHUNK = 500
"""Values in one IN list: every database takes as many."""

_e: sa.BindParameter[str] = sa.bindparam("e")
_c: sa.BindParameter[str] = sa.bindparam("c")
_values: sa.BindParameter[Sequence[str]] = sa.bindparam("v", expanding=True)
_BUMP = sa.update(entity).where(entity.c.entity_id == _e).values(revision=entity.c.revision + 1)
_REVISION = sa.select(entity.c.revision).where(entity.c.entity_id == _e)
_ENTITY = sa.insert(entity)
_KNOWN_EXCHANGES = sa.select(exchange.c.id).where(exchange.c.entity_id == _e, exchange.c.id.in_(_values))
_KNOWN_DIGESTS = sa.select(message.c.digest).where(message.c.entity_id == _e, message.c.digest.in_(_values)).distinct()
_CONVERSATION = sa.select(conversation.c.id).where(
    conversation.c.entity_id == _e,
    conversation.c.process_id == sa.bindparam("p"),
    conversation.c.session_id == sa.bindparam("s"),
)
_NEW_CONVERSATION = sa.insert(conversation)
_TAIL = (
    sa.select(message.c.role, message.c.digest, message.c.position)
    .where(message.c.entity_id == _e, message.c.conversation_id == _c)
    .order_by(message.c.position.desc())
    .limit(sa.bindparam("n", type_=sa.Integer))
)
_EXCHANGES, _MESSAGES, _JOBS = sa.insert(exchange), sa.insert(message), sa.insert(job)

Key = tuple[str, str]


def capture(conn: sa.Connection, name: str, exchanges: Mapping[str, Exchange]) -> Delta | None:
    """Writes the exchanges of one entity that are not there yet; None where all of them are."""
    known = set(_among(conn, _KNOWN_EXCHANGES, name, exchanges))
    floor = removed(conn, name).floor or ""
    new = [e for id, e in exchanges.items() if id not in known and id > floor]
    if not new:
        return None
    revision = bump(conn, name)
    now = datetime.now(timezone.utc)
    longest: dict[Key, int] = defaultdict(int)
    for e in new:
        longest[_key(e)] = max(longest[_key(e)], len(e.request) if e.resent else 0)
    rooms = {key: _room(conn, name, key, length, now) for key, length in longest.items()}
    placed = [(e, _place(conn, rooms[_key(e)], e)) for e in new]
    conn.execute(_EXCHANGES, [_exchange_row(e, rooms[_key(e)].id) for e in new])
    stored = [m for _, messages in placed for m in messages]
    if stored:
        conn.execute(_MESSAGES, [message_row(m, name, now, revision) for m in stored])
    if jobs := [_job_row(e, rooms[_key(e)].id, now) for e, ms in placed if any(m.origin == "live" for m in ms)]:
        conn.execute(_JOBS, jobs)
    return Delta(name, revision - 1, revision, tuple(stored))


def bump(conn: sa.Connection, name: str) -> int:
    """The entity's next revision; holds its row until the commit, so that revisions appear in their order.

    An entity that was erased goes on behind what it had, so that no cache takes the new for the old.
    """
    if conn.execute(_BUMP, {"e": name}).rowcount == 0:
        first = removed(conn, name).revision + 1
        conn.execute(_ENTITY, {"entity_id": name, "revision": first, "created_at": datetime.now(timezone.utc)})
        return first
    return revision(conn, name)


def hold(conn: sa.Connection, name: str) -> None:
    """Takes the entity's row until the commit, as ``bump`` does, before its jobs are touched."""
    conn.execute(sa.select(entity.c.revision).where(entity.c.entity_id == name).with_for_update()).first()


def revision(conn: sa.Connection, name: str) -> int:
    return conn.execute(_REVISION, {"e": name}).scalar() or 0


class _Room:
    """A conversation while a transaction adds to it: what it ends with, and the next free place."""

    def __init__(self, id: str, tail: list[tuple[str, str]], position: int) -> None:
        self.id, self.tail, self.position = id, tail, position

    def add(self, e: Exchange, n: int, m: Message, origin: Origin) -> StoredMessage:
        stored = StoredMessage(
            id=message_id(e.id, n),
            conversation=self.id,
            exchange=e.id,
            position=self.position,
            role=m.role,
            text=m.text,
            said_at=m.said_at or e.said_at,
            speaker=m.speaker,
            parts=m.parts,
            origin=origin,
            process=e.scope.process,
            session=e.scope.session,
        )
        self.tail.append((m.role, digest_of(m)))
        self.position += 1
        return stored


def _key(e: Exchange) -> Key:
    return e.scope.process or "", e.scope.session or ""


def _room(conn: sa.Connection, name: str, key: Key, length: int, now: datetime) -> _Room:
    process, session = key
    found = conn.execute(_CONVERSATION, {"e": name, "p": process, "s": session}).scalar()
    if found is None:
        found = new_id()
        row = {"entity_id": name, "id": found, "process_id": process, "session_id": session, "created_at": now}
        conn.execute(_NEW_CONVERSATION, row)
        return _Room(found, [], 0)
    # a request of one message has nothing to align: its place is all that it needs
    wanted = 2 * length + SLACK if length > 1 else 1
    rows = conn.execute(_TAIL, {"e": name, "c": found, "n": wanted}).all()
    return _Room(found, [(role, mark) for role, mark, _ in reversed(rows)], rows[0][2] + 1 if rows else 0)


def _place(conn: sa.Connection, room: _Room, e: Exchange) -> list[StoredMessage]:
    """The messages of an exchange that are new, with their places in the conversation."""
    asked = [(n, m) for n, m in enumerate(e.request) if is_storable(m)]
    replied = [(n, m) for n, m in enumerate(e.reply, len(e.request)) if is_storable(m)]
    kept: Sequence[tuple[int, Origin]] = [(i, "live") for i in range(len(asked))]
    if e.resent and len(asked) > 1:
        marks = [(m.role, digest_of(m)) for _, m in asked]
        known = set(_among(conn, _KNOWN_DIGESTS, e.scope.entity, {mark for _, mark in marks}))
        kept = new_messages(room.tail, marks, frozenset(known) | {mark for _, mark in room.tail})
    made = [room.add(e, *asked[i], origin) for i, origin in kept]
    return made + [room.add(e, n, m, "live") for n, m in replied]


def _among(conn: sa.Connection, query: sa.Select[str], name: str, values: Iterable[str]) -> list[str]:
    """Those of ``values`` that the query finds for the entity."""
    found: list[str] = []
    rest = iter(values)
    while chunk := list(islice(rest, CHUNK)):
        found += conn.execute(query, {"e": name, "v": chunk}).scalars().all()
    return found


def _exchange_row(e: Exchange, room: str) -> dict[str, object]:
    return {
        "entity_id": e.scope.entity,
        "id": e.id,
        "conversation_id": room,
        "provider": (e.provider or "")[:100] or None,
        "model": (e.model or "")[:200] or None,
        "usage": dict(e.usage) or None,
        "finish_reason": (e.finish_reason or "")[:100] or None,
        "complete": e.complete,
        "said_at": e.said_at,
    }


def _job_row(e: Exchange, room: str, now: datetime) -> dict[str, object]:
    row = {"entity_id": e.scope.entity, "exchange_id": e.id, "conversation_id": room, "created_at": now}
    return {**row, "heartbeat": 0, "attempts": 0, "dead": False}
