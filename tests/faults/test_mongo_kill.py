"""MongoDB without transactions: killed after any write, nothing is lost and nothing is doubled."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import datetime, timezone

import numpy as np
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandSucceededEvent

from memori_wrap.ids import new_id
from memori_wrap.types import Augmentation, Exchange, Fact, Job, Message, ResolvedFact, Scope, StoredVector, Triple
from memori_wrap_adapters.stores.mongo import MongoStore
from memori_wrap_adapters.stores.mongo_commits import Change, Commits, Head
from memori_wrap_adapters.stores.mongo_documents import HEAD, KEYS, PART, PREFIX
from tests.support.mongo import mongodb, mongodb_url

__all__ = ["mongodb", "mongodb_url"]

NOW = datetime(2026, 5, 31, tzinfo=timezone.utc)
WRITES = ("insert", "update", "delete", "findAndModify")
LONG = "tea " * 100_000
"""More than a head takes: it goes through parts."""
VECTOR = np.array([0.6, 0.8], dtype=np.float32)


class KillAfter(CommandListener):
    """Counts writes that the server has acknowledged; after so many the process is gone."""

    def __init__(self, limit: int) -> None:
        self.count, self.limit = 0, limit

    def started(self, event: object) -> None:
        pass

    failed = started

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name in WRITES:
            self.count += 1
            if self.count == self.limit:
                os.kill(os.getpid(), signal.SIGKILL)


class PublishedFirst(Commits):
    """Planted: the revision first, and then what belongs to it, with no note of what is still to be done."""

    def commit(self, head: Head, change: Change) -> bool:
        version = head.version + 1
        if change.erases:
            return super().commit(head, change)
        fields = {"revision": head.last + 1, "version": version}
        if head.exists:
            self._heads.update_one({"_id": head.name, "version": head.version}, {"$set": fields})
        else:
            blank = {"born": head.born, "stale": head.stale, "floor": head.floor}
            self._heads.insert_one({"_id": head.name, **blank, **fields})
        for write in change.writes:
            self.apply(head.name, version, [write.noted()])
        return True


class Run:
    """The life of two exchanges of one entity, which may end at any write, and what a next process makes of it."""

    def __init__(self, url: str, commits: type[Commits]) -> None:
        self._url, self._commits = url, commits
        self.entity = new_id()
        scope = Scope(self.entity, None, "s")
        said = [("I like tea", "fine"), (LONG, "ok")]
        self.exchanges = [
            Exchange(new_id(), scope, (Message("user", a),), (Message("assistant", b),), NOW, resent=False)
            for a, b in said
        ]

    def open(self, listener: KillAfter | None = None) -> MongoStore:
        listeners = [listener] if listener is not None else []
        client: MongoClient[dict[str, object]] = MongoClient(self._url, event_listeners=listeners)
        kind = type("Store", (MongoStore,), {"commits": self._commits})
        store: MongoStore = kind(client.get_default_database(), "normal", client)
        return store

    def live(self, store: MongoStore, wording: str) -> None:
        """What is not stored is, what is not worked on is: once, and in whatever words an LLM finds this time."""
        for e in self.exchanges:
            store.capture([e])
        while jobs := [j for j in store.claim("w", 1, list(store.leases())) if j.entity == self.entity]:
            store.complete([augmented(job, wording) for job in jobs], "m")

    def killed_after(self, writes: int) -> bool:
        child = os.fork()
        if child == 0:
            try:
                self.live(self.open(KillAfter(writes)), "first")
            finally:
                os._exit(3)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    def verdict(self) -> list[str]:
        """What a next process finds wrong when it has gone on."""
        store = self.open()
        known = store.load(self.entity, 0, "m")
        self.live(store, "second")
        after, delta = store.load(self.entity, 0, "m"), store.load(self.entity, known.revision, "m")
        wrong: list[str] = []
        if [(m.position, m.text) for m in after.messages] != list(enumerate(["I like tea", "fine", LONG, "ok"])):
            wrong.append(f"messages: {[(m.position, m.text[:10]) for m in after.messages]}")
        for e in self.exchanges:
            about = [f for f in after.facts if e.id in f.id]
            if len(about) != 1 or about[0].mentions != 1 or len(about[0].sources) != 1:
                wrong.append(f"facts: {[(f.id, f.mentions) for f in about]}")
        if len(after.vectors) != 2:
            wrong.append(f"vectors: {len(after.vectors)}")
        if {m.id for m in (*known.messages, *delta.messages)} != {m.id for m in after.messages}:
            wrong.append("a reader that follows has other messages than one that begins anew")
        if store.queue(self.exchanges[1].id).pending:
            wrong.append("jobs are left")
        store.erase(self.entity)
        wrong += [f"left of what was erased: {n} {name}" for name, n in remains(self._url, self.entity).items()]
        store.close()
        return wrong


def remains(url: str, entity: str) -> dict[str, int]:
    """Documents of an entity, however they are marked."""
    with MongoClient[dict[str, object]](url) as client:
        database = client.get_default_database()
        found = {name: database[PREFIX + name].count_documents({"entity_id": entity}) for name in (*KEYS, PART)}
        found[HEAD] = database[PREFIX + HEAD].count_documents({"_id": entity})
    return {name: n for name, n in found.items() if n}


def augmented(job: Job, wording: str) -> Augmentation:
    if not job.messages:
        return Augmentation(job)  # of the planted order: a job without what it is about
    text = job.messages[0].text[:10]
    found = Fact(f"{wording}: {text}", text, Triple("user", wording, job.exchange), "preference", "test")
    fact = ResolvedFact(f"{wording}/{job.exchange}", job.messages[0].id, NOW, found)
    return Augmentation(job, [fact], [StoredVector(job.messages[0].id, VECTOR)])


def verdicts(url: str, commits: type[Commits]) -> Iterator[tuple[int, list[str]]]:
    """What went wrong, by the write after which the process was killed; as many as a whole life has."""
    Run(url, Commits).open().close()  # the indexes are made
    for writes in range(1, 200):
        run = Run(url, commits)
        is_killed = run.killed_after(writes)
        yield writes, run.verdict()
        if not is_killed:
            return
    raise AssertionError("it never came to its end")


def test_killed_after_any_write(mongodb_url: str) -> None:
    found = dict(verdicts(mongodb_url, Commits))
    assert len(found) > 20, "fewer kills than there are steps"
    assert {n: wrong for n, wrong in found.items() if wrong} == {}


def test_the_kills_find_a_wrong_order(mongodb_url: str) -> None:
    assert any("messages" in wrong for _, wrongs in verdicts(mongodb_url, PublishedFirst) for wrong in wrongs)
