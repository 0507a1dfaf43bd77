"""The store suite on every database that is here."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from memori_wrap.protocols import Store
from memori_wrap.store.capture import bump
from memori_wrap.store.connect import connect
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.store_shared import CAPABILITIES
from memori_wrap.testing.store_suite import StoreSuite
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database

ONE_WRITER = frozenset(CAPABILITIES) - {"row_locks"}
"""SQLite: one process writes at a time."""


class SqlSuite(StoreSuite):
    """A subclass has a fixture ``conn``: makes what a user hands over."""

    @pytest.fixture
    def another(self, conn: Callable[[], object], tmp_path: Path) -> Callable[[], Store]:
        return lambda: SqlStore(connect(conn(), tmp_path, 5))

    @pytest.fixture
    def store(self, another: Callable[[], Store]) -> Iterator[Store]:
        store = another()
        yield store
        store.close()

    def holding(self, store: Store, entity: str) -> AbstractContextManager[object]:
        @contextmanager
        def held() -> Iterator[None]:
            assert isinstance(store, SqlStore)
            with store._session.write() as conn:
                bump(conn, entity)
                yield

        return held()


class TestSqliteFile(SqlSuite):
    capabilities = ONE_WRITER

    @pytest.fixture
    def conn(self, tmp_path: Path) -> Callable[[], object]:
        return lambda: f"sqlite:///{tmp_path}/m.db"


class TestMemory(SqlSuite):
    capabilities = frozenset()

    @pytest.fixture
    def conn(self) -> Callable[[], object]:
        return lambda: "memory://"


class TestUsersEngine(SqlSuite):
    capabilities = ONE_WRITER

    @pytest.fixture
    def conn(self, tmp_path: Path) -> Callable[[], object]:
        return lambda: sa.create_engine(f"sqlite:///{tmp_path}/m.db", pool_size=2, max_overflow=0, pool_timeout=5)


class TestFactory(SqlSuite):
    capabilities = ONE_WRITER

    @pytest.fixture
    def conn(self, tmp_path: Path) -> Callable[[], object]:
        return lambda: lambda: sqlite3.connect(tmp_path / "m.db")


class TestPostgresql(SqlSuite):
    @pytest.fixture
    def conn(self) -> Iterator[Callable[[], object]]:
        with fresh_database(POSTGRESQL) as url:
            yield lambda: url


class TestMariadb(SqlSuite):
    @pytest.fixture
    def conn(self) -> Iterator[Callable[[], object]]:
        with fresh_database(MARIADB) as url:
            yield lambda: url


class TestDuckdb(SqlSuite):
    """Embedded: one process has the file, and its writers take turns."""

    capabilities = frozenset({"durable"})

    @pytest.fixture
    def conn(self, tmp_path: Path) -> Callable[[], object]:
        return lambda: f"duckdb:///{tmp_path}/m.duckdb"


class TestMariadbInLatin1(SqlSuite):
    """A company's database may have been made long ago."""

    @pytest.fixture
    def conn(self) -> Iterator[Callable[[], object]]:
        with fresh_database(MARIADB, "CHARACTER SET latin1 COLLATE latin1_swedish_ci") as url:
            yield lambda: url
