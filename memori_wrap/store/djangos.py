"""Django's connection, translated from its settings into an engine of our own.

Not shared with Django: its connection belongs to one thread and to the request's transaction, which may be rolled
back when the answer of a model has long been given. Django is not imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import URL

from memori_wrap.errors import ConfigurationError
from memori_wrap.store.engines import Connection, from_url

_OF_DJANGO = frozenset(
    {"isolation_level", "server_side_binding", "pool", "assume_role", "cursor_factory", "transaction_mode"}
) | {"autocommit", "conv", "cursorclass"}
"""OPTIONS that Django keeps to itself, or that say how its own cursors behave."""


def is_connection(conn: object) -> bool:
    """``connection``, a proxy, or one of ``connections``: told by their names."""
    return any(
        (cls.__module__, cls.__name__)
        in (("django.db.backends.base.base", "BaseDatabaseWrapper"), ("django.utils.connection", "ConnectionProxy"))
        for cls in type(conn).__mro__
    )


def from_connection(conn: Any, busy_timeout: float) -> Connection:
    settings: Mapping[str, Any] = conn.settings_dict
    options = dict(settings.get("OPTIONS") or {})
    vendor: str = conn.vendor
    args = {k: v for k, v in options.items() if k not in _OF_DJANGO}
    if vendor == "sqlite":
        args.pop("init_command", None)  # PRAGMAs for Django's own connections
        return from_url(_sqlite_url(str(settings["NAME"])), busy_timeout, args)
    driver = str(conn.Database.__name__)
    if vendor == "postgresql" and driver in ("psycopg", "psycopg2"):
        if role := options.get("assume_role"):
            args["options"] = f"{args.get('options', '')} -c role={role}".strip()
        return from_url(_server_url(settings, f"postgresql+{driver}"), busy_timeout, args)
    if vendor == "mysql" and driver in ("MySQLdb", "pymysql"):
        if str(settings.get("HOST") or "").startswith("/"):
            settings = {**settings, "HOST": ""}
            args["unix_socket"] = conn.settings_dict["HOST"]
        return from_url(_server_url(settings, f"mysql+{driver.lower()}"), busy_timeout, args)
    raise ConfigurationError(
        f"a Django connection to {vendor} by {driver} is not known here: give the database's SQLAlchemy URL instead"
    )


def _sqlite_url(name: str) -> URL:
    """A test database of Django's is in memory and named by a URI; ``from_url`` refuses it."""
    return URL.create("sqlite", database=name)


def _server_url(settings: Mapping[str, Any], drivername: str) -> URL:
    return URL.create(
        drivername,
        username=settings.get("USER") or None,
        password=settings.get("PASSWORD") or None,
        host=settings.get("HOST") or None,
        port=int(settings["PORT"]) if settings.get("PORT") else None,
        database=settings.get("NAME") or None,
    )
