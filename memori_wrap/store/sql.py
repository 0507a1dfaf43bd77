"""The store on any SQL database. One transaction a method; what it stores is decided in ``rows``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from memori_wrap.protocols import QueueState
from memori_wrap.rows.limits import fitted
from memori_wrap.rows.records import stored_fact, stored_message, stored_vector
from memori_wrap.store import knowledge, queue, removal, transfer
from memori_wrap.store.capture import CHUNK, bump, capture, hold, revision
from memori_wrap.store.conflicts import repeated
from memori_wrap.store.connect import Connection
from memori_wrap.store.item_store import SqlItems
from memori_wrap.store.limits import ESCAPED, statement_limit
from memori_wrap.store.rows import FACTS, MESSAGES
from memori_wrap.store.schema import prepare
from memori_wrap.store.session import Session
from memori_wrap.store.tables import embedding, entity, fact, job, mention, message, secret
from memori_wrap.types import (
    Augmentation,
    DeadJob,
    Delta,
    Erased,
    Exchange,
    Job,
    StoredFact,
    StoredMessage,
    StoredVector,
)


class SqlStore(SqlItems):
    """A ``Store`` on an engine. Opening it creates or upgrades the tables."""

    def __init__(self, connection: Connection, durability: str = "normal") -> None:
        self._session = Session(connection)
        self._is_in_memory = connection.owned and connection.shared
        self._last = ""  # the entity whose job was claimed last: the next claim begins behind it
        try:
            prepare(self._session, durability, owned=connection.owned)
            self._limit = statement_limit(self._session)
        except BaseException:
            self._session.close()  # nobody else would
            raise

    def close(self) -> None:
        self._session.close()

    def leave(self) -> None:
        self._session.engine.dispose(close=False)

    @property
    def location(self) -> tuple[str, ...]:
        """The URL without its password, and the schema; nothing for a database in memory."""
        if self._is_in_memory:
            return ()
        where = (self._session.engine.url.render_as_string(hide_password=True), self._session.schema)
        return tuple(part for part in where if part)

    # ------------------------------------------------------------ capture

    @repeated
    def capture(self, exchanges: Sequence[Exchange]) -> Sequence[Delta]:
        by_entity: dict[str, dict[str, Exchange]] = defaultdict(dict)
        for e in exchanges:
            by_entity[e.scope.entity].setdefault(e.id, e if self._limit is None else fitted(e, self._limit, ESCAPED))
        with self._session.write() as conn:
            # entities in one order everywhere: two writers cannot wait for each other
            return [d for name in sorted(by_entity) if (d := capture(conn, name, by_entity[name]))]

    # ------------------------------------------------------------ jobs

    @repeated
    def claim(self, worker: str, limit: int, stale: Sequence[str] = ()) -> Sequence[Job]:
        seen: set[str] = set()
        while True:
            with self._session.read() as conn:
                names = [name for name in islice(queue.in_turn(conn, self._last), limit) if name not in seen]
            if not names:
                return []
            with self._session.write() as conn:
                jobs = queue.claim(conn, limit, stale, names)
            self._last = jobs[-1].entity if jobs else names[-1]
            if jobs:
                return jobs
            seen.update(names)

    def heartbeat(self, leases: Sequence[str]) -> None:
        for lease in leases:  # a transaction for each: rows of several entities would be locked in any order
            with self._session.write() as conn:
                queue.heartbeat(conn, lease)

    def leases(self) -> Mapping[str, int]:
        with self._session.read() as conn:
            return queue.leases(conn)

    @repeated
    def complete(self, results: Sequence[Augmentation], model: str | None) -> Sequence[Delta]:
        deltas: list[Delta] = []
        with self._session.write() as conn:
            by_entity: dict[str, list[Augmentation]] = defaultdict(list)
            for result in results:
                by_entity[result.job.entity].append(result)
            for name in sorted(by_entity):
                hold(conn, name)
                held = [r for r in by_entity[name] if queue.finish(conn, r.job)]
                if not any(r.facts or r.vectors for r in held):
                    continue
                revision = bump(conn, name)
                for result in held:
                    for found in result.facts:
                        knowledge.write_fact(conn, name, revision, found)
                    if model is not None:
                        knowledge.write_vectors(conn, name, revision, model, result.vectors)
                deltas.append(self._load(conn, name, revision - 1, model))
        return deltas

    @repeated
    def fail(self, job: Job, reason: str, delay: float | None) -> None:
        with self._session.write() as conn:
            queue.fail(conn, job, reason, delay)

    def dead(self, limit: int = 100) -> Sequence[DeadJob]:
        with self._session.read() as conn:
            return queue.dead(conn, limit)

    @repeated
    def retry(self, exchanges: Sequence[str] | None = None) -> int:
        with self._session.write() as conn:
            return queue.retry(conn, exchanges)

    def queue(self, until: str | None = None) -> QueueState:
        with self._session.read() as conn:
            return queue.state(conn, until)

    # ------------------------------------------------------------ reading

    def revision(self, entity: str) -> int:
        with self._session.read() as conn:
            return revision(conn, entity)

    def load(self, entity: str, since: int, model: str | None) -> Delta:
        with self._session.read() as conn:
            return self._load(conn, entity, since, model)

    def _load(self, conn: sa.Connection, name: str, since: int, model: str | None) -> Delta:
        if since and removal.removed(conn, name).revision >= since:
            since = 0  # what the reader knows may be gone: it begins anew
        # first: where each statement has a view of its own, newer rows come once more with the next delta, and none
        # stays behind a revision that was read after it
        now = revision(conn, name)
        messages = MESSAGES.where(message.c.entity_id == name, message.c.revision > since)
        in_order = messages.order_by(message.c.revision, message.c.conversation_id, message.c.position)
        rows = conn.execute(in_order).mappings().all()  # before the next statement: some drivers hold one result
        vectors = sa.select(embedding).where(
            embedding.c.entity_id == name, embedding.c.revision > since, embedding.c.model == model
        )
        return Delta(
            entity=name,
            base=since,
            revision=now,
            messages=[stored_message(r) for r in rows],
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

    # ------------------------------------------------------------ taking away, moving, reindexing

    def entities(self, after: str = "", limit: int = CHUNK) -> Sequence[str]:
        query = sa.select(entity.c.entity_id).where(entity.c.entity_id > after).order_by(entity.c.entity_id)
        with self._session.read() as conn:
            return list(conn.execute(query.limit(limit)).scalars())

    @repeated
    def erase(self, entity: str) -> Erased:
        with self._session.scrubbing() as conn:
            counts = removal.erase(conn, entity)
        return Erased(
            messages=counts[message.name],
            facts=counts[fact.name],
            vectors=counts[embedding.name],
            jobs=counts[job.name],
            scrubbed=self._session.scrub(),
        )

    @repeated
    def expire(self, entity: str, before: datetime) -> int:
        with self._session.scrubbing() as conn:
            return removal.expire(conn, entity, before)

    def page(self, table: str, entity: str, after: Sequence[str] | None) -> Sequence[Mapping[str, Any]]:
        with self._session.read() as conn:
            return transfer.page(conn, table, entity, after)

    @repeated
    def insert(self, entity: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> int:
        with self._session.write() as conn:
            return transfer.insert(conn, entity, rows)

    def unembedded(
        self, model: str, after: tuple[str, str], limit: int
    ) -> tuple[Sequence[tuple[str, StoredMessage, StoredMessage | None]], tuple[str, str] | None]:
        with self._session.read() as conn:
            return knowledge.unembedded(conn, model, after, limit)

    def unembedded_facts(self, model: str, after: tuple[str, str], limit: int) -> Sequence[tuple[str, str, str]]:
        with self._session.read() as conn:
            return knowledge.unembedded_facts(conn, model, after, limit)

    @repeated
    def embed(self, entity: str, model: str, vectors: Sequence[StoredVector]) -> None:
        with self._session.write() as conn:
            knowledge.write_vectors(conn, entity, bump(conn, entity), model, vectors)

    @repeated
    def forget_models(self, model: str) -> int:
        query = sa.delete(embedding).where(embedding.c.model != model)
        with self._session.write() as conn:
            return conn.execute(query).rowcount

    def key(self) -> bytes:
        with self._session.read() as conn:
            found = conn.execute(sa.select(secret.c.value).where(secret.c.name == "fence")).scalar_one()
        return bytes.fromhex(found)
