"""What users hand over as ``conn``, turned into an Engine; every trap is an error that says what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from sqlalchemy.pool import StaticPool

from memori_wrap.errors import ConfigurationError
from memori_wrap.store.engines import TAKEN, Connection, from_engine, from_text, masked

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["MEMORY", "Connection", "connect", "masked"]

MEMORY = "memory://"


def connect(conn: object, data_dir: Path, busy_timeout: float, schema: str | None = None) -> Connection:
    """An engine for ``conn``; raises ``ConfigurationError`` (``MissingExtra`` for an absent driver).

    ``schema``: where the tables are, in a database that has such; none: where the connection says.
    """
    made = _connect(conn, data_dir, busy_timeout)
    if schema is None:
        return made
    if made.engine.dialect.name not in ("postgresql", "cockroachdb"):
        raise ConfigurationError(f"database_schema={schema!r} is for PostgreSQL, not {made.engine.dialect.name}")
    return replace(made, engine=made.engine.execution_options(schema_translate_map={None: schema}))


def _connect(conn: object, data_dir: Path, busy_timeout: float) -> Connection:
    if conn is None:
        return from_text(_default_url(data_dir), busy_timeout)
    if conn == MEMORY:
        engine = sa.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, isolation_level="AUTOCOMMIT"
        )
        return Connection(engine, owned=True, shared=True)
    if isinstance(conn, (str, URL)):
        return from_text(conn, busy_timeout)
    if isinstance(conn, Engine):
        return from_engine(conn)
    if (bind := _bind_of(conn)) is not None:
        return connect(bind, data_dir, busy_timeout)
    if _is_async_engine(conn):
        from memori_wrap.store.twins import from_async_engine

        return from_async_engine(cast("AsyncEngine", conn), busy_timeout)
    from memori_wrap.store import djangos, factories

    if djangos.is_connection(conn):
        return djangos.from_connection(conn, busy_timeout)
    if callable(conn) and not callable(getattr(conn, "cursor", None)):  # an open connection may be callable, too
        return factories.from_factory(conn, lambda given: connect(given, data_dir, busy_timeout))
    raise ConfigurationError(f"conn is {_named(conn)}; what is taken: {TAKEN}{_hint(conn)}")


def _default_url(data_dir: Path) -> URL:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"cannot make the data directory {data_dir} ({error.strerror}): set MEMORI_WRAP_DATA_DIR or give a conn"
        ) from error
    return URL.create("sqlite", database=str(data_dir / "memori.db"))


def _is_async_engine(conn: Any) -> bool:
    """Told by its name: SQLAlchemy's asyncio part is loaded only by who uses it."""
    kinds = [cls for cls in type(conn).__mro__ if cls.__module__.startswith("sqlalchemy.ext.asyncio")]
    return any(cls.__name__ == "AsyncEngine" for cls in kinds)


def _bind_of(conn: Any) -> object | None:
    """The engine behind a session, a ``sessionmaker``, a ``scoped_session`` or their asynchronous kin; else None.

    No session is made: a factory of sessions may have a request or a task to be asked for.
    """
    if not any(cls.__module__.startswith(("sqlalchemy.orm", "sqlalchemy.ext.asyncio")) for cls in type(conn).__mro__):
        return None
    if _is_async_engine(conn):
        return None
    factory = getattr(conn, "session_factory", conn)
    bind: Any = (getattr(factory, "kw", None) or {}).get("bind")
    if bind is None and not callable(factory):
        bind = getattr(conn, "bind", None)
    if bind is None:
        raise ConfigurationError(
            f"this {type(conn).__name__} has no bind: write sessionmaker(bind=engine), or give the engine"
        )
    engine: object = bind if isinstance(bind, Engine) or _is_async_engine(bind) else getattr(bind, "engine", bind)
    return engine


def _named(conn: object) -> str:
    return f"a {type(conn).__module__}.{type(conn).__qualname__}"


def _hint(conn: Any) -> str:
    module = type(conn).__module__
    if isinstance(conn, sa.Connection) or module.startswith("sqlalchemy"):
        return ". Give the engine of it: one connection serves one thread"
    if module.startswith("django.") and hasattr(conn, "databases"):
        return '. Give one of them: connections["default"]'
    if callable(getattr(conn, "cursor", None)):
        return ". A DB-API connection serves one thread: give a function that opens a new one"
    return ""
