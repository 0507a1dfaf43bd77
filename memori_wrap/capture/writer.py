"""The writer thread: exchanges that wait are committed together, and each caller gets its acknowledgement.

"Acknowledged" means in the database, or, while that is away, in the journal. A call waits for it within its
capture budget only; after a few misses calls do not wait at all until the database answers again.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from memori_wrap.background import take
from memori_wrap.capture.journal import Journal
from memori_wrap.counts import Counts
from memori_wrap.errors import StoreError
from memori_wrap.protocols import Store
from memori_wrap.types import Delta, Exchange

log = logging.getLogger(__name__)

BATCH = 128
MISSES = 3
"""Acknowledgements that came too late before calls stop to wait for them."""
PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between attempts to reach a database that is away: doubled, with jitter, up to the longest."""


def _running() -> Future[bool]:
    """A future that nobody can cancel: the exchange is written whether or not its caller still waits."""
    future: Future[bool] = Future()
    future.set_running_or_notify_cancel()
    return future


@dataclass(eq=False)
class _Item:
    exchange: Exchange | None = None
    make: Callable[[], object] | None = None
    size: int = 0
    acknowledged: Future[bool] = field(default_factory=_running)


class Writer:
    """Takes exchanges without blocking; ``stored`` is told what was committed."""

    def __init__(
        self,
        store: Store,
        journal: Journal | None,
        counts: Counts,
        stored: Callable[[Sequence[Exchange], Sequence[Delta]], None],
        *,
        max_items: int,
        max_bytes: int,
    ) -> None:
        self._store, self._journal, self._counts, self._stored = store, journal, counts, stored
        self._max_items, self._max_bytes = max_items, max_bytes
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._state = threading.Condition()
        self._items = self._bytes = self._spilled = self._misses = 0
        self._closed = self._is_away = False
        self._pause, self._again_at = PAUSE, 0.0
        self._failures = 0
        self._in_hand: list[Exchange] = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._state:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="memori-writer", daemon=True)
                self._thread.start()

    @property
    def worth_waiting(self) -> bool:
        """Whether an acknowledgement may be expected within a call's budget."""
        return self._misses < MISSES

    def late(self) -> None:
        """An acknowledgement did not come in time."""
        self._misses += 1

    def put(self, exchange: Exchange) -> Future[bool]:
        """Queues the exchange. The future says True once it is durable, False where it was dropped."""
        size = sum(len(m.text) for m in (*exchange.request, *exchange.reply))
        item = _Item(exchange, size=size)
        with self._state:
            is_full = self._items >= self._max_items or self._bytes + size > self._max_bytes
            if not (is_full or self._closed):
                self._items += 1
                self._bytes += size
        if is_full or self._closed:
            reason = "closed" if self._closed else "full"
            self._counts.add(f"dropped.queue_{reason}")
            if is_full:
                self._counts.once("queue_full", "memori_wrap: the capture queue is full: exchanges are dropped")
            item.acknowledged.set_result(False)
        else:
            self._queue.put(item)
            self.start()
        return item.acknowledged

    def later(self, make: Callable[[], object]) -> None:
        """Runs ``make`` on the writer thread. Safe in a finaliser: it only puts onto a re-entrant queue."""
        self._queue.put(_Item(make=make))

    def flush(self, timeout: float | None) -> int:
        """Waits until everything put so far is in the database, or it was tried and is away; how many are not."""
        self.start()
        self._again_at = 0.0
        failures = self._failures
        barrier = _Item(make=lambda: None)
        self._queue.put(barrier)
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._state:
            while self.waiting or not barrier.acknowledged.done():
                left = None if deadline is None else deadline - time.monotonic()
                if (left is not None and left <= 0) or self._failures > failures:
                    break
                self._state.wait(0.1 if left is None else min(left, 0.1))
        return self.waiting

    def forget(self, entity: str) -> int:
        """Takes an erased entity out of the journal; how many exchanges. What is queued the store refuses."""
        return self._journal.forget(entity) if self._journal is not None else 0

    @property
    def waiting(self) -> int:
        """Exchanges of this process that are not in the database yet."""
        return self._items + self._spilled

    def close(self, timeout: float) -> None:
        """Commits what waits; what the database does not take in time goes to the journal."""
        with self._state:
            if self._closed:
                return
            self._closed = True
        self._queue.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        rest = [item.exchange for item in self._drain() if item.exchange is not None]
        if self._thread is not None and self._thread.is_alive():
            rest = [*self._in_hand, *rest]  # a commit that hangs: its exchange may be in both, under one id
        if rest:
            self._spill(rest)
        if self._journal is not None:
            self._journal.close()

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        self._try_again()  # what an earlier process left in the journal
        while True:
            try:
                first = self._queue.get(timeout=self._wait())
            except Empty:
                self._try_again()
                continue
            items = take(self._queue, first, BATCH)
            work = [item for item in items if item is not None]
            for item in work:
                if item.make is not None:
                    with self._counts.guard("capture"):
                        item.make()
            self._write([item for item in work if item.exchange is not None])
            for item in work:
                if item.exchange is None:
                    self._acknowledge(item)
            if None in items:
                for item in self._drain():  # put by finalisers and calls that were faster than the end
                    self._write([item] if item.exchange is not None else [])
                return

    def _wait(self) -> float | None:
        return max(0.0, self._again_at - time.monotonic()) if self._is_away else None

    def _drain(self) -> list[_Item]:
        items: list[_Item] = []
        while True:
            try:
                item = self._queue.get_nowait()
            except Empty:
                return items
            if item is not None:
                items.append(item)

    def _write(self, items: Sequence[_Item]) -> None:
        if not items:
            return
        exchanges = [item.exchange for item in items if item.exchange is not None]
        self._in_hand = exchanges
        if self._is_away and time.monotonic() >= self._again_at:
            self._try_again()
        try:
            lost = {e.id for e in (self._spill(exchanges) if self._is_away else self._commit(exchanges))}
        except BaseException as error:  # the thread goes on, whatever it met
            self._counts.failed("capture", error)
            self._counts.add("dropped.failed", len(exchanges))
            lost = {e.id for e in exchanges}
        self._in_hand = []
        for item in items:
            self._acknowledge(item, item.exchange is not None and item.exchange.id not in lost)

    def _acknowledge(self, item: _Item, durable: bool = True) -> None:
        with self._state:
            if item.exchange is not None:
                self._items -= 1
                self._bytes -= item.size
            self._misses = 0
            item.acknowledged.set_result(durable)
            self._state.notify_all()

    def _commit(self, exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
        """Into the database, or into the journal while that is away; what is in neither comes back."""
        try:
            return self._store_all(exchanges)
        except StoreError as error:
            self._went_away(error)
            return self._spill(exchanges)

    def _store_all(self, exchanges: Sequence[Exchange], is_repeated: bool = False) -> list[Exchange]:
        """One transaction for all; where the database refuses one of them for good, each on its own.

        Returns those that are refused; raises ``StoreError`` where the database is away.
        """
        try:
            deltas = self._store.capture(exchanges)
        except BaseException as error:  # a fault of ours must not end the thread either
            if isinstance(error, StoreError) and error.transient:
                raise
            if len(exchanges) > 1:
                return [refused for e in exchanges for refused in self._store_all([e])]
            if not (isinstance(error, StoreError) or is_repeated):  # short of memory, say: that is no refusal
                self._counts.failed("capture", error)
                return self._store_all(exchanges, is_repeated=True)
            self._refuse(exchanges[0], str(error) if isinstance(error, StoreError) else type(error).__name__)
            return list(exchanges)
        self._counts.add("captured", len(exchanges))
        self._counts.add("commits")
        with self._counts.guard("index"):
            self._stored(exchanges, deltas)
        return []

    def _refuse(self, exchange: Exchange, reason: str) -> None:
        self._counts.add("dropped.refused")
        self._counts.once("refused", "memori_wrap: the database refused an exchange (%s); the journal keeps it", reason)
        log.debug("refused", exc_info=True)
        if self._journal is not None:
            with self._counts.guard("journal"):
                self._journal.append([exchange], reason)

    # ------------------------------------------------------------ while the database is away

    def _went_away(self, error: StoreError) -> None:
        self._failures += 1
        self._counts.add("store_errors")
        self._counts.once("away", "memori_wrap: the database is away (%s); exchanges go to the journal", error)
        self._is_away = True
        self._again_at = time.monotonic() + self._pause * random.uniform(0.5, 1.5)  # jitter
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)

    def _spill(self, exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
        """Into the journal; what it does not take comes back."""
        if self._journal is not None:
            try:
                self._journal.append(exchanges)
            except (sqlite3.Error, OSError) as error:
                self._counts.once("journal", "memori_wrap: the journal cannot be written (%s)", type(error).__name__)
            else:
                self._counts.add("spilled", len(exchanges))
                with self._state:
                    self._spilled += len(exchanges)
                return []
        self._counts.add("dropped.no_journal", len(exchanges))
        return exchanges

    def _try_again(self) -> None:
        try:
            self._drain_journal()
        except StoreError as error:
            self._went_away(error)
        except (sqlite3.Error, OSError) as error:
            self._counts.once("journal", "memori_wrap: the journal cannot be read (%s)", type(error).__name__)
            self._is_away = False
        else:
            self._is_away, self._pause = False, PAUSE

    def _drain_journal(self) -> None:
        """The journal into the database, in order, before anything newer."""
        while self._journal is not None and (exchanges := self._journal.peek(BATCH)):
            refused = {e.id for e in self._store_all(exchanges)}
            self._journal.drop([e for e in exchanges if e.id not in refused])
            with self._state:
                self._spilled = max(0, self._spilled - len(exchanges))
                self._state.notify_all()
