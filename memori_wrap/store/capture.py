"""Exchanges into their tables: the conversation found, what is new placed behind its tail, the job queued.

Statements are built once: SQLAlchemy takes longer to build one than SQLite to run it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice

import sqlalchemy as sa

from memori_wrap.ids import digest, message_id, new_id
from memori_wrap.store.align import digest_of, is_storable, new_messages
from memori_wrap.store.removal import removed
from memori_wrap.store.rows import message_row
from memori_wrap.store.tables import conversation, entity, exchange, job, message, removal
from memori_wrap.types import Delta, Exchange, Message, Origin, StoredMessage

SLACK = 20
"""Stored messages that a request is aligned with, beyond twice its own length: attempts, what was trimmed."""
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

Key = tuple[str, str]


def capture(conn: sa.Connection, name: str, exchanges: Mapping[str, Exchange]) -> Delta | None:
    """Writes the exchanges of one entity that are not there yet; None where all of them are."""
    known, floor = _seen(conn, name, exchanges)
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
    where = {"e": name, "p": key[0], "s": key[1]}
    # a request of one message has nothing to align: its place is all that it needs
    wanted = 2 * length + SLACK if length > 1 else 1
    rows = conn.execute(_TAIL, {**where, "n": wanted}).all()
    if rows:
        found, _, _, last = rows[0]
        return _Room(found, [(role, mark) for _, role, mark, _ in reversed(rows)], last + 1)
    found = conn.execute(_CONVERSATION, where).scalar()  # one whose messages were all removed
    if found is None:
        found = new_id()
        row = {"entity_id": name, "id": found, "process_id": key[0], "session_id": key[1], "created_at": now}
        conn.execute(_NEW_CONVERSATION, row)
    return _Room(found, [], 0)


def _place(conn: sa.Connection, room: _Room, e: Exchange) -> list[StoredMessage]:
    """The messages of an exchange that are new, with their places in the conversation."""
    asked = [(n, m) for n, m in enumerate(e.request) if is_storable(m)]
    replied = [(n, m) for n, m in enumerate(e.reply, len(e.request)) if is_storable(m)]
    kept: Sequence[tuple[int, Origin]] = [(i, "live") for i in range(len(asked))]
    if e.resent and len(asked) > 1:
        marks = [(m.role, digest_of(m)) for _, m in asked]
        known = _digests(conn, e.scope.entity, {mark for _, mark in marks})
        kept = new_messages(room.tail, marks, frozenset(known) | {mark for _, mark in room.tail})
    made = [room.add(e, *asked[i], origin) for i, origin in kept]
    return made + [room.add(e, n, m, "live") for n, m in replied]


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
