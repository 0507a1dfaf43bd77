"""The job queue: a job is a part of its exchange, and whoever leases or ends one commits to its entity.

So a lease cannot be taken over between the look at it and the writing of what was found out under it. What concerns
one document alone, a heartbeat or a job given back, needs no commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from pymongo.database import Database

from memori_wrap.ids import new_id
from memori_wrap.protocols import QueueState
from memori_wrap.rows import jobs
from memori_wrap.types import DeadJob, Job
from memori_wrap_adapters.stores.mongo_commits import Change, Commits, View
from memori_wrap_adapters.stores.mongo_documents import EXCHANGE, MESSAGE, PREFIX, Document, job_row, moment
from memori_wrap_adapters.stores.mongo_exchanges import joined


class Jobs:
    def __init__(self, database: Database[Document], commits: Commits) -> None:
        self._exchanges, self._commits = database[PREFIX + EXCHANGE], commits

    def claim(self, limit: int, stale: Sequence[str], names: Sequence[str]) -> list[Job]:
        """Leases jobs of these entities, each entity's oldest first, one entity after the other."""
        waiting = {name: _waiting(self._commits.view(name), stale)[:limit] for name in names}
        chosen = jobs.in_turn([rows for rows in waiting.values() if rows], limit)
        leased: dict[tuple[str, str], Job] = {}
        for name in dict.fromkeys(row["entity_id"] for row in chosen):
            wanted = {row["exchange_id"] for row in chosen if row["entity_id"] == name}
            _, (view, taken) = self._commits.run(name, partial(_leases, stale=stale, wanted=wanted))
            leased |= {(name, row["exchange_id"]): _job(view, row, lease) for row, lease in taken}
        places = [(row["entity_id"], row["exchange_id"]) for row in chosen]
        return [leased[place] for place in places if place in leased]

    def in_turn(self, after: str) -> Iterator[str]:
        """The entities with jobs behind ``after``, around the end and back to it: a step over an index for each."""
        start, is_round = after, False
        while True:
            query = {"job.dead": False, "entity_id": {"$gt": after}}
            found = self._exchanges.find_one(query, {"entity_id": 1}, sort=[("entity_id", 1)])
            name = found["entity_id"] if found is not None else None
            if name is None and not is_round and start:
                after, is_round = "", True
                continue
            if name is None or (is_round and name > start):
                return
            yield name
            after = name

    def leases(self) -> dict[str, int]:
        found = self._exchanges.find({"job.lease": {"$gt": ""}}, {"job.lease": 1, "job.heartbeat": 1})
        return {e["job"]["lease"]: e["job"]["heartbeat"] for e in found}

    def heartbeat(self, leases: Sequence[str]) -> None:
        self._exchanges.update_many({"job.lease": {"$in": list(leases)}}, {"$inc": {"job.heartbeat": 1}})

    def fail(self, failed: Job, reason: str, delay: float | None) -> None:
        """Gives the lease back, to be tried again after ``delay`` seconds; None: the job is dead."""
        later = None if delay is None else moment(datetime.now(timezone.utc) + timedelta(seconds=delay))
        self._exchanges.update_one(
            {"entity_id": failed.entity, "id": failed.exchange, "job.lease": failed.lease},
            {"$set": _job_fields(lease=None, not_before=later, dead=delay is None, reason=reason[:500])},
        )

    def dead(self, limit: int) -> list[DeadJob]:
        found = [job_row(e) for e in self._exchanges.find({"job.dead": True}).sort("id", -1).limit(limit)]
        return [
            DeadJob(row["exchange_id"], row["entity_id"], row["reason"] or "", row["attempts"], row["created_at"])
            for row in found
        ]

    def retry(self, exchanges: Sequence[str] | None) -> int:
        """Makes dead jobs waiting ones, all or those of the exchanges; how many."""
        which: Document = {"job.dead": True}
        if exchanges is not None:
            which["id"] = {"$in": list(exchanges)}
        fresh = _job_fields(dead=False, attempts=0, not_before=None, reason=None, lease=None)
        return self._exchanges.update_many(which, {"$set": fresh}).modified_count

    def state(self, until: str | None) -> QueueState:
        which: Document = {"job.dead": {"$in": [True, False]}}
        if until is not None:
            which["id"] = {"$lte": until}
        group = {"_id": "$job.dead", "n": {"$sum": 1}, "oldest": {"$min": "$job.created_at"}}
        found = {row["_id"]: row for row in self._exchanges.aggregate([{"$match": which}, {"$group": group}])}
        now = moment(datetime.now(timezone.utc))
        age = (now - found[False]["oldest"]) / 1_000_000 if False in found else 0.0
        pending, dead = (found[is_dead]["n"] if is_dead in found else 0 for is_dead in (False, True))
        return QueueState(pending, dead, max(0.0, age))


def held(view: View, done: Sequence[Job]) -> set[str]:
    """The exchanges whose jobs are still leased to who says that they are done."""
    leases = {job.exchange: job.lease for job in done}
    found = view.among(EXCHANGE, "id", leases, "id", "job")
    return {e["id"] for e in found if e["job"] is not None and e["job"]["lease"] == leases[e["id"]]}


def finish(change: Change, exchange: str) -> None:
    change.set(EXCHANGE, {"id": exchange}, {"job": None})


def _job_fields(**values: object) -> Document:
    return {f"job.{name}": value for name, value in values.items()}


def _waiting(view: View, stale: Sequence[str]) -> list[Document]:
    found = view.find(EXCHANGE, {"job.dead": False}, "entity_id", "id", "conversation_id", "job")
    rows = [job_row(e) for e in found.sort("id").limit(jobs.LOOK)]
    return jobs.free(rows, stale, datetime.now(timezone.utc))


def _leases(
    view: View, stale: Sequence[str], wanted: set[str]
) -> tuple[Change | None, tuple[View, list[tuple[Document, str]]]]:
    taken = [(row, new_id()) for row in _waiting(view, stale) if row["exchange_id"] in wanted]
    change = Change(is_news=False)
    for row, lease in taken:
        fields = _job_fields(lease=lease, heartbeat=0, attempts=row["attempts"] + 1)
        change.set(EXCHANGE, {"id": row["exchange_id"]}, fields)
    return change if taken else None, (view, taken)


def _job(view: View, row: Mapping[str, Any], lease: str) -> Job:
    own = joined(view, list(view.find(MESSAGE, {"exchange_id": row["exchange_id"], "origin": "live"}).sort("position")))
    first = own[0].position if own else 0
    earlier = view.find(MESSAGE, {"conversation_id": row["conversation_id"], "position": {"$lt": first}})
    before = list(earlier.sort("position", -1).limit(jobs.BEFORE))
    return jobs.leased(row, lease, own, joined(view, before[::-1]))
