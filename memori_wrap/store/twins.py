"""The synchronous twin of an asynchronous engine: the same database, the synchronous driver, nothing left out.

Built from the URL *object* (its text masks the password) and from what the engine would hand to its driver. What a
synchronous driver cannot take is an error: a connection without the certificate check that was asked for is no twin.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL

from memori_wrap.errors import ConfigurationError, MissingExtra
from memori_wrap.store.engines import Connection, check_sqlite, from_url, masked

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_SYNC: Mapping[str, tuple[str, ...]] = {
    "asyncpg": ("psycopg", "psycopg2"),
    "psycopg": ("psycopg",),
    "psycopg_async": ("psycopg",),
    "aiomysql": ("pymysql",),
    "asyncmy": ("pymysql",),
    "aiosqlite": ("pysqlite",),
    "oracledb": ("oracledb",),
    "oracledb_async": ("oracledb",),
    "aioodbc": ("pyodbc",),
}
"""Drivers of the same database, the better one first."""
_WAY_OUT = "give a synchronous engine of the same database as well: Memori(sqlalchemy.create_engine(...))"
_BY_FUNCTION = f"this AsyncEngine is connected by a function of its own, which only asyncio can call; {_WAY_OUT}"


def from_async_engine(engine: AsyncEngine, busy_timeout: float) -> Connection:
    if engine.dialect.name == "sqlite":
        check_sqlite(engine.url)
    url, connect_args = sync_url(engine.url, _asked_of_driver(engine.sync_engine))
    return from_url(url, busy_timeout, connect_args)


def sync_url(url: URL, asked: Mapping[str, Any] | None = None) -> tuple[URL, dict[str, Any]]:
    """The URL and the connect_args of the twin; ``asked``: what the asynchronous driver would be given.

    Raises ``ConfigurationError`` for what does not fit, ``MissingExtra`` for an absent driver.
    """
    driver = url.get_driver_name()
    twin = _available(url, _SYNC.get(driver, ()))
    said = _said_by(url)
    params = dict(said if asked is None else asked)
    named = url.set(drivername=f"{url.get_backend_name()}+{twin}")
    words = _WORDS.get(driver)
    if words is None:  # both drivers are one library: the same words
        return named, {k: v for k, v in params.items() if said.get(k) != v and k not in _OF_ASYNCIO}
    args = _translated(url, params, words)
    if twin == "psycopg2":
        args.pop("prepare_threshold", None)  # it prepares none
    where = {ours: params.get(theirs) for ours, theirs in _IN_URL.items() if theirs in params} | {
        ours: None for ours, theirs in _IN_URL.items() if theirs in args
    }
    return named.set(query={}, **where), args


def _available(url: URL, drivers: tuple[str, ...]) -> str:
    for driver in drivers:
        if driver == "pysqlite" or find_spec(driver) is not None:
            return driver
    if not drivers:
        raise ConfigurationError(f"{masked(url)} is asynchronous and no synchronous driver is known for it: {_WAY_OUT}")
    raise MissingExtra(f"{masked(url)}: its synchronous twin needs a driver: pip install {drivers[0]}")


def _said_by(url: URL) -> dict[str, Any]:
    """What the URL alone makes the driver be given."""
    dialect: Any = url.get_dialect(_is_async=True)()
    return dict(dialect.create_connect_args(url)[1])


class _Seen(Exception):
    pass


def _asked_of_driver(engine: sa.Engine) -> dict[str, Any]:
    """What the engine hands to its driver: a new pool of its kind is asked to connect, and stopped just before."""
    if list(engine.dialect.dispatch.do_connect):
        raise ConfigurationError(
            f"this AsyncEngine has a do_connect listener, which a synchronous twin would lack; {_WAY_OUT}"
        )
    seen: dict[str, Any] = {}

    def stop(*told: Any) -> None:
        seen.update(told[-1])  # the dialect, the pool's record, the arguments by position and by name
        raise _Seen

    event.listen(engine, "do_connect", stop)
    try:
        engine.pool.recreate().connect().close()
    except _Seen:
        return seen
    except Exception as error:
        raise ConfigurationError(_BY_FUNCTION) from error
    finally:
        event.remove(engine, "do_connect", stop)
    raise ConfigurationError(_BY_FUNCTION)


# ---------------------------------------------------------------- what one driver's arguments are called by the other

_OF_ASYNCIO = frozenset({"loop", "iter_chunk_size", "async_fallback", "echo", "command_timeout", "autocommit"}) | {
    "max_cached_statement_lifetime",
    "max_cacheable_statement_size",
}
"""What a synchronous twin has no need of, or does in its own way."""
_IN_URL = {"username": "user", "password": "password", "host": "host", "port": "port", "database": "database"}

Word = Callable[[Any], "Mapping[str, Any] | None"]
"""A value as the arguments of the other driver; None where that has nothing like it."""


def _translated(url: URL, params: Mapping[str, Any], words: Mapping[str, Word]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    misfits: list[str] = []
    for name, value in params.items():
        if value is None or name in _OF_ASYNCIO:
            continue
        found = words[name](value) if name in words else None
        if found is None:
            misfits.append(name)
        else:
            out |= found
    if misfits:
        named = ", ".join(sorted(misfits))
        raise ConfigurationError(f"{masked(url)}: the synchronous driver has nothing like its {named}; {_WAY_OUT}")
    return out


def _in_url(value: object) -> Mapping[str, Any] | None:
    return {} if isinstance(value, (str, int)) else None  # asyncpg takes a function as password


def _several(name: str) -> Word:
    def word(value: Any) -> Mapping[str, Any]:
        return {name: ",".join(map(str, value))} if isinstance(value, (list, tuple)) else {}

    return word


def _kept(name: str) -> Word:
    return lambda value: {name: value}


def _ssl(value: object) -> Mapping[str, Any] | None:
    if value is True:  # asyncpg: a context that checks certificate and host name
        return {"sslmode": "verify-full", "sslrootcert": "system"}
    if value is False:
        return {"sslmode": "disable"}
    return {"sslmode": value} if isinstance(value, str) else None


def _settings(value: Mapping[str, object]) -> Mapping[str, Any]:
    escaped = {name: str(v).replace("\\", "\\\\").replace(" ", "\\ ") for name, v in value.items()}
    return {"options": " ".join(f"-c {name}={v}" for name, v in escaped.items())}


def _prepared(value: object) -> Mapping[str, Any]:
    """Who turns asyncpg's prepared statements off has a pooler between: psycopg must not make any either."""
    return {"prepare_threshold": None} if callable(value) or int(str(value)) == 0 else {}


