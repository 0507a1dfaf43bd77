"""A function that opens a DB-API connection; its database is recognised from what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool

from memori_wrap.errors import ConfigurationError, MissingExtra
from memori_wrap.store.engines import PRIVATE, PRIVATE_DUCKDB, TAKEN, Connection, sqlite_file
from memori_wrap.store.quirks import adapt

_DRIVERS = {
    "sqlite3": "sqlite",
    "psycopg": "postgresql+psycopg",
    "psycopg2": "postgresql+psycopg2",
    "pymysql": "mysql+pymysql",
    "MySQLdb": "mysql+mysqldb",
    "duckdb": "duckdb",
}
Factory = Callable[[], Any]


def from_factory(factory: Factory, connect: Callable[[object], Connection]) -> Connection:
    """``connect`` takes what is no DB-API connection: an engine, a session, a Django connection."""
    probe = _call(factory)
    driver = type(probe).__module__.partition(".")[0].lstrip("_")
    if driver not in _DRIVERS or not callable(getattr(probe, "cursor", None)):
        return _other(probe, connect)
    again = _call(factory)
    if again is probe:
        raise ConfigurationError(
            "conn() gives the same connection each time, and one connection serves one thread: "
            f"let it open a new one, as in Memori(lambda: {driver}.connect(...))"
        )
    try:
        _check(probe, driver)
        url = _url_of(probe, driver)
    finally:
        for one in (again, probe):
            with suppress(Exception):
                one.close()
    # a fresh connection for each use: a DB-API connection may be tied to the thread that made it
    options = {"isolation_level": "AUTOCOMMIT"} if driver == "sqlite3" else {}
    try:
        engine = sa.create_engine(url, creator=_opener(factory, driver), poolclass=NullPool, **options)
    except NoSuchModuleError as error:
        raise MissingExtra(f"{driver} needs its SQLAlchemy dialect: pip install {driver}-engine") from error
    adapt(engine)
    return Connection(engine, owned=True)


def _call(factory: Factory) -> Any:
    try:
        return factory()
    except TypeError as error:
        raise ConfigurationError(f"conn() must work without arguments ({error}); what is taken: {TAKEN}") from error
    except Exception as error:
        raise ConfigurationError(f"conn() failed: {type(error).__name__}: {error}") from error


def _other(probe: Any, connect: Callable[[object], Connection]) -> Connection:
    if hasattr(probe, "dbapi_connection"):
        probe.close()
        raise ConfigurationError("conn() takes its connection from a SQLAlchemy pool: give the engine itself")
    if any(cls.__module__.startswith(("sqlalchemy.", "django.")) for cls in type(probe).__mro__):
        try:
            made = connect(probe)
        except ConfigurationError as error:
            raise ConfigurationError(f"conn() returned a {_kind(probe)}: {error}") from error
        if hasattr(probe, "get_bind") and not inspect.iscoroutinefunction(probe.close):
            probe.close()  # a session that was made for this call
        return made
    if inspect.isawaitable(probe) or hasattr(probe, "__aenter__"):
        if inspect.iscoroutine(probe):
            probe.close()
        raise ConfigurationError(
            f"conn() is asynchronous (it gives a {type(probe).__qualname__}): give the database's URL, "
            "the AsyncEngine, or a function that opens a synchronous connection"
        )
    raise ConfigurationError(f"conn() returned a {_kind(probe)}; what is taken: {TAKEN}")


def _kind(probe: object) -> str:
    return f"{type(probe).__module__}.{type(probe).__qualname__}"


def _check(probe: Any, driver: str) -> None:
    """The traps that a connection holds."""
    if getattr(probe, "_pool", None) is not None:
        raise ConfigurationError("conn() takes its connection from a pool, which would never get it back: give a URL")
    try:
        cursor = probe.cursor()
        cursor.execute("SELECT 'a'")
        row = cursor.fetchone()
    except Exception as error:
        raise ConfigurationError(f"conn() gives a connection that fails: {type(error).__name__}: {error}") from error
    try:
        first = row[0]
    except (KeyError, TypeError):
        raise ConfigurationError(
            f"conn() gives a connection whose rows are of type {type(row).__name__}, which have no order: "
            "leave out row_factory, cursor_factory or cursorclass"
        ) from None
    if first != "a":
        raise ConfigurationError(f"conn() gives a connection that returns text as {type(first).__name__}, not as str")
    if driver in ("sqlite3", "duckdb"):
        cursor.execute("PRAGMA database_list")
        databases = cursor.fetchall()
        if driver == "sqlite3" and not sqlite_file(databases):
            raise ConfigurationError(PRIVATE)
        if driver == "duckdb" and not databases[0][2]:
            raise ConfigurationError(PRIVATE_DUCKDB)


def _url_of(probe: Any, driver: str) -> URL:
    """Which database it is, so that what is kept by its name (a journal) is not another one's."""
    cursor = probe.cursor()
    where: dict[str, Any]
    if driver in ("sqlite3", "duckdb"):
        cursor.execute("PRAGMA database_list")
        databases = cursor.fetchall()
        where = {"database": sqlite_file(databases) if driver == "sqlite3" else databases[0][2]}
    elif driver in ("psycopg", "psycopg2"):
        info = probe.info
        where = {"username": info.user, "host": info.host, "port": int(info.port), "database": info.dbname}
    else:
        cursor.execute("SELECT @@hostname, @@port, DATABASE()")
        host, port, database = cursor.fetchone()
        where = {"host": host, "port": int(port), "database": database}
    return URL.create(_DRIVERS[driver], **where)


def _opener(factory: Factory, driver: str) -> Factory:
    """``factory``, whose connections then hold a transaction together: one that commits each statement cannot."""
    if driver in ("psycopg", "psycopg2"):

        def open_postgresql() -> Any:
            connection = factory()
            if connection.autocommit:
                connection.autocommit = False
            return connection

        return open_postgresql
    if driver in ("pymysql", "MySQLdb"):

        def open_mysql() -> Any:
            connection = factory()
            connection.autocommit(False)
            return connection

        return open_mysql
    if driver == "duckdb":

        def open_duckdb() -> Any:
            import duckdb_engine

            return duckdb_engine.ConnectionWrapper(factory())

        return open_duckdb
    return factory
