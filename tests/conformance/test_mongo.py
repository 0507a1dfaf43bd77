"""The store suite on a server that speaks MongoDB's protocol, without a replica set and as one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from memori_wrap import ConfigurationError, Memori, MigrationNeeded, StoreError
from memori_wrap.cli.tables import check
from memori_wrap.protocols import Store
from memori_wrap.storage import Located
from memori_wrap.store.connect import connect
from memori_wrap.store.sql import SqlStore
from memori_wrap.store.transfer import TABLES
from memori_wrap.testing.store_suite import StoreSuite, exchange, fact, rows_of
from memori_wrap.types import Augmentation, Delta, StoredVector
from memori_wrap_adapters.stores.mongo import MongoStore, open_store
from memori_wrap_adapters.stores.mongo_commits import Change
from tests.support.mongo import fresh_mongodb, mongodb, mongodb_server, mongodb_url

__all__ = ["mongodb", "mongodb_url"]


@pytest.mark.slow
class TestMongodb(StoreSuite):
    @pytest.fixture
    def another(self, mongodb_url: str) -> Callable[[], Store]:
        return lambda: open_store(mongodb_url)

    @pytest.fixture
    def store(self, another: Callable[[], Store]) -> Iterator[Store]:
        store = another()
        yield store
        store.close()

    def holding(self, store: Store, entity: str) -> AbstractContextManager[object]:
        @contextmanager
        def held() -> Iterator[None]:
            """A commit is decided, and nobody carries it out yet."""
            assert isinstance(store, MongoStore)
            commits = store._commits
            head = commits.head(entity)
            pending = {"pending": commits._pending(head, Change()), "version": head.version + 1}
            commits._heads.update_one({"_id": entity, "version": head.version}, {"$set": pending})
            yield
            assert commits.unfinished() == [entity]

        return held()


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongodb_server(tmp_path_factory.mktemp("replicated"), "--log-level", "ERROR") as url:
        yield url


@pytest.mark.slow
class TestMongodbReplicaSet(TestMongodb):
    """The server says that it is the primary of a replica set: retried writes, and reading what a majority has."""

    @pytest.fixture
    def mongodb_url(self, replicated: str) -> Iterator[str]:
        with fresh_mongodb(replicated) as url:
            yield url

    def test_it_is_one(self, store: Store) -> None:
        assert isinstance(store, MongoStore)
        assert store._database.client.topology_description.replica_set_name in store.location
        assert store._database.read_concern.level == "majority"


# ---------------------------------------------------------------- what a user hands over


def test_a_url_a_client_and_a_database_are_one(mongodb_url: str) -> None:
    client: MongoClient[dict[str, object]] = MongoClient(mongodb_url)
    database = client.get_default_database()
    with Memori(mongodb_url, embedder="none") as first:
        first.add("I like tea", entity="alice")
        assert first.flush(30)
        assert isinstance(first._parts.store, Located)
        where = first._parts.store.location
    for given in (client, database):
        with Memori(given, embedder="none") as memory:
            assert [r.text for r in memory.recall("tea?", entity="alice")][:1] == ["I like tea"]
            assert isinstance(memory._parts.store, Located)
            assert memory._parts.store.location == where
    assert where[-1] == database.name
    assert database.list_collection_names(), "a client of the user's is not closed"
    client.close()


def test_where_no_database_is_named(mongodb: str) -> None:
    store = open_store(mongodb)
    assert isinstance(store, MongoStore)
    assert store.location[-1] == "memori_wrap"
    with MongoClient[dict[str, object]](mongodb) as client:
        client.drop_database("memori_wrap")
    store.close()


def test_what_cannot_be_used_says_so(mongodb_url: str) -> None:
    with pytest.raises(ConfigurationError, match="asynchronous"):
        Memori(AsyncMongoClient(mongodb_url))
    with pytest.raises(ConfigurationError) as refused:
        Memori("mongodb://alice:geheim@host:notaport/db")
    assert "geheim" not in str(refused.value)
    with MongoClient[dict[str, object]](mongodb_url) as client:
        client.get_default_database()["memori_wrap_secret"].insert_one({"_id": "schema", "value": 99})
    with pytest.raises(ConfigurationError, match="PostgreSQL"):
        Memori(mongodb_url, settings={"database_schema": "memory"})
    with pytest.raises(MigrationNeeded, match="schema 99"):
        Memori(mongodb_url)


def test_the_commands_for_sql_say_so() -> None:
    with pytest.raises(ConfigurationError, match="SQL"):
        check("mongodb://127.0.0.1:9/x", as_json=False)


def test_a_server_that_is_away() -> None:
    with pytest.raises(StoreError) as away:
        open_store("mongodb://u:geheim@127.0.0.1:9/db?serverSelectionTimeoutMS=200")
    assert away.value.transient
    assert "geheim" not in str(away.value)


def test_a_forked_child_goes_on(mongodb_url: str) -> None:
    store = open_store(mongodb_url)
    store.capture([exchange("before")])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            store.leave()
            store.capture([exchange("in the child", session="t")])
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    store.capture([exchange("behind", session="u")])
    assert {m.text for m in store.load("alice", 0, None).messages} == {"before", "in the child", "behind", "ok"}
    store.close()


class Journaled(CommandListener):
    def __init__(self) -> None:
        self.heads: list[bool] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in ("insert", "update") and event.command.get("writeConcern", {}).get("j"):
            self.heads.append(event.command[event.command_name] == "memori_wrap_entity")

    def succeeded(self, event: object) -> None:
        pass

    failed = succeeded


def test_full_durability_waits_for_the_journal_once_a_commit(mongodb_url: str) -> None:
    listener = Journaled()
    client: MongoClient[dict[str, object]] = MongoClient(mongodb_url, event_listeners=[listener])
    store = MongoStore(client.get_default_database(), "full", client)
    for n in range(3):
        store.capture([exchange("hi", session=str(n))])
    assert listener.heads == [True] * 3
    store.close()


def test_rows_go_from_sql_to_mongodb_and_back(mongodb_url: str, tmp_path: Path) -> None:
    sql = SqlStore(connect(f"sqlite:///{tmp_path}/m.db", tmp_path, 5))
    sql.capture([exchange(f"I like tea {n}", "ok", "more", session=f"s{n}") for n in range(3)])
    vector = np.array([0.6, 0.8], dtype=np.float32)
    for job in sql.claim("w", 2):
        sql.complete([Augmentation(job, [fact(job)], [StoredVector(job.messages[0].id, vector)])], "m")
    rows = rows_of(sql, "alice")
    assert {table for table, _ in rows} == set(TABLES)
    store = open_store(mongodb_url)
    half = len(rows) // 2
    assert store.insert("alice", rows[:half]) + store.insert("alice", rows[half:]) == len(rows)
    assert _timeless(rows_of(store, "alice")) == _timeless(rows)
    assert _plain(store.load("alice", 0, "m")) == _plain(sql.load("alice", 0, "m"))
    assert [j.messages for j in store.claim("w", 9)] == [j.messages for j in sql.claim("w", 9)]
    store.close()
    sql.close()


def _timeless(rows: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return [(table, row | ({"revision": 0} if "revision" in row else {})) for table, row in rows]


def _plain(delta: Delta) -> object:
    order = sorted(delta.messages, key=lambda m: m.id)
    return order, list(delta.facts), [(v.item, v.variant, v.vector.tolist()) for v in delta.vectors]


@pytest.mark.slow
def test_two_open_it_for_the_first_time(mongodb: str) -> None:
    with fresh_mongodb(mongodb) as url:
        stores: list[Store] = []
        threads = [threading.Thread(target=lambda: stores.append(open_store(url))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({store.key() for store in stores}) == 1
        for store in stores:
            store.close()