_POSTGRESQL: Mapping[str, Word] = {
    "user": _in_url,
    "password": _in_url,
    "database": _in_url,
    "host": _several("host"),
    "port": _several("port"),
    "ssl": _ssl,
    "timeout": lambda value: {"connect_timeout": max(1, math.ceil(float(value)))},
    "server_settings": _settings,
    "statement_cache_size": _prepared,
    "prepared_statement_cache_size": _prepared,
    "prepared_statement_name_func": _prepared,
    **{name: _kept(name) for name in ("passfile", "service", "target_session_attrs", "krbsrvname", "gsslib")},
}
_MYSQL: Mapping[str, Word] = {
    "user": _in_url,
    "password": _in_url,
    "host": _in_url,
    "port": _in_url,
    "db": _kept("database"),
    "database": _kept("database"),
    **{
        name: _kept(name)
        for name in (
            "charset",
            "client_flag",
            "connect_timeout",
            "init_command",
            "local_infile",
            "program_name",
            "read_default_file",
            "read_default_group",
            "server_public_key",
            "sql_mode",
            "ssl",
            "unix_socket",
            "use_unicode",
        )
    },
}
_WORDS: Mapping[str, Mapping[str, Word]] = {"asyncpg": _POSTGRESQL, "aiomysql": _MYSQL, "asyncmy": _MYSQL}
