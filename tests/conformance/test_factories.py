"""Functions that open a DB-API connection, and users' own engines, as ``conn``: they work, or say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiosqlite
import duckdb
import psycopg
import psycopg2
import psycopg2.extras
import pymysql
import pymysql.cursors
import pytest
import sqlalchemy as sa
from psycopg.rows import dict_row

from memori_wrap.store.connect import connect
from tests.support.handover import refused, remembers
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database


@pytest.fixture(scope="module")
def postgresql() -> Iterator[sa.URL]:
    with fresh_database(POSTGRESQL) as url:
        yield sa.make_url(url)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[sa.URL]:
    with fresh_database(MARIADB) as url:
        yield sa.make_url(url)


@pytest.fixture
def file(tmp_path: Path) -> sa.URL:
    return sa.make_url(f"sqlite:///{tmp_path}/m.db")


def test_factories(tmp_path: Path, postgresql: sa.URL, mariadb: sa.URL) -> None:
    pg = {"host": postgresql.host, "port": postgresql.port, "user": postgresql.username, "dbname": postgresql.database}
    my = {"host": mariadb.host, "port": mariadb.port, "user": mariadb.username, "database": mariadb.database}
    my["password"] = mariadb.password or ""
    for factory in (
        lambda: sqlite3.connect(tmp_path / "m.db"),
        lambda: psycopg.connect(**pg),  # type: ignore[arg-type]
        lambda: psycopg2.connect(**pg),
        lambda: pymysql.connect(**my),  # type: ignore[arg-type]
        lambda: duckdb.connect(str(tmp_path / "m.duckdb")),
    ):
        remembers(factory)


def test_databases_have_names_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal is found by the database's name: that of one must never be drained into another."""
    names = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        path = tmp_path / folder / "m.db"
        for conn in ("sqlite:///m.db", lambda path=path: sqlite3.connect(path), f"sqlite:///{path}"):
            names.add(str(connect(conn, tmp_path, 5).engine.url))
        duck = tmp_path / folder / "m.duckdb"
        names.add(str(connect(lambda duck=duck: duckdb.connect(str(duck)), tmp_path, 5).engine.url))
    assert names == {
        f"{kind}:///{tmp_path}/{folder}/m.{end}"
        for folder in "ab"
        for kind, end in (("sqlite", "db"), ("duckdb", "duckdb"))
    }


def test_factory_that_commits_every_statement(postgresql: sa.URL, mariadb: sa.URL) -> None:
    """A transaction holds together all the same: what fails half-way leaves nothing."""
    pg = postgresql.set(drivername="postgresql").render_as_string(hide_password=False)

    def mysql() -> Any:
        return pymysql.connect(
            host=mariadb.host or "",
            port=mariadb.port or 0,
            user=mariadb.username,
            database=mariadb.database,
            autocommit=True,
        )

    for factory in (
        lambda: psycopg.connect(pg, autocommit=True),
        mysql,
    ):
        engine = connect(factory, Path(), 5).engine
        with engine.connect() as conn:
            conn.exec_driver_sql("create table if not exists half (n int)")
            conn.exec_driver_sql("insert into half values (1)")
            conn.rollback()
        with engine.begin() as conn:
            is_there = sa.inspect(conn).has_table("half")  # MariaDB commits the table, and only that
            assert not is_there or conn.exec_driver_sql("select count(*) from half").scalar() == 0


def test_factory_traps(tmp_path: Path, postgresql: sa.URL, mariadb: sa.URL) -> None:
    file = tmp_path / "m.db"
    one = sqlite3.connect(file)
    assert "open a new one" in refused(lambda: one)
    assert one.execute("select 1").fetchone() == (1,), "it is not ours to close"
    assert "give a function" in refused(one)

    def dicts() -> sqlite3.Connection:
        connection = sqlite3.connect(file)
        connection.row_factory = lambda cursor, row: {"a": row[0]}
        return connection

    def raw() -> sqlite3.Connection:
        connection = sqlite3.connect(file)
        connection.text_factory = bytes
        return connection

    pg = postgresql.set(drivername="postgresql").render_as_string(hide_password=False)
    assert "row_factory" in refused(dicts)
    assert "as bytes" in refused(raw)
    assert "row_factory" in refused(lambda: psycopg.connect(pg, row_factory=dict_row))
    assert "cursor_factory" in refused(lambda: psycopg2.connect(pg, cursor_factory=psycopg2.extras.RealDictCursor))
    my = {"host": mariadb.host or "", "user": mariadb.username, "database": mariadb.database}
    assert "cursorclass" in refused(lambda: pymysql.connect(**my, cursorclass=pymysql.cursors.DictCursor))  # type: ignore[call-overload]

    engine = sa.create_engine(f"sqlite:///{file}")
    assert "give the engine itself" in refused(engine.raw_connection)
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert "memory://" in refused(lambda: sqlite3.connect(":memory:"))
    assert "memory://" in refused(lambda: duckdb.connect(":memory:"))
    assert "without arguments" in refused(sqlite3.connect)

    async def asynchronous() -> Any:
        return await psycopg.AsyncConnection.connect(pg)

    assert "is asynchronous" in refused(asynchronous)
    assert "is asynchronous" in refused(lambda: aiosqlite.connect(file))
    assert "Give the engine of it" in refused(engine.connect())


# ---------------------------------------------------------------- users' engines


def test_engine_that_begins_by_itself(file: sa.URL) -> None:
    """SQLAlchemy's own recipe for SQLite: a listener that says BEGIN."""
    engine = sa.create_engine(file)

    @sa.event.listens_for(engine, "begin")
    def begin(conn: sa.Connection) -> None:
        conn.exec_driver_sql("BEGIN")

    remembers(engine)


def test_engine_that_commits_every_statement(postgresql: sa.URL, mariadb: sa.URL) -> None:
    for url in (postgresql, mariadb):
        assert "AUTOCOMMIT" in refused(sa.create_engine(url, isolation_level="AUTOCOMMIT"))
        assert "AUTOCOMMIT" in refused(sa.create_engine(url).execution_options(isolation_level="AUTOCOMMIT"))
        remembers(
            sa.create_engine(url, isolation_level="AUTOCOMMIT").execution_options(isolation_level="READ COMMITTED")
        )
    assert "AUTOCOMMIT" in refused(sa.create_engine(postgresql, connect_args={"autocommit": True}))


def test_engine_of_a_narrow_character_set(mariadb: sa.URL) -> None:
    assert "charset=utf8mb4" in refused(sa.create_engine(mariadb, connect_args={"charset": "latin1"}))


def test_database_of_a_narrow_encoding() -> None:
    with fresh_database(POSTGRESQL, "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'") as url:
        assert "holds text as LATIN1" in refused(url)
        with sa.create_engine(url).connect() as conn:
            assert sa.inspect(conn).get_table_names() == []


def test_pool_of_one(postgresql: sa.URL) -> None:
    """Of a user's pool at most two connections are borrowed, at the same time and never all that wait."""
    engine = sa.create_engine(postgresql, pool_size=1, max_overflow=0, pool_timeout=10)
    remembers(engine)
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
