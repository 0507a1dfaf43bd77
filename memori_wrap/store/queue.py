"""The job queue in the database: claims by lease, fenced by the lease's token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa

from memori_wrap.ids import new_id
from memori_wrap.protocols import QueueState
from memori_wrap.store.rows import MESSAGES, stored_message
from memori_wrap.store.tables import job, message
from memori_wrap.types import Job

WINDOW = 512
"""Jobs looked at for one claim."""
BACKOFF_CAP = timedelta(minutes=5)
BEFORE = 2
"""Messages before an exchange that come with its job, as context."""


def claim(conn: sa.Connection, limit: int, stale: Sequence[str]) -> list[Job]:
    """Leases jobs, oldest first. A conversation of which an earlier job is held or delayed waits its turn."""
    now = datetime.now(timezone.utc)
    query = sa.select(job).where(job.c.dead == sa.false()).order_by(job.c.exchange_id).limit(WINDOW)
    held: set[str] = set()
    chosen: list[sa.RowMapping] = []
    for row in conn.execute(query.with_for_update(skip_locked=True)).mappings():
        is_held = row["lease"] is not None and row["lease"] not in stale
        # a wall clock that was set back must not delay a job by more than the longest pause
        is_delayed = row["not_before"] is not None and now < row["not_before"] < now + BACKOFF_CAP
        if is_held or is_delayed:
            held.add(row["conversation_id"])
        elif row["conversation_id"] not in held and len(chosen) < limit:
            chosen.append(row)
    return [_lease(conn, row) for row in chosen]


def _lease(conn: sa.Connection, row: sa.RowMapping) -> Job:
    lease = new_id()
    entity, exchange, conversation = row["entity_id"], row["exchange_id"], row["conversation_id"]
    conn.execute(_one(entity, exchange).values(lease=lease, heartbeat=0, attempts=row["attempts"] + 1))
    own = MESSAGES.where(message.c.entity_id == entity, message.c.exchange_id == exchange, message.c.origin == "live")
    messages = [stored_message(r) for r in conn.execute(own.order_by(message.c.position)).mappings()]
    before = MESSAGES.where(
        message.c.entity_id == entity,
        message.c.conversation_id == conversation,
        message.c.position < (messages[0].position if messages else 0),
    )
    rows = conn.execute(before.order_by(message.c.position.desc()).limit(BEFORE)).mappings().all()
    return Job(
        exchange=exchange,
        entity=entity,
        conversation=conversation,
        lease=lease,
        attempts=row["attempts"] + 1,
        messages=tuple(messages),
        before=tuple(stored_message(r) for r in reversed(rows)),
    )


def _one(entity: str, exchange: str) -> sa.Update:
    return sa.update(job).where(job.c.entity_id == entity, job.c.exchange_id == exchange)


def leases(conn: sa.Connection) -> dict[str, int]:
    query = sa.select(job.c.lease, job.c.heartbeat).where(job.c.lease.is_not(None), job.c.dead == sa.false())
    return dict(conn.execute(query).all())


def heartbeat(conn: sa.Connection, held: Sequence[str]) -> None:
    conn.execute(sa.update(job).where(job.c.lease.in_(held)).values(heartbeat=job.c.heartbeat + 1))


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


def state(conn: sa.Connection, until: str | None) -> QueueState:
    query = sa.select(job.c.dead, sa.func.count(), sa.func.min(job.c.created_at, type_=job.c.created_at.type))
    if until is not None:
        query = query.where(job.c.exchange_id <= until)
    found = {bool(dead): (n, oldest) for dead, n, oldest in conn.execute(query.group_by(job.c.dead))}
    pending, oldest = found.get(False, (0, None))
    age = (datetime.now(timezone.utc) - oldest).total_seconds() if oldest is not None else 0.0
    return QueueState(pending, found.get(True, (0, None))[0], max(0.0, age))
