"""Memories in MongoDB: ``Memori("mongodb://host/database")``, or a ``MongoClient`` or ``Database`` of pymongo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from memori_wrap.protocols import QueueState, Store
from memori_wrap.rows.limits import fitted
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
from memori_wrap_adapters.stores import mongo_exchanges, mongo_facts, mongo_jobs, mongo_removal, mongo_transfer
from memori_wrap_adapters.stores.mongo_commits import Change, Commits, View
from memori_wrap_adapters.stores.mongo_database import database_of, location, prepare, settled, translated
from memori_wrap_adapters.stores.mongo_documents import EMBEDDING, EXCHANGE, FACT, HEAD, MESSAGE, PREFIX, Document

TEXT_LIMIT = 15 * 1024 * 1024
"""Bytes of a message's texts: a document has up to 16 MB."""


@translated
def open_store(target: object, *, durability: str = "normal") -> Store:
    """The store in the database of a URL, a client, or a database. See ``storage.OpenStore``."""
    database, client = database_of(target)
    try:
        return MongoStore(database, durability, client)
    except BaseException:
        if client is not None:
            client.close()
        raise


class MongoStore:
    """A ``Store``. ``client``: what is closed with it."""

    commits: type[Commits] = Commits

    def __init__(
        self, database: Database[Document], durability: str = "normal", client: MongoClient[Document] | None = None
    ) -> None:
        self._client = client
        self._key = prepare(database)
        self._database, durable = settled(database, durability)
        self._commits = self.commits(self._database, durable)
        self._jobs = mongo_jobs.Jobs(self._database, self._commits)
        self._unembedded = mongo_transfer.Unembedded(self._database, self._commits)
        self._location = location(database)
        self._last = ""  # the entity whose job was claimed last: the next claim begins behind it

    @property
    def location(self) -> tuple[str, ...]:
        return self._location

    def key(self) -> bytes:
        return self._key

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def leave(self) -> None:
        """Nothing: a client of pymongo's makes connections of its own in a forked child."""

    # ------------------------------------------------------------ capture

    @translated
    def capture(self, exchanges: Sequence[Exchange]) -> Sequence[Delta]:
        by_entity: dict[str, dict[str, Exchange]] = defaultdict(dict)
        for e in exchanges:
            by_entity[e.scope.entity].setdefault(e.id, fitted(e, TEXT_LIMIT))
        deltas: list[Delta] = []
        for name, given in by_entity.items():
            _, delta = self._commits.run(name, partial(mongo_exchanges.capture, exchanges=given))
            deltas += [delta] if delta is not None else []
        return deltas

    # ------------------------------------------------------------ jobs

    @translated
    def claim(self, worker: str, limit: int, stale: Sequence[str] = ()) -> Sequence[Job]:
        jobs = self._claim(limit, stale)
        if not jobs and (left := self._commits.unfinished()):
            for name in left:
                self._commits.head(name)  # what a process that died has left: there may be jobs in it
            jobs = self._claim(limit, stale)
        return jobs

    def _claim(self, limit: int, stale: Sequence[str]) -> Sequence[Job]:
        seen: set[str] = set()
        while True:
            names = [name for name in islice(self._jobs.in_turn(self._last), limit) if name not in seen]
            if not names:
                return []
            jobs = self._jobs.claim(limit, stale, names)
            self._last = jobs[-1].entity if jobs else names[-1]
            if jobs:
                return jobs
            seen.update(names)

    @translated
    def heartbeat(self, leases: Sequence[str]) -> None:
        self._jobs.heartbeat(leases)

    @translated
    def leases(self) -> Mapping[str, int]:
        return self._jobs.leases()

    @translated
    def complete(self, results: Sequence[Augmentation], model: str | None) -> Sequence[Delta]:
        by_entity: dict[str, list[Augmentation]] = defaultdict(list)
        for result in results:
            by_entity[result.job.entity].append(result)
        deltas: list[Delta] = []
        for name, given in by_entity.items():
            head, is_news = self._commits.run(name, partial(_completed, results=given, model=model))
            if is_news:
                deltas.append(self._load(name, head.last, model))
        return deltas

    @translated
    def fail(self, job: Job, reason: str, delay: float | None) -> None:
        self._jobs.fail(job, reason, delay)

    @translated
    def dead(self, limit: int = 100) -> Sequence[DeadJob]:
        return self._jobs.dead(limit)

    @translated
    def retry(self, exchanges: Sequence[str] | None = None) -> int:
        return self._jobs.retry(exchanges)

    @translated
    def queue(self, until: str | None = None) -> QueueState:
        return self._jobs.state(until)

    # ------------------------------------------------------------ reading

    @translated
    def revision(self, entity: str) -> int:
        found = self._database[PREFIX + HEAD].find_one({"_id": entity}, {"revision": 1})
        return found["revision"] if found is not None else 0

    @translated
    def load(self, entity: str, since: int, model: str | None) -> Delta:
        return self._load(entity, since, model)

    def _load(self, name: str, since: int, model: str | None) -> Delta:
        view = self._commits.view(name)
        head = view.head
        if since and head.stale >= since:
            since = 0  # what the reader knows may be gone: it begins anew
        # what a commit adds meanwhile belongs to the next revision; a fact that it changes comes once more then
        new = {"revision": {"$gt": since, "$lte": head.revision}}
        return Delta(
            entity=name,
            base=since,
            revision=head.revision,
            messages=mongo_exchanges.messages(view, new),
            facts=mongo_facts.facts(view, since),
            vectors=mongo_facts.vectors(view, {**new, "model": model}) if model is not None else (),
        )

    @translated
    def facts(self, entity: str, ended: bool = False) -> Sequence[StoredFact]:
        found = mongo_facts.facts(self._commits.view(entity), 0)
        return [f for f in found if ended or f.valid_to is None]

    @translated
    def exchange_messages(self, entity: str, exchange: str) -> Sequence[StoredMessage]:
        return mongo_exchanges.messages(self._commits.view(entity), {"exchange_id": exchange})

    @translated
    def other_models(self, model: str) -> Sequence[str]:
        return sorted(self._database[PREFIX + EMBEDDING].distinct("model", {"model": {"$ne": model}}))

    @translated
    def entities(self, after: str = "", limit: int = 500) -> Sequence[str]:
        heads = self._database[PREFIX + HEAD].find({"_id": {"$gt": after}}, {"_id": 1})
        return [head["_id"] for head in heads.sort("_id").limit(limit)]

    # ------------------------------------------------------------ taking away, moving, reindexing

    @translated
    def erase(self, entity: str) -> Erased:
        _, counts = self._commits.run(entity, _erased)
        return Erased(messages=counts[MESSAGE], facts=counts[FACT], vectors=counts[EMBEDDING], jobs=counts[EXCHANGE])

    @translated
    def expire(self, entity: str, before: datetime) -> int:
        return self._commits.run(entity, partial(mongo_removal.expire, before=before))[1]

    @translated
    def page(self, table: str, entity: str, after: Sequence[str] | None) -> Sequence[Mapping[str, Any]]:
        return mongo_transfer.page(self._commits.view(entity), table, after)

    @translated
    def insert(self, entity: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> int:
        return self._commits.run(entity, partial(mongo_transfer.insert, rows=rows))[1]

    @translated
    def unembedded(
        self, model: str, after: tuple[str, str], limit: int
    ) -> tuple[Sequence[tuple[str, StoredMessage, StoredMessage | None]], tuple[str, str] | None]:
        return self._unembedded.messages(model, after, limit)

    @translated
    def unembedded_facts(self, model: str, after: tuple[str, str], limit: int) -> Sequence[tuple[str, str, str]]:
        return self._unembedded.facts(model, after, limit)

    @translated
    def embed(self, entity: str, model: str, vectors: Sequence[StoredVector]) -> None:
        self._commits.run(entity, partial(_embedded, model=model, vectors=vectors))

    @translated
    def forget_models(self, model: str) -> int:
        return self._database[PREFIX + EMBEDDING].delete_many({"model": {"$ne": model}}).deleted_count


def _completed(view: View, results: Sequence[Augmentation], model: str | None) -> tuple[Change | None, bool]:
    """Ends the jobs that are still held, with what was found out; whether that is news to a reader."""
    still = mongo_jobs.held(view, [r.job for r in results])
    held = [r for r in results if r.job.exchange in still]
    change = Change(is_news=any(r.facts or r.vectors for r in held))
    for result in held:
        mongo_jobs.finish(change, result.job.exchange)
    mongo_facts.write_facts(view, change, [f for r in held for f in r.facts])
    if model is not None:
        mongo_facts.write_vectors(view, change, model, [v for r in held for v in r.vectors])
    return change if held else None, bool(held) and change.is_news


def _embedded(view: View, model: str, vectors: Sequence[StoredVector]) -> tuple[Change | None, None]:
    change = Change()
    mongo_facts.write_vectors(view, change, model, vectors)
    return change if view.head.exists and change.writes else None, None


def _erased(view: View) -> tuple[Change, dict[str, int]]:
    counts = {name: view.count(name) for name in (MESSAGE, FACT, EMBEDDING)}
    counts[EXCHANGE] = view.count(EXCHANGE, {"job.dead": {"$in": [True, False]}})
    return Change(is_news=False, removes=True, erases=True), counts
