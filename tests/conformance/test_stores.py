"""The store suite on every database that is here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from memori_wrap.protocols import Store
from memori_wrap.store.connect import connect
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.store_suite import StoreSuite
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database


def opened(conn: object, folder: Path) -> Iterator[Store]:
    store = SqlStore(connect(conn, folder, 5))
    yield store
    store.close()


class TestSqliteFile(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        yield from opened(f"sqlite:///{tmp_path}/m.db", tmp_path)


class TestMemory(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        yield from opened("memory://", tmp_path)


class TestUsersEngine(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        engine = sa.create_engine(f"sqlite:///{tmp_path}/m.db", pool_size=2, max_overflow=0, pool_timeout=5)
        yield from opened(engine, tmp_path)


class TestFactory(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        yield from opened(lambda: sqlite3.connect(tmp_path / "m.db"), tmp_path)


class TestPostgresql(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        with fresh_database(POSTGRESQL) as url:
            yield from opened(url, tmp_path)


class TestMariadb(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        with fresh_database(MARIADB) as url:
            yield from opened(url, tmp_path)


class TestDuckdb(StoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        yield from opened(f"duckdb:///{tmp_path}/m.duckdb", tmp_path)


class TestMariadbInLatin1(StoreSuite):
    """A company's database may have been made long ago."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        with fresh_database(MARIADB, "CHARACTER SET latin1 COLLATE latin1_swedish_ci") as url:
            yield from opened(url, tmp_path)
