"""Where memories are kept: what a user hands over, as a store."""

from __future__ import annotations

from typing import cast

from memori_wrap import plugins
from memori_wrap.errors import ConfigurationError
from memori_wrap.protocols import Store
from memori_wrap.settings import Settings
from memori_wrap.storage import OpenStore


def open_store(target: object, settings: Settings) -> Store:
    """The store of ``target``: a store, what an installed adapter opens, else a SQL database.

    Raises ``ConfigurationError`` (``MissingExtra`` for an absent driver) and ``StoreError``.
    """
    # asked of the class: a pymongo database has every attribute
    if hasattr(type(target), "capture") and hasattr(type(target), "claim"):
        return cast(Store, target)
    if (plug := plug_for(target)) is not None:
        if settings.database_schema is not None:
            raise ConfigurationError(f"database_schema={settings.database_schema!r} is for PostgreSQL, not {plug}")
        opener = cast(OpenStore, plugins.load("stores", plug))
        return opener(target, durability=settings.durability)
    # SQLAlchemy is loaded here, when a database is opened, and not by importing the package
    from memori_wrap.store.connect import connect
    from memori_wrap.store.sql import SqlStore

    connection = connect(target, settings.data_dir, settings.busy_timeout, settings.database_schema)
    return SqlStore(connection, settings.durability)


def plug_for(target: object) -> str | None:
    """The installed adapter that opens ``target``; None for what is a SQL database, if anything."""
    installed = plugins.names("stores")
    if isinstance(target, str):
        scheme, colon, _ = target.partition("://")
        return scheme if colon and scheme in installed else None
    return next((root for root in plugins.roots(target) if root in installed), None)
