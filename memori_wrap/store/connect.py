"""What users hand over as ``conn``, turned into an Engine; every trap is an error that says what to do."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool, StaticPool

from memori_wrap.errors import ConfigurationError, MissingExtra

MEMORY = "memory://"
_DRIVERS = {
    "sqlite3": "sqlite",
    "psycopg": "postgresql+psycopg",
    "psycopg2": "postgresql+psycopg2",
    "pymysql": "mysql+pymysql",
    "MySQLdb": "mysql+mysqldb",
}
_TAKEN = 'a SQLAlchemy URL, Engine or sessionmaker, a function that returns a DB-API connection, or "memory://"'
_PRIVATE = (
    "this SQLite database is in memory and every thread would see an empty one of its own; "
    'write Memori("memory://"), or name a file: Memori("sqlite:///memory.db")'
)


@dataclass(frozen=True)
class Connection:
    """``owned``: made here, so that ours are its settings and its end. ``shared``: one connection for all threads."""

    engine: Engine
    owned: bool
    shared: bool = False


def connect(conn: object, data_dir: Path, busy_timeout: float) -> Connection:
    """An engine for ``conn``; raises ``ConfigurationError`` (``MissingExtra`` for an absent driver)."""
    if conn is None:
        return _from_url(_default_url(data_dir), busy_timeout)
    if conn == MEMORY:
        engine = sa.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, isolation_level="AUTOCOMMIT"
        )
        return Connection(engine, owned=True, shared=True)
    if isinstance(conn, (str, URL)):
        return _from_url(conn, busy_timeout)
    if isinstance(conn, Engine):
        return _from_engine(conn)
    bind = _bind_of(conn)
    if isinstance(bind, Engine):
        return _from_engine(bind)
    if callable(conn) and bind is None:
        return _from_factory(conn)
    raise ConfigurationError(f"conn is a {type(conn).__module__}.{type(conn).__qualname__}; what is taken: {_TAKEN}")


def masked(url: URL) -> str:
    """The URL without its secrets; a query may hold some, too (``?password=``, ``odbc_connect=``)."""
    return url.set(query={}).render_as_string(hide_password=True)


def _default_url(data_dir: Path) -> URL:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"cannot make the data directory {data_dir} ({error.strerror}): set MEMORI_WRAP_DATA_DIR or give a conn"
        ) from error
    return URL.create("sqlite", database=str(data_dir / "memori.db"))


def _from_url(url: str | URL, busy_timeout: float) -> Connection:
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(f"conn is no database URL; such is sqlite:///memory.db, or give {_TAKEN}") from error
    shown = masked(parsed)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite and parsed.get_driver_name() in ("pysqlite", ""):
        if parsed.database in (None, "", ":memory:"):
            raise ConfigurationError(_PRIVATE)
        _check_file(Path(str(parsed.database)))
    options: dict[str, Any] = {"pool_pre_ping": True}
    if is_sqlite:
        options = {"isolation_level": "AUTOCOMMIT", "connect_args": {"timeout": busy_timeout}}
    try:
        engine = sa.create_engine(parsed, **options)
    except NoSuchModuleError as error:
        raise ConfigurationError(f"{shown}: no such database or driver is known to SQLAlchemy") from error
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{shown} needs the driver {error.name}: pip install {error.name}") from error
    return Connection(engine, owned=True)


def _check_file(file: Path) -> None:
    """The directory of a SQLite file must be there and writable: SQLite's own message names neither."""
    if str(file).startswith("file:"):
        return
    folder = file.absolute().parent
    if not folder.is_dir():
        raise ConfigurationError(f"there is no directory {folder} for the database {file.name}: make it first")
    if file.is_dir():
        raise ConfigurationError(f"{file} is a directory; name a file in it")
    if not os.access(folder, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise ConfigurationError(f"{file} cannot be written: check the rights of the file and of {folder}")


def _from_engine(engine: Engine) -> Connection:
    if engine.dialect.name != "sqlite":
        return Connection(engine, owned=False)
    is_shared = isinstance(engine.pool, StaticPool)
    if not is_shared:
        with engine.connect() as probe:
            if not probe.exec_driver_sql("PRAGMA database_list").one()[2]:
                raise ConfigurationError(_PRIVATE)
    return Connection(engine.execution_options(isolation_level="AUTOCOMMIT"), owned=False, shared=is_shared)


def _bind_of(conn: object) -> object | None:
    """The engine behind a ``sessionmaker`` or ``scoped_session``, without making a session."""
    if not type(conn).__module__.startswith("sqlalchemy.orm"):
        return None
    factory = getattr(conn, "session_factory", conn)
    bind: object = (getattr(factory, "kw", None) or {}).get("bind") or getattr(conn, "bind", None)
    if bind is None:
        raise ConfigurationError("this sessionmaker has no bind: write sessionmaker(bind=engine), or give the engine")
    return getattr(bind, "engine", bind)


def _from_factory(factory: Callable[[], Any]) -> Connection:
    try:
        probe = factory()
    except Exception as error:
        raise ConfigurationError(f"conn() failed: {type(error).__name__}: {error}") from error
    driver = type(probe).__module__.partition(".")[0]
    try:
        if driver not in _DRIVERS or not callable(getattr(probe, "cursor", None)):
            raise ConfigurationError(
                f"conn() returned a {type(probe).__module__}.{type(probe).__qualname__}, "
                f"not a connection of {', '.join(_DRIVERS)}; what is taken: {_TAKEN}"
            )
        if driver == "sqlite3" and not probe.execute("PRAGMA database_list").fetchone()[2]:
            raise ConfigurationError(_PRIVATE)
    finally:
        if hasattr(probe, "close"):
            probe.close()
    # a fresh connection for each use: a DB-API connection may be tied to the thread that made it
    options = {"isolation_level": "AUTOCOMMIT"} if driver == "sqlite3" else {}
    return Connection(sa.create_engine(f"{_DRIVERS[driver]}://", creator=factory, poolclass=NullPool, **options), True)
