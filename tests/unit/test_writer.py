"""The writer: bounded, poison apart from good, acknowledgements shared by one commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memori_wrap.capture.journal import Journal
from memori_wrap.capture.writer import Writer
from memori_wrap.counts import Counts
from memori_wrap.errors import StoreError
from memori_wrap.store.connect import connect
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.store_suite import exchange
from memori_wrap.types import Delta, Exchange


class Desk:
    """A writer over a real store, with what it was told."""

    def __init__(self, folder: Path, **limits: int) -> None:
        self.store = SqlStore(connect(f"sqlite:///{folder}/m.db", folder, 5))
        self.counts, self.journal = Counts(), Journal(folder / "journal.db")
        self.stored: list[Exchange] = []
        bounds = {"max_items": 1000, "max_bytes": 10**9, **limits}
        self.writer = Writer(self.store, self.journal, self.counts, self.take, **bounds)

    def take(self, exchanges: Sequence[Exchange], deltas: Sequence[Delta]) -> None:
        self.stored += exchanges


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_commits_are_shared(desk: Desk) -> None:
    with ThreadPoolExecutor(16) as pool:
        futures = list(pool.map(lambda n: desk.writer.put(exchange(f"hi {n}", session=str(n))), range(400)))
    assert all(f.result(20) for f in futures)
    counts = desk.counts.snapshot()
    assert counts["captured"] == 400
    assert counts["commits"] < 200
    assert desk.store.queue().pending == 400
    desk.writer.close(2)


def test_full_queue_drops_the_newest_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    desk = Desk(tmp_path, max_items=3)
    real = desk.store.capture
    monkeypatch.setattr(desk.store, "capture", lambda e: (gate.wait(20), real(e))[1])
    futures = [desk.writer.put(exchange(f"hi {n}", session=str(n))) for n in range(5)]
    assert [f.result(1) for f in futures[3:]] == [False, False]
    gate.set()
    assert [f.result(20) for f in futures[:3]] == [True] * 3
    assert desk.counts.snapshot()["dropped.queue_full"] == 2
    desk.writer.close(2)


def test_bytes_are_bounded(tmp_path: Path) -> None:
    desk = Desk(tmp_path, max_bytes=1000)
    assert not desk.writer.put(exchange("x" * 2000)).result(1)
    assert desk.writer.put(exchange("x" * 500)).result(10)
    desk.writer.close(2)


def test_one_that_is_refused_does_not_take_the_others_along(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = desk.store.capture

    def capture(exchanges: Sequence[Exchange]) -> Sequence[Delta]:
        if any(e.request[0].text == "poison" for e in exchanges):
            raise StoreError("a value that the database does not take")
        return real(exchanges)

    monkeypatch.setattr(desk.store, "capture", capture)
    futures = [desk.writer.put(exchange("poison" if n == 3 else f"hi {n}", session=str(n))) for n in range(8)]
    assert [f.result(20) for f in futures] == [n != 3 for n in range(8)]
    assert desk.counts.snapshot()["dropped.refused"] == 1
    assert desk.journal.peek(10) == [], "what is refused for good is not tried again"
    desk.writer.close(2)


def test_what_waits_in_the_journal_comes_before_what_is_new(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real, is_away = desk.store.capture, threading.Event()
    is_away.set()

    def capture(exchanges: Sequence[Exchange]) -> Sequence[Delta]:
        if is_away.is_set():
            raise StoreError("away", transient=True)
        return real(exchanges)

    monkeypatch.setattr(desk.store, "capture", capture)
    assert all(desk.writer.put(exchange(f"old {n}")).result(20) for n in range(5)), "durable in the journal"
    assert desk.stored == []
    is_away.clear()
    assert desk.writer.put(exchange("new")).result(20)
    assert desk.writer.flush(20) == 0
    assert [e.request[0].text for e in desk.stored] == ["old 0", "old 1", "old 2", "old 3", "old 4", "new"]
    desk.writer.close(2)


def test_a_store_that_hangs_at_the_end_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path)
    monkeypatch.setattr(desk.store, "capture", lambda _: time.sleep(60))
    for n in range(3):
        desk.writer.put(exchange(f"hi {n}"))
        time.sleep(0.05)
    desk.writer.close(0.2)
    assert [e.request[0].text for e in Journal(tmp_path / "journal.db").peek(10)] == ["hi 0", "hi 1", "hi 2"]


def test_what_is_refused_out_of_the_journal_does_not_block_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.journal.append([exchange("poison"), exchange("good")])
    real = desk.store.capture

    def capture(exchanges: Sequence[Exchange]) -> Sequence[Delta]:
        if any(e.request[0].text == "poison" for e in exchanges):
            raise StoreError("a value that the database does not take")
        return real(exchanges)

    monkeypatch.setattr(desk.store, "capture", capture)
    desk.writer.flush(20)
    assert [e.request[0].text for e in desk.stored] == ["good"]
    assert desk.journal.peek(10) == []
    desk.writer.close(2)
