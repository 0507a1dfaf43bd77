"""The job queue in the database: claims by lease, fenced by the lease's token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa

from memori_wrap.ids import new_id
from memori_wrap.protocols import QueueState
from memori_wrap.rows import jobs
from memori_wrap.rows.records import stored_message
from memori_wrap.store.rows import MESSAGES
from memori_wrap.store.tables import entity, job, message
from memori_wrap.types import DeadJob, Job

_NEXT = (
    sa.select(job.c.entity_id)
    .where(job.c.dead == sa.false(), job.c.entity_id > sa.bindparam("after", type_=job.c.entity_id.type))
    .order_by(job.c.entity_id, job.c.exchange_id)
    .limit(1)
)


def claim(conn: sa.Connection, limit: int, stale: Sequence[str], names: Sequence[str]) -> list[Job]:
    """Leases jobs of these entities, each entity's oldest first, one entity after the other.

    In turn, so that one with many jobs delays the others by one of them at a time. A conversation of which an earlier
    job is held or delayed waits its turn. Nothing is read here before all locks are taken: MariaDB shows what there was
    at the first reading, and a job whose messages came after that would seem to have none.
    """
    waiting: list[list[sa.RowMapping]] = []
    for name in names:
        if lock(conn, name) and (rows := _waiting(conn, name, stale)):
            waiting.append(rows[:limit])
        if len(waiting) == limit:
            break
    return [_lease(conn, row) for row in jobs.in_turn(waiting, limit)]


def in_turn(conn: sa.Connection, after: str) -> Iterator[str]:
    """The entities with jobs behind ``after``, around the end and back to it: a step over an index for each."""
    start, is_round = after, False
    while True:
        name = conn.execute(_NEXT, {"after": after}).scalar()
        if name is None and not is_round and start:
            after, is_round = "", True
            continue
        if name is None or (is_round and name > start):
            return
        yield name
        after = name


def lock(conn: sa.Connection, name: str) -> bool:
    """Takes the entity's row until the commit; False where another transaction has it.

    Whoever writes an entity's jobs takes it first: two can never wait for each other.
    """
    row = sa.select(entity.c.entity_id).where(entity.c.entity_id == name).with_for_update(skip_locked=True)
    return conn.execute(row).first() is not None


def _waiting(conn: sa.Connection, name: str, stale: Sequence[str]) -> list[sa.RowMapping]:
    query = sa.select(job).where(job.c.entity_id == name, job.c.dead == sa.false())
    rows = conn.execute(query.order_by(job.c.exchange_id).limit(jobs.LOOK).with_for_update()).mappings()
    return jobs.free(rows, stale, datetime.now(timezone.utc))


def _lease(conn: sa.Connection, row: sa.RowMapping) -> Job:
    lease = new_id()
    name, exchange, conversation = row["entity_id"], row["exchange_id"], row["conversation_id"]
    conn.execute(_one(name, exchange).values(lease=lease, heartbeat=0, attempts=row["attempts"] + 1))
    own = MESSAGES.where(message.c.entity_id == name, message.c.exchange_id == exchange, message.c.origin == "live")
    messages = [stored_message(r) for r in conn.execute(own.order_by(message.c.position)).mappings()]
    before = MESSAGES.where(
        message.c.entity_id == name,
        message.c.conversation_id == conversation,
        message.c.position < (messages[0].position if messages else 0),
    )
    rows = conn.execute(before.order_by(message.c.position.desc()).limit(jobs.BEFORE)).mappings().all()
    return jobs.leased(row, lease, messages, [stored_message(r) for r in reversed(rows)])


def _one(name: str, exchange: str) -> sa.Update:
    return sa.update(job).where(job.c.entity_id == name, job.c.exchange_id == exchange)


def leases(conn: sa.Connection) -> dict[str, int]:
    query = sa.select(job.c.lease, job.c.heartbeat).where(job.c.lease.is_not(None))
    return dict(conn.execute(query).all())


def heartbeat(conn: sa.Connection, lease: str) -> None:
    conn.execute(sa.update(job).where(job.c.lease == lease).values(heartbeat=job.c.heartbeat + 1))


def finish(conn: sa.Connection, done: Job) -> bool:
    """Ends the job; False where another worker has taken it over: then nothing may be written for it."""
    query = sa.delete(job).where(
        job.c.entity_id == done.entity, job.c.exchange_id == done.exchange, job.c.lease == done.lease
    )
    return conn.execute(query).rowcount == 1


def fail(conn: sa.Connection, failed: Job, reason: str, delay: float | None) -> None:
    """Gives the lease back, to be tried again after ``delay`` seconds; None: the job is dead."""
    later = None if delay is None else datetime.now(timezone.utc) + timedelta(seconds=delay)
    query = _one(failed.entity, failed.exchange).where(job.c.lease == failed.lease)
    conn.execute(query.values(lease=None, not_before=later, dead=delay is None, reason=reason[:500]))


def dead(conn: sa.Connection, limit: int) -> list[DeadJob]:
    """The newest jobs that were given up on."""
    query = sa.select(job).where(job.c.dead == sa.true()).order_by(job.c.exchange_id.desc()).limit(limit)
    return [
        DeadJob(row["exchange_id"], row["entity_id"], row["reason"] or "", row["attempts"], row["created_at"])
        for row in conn.execute(query).mappings()
    ]


def retry(conn: sa.Connection, exchanges: Sequence[str] | None) -> int:
    """Makes dead jobs waiting ones, all or those of the exchanges; how many."""
    query = sa.update(job).where(job.c.dead == sa.true())
    if exchanges is not None:
        query = query.where(job.c.exchange_id.in_(exchanges))
    return conn.execute(query.values(dead=False, attempts=0, not_before=None, reason=None, lease=None)).rowcount


def state(conn: sa.Connection, until: str | None) -> QueueState:
    query = sa.select(job.c.dead, sa.func.count(), sa.func.min(job.c.created_at, type_=job.c.created_at.type))
    if until is not None:
        query = query.where(job.c.exchange_id <= until)
    found = {bool(dead): (n, oldest) for dead, n, oldest in conn.execute(query.group_by(job.c.dead))}
    pending, oldest = found.get(False, (0, None))
    age = (datetime.now(timezone.utc) - oldest).total_seconds() if oldest is not None else 0.0
    return QueueState(pending, found.get(True, (0, None))[0], max(0.0, age))
