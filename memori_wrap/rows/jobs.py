"""Which jobs may be taken, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, TypeVar

from memori_wrap.types import Job, StoredMessage

LOOK = 64
"""Jobs of one entity that are looked at for one claim."""
BACKOFF_CAP = timedelta(minutes=5)
BEFORE = 2
"""Messages before an exchange that come with its job, as context."""

Row = TypeVar("Row", bound=Mapping[Any, Any])
T = TypeVar("T")


def free(rows: Iterable[Row], stale: Sequence[str], now: datetime) -> list[Row]:
    """Those of an entity's jobs, oldest first, that wait.

    A conversation of which an earlier job is held or delayed waits its turn.
    """
    held: set[str] = set()
    found: list[Row] = []
    for row in rows:
        is_held = row["lease"] is not None and row["lease"] not in stale
        # a wall clock that was set back must not delay a job by more than the longest pause
        is_delayed = row["not_before"] is not None and now < row["not_before"] < now + BACKOFF_CAP
        if is_held or is_delayed:
            held.add(row["conversation_id"])
        elif row["conversation_id"] not in held:
            found.append(row)
    return found


def in_turn(waiting: Iterable[Sequence[T]], limit: int) -> list[T]:
    """One of each, then the next of each: who has many jobs delays the others by one of them at a time."""
    rounds = zip_longest(*waiting)
    return [row for round in rounds for row in round if row is not None][:limit]


def leased(row: Mapping[Any, Any], lease: str, own: Sequence[StoredMessage], before: Sequence[StoredMessage]) -> Job:
    """The job as its worker gets it. ``own``: the exchange's live messages; ``before``: those just before them."""
    return Job(
        exchange=row["exchange_id"],
        entity=row["entity_id"],
        conversation=row["conversation_id"],
        lease=lease,
        attempts=row["attempts"] + 1,
        messages=tuple(own),
        before=tuple(before),
    )
