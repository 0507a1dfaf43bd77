"""Asynchronous engines and sessions of all kinds as ``conn``, with the real drivers."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from memori_wrap.store.connect import connect
from memori_wrap.store.twins import sync_url
from tests.support.handover import python, refused, remembers
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


@pytest.fixture
def server(request: pytest.FixtureRequest) -> sa.URL:
    url: sa.URL = request.getfixturevalue(request.param[0])
    return url.set(drivername=request.param[1])


ASYNC = [
    ("file", "sqlite+aiosqlite"),
    ("postgresql", "postgresql+asyncpg"),
    ("postgresql", "postgresql+psycopg"),
    ("postgresql", "postgresql+psycopg_async"),
    ("mariadb", "mysql+aiomysql"),
    ("mariadb", "mariadb+aiomysql"),
]


@pytest.mark.parametrize("server", ASYNC, ids=lambda p: p[1], indirect=True)
def test_async_engine(server: sa.URL) -> None:
    """The application's own use of its engine goes on beside ours, in the same database."""
    engine = create_async_engine(server)

    async def rows() -> int:
        async with engine.connect() as conn:
            return (await conn.execute(sa.text("select count(*) from memori_wrap_conversation_message"))).scalar_one()

    async def run() -> None:
        kinds = (engine, async_sessionmaker(engine), async_sessionmaker(bind=engine), AsyncSession(engine))
        for n, conn in enumerate((*kinds, async_scoped_session(async_sessionmaker(engine), asyncio.current_task))):
            remembers(conn)
            assert await rows() >= n + 1
        await engine.dispose()

    asyncio.run(run())
    remembers(engine)


def test_password_of_an_async_engine_is_kept(postgresql: sa.URL) -> None:
    """The twin is built from the URL object: the text of a URL has asterisks where the password was."""
    url = postgresql.set(drivername="postgresql+asyncpg", password="p@ss/w:rd")
    twin, args = sync_url(url)
    assert (twin.username, twin.password) == (postgresql.username, "p@ss/w:rd")
    assert (twin.drivername, args) == ("postgresql+psycopg", {})
    made = connect(create_async_engine(url), Path(), 5).engine
    assert made.url.password == "p@ss/w:rd"
    with made.connect() as conn:
        driver: Any = conn.connection.dbapi_connection
        assert driver.info.password == "p@ss/w:rd"
    made.dispose()


def test_connect_args_are_taken_over(postgresql: sa.URL, mariadb: sa.URL, file: sa.URL) -> None:
    """Each setting is seen at the server, through the twin."""
    settings = {"search_path": "public", "application_name": "my app's own"}
    engine = create_async_engine(
        postgresql.set(drivername="postgresql+asyncpg"),
        connect_args={"server_settings": settings, "timeout": 7.5, "statement_cache_size": 0, "command_timeout": 3},
    )
    twin = connect(engine, Path(), 5).engine
    with twin.connect() as conn:
        assert conn.exec_driver_sql("show application_name").scalar() == "my app's own"
        assert conn.exec_driver_sql("show search_path").scalar() == "public"
        driver: Any = conn.connection.dbapi_connection
        assert driver.prepare_threshold is None
        assert "connect_timeout=8" in driver.info.dsn
    twin.dispose()
    url = mariadb.set(drivername="mysql+aiomysql")
    twin = connect(create_async_engine(url, connect_args={"init_command": "SET @own = 7"}), Path(), 5).engine
    with twin.connect() as conn:
        assert conn.exec_driver_sql("select @own").scalar() == 7
        assert conn.exec_driver_sql("select @@character_set_client").scalar() == "utf8mb4"
    twin.dispose()
    url = file.set(drivername="sqlite+aiosqlite")
    twin = connect(create_async_engine(url, connect_args={"timeout": 1.5}), Path(), 5).engine
    with twin.connect() as conn:
        assert conn.exec_driver_sql("pragma busy_timeout").scalar() == 1500
    twin.dispose()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ssl=require", {"sslmode": "require"}),
        ("prepared_statement_cache_size=0", {"prepare_threshold": None}),
        ("host=a:1&host=b:2", {"host": "a,b", "port": "1,2"}),
        ("timeout=3", {"connect_timeout": 3}),
    ],
)
def test_query_of_an_async_url(query: str, expected: dict[str, Any]) -> None:
    url, args = sync_url(sa.make_url(f"postgresql+asyncpg://me:secret@/db?{query}"))
    assert args == expected
    assert (url.username, url.password, url.database, dict(url.query)) == ("me", "secret", "db", {})


