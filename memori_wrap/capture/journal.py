"""Where exchanges go while the database is away: a SQLite file beside nothing, drained in order when it is back.

SQLite makes an append atomic and lasting across SIGKILL, and lets several processes share the file. An exchange
has an id, so that draining the same row twice stores it once.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from memori_wrap.forks import in_database
from memori_wrap.types import Exchange

_exchange = TypeAdapter(Exchange)
_APPEND = (
    "INSERT INTO spill (id, exchange, reason) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET reason = excluded.reason"
)
_FORGET = "DELETE FROM spill WHERE json_extract(exchange, '$.scope.entity') = ?"


class Journal:
    """Append, peek, drop. Raises ``sqlite3.Error`` or ``OSError``; nothing is opened before there is need."""

    def __init__(self, file: Path, *, full_sync: bool = False) -> None:
        self._file, self._full_sync = file, full_sync
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._may_hold = file.exists()

    def append(self, exchanges: Sequence[Exchange], reason: str | None = None) -> None:
        """``reason`` set: the database refused the exchange for good; it is kept for a person to look at."""
        rows = [(e.id, _exchange.dump_json(e).decode("utf-8", "replace"), reason) for e in exchanges]
        with self._lock, in_database():
            connection = self._open()
            with connection:
                connection.executemany(_APPEND, rows)
            self._may_hold = True

    def peek(self, limit: int) -> list[Exchange]:
        """The oldest exchanges that wait for the database."""
        with self._lock, in_database():
            if not self._may_hold:
                return []
            rows = (
                self._open()
                .execute("SELECT exchange FROM spill WHERE reason IS NULL ORDER BY n LIMIT ?", (limit,))
                .fetchall()
            )
            self._may_hold = bool(rows)
        return [_exchange.validate_json(row[0]) for row in rows]

    def drop(self, exchanges: Sequence[Exchange]) -> None:
        with self._lock, in_database():
            connection = self._open()
            with connection:
                connection.executemany("DELETE FROM spill WHERE id = ?", [(e.id,) for e in exchanges])

    def forget(self, entity: str) -> int:
        """Takes out every exchange of the entity, so that no byte of it is left; how many."""
        with self._lock, in_database():
            if not self._file.exists():
                return 0
            connection = self._open()
            connection.execute("PRAGMA secure_delete=ON")
            with connection:
                gone = connection.execute(_FORGET, (entity,))
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return gone.rowcount

    def close(self) -> None:
        with self._lock, in_database():
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = sqlite3.connect(self._file, timeout=2, check_same_thread=False)
            self._file.chmod(0o600)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if self._full_sync else 'NORMAL'}")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS spill"
                " (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, exchange TEXT, reason TEXT)"
            )
            self._connection = connection
        return self._connection
