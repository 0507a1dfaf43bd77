"""The store on any SQL database. One transaction a method; what it stores is decided in ``align``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice

import sqlalchemy as sa

from memori_wrap.ids import message_id, new_id
from memori_wrap.protocols import QueueState
from memori_wrap.store import knowledge, queue
from memori_wrap.store.align import digest_of, is_storable, new_messages
from memori_wrap.store.connect import Connection
from memori_wrap.store.rows import FACTS, MESSAGES, message_row, stored_fact, stored_message, stored_vector
from memori_wrap.store.schema import prepare
from memori_wrap.store.session import Session
from memori_wrap.store.tables import conversation, embedding, entity, exchange, fact, job, mention, message, secret
from memori_wrap.types import Augmentation, Delta, Exchange, Job, Message, StoredFact, StoredMessage

TAIL = 400
"""Stored messages of a conversation that a request is aligned with."""
CHUNK = 500
"""Values in one IN list: every database takes as many."""


class SqlStore:
    """A ``Store`` on an engine. Opening it creates or upgrades the tables."""

    def __init__(self, connection: Connection, durability: str = "normal") -> None:
        self._session = Session(connection)
        prepare(self._session, durability, owned=connection.owned)

    def close(self) -> None:
        self._session.close()

    # ------------------------------------------------------------ capture

    def capture(self, exchanges: Sequence[Exchange]) -> Sequence[Delta]:
        by_entity: dict[str, dict[str, Exchange]] = defaultdict(dict)
        for e in exchanges:
            by_entity[e.scope.entity].setdefault(e.id, e)
        with self._session.write() as conn:
            # entities in one order everywhere: two writers cannot wait for each other
            return [d for name in sorted(by_entity) if (d := self._capture_entity(conn, name, by_entity[name]))]

    def _capture_entity(self, conn: sa.Connection, name: str, exchanges: Mapping[str, Exchange]) -> Delta | None:
        known = set(self._among(conn, name, exchange.c.id, exchange.c.entity_id, exchanges))
        new = [e for id, e in exchanges.items() if id not in known]
        if not new:
            return None
        revision = _bump(conn, name)
        now = datetime.now(timezone.utc)
        rooms: dict[str, _Room] = {}
        stored: list[StoredMessage] = []
        for e in new:
            key = f"{e.scope.process or ''}\0{e.scope.session or ''}"
            room = rooms.get(key) or rooms.setdefault(key, self._room(conn, e, now))
            stored += self._place(conn, room, e)
        conn.execute(sa.insert(exchange), [_exchange_row(e, _room_of(rooms, e).id) for e in new])
        if stored:
            conn.execute(sa.insert(message), [message_row(m, name, now, revision) for m in stored])
            live = {m.exchange for m in stored if m.origin == "live"}
            jobs = [_job_row(e, _room_of(rooms, e).id, now) for e in new if e.id in live]
            if jobs:
                conn.execute(sa.insert(job), jobs)
        return Delta(name, revision - 1, revision, tuple(stored))

    def _room(self, conn: sa.Connection, e: Exchange, now: datetime) -> _Room:
        """The conversation of an exchange, with the tail of what it holds."""
        process, session = e.scope.process or "", e.scope.session or ""
        found = conn.execute(
            sa.select(conversation.c.id).where(
                conversation.c.entity_id == e.scope.entity,
                conversation.c.process_id == process,
                conversation.c.session_id == session,
            )
        ).scalar()
        if found is None:
            found = new_id()
            row = {"entity_id": e.scope.entity, "id": found, "process_id": process, "session_id": session}
            conn.execute(sa.insert(conversation).values(**row, created_at=now))
            return _Room(found, [], 0)
        tail = (
            sa.select(message.c.role, message.c.digest, message.c.position)
            .where(message.c.entity_id == e.scope.entity, message.c.conversation_id == found)
            .order_by(message.c.position.desc())
            .limit(TAIL)
        )
        rows = conn.execute(tail).all()
        return _Room(found, [(r.role, r.digest) for r in reversed(rows)], rows[0].position + 1 if rows else 0)

    def _place(self, conn: sa.Connection, room: _Room, e: Exchange) -> list[StoredMessage]:
        """The messages of an exchange that are new, with their places in the conversation."""
        asked = [(n, m) for n, m in enumerate(e.request) if is_storable(m)]
        replied = [(n, m) for n, m in enumerate(e.reply, len(e.request)) if is_storable(m)]
        marks = [(m.role, digest_of(m)) for _, m in asked]
        if e.resent:
            digests = {mark for _, mark in marks}
            known = self._among(conn, e.scope.entity, message.c.digest, message.c.entity_id, digests)
            kept = new_messages(room.tail, marks, frozenset(known) | {mark for _, mark in room.tail})
        else:
            kept = [(i, "live") for i in range(len(asked))]
        chosen = [(*asked[i], origin) for i, origin in kept] + [(n, m, "live") for n, m in replied]
        made: list[StoredMessage] = []
        for n, m, origin in chosen:
            made.append(_stored(e, n, m, origin, room))
            room.add(m)
        return made

    def _among(
        self, conn: sa.Connection, name: str, column: sa.Column[str], owner: sa.Column[str], values: Iterable[str]
    ) -> list[str]:
        """Those of ``values`` that ``column`` holds for the entity."""
        found: list[str] = []
        rest = iter(values)
        while chunk := list(islice(rest, CHUNK)):
            found += conn.execute(sa.select(column).where(owner == name, column.in_(chunk)).distinct()).scalars()
        return found

    # ------------------------------------------------------------ jobs

    def claim(self, worker: str, limit: int, stale: Sequence[str] = ()) -> Sequence[Job]:
        with self._session.write() as conn:
            return queue.claim(conn, limit, stale)

    def heartbeat(self, leases: Sequence[str]) -> None:
        with self._session.write() as conn:
            queue.heartbeat(conn, leases)

    def leases(self) -> Mapping[str, int]:
        with self._session.read() as conn:
            return queue.leases(conn)

    def complete(self, results: Sequence[Augmentation], model: str | None) -> Sequence[Delta]:
        deltas: list[Delta] = []
        with self._session.write() as conn:
            by_entity: dict[str, list[Augmentation]] = defaultdict(list)
            for result in results:
                by_entity[result.job.entity].append(result)
            for name in sorted(by_entity):
                held = [r for r in by_entity[name] if queue.finish(conn, r.job)]
                if not any(r.facts or r.vectors for r in held):
                    continue
                revision = _bump(conn, name)
                for result in held:
                    for found in result.facts:
                        knowledge.write_fact(conn, name, revision, found)
                    if model is not None:
                        knowledge.write_vectors(conn, name, revision, model, result.vectors)
                deltas.append(self._load(conn, name, revision - 1, model))
        return deltas

    def fail(self, job: Job, reason: str, delay: float | None) -> None:
        with self._session.write() as conn:
            queue.fail(conn, job, reason, delay)

    def queue(self, until: str | None = None) -> QueueState:
        with self._session.read() as conn:
            return queue.state(conn, until)

    # ------------------------------------------------------------ reading

    def revision(self, entity: str) -> int:
        with self._session.read() as conn:
            return _revision(conn, entity)

    def load(self, entity: str, since: int, model: str | None) -> Delta:
        with self._session.read() as conn:
            return self._load(conn, entity, since, model)

    def _load(self, conn: sa.Connection, name: str, since: int, model: str | None) -> Delta:
        messages = MESSAGES.where(message.c.entity_id == name, message.c.revision > since)
        rows = conn.execute(messages.order_by(message.c.revision, message.c.conversation_id, message.c.position))
        vectors = sa.select(embedding).where(
            embedding.c.entity_id == name, embedding.c.revision > since, embedding.c.model == model
        )
        return Delta(
            entity=name,
            base=since,
            revision=_revision(conn, name),
            messages=[stored_message(r) for r in rows.mappings()],
            facts=self._facts(conn, name, since),
            vectors=[stored_vector(r) for r in conn.execute(vectors).mappings()] if model is not None else (),
        )

    def facts(self, entity: str, ended: bool = False) -> Sequence[StoredFact]:
        with self._session.read() as conn:
            return [f for f in self._facts(conn, entity, 0) if ended or f.valid_to is None]

    def _facts(self, conn: sa.Connection, name: str, since: int) -> list[StoredFact]:
        rows = conn.execute(FACTS.where(fact.c.entity_id == name, fact.c.revision > since).order_by(fact.c.said_at))
        found = rows.mappings().all()
        sources: dict[str, list[str]] = defaultdict(list)
        cited = sa.select(mention.c.fact_id, mention.c.message_id).where(mention.c.entity_id == name)
        ids = iter([row["id"] for row in found])
        while chunk := list(islice(ids, CHUNK)):
            part = cited.where(mention.c.fact_id.in_(chunk)).order_by(mention.c.said_at, mention.c.message_id)
            for fact_id, cited_id in conn.execute(part):
                sources[fact_id].append(cited_id)
        return [stored_fact(row, sources[row["id"]]) for row in found]

    def exchange_messages(self, entity: str, exchange: str) -> Sequence[StoredMessage]:
        query = MESSAGES.where(message.c.entity_id == entity, message.c.exchange_id == exchange)
        with self._session.read() as conn:
            return [stored_message(r) for r in conn.execute(query.order_by(message.c.position)).mappings()]

    def other_models(self, model: str) -> Sequence[str]:
        query = sa.select(embedding.c.model).where(embedding.c.model != model).distinct()
        with self._session.read() as conn:
            return sorted(conn.execute(query).scalars())

    def key(self) -> bytes:
        with self._session.read() as conn:
            found = conn.execute(sa.select(secret.c.value).where(secret.c.name == "fence")).scalar_one()
        return bytes.fromhex(found)


class _Room:
    """A conversation while a transaction adds to it."""

    def __init__(self, id: str, tail: list[tuple[str, str]], position: int) -> None:
        self.id, self.tail, self.position = id, tail, position

    def add(self, m: Message) -> None:
        self.tail.append((m.role, digest_of(m)))
        del self.tail[:-TAIL]
        self.position += 1


def _room_of(rooms: Mapping[str, _Room], e: Exchange) -> _Room:
    return rooms[f"{e.scope.process or ''}\0{e.scope.session or ''}"]


def _stored(e: Exchange, n: int, m: Message, origin: object, room: _Room) -> StoredMessage:
    return StoredMessage(
        id=message_id(e.id, n),
        conversation=room.id,
        exchange=e.id,
        position=room.position,
        role=m.role,
        text=m.text,
        said_at=m.said_at or e.said_at,
        speaker=m.speaker,
        parts=m.parts,
        origin="live" if origin == "live" else "history",
        process=e.scope.process,
        session=e.scope.session,
    )


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


def _bump(conn: sa.Connection, name: str) -> int:
    """The entity's next revision; holds its row until the commit, so that revisions appear in their order."""
    bumped = sa.update(entity).where(entity.c.entity_id == name).values(revision=entity.c.revision + 1)
    if conn.execute(bumped).rowcount == 0:
        conn.execute(sa.insert(entity).values(entity_id=name, revision=1, created_at=datetime.now(timezone.utc)))
    return _revision(conn, name)


def _revision(conn: sa.Connection, name: str) -> int:
    return conn.execute(sa.select(entity.c.revision).where(entity.c.entity_id == name)).scalar() or 0
