"""Traps that only a connection shows, found when a database is opened and not when the first emoji is said."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from memori_wrap.errors import ConfigurationError, StoreError
from memori_wrap.store.engines import NO_DATABASE
from memori_wrap.store.migrations import VERSION_TABLE
from memori_wrap.store.session import Session, as_store_error

_FILE_TROUBLE = (
    ("not a database", NO_DATABASE),
    ("malformed", "is damaged; it was left as it is: restore a backup, or name another file"),
    ("readonly database", "cannot be written: check the rights of the file and of its directory"),
    ("read-only mode", "cannot be written: check the rights of the file and of its directory"),
    ("unable to open database", "cannot be opened: check that its directory is there and the rights of both"),
    ("not a valid DuckDB database", "is not a DuckDB database; it was left as it is: name another file"),
    ("Could not set lock on file", "is open in another process, and DuckDB serves one: close that, or name another"),
)


def explained(error: StoreError, url: URL) -> StoreError | None:
    """``error`` with what to do, where it is known what the database means."""
    cause = error.__cause__
    said = str(cause.orig) if isinstance(cause, DatabaseError) else ""
    for sign, advice in _FILE_TROUBLE:
        if sign in said:
            return StoreError(f"{url.database} {advice}")
    return None


def check_connection(session: Session, *, owned: bool) -> None:
    """A user's engine may commit each statement, or speak in a character set that lacks most of the world's."""
    if owned or session.is_sqlite:
        return
    with session.read() as conn:
        dialect: Any = conn.dialect
        detect = getattr(dialect, "detect_autocommit_setting", None)  # since SQLAlchemy 2.0.43
        level = conn.get_execution_options().get("isolation_level") or getattr(
            dialect, "_on_connect_isolation_level", None
        )
        is_autocommit = level == "AUTOCOMMIT"
        if not is_autocommit and detect is not None and dialect.name in ("postgresql", "mysql", "mariadb"):
            is_autocommit = detect(conn.connection.dbapi_connection)
        if is_autocommit:
            raise ConfigurationError(
                "this engine commits every statement by itself (AUTOCOMMIT), so that an exchange could be stored in "
                'halves: give engine.execution_options(isolation_level="READ COMMITTED")'
            )
        if dialect.name in ("mysql", "mariadb"):
            spoken = conn.exec_driver_sql("SELECT @@character_set_client").scalar()
            if spoken != "utf8mb4":
                raise ConfigurationError(
                    f"this engine speaks {spoken} with its server, which lacks emoji and most scripts: "
                    "add charset=utf8mb4 to its URL"
                )


def check_writable(session: Session) -> None:
    """Whether SQLite may write at all; that another one is writing just now is no answer, and not waited for."""
    if not session.is_sqlite:
        return
    try:
        with session.engine.connect() as conn:
            conn.begin()
            if conn.connection.in_transaction:
                conn.exec_driver_sql("ROLLBACK")
            patience = conn.exec_driver_sql("PRAGMA busy_timeout").scalar()
            conn.exec_driver_sql("PRAGMA busy_timeout=0")
            try:
                conn.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = version_num WHERE 1 = 0")
            finally:
                conn.exec_driver_sql(f"PRAGMA busy_timeout={patience}")
    except DatabaseError as error:
        if "readonly" in str(error.orig):
            raise as_store_error(error, session.engine) from error


def check_encoding(session: Session) -> None:
    """A new database must be able to hold any script."""
    if session.engine.dialect.name != "postgresql":
        return
    with session.read() as conn:
        encoding = conn.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise ConfigurationError(
            f"the database {session.engine.url.database} holds text as {encoding}, which lacks most scripts: "
            "make one WITH ENCODING 'UTF8' TEMPLATE template0"
        )
