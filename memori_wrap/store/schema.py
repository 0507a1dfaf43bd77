"""Opening a database: is it ours, is it new, is it newer than this library?"""

from __future__ import annotations

import random
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError
from sqlalchemy.schema import CreateSchema

from memori_wrap.errors import MigrationNeeded, StoreError
from memori_wrap.store.checks import check_connection, check_encoding, check_writable, explained
from memori_wrap.store.migrations import HEAD, REVISIONS, VERSION_TABLE
from memori_wrap.store.session import Session, as_store_error

_version = sa.Table(VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.String(32)))


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
        if (known := explained(error, session.engine.url)) is not None:
            raise known from error
        raise


def stored(session: Session) -> str | None:
    """The revision of the schema in the database, None where there is none."""
    try:
        found = _version_in(session)
    except StoreError as error:
        if not isinstance(error.__cause__, (OperationalError, ProgrammingError)):
            raise
        if not _is_there(session):
            return None
        found = _version_in(session)  # made just now by another process, or away: then it raises
    if found is not None and found not in REVISIONS:
        raise MigrationNeeded(
            f"the database has schema {found}, this memori_wrap knows {HEAD}: pip install -U memori-wrap"
        )
    return found


def _version_in(session: Session) -> str | None:
    with session.read() as conn:
        found: str | None = conn.execute(sa.select(_version.c.version_num)).scalar()
    return found


def _is_there(session: Session) -> bool:
    with session.read() as conn:
        return sa.inspect(conn).has_table(VERSION_TABLE, schema=session.schema)


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
            _into_wal(conn)
    except DatabaseError as error:
        raise as_store_error(error, session.engine) from error


def _into_wal(conn: sa.Connection) -> None:
    """Setting it takes a lock that SQLite itself does not wait for, and several processes may begin at once."""
    deadline = time.monotonic() + conn.exec_driver_sql("PRAGMA busy_timeout").scalar_one() / 1000
    while True:
        try:
            if conn.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                conn.exec_driver_sql("PRAGMA journal_mode=WAL")
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() >= deadline:
                raise
            time.sleep(random.uniform(0.001, 0.02))
        else:
            return


def _migrate(session: Session) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with session.migration() as conn:
        if session.schema is not None:
            conn.execute(CreateSchema(session.schema, if_not_exists=True))
        config.attributes["connection"], config.attributes["schema"] = conn, session.schema
        command.upgrade(config, "head")
