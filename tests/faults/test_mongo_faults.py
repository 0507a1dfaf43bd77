"""MongoDB: a lease that is lost in between, a process that is late, a statement without its entity, a server away."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openai import OpenAI
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from memori_wrap import Memori
from memori_wrap.protocols import Store
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.proxy import Proxy
from memori_wrap.testing.store_suite import NOW, exchange, fact, rows_of
from memori_wrap.types import Augmentation, StoredVector
from memori_wrap_adapters.stores.mongo import MongoStore, open_store
from memori_wrap_adapters.stores.mongo_commits import Change, Commits, Head, View, Write
from memori_wrap_adapters.stores.mongo_documents import HEAD, KEYS, PART, PREFIX, REMOVAL, SECRET, Document
from tests.support.mongo import mongodb, mongodb_url

__all__ = ["mongodb", "mongodb_url"]

VECTOR = np.array([0.6, 0.8], dtype=np.float32)


@pytest.fixture
def store(mongodb_url: str) -> Iterator[Store]:
    store = open_store(mongodb_url)
    yield store
    store.close()


def database_of(store: Store) -> Any:
    assert isinstance(store, MongoStore)
    return store._database


# ---------------------------------------------------------------- who comes in between


class Interrupted(Commits):
    """Between what a commit has read and its decision something else happens, once."""

    meanwhile: Any = None

    def commit(self, head: Head, change: Change) -> bool:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()
        return super().commit(head, change)


class Careless(Interrupted):
    """Planted: it decides on the version that it finds, not on the one that it has read."""

    def commit(self, head: Head, change: Change) -> bool:
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()
        return Commits.commit(self, self.head(head.name), change)


def facts_of_two(url: str, commits: type[Interrupted]) -> list[str]:
    """The facts of a job that was taken over just when the slow worker was about to write."""
    kind = type("Slow", (MongoStore,), {"commits": commits})
    client: MongoClient[Document] = MongoClient(url)
    slow: MongoStore = kind(client.get_default_database(), "normal", client)
    quick = open_store(url)
    slow.capture([exchange("I like tea")])
    (job,) = slow.claim("slow", 1)

    def taken_over() -> None:
        (again,) = quick.claim("quick", 1, stale=[job.lease])
        quick.complete([Augmentation(again, [fact(again, "tea")])], None)

    assert isinstance(slow._commits, Interrupted)
    slow._commits.meanwhile = taken_over
    slow.complete([Augmentation(job, [fact(job, "mate")])], None)
    found = [f.triple.object for f in quick.facts("alice")]
    slow.close()
    quick.close()
    return found


def test_a_lease_that_is_lost_between_the_look_and_the_writing(mongodb_url: str) -> None:
    assert facts_of_two(mongodb_url, Interrupted) == ["tea"]


def test_a_careless_commit_is_found(mongodb_url: str) -> None:
    assert len(facts_of_two(mongodb_url, Careless)) == 2


def test_who_is_late_brings_nothing_back(store: Store) -> None:
    """A process stood still before it carried out its commit; meanwhile the entity was erased, and came again."""
    assert isinstance(store, MongoStore)
    store.capture([exchange("secret")])
    (head,) = database_of(store)[PREFIX + HEAD].find({})
    rows = [Write("conversation_message", {"id": "late"}, {"text": "secret"}, is_whole=True).noted()]
    pending = {"id": "x", "revision": 1, "stale": 0, "erases": False, "writes": rows, "parts": 0}
    for comes_again in (False, True):
        store.erase("alice")
        if comes_again:
            store.capture([exchange("hello again")])
        store._commits.carry_out("alice", head["version"], head["born"], pending)
        texts = [m.text for m in store.load("alice", 0, None).messages]
        assert texts == (["hello again", "ok"] if comes_again else [])
        assert database_of(store)[PREFIX + "conversation_message"].count_documents({"text": "secret"}) == 0


class Remembering(Commits):
    """Notes what it has carried out, to be carried out again."""

    def __init__(self, *databases: Any) -> None:
        super().__init__(*databases)
        self.done: list[tuple[str, int, int, Document]] = []

    def carry_out(self, name: str, version: int, born: int, pending: Document) -> None:
        self.done.append((name, version, born, pending))
        super().carry_out(name, version, born, pending)


class Unconditional(Remembering):
    """Planted: it writes over what is newer."""

    def apply(self, name: str, version: int, writes: Sequence[Mapping[str, Any]]) -> None:
        for write in writes:
            collection, key = self._database[PREFIX + write["c"]], {"entity_id": name, **write["k"]}
            if write["u"] or collection.count_documents({**key, "job": {"$ne": None}}):
                collection.update_one(key, {"$set": {**dict(write["f"]), "version": version}}, upsert=True)


def changed_by_the_late(url: str, commits: type[Remembering]) -> list[str]:
    """Which collections are different after every commit was carried out once more, the newest first."""
    kind = type("Again", (MongoStore,), {"commits": commits})
    client: MongoClient[Document] = MongoClient(url)
    store: MongoStore = kind(client.get_default_database(), "normal", client)
    for n in range(3):
        store.capture([exchange(f"I like tea {n}"), exchange(f"I like tea {n}", session="t")])
        jobs = store.claim("w", 2)
        vectors = [StoredVector(jobs[0].messages[0].id, VECTOR)]
        store.complete([Augmentation(job, [fact(job, ends="mate")], vectors) for job in jobs], "m")

    def everything() -> dict[str, list[Document]]:
        return {name: list(database_of(store)[PREFIX + name].find({}).sort("_id")) for name in (*KEYS, HEAD, PART)}

    assert isinstance(store._commits, Remembering)
    before, done = everything(), list(store._commits.done)
    assert len(done) == 9
    for commit in reversed(done):
        store._commits.carry_out(*commit)
    after = everything()
    store.close()
    return [name for name in before if before[name] != after[name]]


def test_commits_that_are_carried_out_again_and_late_change_nothing(mongodb_url: str) -> None:
    assert changed_by_the_late(mongodb_url, Remembering) == []


def test_an_unconditional_write_is_found(mongodb_url: str) -> None:
    assert "exchange" in changed_by_the_late(mongodb_url, Unconditional)


# ---------------------------------------------------------------- whose it is

EVERYBODYS = frozenset({"claim", "leases", "heartbeat", "dead", "retry", "queue", "other_models", "entities"}) | {
    "unembedded",
    "unembedded_facts",
    "forget_models",
}
"""Methods that are not about one entity, here as in SQL."""


class Statements(CommandListener):
    """What is sent about documents that belong to somebody, without saying to whom."""

    def __init__(self) -> None:
        self.unscoped: list[str] = []
        self.seen = 0

    def started(self, event: CommandStartedEvent) -> None:
        name, command = event.command_name, event.command
        if name in ("createIndexes", "endSessions") or command.get(name) in (PREFIX + REMOVAL, PREFIX + SECRET):
            return
        for said in _said(name, command):
            self.seen += 1
            if not isinstance(said.get("_id" if command[name] == PREFIX + HEAD else "entity_id"), str):
                self.unscoped.append(f"{name} {command[name]} {said}")

    def succeeded(self, event: object) -> None:
        pass

    failed = succeeded


def _said(name: str, command: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    if name == "find":
        return [command["filter"]]
    if name == "aggregate":
        return [stage["$match"] for stage in command["pipeline"] if "$match" in stage] or [{}]
    if name == "insert":
        return command["documents"]
    if name in ("update", "delete"):
        return [one["q"] for one in command[f"{name}s"]]
    return [] if name in ("getMore", "killCursors") else [{}]


def unscoped(url: str) -> Statements:
    """Everything that is about one entity is done once."""
    listener = Statements()
    client: MongoClient[Document] = MongoClient(url, event_listeners=[listener])
    store = MongoStore(client.get_default_database(), "normal", client)
    said = [exchange("I like tea" * n, "ok", "more") for n in (1, 40_000)]
    store.capture(said)
    listened, listener.unscoped = listener.unscoped, []
    jobs = [*store.claim("w", 2), *store.claim("w", 2)]
    listener.unscoped = listened
    done = [Augmentation(j, [fact(j, ends="mate")], [StoredVector(j.messages[0].id, VECTOR)]) for j in jobs]
    store.complete(done[:1], "m")
    store.fail(jobs[0], "x", 0)
    store.load("alice", 0, "m")
    store.revision("alice")
    store.facts("alice")
    store.exchange_messages("alice", said[0].id)
    store.embed("alice", "n", [StoredVector("item", VECTOR)])
    rows = rows_of(store, "alice")
    store.expire("alice", NOW)
    store.erase("alice")
    store.insert("alice", rows)
    store.close()
    return listener


def test_every_statement_has_its_entity(mongodb_url: str) -> None:
    listener = unscoped(mongodb_url)
    assert listener.seen > 60
    assert listener.unscoped == []


def test_a_forgotten_entity_is_found(mongodb_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "_scoped", lambda self, where: dict(where or {}))
    assert unscoped(mongodb_url).unscoped


# ---------------------------------------------------------------- a server that is away


def test_away_and_back(mongodb_url: str, tmp_path: Path) -> None:
    """Calls go on, what was said goes to the journal, and into the database when it is back: once."""
    with FakeOpenAI("Noted.") as provider, Proxy(mongodb_url) as proxy:
        url = f"{proxy.url.partition('?')[0]}?serverSelectionTimeoutMS=300&connectTimeoutMS=300&directConnection=true"
        settings = {"data_dir": str(tmp_path)}
        with Memori(url, embedder=HashEmbedder(), extractor=ScriptedExtractor(), settings=settings) as mem:
            client = mem.register(OpenAI(base_url=provider.base_url, api_key="x"), entity="alice")

            def ask(text: str) -> None:
                answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
                assert answer.choices[0].message.content == "Noted."

            ask("number 0")
            assert mem.flush(30)
            proxy.down.set()
            proxy.cut()
            for n in range(1, 4):
                ask(f"number {n}")
            until = time.monotonic() + 60
            while mem.stats()["counts"].get("spilled", 0) < 3 and time.monotonic() < until:
                time.sleep(0.05)
            assert list(tmp_path.glob("journal-*.db"))
            proxy.down.clear()
            while not mem.flush(5) and time.monotonic() < until:  # the driver may not have noticed yet
                time.sleep(0.1)
            assert sorted(f.text for f in mem.facts(entity="alice")) == [f"User said: number {n}" for n in range(4)]


def test_the_answer_to_a_commit_is_lost(mongodb_url: str) -> None:
    """The decision reached the server and its answer not the client: once more, and it is there once."""
    with Proxy(mongodb_url) as proxy:
        store = open_store(f"{proxy.url}&directConnection=true")
        store.capture([exchange("first")])
        said = exchange("only once", session="t")
        proxy.cut_after = b"only once"
        with pytest.raises(Exception, match="MongoDB") as lost:
            store.capture([said])
        assert lost.value.transient  # type: ignore[attr-defined]
        assert proxy.cuts == 1
        store.capture([said])
        assert [m.text for m in store.load("alice", 0, None).messages].count("only once") == 1
        assert store.queue().pending == 2
        store.close()


def test_no_part_of_a_commit_is_left(store: Store) -> None:
    store.capture([exchange("long " * 200_000)])
    assert database_of(store)[PREFIX + PART].count_documents({}) == 0
    assert set(KEYS) <= {name.removeprefix(PREFIX) for name in database_of(store).list_collection_names()}