def test_url_with_an_async_driver(postgresql: sa.URL, mariadb: sa.URL, file: sa.URL) -> None:
    for url in (
        postgresql.set(drivername="postgresql+asyncpg"),
        mariadb.set(drivername="mysql+aiomysql"),
        file.set(drivername="sqlite+aiosqlite"),
    ):
        remembers(url)
        remembers(url.render_as_string(hide_password=False))


@pytest.mark.parametrize(
    ("drivername", "args", "named"),
    [
        ("postgresql+asyncpg", {"ssl": ssl.create_default_context()}, "ssl"),
        ("postgresql+asyncpg", {"password": lambda: "token"}, "password"),
        ("postgresql+asyncpg", {"record_class": dict}, "record_class"),
        ("mysql+aiomysql", {"auth_plugin": "x", "cursorclass": dict}, "auth_plugin, cursorclass"),
    ],
)
def test_connect_args_that_do_not_fit(drivername: str, args: dict[str, Any], named: str) -> None:
    said = refused(create_async_engine(f"{drivername}://me:secret@127.0.0.1/db", connect_args=args))
    assert f"nothing like its {named};" in said
    assert "create_engine" in said
    assert "secret" not in said


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_async_engine_of_a_function() -> None:
    async def open_one() -> Any:
        raise AssertionError

    said = refused(create_async_engine("postgresql+asyncpg://", async_creator=open_one))
    assert "by a function of its own" in said

    engine = create_async_engine("postgresql+asyncpg://127.0.0.1/db")
    sa.event.listen(engine.sync_engine, "do_connect", lambda *_: None)
    assert "do_connect" in refused(engine)


@pytest.mark.filterwarnings("ignore:Selection of the StaticPool:sqlalchemy.exc.SADeprecationWarning")
@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite:///file:x?mode=memory&cache=shared&uri=true",
    ],
)
def test_async_engine_in_memory(url: str) -> None:
    assert 'Memori("memory://")' in refused(create_async_engine(url))
    assert 'Memori("memory://")' in refused(async_sessionmaker(create_async_engine(url)))
    assert 'Memori("memory://")' in refused(url)


def test_asking_an_async_engine_leaves_it_as_it_was(file: sa.URL) -> None:
    engine = create_async_engine(file.set(drivername="sqlite+aiosqlite"))
    connect(engine, Path(), 5)
    assert not list(engine.sync_engine.dialect.dispatch.do_connect)
    assert engine.pool.status() == create_async_engine(file.set(drivername="sqlite+aiosqlite")).pool.status()


# ---------------------------------------------------------------- sessions


def test_sessions(file: sa.URL) -> None:
    engine = sa.create_engine(file)
    makers = [
        sessionmaker(engine),
        scoped_session(sessionmaker(bind=engine)),
        Session(engine),
        sessionmaker(bind=engine.connect()),
        lambda: Session(engine),  # as Memori takes it, too
        lambda: engine,
        lambda: create_async_engine(file.set(drivername="sqlite+aiosqlite")),
    ]
    for conn in makers:
        remembers(conn)


@pytest.mark.parametrize("conn", [sessionmaker(), async_sessionmaker(), scoped_session(sessionmaker())])
def test_session_without_a_bind(conn: object) -> None:
    assert "has no bind" in refused(conn)


def test_nothing_is_imported_for_what_is_not_there(tmp_path: Path) -> None:
    code = f"""
import sys
from memori_wrap import Memori
Memori("sqlite:///{tmp_path}/m.db", embedder="none", extractor="none").close()
import sqlite3
Memori(lambda: sqlite3.connect("{tmp_path}/m.db"), embedder="none", extractor="none").close()
print([name for name in ("django", "sqlalchemy.ext.asyncio", "sqlalchemy.orm", "duckdb") if name in sys.modules])
"""
    done = python(code)
    assert done.stdout.strip() == "[]", done.stderr


def test_nothing_but_the_engine_is_asked(caplog: pytest.LogCaptureFixture, file: sa.URL) -> None:
    caplog.set_level(logging.WARNING)
    engine: AsyncEngine = create_async_engine(file.set(drivername="sqlite+aiosqlite"))
    remembers(engine)
    assert [r.getMessage() for r in caplog.records if r.name.startswith("memori_wrap")] == []
