"""Transactions: the one place that knows how a database begins, locks and fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from memori_wrap.errors import StoreError
from memori_wrap.forks import in_database
from memori_wrap.store.engines import Connection, masked
from memori_wrap.store.quirks import NO_ROW_LOCKS, lock_migration, unlock_migration

log = logging.getLogger(__name__)

BORROWED = 2
"""Connections that are taken from a user's pool at the same time, at most."""


def _borrowed(engine: sa.Engine) -> int:
    """No more than the pool has: our own threads would run into its timeout, waiting for each other."""
    pool = engine.pool
    overflow: int = getattr(pool, "_max_overflow", -1) if isinstance(pool, QueuePool) else -1
    return BORROWED if overflow < 0 else max(1, min(BORROWED, pool.size() + overflow))  # type: ignore[attr-defined]


class Session:
    """Begins transactions on an engine; all errors come out as ``StoreError``."""

    def __init__(self, connection: Connection) -> None:
        self.engine = connection.engine
        self._owned = connection.owned
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._slots = nullcontext() if connection.owned else threading.BoundedSemaphore(_borrowed(self.engine))
        # one connection that serves all threads takes one transaction at a time
        self._gate = threading.RLock() if connection.shared else nullcontext()
        self._turn = threading.RLock() if self.engine.dialect.name in NO_ROW_LOCKS else nullcontext()

    @property
    def schema(self) -> str | None:
        """Where the tables are; None for the connection's own."""
        translated: dict[str | None, str] = self.engine.get_execution_options().get("schema_translate_map") or {}
        return translated.get(None)

    @contextmanager
    def write(self) -> Generator[sa.Connection]:
        """A transaction that has the right to write from its beginning: it cannot deadlock half-way in SQLite."""
        with self._turn, self._begin("BEGIN IMMEDIATE") as conn:
            yield conn

    @contextmanager
    def read(self) -> Generator[sa.Connection]:
        """A consistent view."""
        with self._begin("BEGIN") as conn:
            yield conn

    @contextmanager
    def scrubbing(self) -> Generator[sa.Connection]:
        """A write transaction that leaves no copy of what it deletes, where the database can do that."""
        with self._turn, self._begin("BEGIN IMMEDIATE", "PRAGMA secure_delete=ON") as conn:
            yield conn

    def scrub(self) -> bool | None:
        """Rewrites a SQLite file and empties its log; False where a reader held one of them. None elsewhere."""
        if not self.is_sqlite:
            return None
        try:
            with self._gate, self._slots, in_database(), self.engine.connect() as conn:
                conn.exec_driver_sql("PRAGMA secure_delete=ON")
                conn.exec_driver_sql("VACUUM")
                row = conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").first()
        except SQLAlchemyError:
            log.debug("not scrubbed", exc_info=True)
            return False
        return row is None or row[0] == 0

    @contextmanager
    def migration(self) -> Generator[sa.Connection]:
        """A transaction that one process is in at a time.

        MySQL commits each DDL statement, so there the lock is the connection's, and outlasts the transaction.
        """
        if self.engine.dialect.name not in ("mysql", "mariadb"):
            with self.write() as conn:
                lock_migration(conn)
                yield conn
            return
        try:
            with self._gate, self._slots, in_database(), self.engine.connect() as conn:
                lock_migration(conn)
                conn.commit()
                try:
                    with conn.begin():
                        yield conn
                finally:
                    unlock_migration(conn)
        except SQLAlchemyError as error:
            raise as_store_error(error, self.engine) from error

    @contextmanager
    def _begin(self, statement: str, pragma: str = "") -> Generator[sa.Connection]:
        try:
            with self._gate, self._slots, in_database():
                if not self.is_sqlite:
                    with self.engine.begin() as conn:
                        yield conn
                    return
                with self.engine.connect() as conn:
                    conn.begin()
                    if conn.connection.in_transaction:  # begun by a listener of the user's
                        conn.exec_driver_sql("ROLLBACK")
                    if pragma:
                        conn.exec_driver_sql(pragma)
                    conn.exec_driver_sql(statement)
                    try:
                        yield conn
                    except BaseException:
                        conn.exec_driver_sql("ROLLBACK")
                        raise
                    conn.exec_driver_sql("COMMIT")
        except SQLAlchemyError as error:
            raise as_store_error(error, self.engine) from error

    def close(self) -> None:
        if self._owned:
            self.engine.dispose()


def as_store_error(error: SQLAlchemyError, engine: sa.Engine) -> StoreError:
    """Without the statement and its parameters: they hold what users said."""
    where = masked(engine.url)
    is_transient = isinstance(error, (OperationalError, InterfaceError, PoolTimeout)) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause).splitlines()[0] if isinstance(error, (OperationalError, InterfaceError)) and str(cause) else ""
    return StoreError(f"{where}: {type(cause).__name__}{': ' if text else ''}{text}", transient=is_transient)
