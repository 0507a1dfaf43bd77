"""Opening a database: is it ours, is it new, is it newer than this library?"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

from memori_wrap.errors import MigrationNeeded, StoreError
from memori_wrap.store.checks import check_connection, check_encoding, check_writable, explained
from memori_wrap.store.migrations import HEAD, REVISIONS, VERSION_TABLE
from memori_wrap.store.quirks import lock_migration, unlock_migration
from memori_wrap.store.session import Session

_version = sa.table(VERSION_TABLE, sa.column("version_num"))


def prepare(session: Session, durability: str, *, owned: bool) -> None:
    """Brings the schema to the head.

    Raises ``MigrationNeeded`` for a newer one, ``ConfigurationError`` for a database or an engine that cannot hold
    what is stored, ``StoreError`` for a file that is no database or cannot be written.
    """
    try:
        if session.is_sqlite and owned:
            _tune(session, durability)
        check_connection(session, owned=owned)
        if (found := stored(session)) == HEAD:
            check_writable(session)
        else:
            if found is None:
                check_encoding(session)
            _migrate(session)
    except StoreError as error:
        raise explained(error, session.engine.url) from error


def stored(session: Session) -> str | None:
    """The revision of the schema in the database, None where there is none."""
    try:
        with session.read() as conn:
            found = conn.execute(sa.select(_version.c.version_num)).scalar()
    except StoreError as error:
        if isinstance(error.__cause__, (OperationalError, ProgrammingError)) and not _is_there(session):
            return None
        raise
    if found is not None and found not in REVISIONS:
        raise MigrationNeeded(
            f"the database has schema {found}, this memori_wrap knows {HEAD}: pip install -U memori-wrap"
        )
    return found


def _is_there(session: Session) -> bool:
    with session.read() as conn:
        return sa.inspect(conn).has_table(VERSION_TABLE)


def _tune(session: Session, durability: str) -> None:
    """WAL lets readers and one writer work side by side; it stays with the file. The rest is per connection."""
    level = "FULL" if durability == "full" else "NORMAL"

    def set_level(dbapi_connection: object, _: object) -> None:
        cursor = dbapi_connection.cursor()  # type: ignore[attr-defined]
        cursor.execute(f"PRAGMA synchronous={level}")
        cursor.close()

    event.listen(session.engine, "connect", set_level)
    try:
        with session.engine.connect() as conn:
            # setting it takes a lock that SQLite does not wait for
            if conn.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                conn.exec_driver_sql("PRAGMA journal_mode=WAL")
    except DatabaseError as error:
        from memori_wrap.store.session import as_store_error

        raise as_store_error(error, session.engine) from error


def _migrate(session: Session) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with session.write() as conn:
        lock_migration(conn)
        try:
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
        finally:
            unlock_migration(conn)
