"""Engines: from a URL, and a user's own, with the traps that an engine can hold."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from memori_wrap.errors import ConfigurationError, MissingExtra, StoreError
from memori_wrap.store.quirks import adapt, bound_handshake, defaults_of

TAKEN = (
    "a SQLAlchemy URL, Engine, AsyncEngine, sessionmaker or async_sessionmaker, a Django connection, "
    'a mongodb:// URL, MongoClient or Database, a function that returns a new DB-API connection, or "memory://"'
)
NO_DATABASE = "is not a SQLite database (or is encrypted); it was left as it is: name another file"
PRIVATE = (
    "this SQLite database is in memory and every thread would see an empty one of its own; "
    'write Memori("memory://"), or name a file: Memori("sqlite:///memory.db")'
)
PRIVATE_DUCKDB = (
    "this DuckDB database is in memory and every connection would see an empty one of its own; "
    'name a file: Memori("duckdb:///memory.duckdb"), or write Memori("memory://"), which is SQLite'
)


@dataclass(frozen=True)
class Connection:
    """``owned``: made here, so that ours are its settings and its end. ``shared``: one connection for all threads."""

    engine: Engine
    owned: bool
    shared: bool = False


def masked(url: URL) -> str:
    """The URL without its secrets; a query may hold some, too (``?password=``, ``odbc_connect=``)."""
    return url.set(query={}).render_as_string(hide_password=True)


def from_text(url: str | URL, busy_timeout: float) -> Connection:
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(f"conn is no database URL; such is sqlite:///memory.db, or give {TAKEN}") from error
    return from_url(parsed, busy_timeout)


def from_url(url: URL, busy_timeout: float, connect_args: Mapping[str, Any] | None = None) -> Connection:
    """An engine of our own. ``connect_args`` stand over what is set here."""
    url, shown = _absolute(url), masked(url)
    backend, given = url.get_backend_name(), dict(connect_args or {})
    options: dict[str, Any] = {"pool_pre_ping": True}
    if backend == "sqlite":
        check_sqlite(url)
        options = {"isolation_level": "AUTOCOMMIT"}
        if url.get_driver_name() == "pysqlite":
            given = {"timeout": busy_timeout, **given}
    elif backend == "duckdb":
        _check_duckdb(url)
        options = {}
    try:
        if url.get_dialect().is_async:
            return _from_async_url(url, busy_timeout, given)
        engine = sa.create_engine(url, connect_args={**defaults_of(url), **given}, **options)
    except NoSuchModuleError as error:
        raise ConfigurationError(
            f"{shown}: no such database or driver is known to SQLAlchemy; if its dialect is a package, install that"
        ) from error
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{shown} needs the driver {error.name}: pip install {error.name}") from error
    adapt(engine)
    bound_handshake(engine)
    return Connection(engine, owned=True)


def _absolute(url: URL) -> URL:
    """With the whole path of a file: what is kept by the name of a database is not another folder's."""
    name = url.database or ""
    if url.get_backend_name() not in ("sqlite", "duckdb") or not name or name.startswith((":", "file:", "md:")):
        return url
    return url.set(database=str(Path(name).absolute()))


def _from_async_url(url: URL, busy_timeout: float, given: Mapping[str, Any]) -> Connection:
    from memori_wrap.store.twins import sync_url

    twin, args = sync_url(url)
    return from_url(twin, busy_timeout, {**args, **given})


def from_engine(engine: Engine) -> Connection:
    """A user's engine: its pool, its settings and its end stay his."""
    adapt(engine)
    if engine.dialect.name == "duckdb":
        _check_duckdb(engine.url)
    if engine.dialect.name != "sqlite":
        return Connection(engine, owned=False)
    is_shared = isinstance(engine.pool, StaticPool)
    if not is_shared:
        with engine.connect() as probe:
            if not sqlite_file(probe.exec_driver_sql("PRAGMA database_list").all()):
                raise ConfigurationError(PRIVATE)
    return Connection(engine.execution_options(isolation_level="AUTOCOMMIT"), owned=False, shared=is_shared)


def sqlite_file(databases: Iterable[Sequence[Any]]) -> str:
    """The file of the main one among what ``PRAGMA database_list`` gives; "" for one in memory."""
    return next((row[2] or "" for row in databases if row[1] == "main"), "")


def _check_duckdb(url: URL) -> None:
    if (url.database or ":memory:").startswith(":memory:"):
        raise ConfigurationError(PRIVATE_DUCKDB)
    _check_file(Path(str(url.database)))


def check_sqlite(url: URL) -> None:
    name = url.database or ":memory:"
    is_memory = name.startswith((":memory:", "file::memory:")) or "memory" in (url.query.get("mode"),)
    if is_memory or "mode=memory" in name:
        raise ConfigurationError(PRIVATE)
    if name.startswith("file:"):
        return
    file = Path(name)
    _check_file(file)
    _check_header(file)
    log = file.with_name(f"{file.name}-wal")
    if not file.exists() and log.exists() and log.stat().st_size:
        raise ConfigurationError(
            f"{file} is gone, but {log.name} of it is there and may hold what was written last: "
            f"put the database back beside it, or move {log.name} away to begin anew"
        )


def _check_header(file: Path) -> None:
    """SQLite takes a file of a few bytes, whatever they are, for an empty database, and writes over it."""
    try:
        with file.open("rb") as f:
            header = f.read(16)
    except OSError:  # not there yet, or SQLite will say why not
        return
    if header not in (b"", b"SQLite format 3\0"):
        raise StoreError(f"{file} {NO_DATABASE}")


def _check_file(file: Path) -> None:
    """The directory of a file must be there and writable: the database's own message names neither."""
    folder = file.absolute().parent
    if not folder.is_dir():
        raise ConfigurationError(f"there is no directory {folder} for the database {file.name}: make it first")
    if file.is_dir():
        raise ConfigurationError(f"{file} is a directory; name a file in it")
    if not os.access(folder, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise ConfigurationError(f"{file} cannot be written: check the rights of the file and of {folder}")
