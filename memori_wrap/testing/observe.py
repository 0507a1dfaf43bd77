"""A store and a retriever that let a test see what reaches them, and that fail or stall on command."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from memori_wrap.index.flat import FlatIndex
from memori_wrap.protocols import Query
from memori_wrap.retrieve.hybrid import HybridRetriever
from memori_wrap.store.connect import MEMORY, connect
from memori_wrap.store.sql import SqlStore
from memori_wrap.types import Delta, Exchange, Recollection, Vectors

_lock = threading.Lock()
_tables: list[sqlite3.Connection] = []


class WatchedStore(SqlStore):
    """The SQL store, in memory: ``Memori(WatchedStore())``.

    ``exchanges`` is every exchange that was handed over to be written, each as often as that happened: one that is
    captured twice stands there twice, though the table has it once. ``error`` is raised by every capture; ``gate``
    freezes captures and reads while it is cleared.
    """

    def __init__(self) -> None:
        connection = connect(MEMORY, Path(), 5.0)
        raw: Any = connection.engine.raw_connection().driver_connection
        # the tables are made once and copied from then on: a migration for each test would take longer than the test
        with _lock:
            if _tables:
                _tables[0].backup(raw)
            super().__init__(connection)
            if not _tables:
                _tables.append(sqlite3.connect(":memory:", check_same_thread=False))
                raw.backup(_tables[0])
        self.exchanges: list[Exchange] = []
        self.error: BaseException | None = None
        self.gate = threading.Event()
        self.gate.set()

    def capture(self, exchanges: Sequence[Exchange]) -> Sequence[Delta]:
        """Writes and notes the exchanges, or fails as it was told to."""
        self.gate.wait()
        if self.error is not None:
            raise self.error
        self.exchanges += exchanges
        return super().capture(exchanges)

    def load(self, entity: str, since: int, model: str | None) -> Delta:
        """Reads, as soon as the gate is open."""
        self.gate.wait()
        return super().load(entity, since, model)


class WatchedRetriever(HybridRetriever):
    """The real retriever. ``ask`` is called before every ranking: it counts, raises or waits as it likes."""

    def __init__(self, ask: Callable[[Query], object]) -> None:
        super().__init__(FlatIndex)
        self._ask = ask

    def rank(self, query: Query, vector: Vectors | None, recent: Sequence[Any]) -> Sequence[Recollection]:
        """What the real one says."""
        self._ask(query)
        return super().rank(query, vector, recent)
