"""What single databases do differently, a few lines each; the store suite shows on each of them that it holds."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

NO_ROW_LOCKS = frozenset({"duckdb"})
"""Databases whose writers take turns in this process, since no row can be locked. (SQLite locks the whole file.)"""


def adapt(engine: Engine) -> None:
    """DuckDB has no FOR UPDATE: left out, as SQLAlchemy itself leaves it out for SQLite."""
    dialect: Any = engine.dialect
    if dialect.name == "duckdb" and not issubclass(dialect.statement_compiler, _NoRowLocks):
        dialect.statement_compiler = type("Compiler", (_NoRowLocks, dialect.statement_compiler), {})


class _NoRowLocks(SQLCompiler):
    def for_update_clause(self, select: Any, **kw: Any) -> Any:
        return ""


CONNECT_TIMEOUT = 10
"""Seconds; PyMySQL's own default. libpq would wait for a server that hangs until it is killed."""


def defaults_of(url: URL) -> dict[str, str | int]:
    """What our own engines say to a driver where the URL does not.

    MySQL drivers speak whatever the server's files say, which may not hold every script.
    """
    backend, driver = url.get_backend_name(), url.get_driver_name()
    found: dict[str, str | int] = {}
    if backend in ("mysql", "mariadb"):
        found = {"charset": "utf8mb4"}
    elif driver in ("psycopg", "psycopg2"):
        found = {"connect_timeout": CONNECT_TIMEOUT}
    return {name: value for name, value in found.items() if name not in url.query}


def bound_handshake(engine: Engine) -> None:
    """PyMySQL bounds the time to reach a server, and not the time until it says something."""
    if engine.dialect.driver != "pymysql" or "read_timeout" in engine.url.query:
        return

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, record: object, args: Any, params: dict[str, Any]) -> Any:
        del record
        timeout = params.get("connect_timeout") or CONNECT_TIMEOUT
        connection = dialect.dbapi.connect(*args, **{"read_timeout": timeout, **params, "defer_connect": True})
        connection.connect()
        connection._read_timeout = params.get("read_timeout")  # a statement may take its time
        return connection


MIGRATION = 7163410934521
"""The advisory lock of a migration, where the database has such."""


def lock_migration(conn: sa.Connection) -> None:
    """Waits until no other process migrates. Elsewhere the transaction is the lock, or the steps are repeatable."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION})")
    elif conn.dialect.name in ("mysql", "mariadb"):  # DDL commits there, so the lock is the connection's
        with suppress(DBAPIError):  # some of their kin have no such function
            conn.exec_driver_sql(f"SELECT GET_LOCK('memori_wrap_{MIGRATION}', 600)")


def unlock_migration(conn: sa.Connection) -> None:
    if conn.dialect.name in ("mysql", "mariadb") and not conn.invalidated:
        with suppress(DBAPIError):
            conn.exec_driver_sql(f"SELECT RELEASE_LOCK('memori_wrap_{MIGRATION}')")
