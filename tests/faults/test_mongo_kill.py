"""MongoDB without transactions: killed after any write, nothing is lost and nothing is doubled."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandSucceededEvent

from memori_wrap.errors import StoreError
from memori_wrap.ids import new_id
from memori_wrap.types import Augmentation, Exchange, Fact, Job, Message, ResolvedFact, Scope, StoredVector, Triple
from memori_wrap_adapters.stores.mongo import MongoStore, open_store
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


def verdicts(url: str, commits: type[Commits], step: int = 1) -> Iterator[tuple[int, list[str]]]:
    """What went wrong, by the write after which the process was killed; as many as a whole life has."""
    Run(url, Commits).open().close()  # the indexes are made
    for writes in range(1, 200, step):
        run = Run(url, commits)
        is_killed = run.killed_after(writes)
        yield writes, run.verdict()
        if not is_killed:
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_killed_after_any_write(mongodb_url: str, step: int) -> None:
    """Of the everyday runs, after every third."""
    found = dict(verdicts(mongodb_url, Commits, step))
    assert len(found) > 24 // step, "fewer kills than there are steps"
    assert {n: wrong for n, wrong in found.items() if wrong} == {}


def test_the_kills_find_a_wrong_order(mongodb_url: str) -> None:
    assert any("messages" in wrong for _, wrongs in verdicts(mongodb_url, PublishedFirst) for wrong in wrongs)


def test_a_worker_finds_what_a_dead_process_has_decided(mongodb_url: str) -> None:
    """Nobody asks for the entity again; who has nothing else to do looks for what was left."""
    run = Run(mongodb_url, Commits)
    run.open().close()
    decided = 1  # the first write is the head's
    assert run.killed_after(decided)
    store = run.open()
    assert store.queue().pending == 0
    (job,) = store.claim("w", 1)
    assert [m.text for m in job.messages] == ["I like tea", "fine"]
    store.close()


# ---------------------------------------------------------------- stopped, and late

PROCESSES, EACH = 3, 15


def worked_through(url: str, number: int) -> None:
    """Captures and works on one entity as the others do."""
    store = open_store(url)
    for n in range(EACH):
        said = Exchange(new_id(), Scope("alice", None, f"s{n % 4}"), (Message("user", f"{number}/{n}"),), (), NOW)
        patiently(lambda said=said: store.capture([said]))
        for job in patiently(lambda: store.claim(str(number), 2)):
            patiently(lambda job=job: store.complete([augmented(job, "first")], "m"))
    store.close()


def patiently(act: Callable[[], Any]) -> Any:
    while True:
        try:
            return act()
        except StoreError as error:
            if not error.transient:
                raise


@pytest.mark.slow
def test_processes_that_stand_still_now_and_then(mongodb_url: str) -> None:
    """Stopped in the middle of a commit, overtaken, and then going on with it: everything is there, and once."""
    store = open_store(mongodb_url)
    store.close()
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                worked_through(mongodb_url, number)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    choose, stops, codes = random.Random(20261128), 0, {}
    while len(codes) < PROCESSES:
        chosen = choose.choice([child for child in children if child not in codes])
        os.kill(chosen, signal.SIGSTOP)
        stops += 1
        time.sleep(choose.random() * 0.15)
        os.kill(chosen, signal.SIGCONT)
        time.sleep(choose.random() * 0.02)
        for child in children:
            if child not in codes and (found := os.waitpid(child, os.WNOHANG))[0]:
                codes[child] = found[1]
    assert set(codes.values()) == {0}
    assert stops > 20
    store = open_store(mongodb_url)
    while jobs := store.claim("last", 9):
        store.complete([augmented(job, "first") for job in jobs], "m")
    after = store.load("alice", 0, "m")
    assert sorted(m.text for m in after.messages) == sorted(f"{p}/{n}" for p in range(PROCESSES) for n in range(EACH))
    places = [(m.conversation, m.position) for m in after.messages]
    assert len(set(places)) == len(places)
    assert len({conversation for conversation, _ in places}) == 4
    assert [f.id for f in after.facts if f.mentions != 1 or len(f.sources) != 1] == []
    assert len(after.facts) == len(after.vectors) == PROCESSES * EACH
    assert (store.queue().pending, dict(store.leases())) == (0, {})
    assert remains(mongodb_url, "alice").get(PART) is None
    store.close()
