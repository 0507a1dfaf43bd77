"""The memory's database gone, frozen or read-only, the model missing: the call returns what it would have."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from memori_wrap import ConfigurationError, Memori, StoreError
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from tests.support.tally import Effective

PATIENCE = 2.0
"""Seconds that a call may take here at most: budgets are 0.35 s, machines are slow."""


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("Noted.") as server:
        yield server


def memory(folder: Path, **options: object) -> Memori:
    settings = {"data_dir": str(folder), "busy_timeout": 0.5, **options}
    return Memori(f"sqlite:///{folder}/m.db", embedder=HashEmbedder(), extractor=ScriptedExtractor(), settings=settings)


def ask(client: OpenAI, text: str) -> float:
    began = time.monotonic()
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    assert answer.choices[0].message.content == "Noted."
    return time.monotonic() - began


def client_of(mem: Memori, server: FakeOpenAI) -> OpenAI:
    return mem.register(OpenAI(base_url=server.base_url, api_key="x"), entity="alice")


@pytest.mark.fault("C04", "D11")
def test_locked_by_another_process_then_free(tmp_path: Path, server: FakeOpenAI, effective: Effective) -> None:
    """Calls go on within the budgets, what was said goes to the journal, and into the database when it is back."""
    with memory(tmp_path) as mem:
        client = client_of(mem, server)
        ask(client, "I like tea")
        assert mem.flush(10)
        lock = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        took = [ask(client, f"while it is locked, number {n}") for n in range(8)]
        assert max(took) < PATIENCE
        assert "number 6" in "".join(server.texts()), "what was said before is recalled although nothing is stored"
        until = time.monotonic() + 10
        while not mem.stats()["counts"].get("spilled") and time.monotonic() < until:
            time.sleep(0.05)
        effective(mem.stats()["counts"].get("spilled", 0), floor=1)
        report = mem.flush(1)
        assert not report
        assert report.waiting == 8
        lock.execute("ROLLBACK")
        lock.close()
        assert mem.flush(20)
        assert len(mem.facts(entity="alice")) == 9


@pytest.mark.fault("D11")
def test_killed_while_the_journal_is_open(tmp_path: Path, server: FakeOpenAI, effective: Effective) -> None:
    """What only the journal has is stored by the next process that opens the database."""
    mem = memory(tmp_path)
    client = client_of(mem, server)
    lock = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    ask(client, "only in the journal")
    mem.close(timeout=3)
    effective(mem.stats()["counts"].get("spilled", 0), floor=1)
    lock.execute("ROLLBACK")
    lock.close()
    with memory(tmp_path) as again:
        assert again.flush(20)
        assert [f.text for f in again.facts(entity="alice")] == ["User said: only in the journal"]


@pytest.mark.fault("C04")
def test_frozen(tmp_path: Path, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, effective: Effective) -> None:
    """Every statement hangs: a call waits its budgets a few times, then not at all; it still sees what was said."""
    gate = threading.Event()
    with memory(tmp_path) as mem:
        client = client_of(mem, server)
        ask(client, "My boat is called Aurora")
        assert mem.flush(10)
        for name in ("capture", "load", "revision", "claim", "queue", "complete", "leases"):
            monkeypatch.setattr(SqlStore, name, lambda *_, **__: gate.wait(30))
        took = [ask(client, f"boat talk {n}") for n in range(12)]
        assert max(took) < PATIENCE
        assert sum(took[6:]) < sum(took[:6]) + PATIENCE
        assert "boat talk 3" in "".join(server.texts())
        ask(client, "What is my boat called?")
        assert "Aurora" in "".join(server.texts())
        effective(mem._parts.writer.waiting, floor=13)
        monkeypatch.undo()
        gate.set()
        assert mem.flush(20)


def test_deleted_under_its_feet(tmp_path: Path, server: FakeOpenAI) -> None:
    with memory(tmp_path) as mem:
        client = client_of(mem, server)
        ask(client, "hello there")
        mem.flush(10)
        for file in tmp_path.glob("m.db*"):
            file.unlink()
        mem._parts.store._session.engine.dispose()  # a pooled connection would still hold the unlinked file
        for n in range(4):
            assert ask(client, f"hello again {n}") < PATIENCE


def test_read_only(tmp_path: Path, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    with memory(tmp_path) as mem:
        client = client_of(mem, server)
        ask(client, "I like chess")
        assert mem.flush(10)

        def refuse(*_: object) -> None:
            raise StoreError("attempt to write a readonly database", transient=True)

        monkeypatch.setattr(SqlStore, "capture", refuse)
        for n in range(4):
            assert ask(client, f"do I like chess? {n}") < PATIENCE
        assert "I like chess" in "".join(server.texts())
        monkeypatch.undo()
        assert mem.flush(20)
        assert len(mem.facts(entity="alice")) == 5


@pytest.mark.parametrize("how", ["missing", "corrupt"])
def test_model_missing_or_corrupt(
    how: str, tmp_path: Path, server: FakeOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    error = ImportError("no torch") if how == "missing" else ConfigurationError("not the official checkpoint")
    embedder = HashEmbedder(error=error)
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder=embedder, extractor="none") as mem:
        client = client_of(mem, server)
        ask(client, "My boat is called Aurora")
        assert ask(client, "What is my boat called?") < PATIENCE
        assert "Aurora" in "".join(server.texts())
        assert mem.flush(20)
        assert mem.stats()["recall"] == "words only"
        assert type(error).__name__ in mem.stats()["model"]["reason"]
    assert sum("no embedding model" in r.getMessage() for r in caplog.records if r.levelname == "WARNING") == 1


def test_words_answer_while_the_model_loads(tmp_path: Path, server: FakeOpenAI) -> None:
    gate = threading.Event()
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder=HashEmbedder(gate=gate), extractor="none") as mem:
        client = client_of(mem, server)
        ask(client, "My boat is called Aurora")
        for n in range(100):
            ask(client, f"turn without a vector, number {n}")
        assert ask(client, "What is my boat called?") < PATIENCE
        assert "Aurora" in "".join(server.texts())
        assert mem.stats()["model"]["state"] == "loading"
        gate.set()
        assert mem.flush(30)
        assert mem.stats()["recall"] == "words and meaning"


def test_a_stream_closed_early_is_there_for_the_next_call(tmp_path: Path, server: FakeOpenAI) -> None:
    with memory(tmp_path) as mem:
        client = client_of(mem, server)
        stream = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "My boat is called Aurora"}], stream=True
        )
        next(stream)
        stream.close()
        ask(client, "What is my boat called?")
        assert "Aurora" in "".join(server.texts())


@pytest.mark.control("C04", "D26")
def test_planted_budget_that_is_ignored_holds_the_call(
    tmp_path: Path, server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without a bound on the wait, the frozen database holds the call."""
    monkeypatch.setattr("memori_wrap.intercept.drivers.wait", lambda waiting: waiting and waiting.future.result())
    with memory(tmp_path) as mem:
        client = client_of(mem, server)
        ask(client, "hello")
        real = SqlStore.capture
        monkeypatch.setattr(SqlStore, "capture", lambda *a: (time.sleep(PATIENCE + 0.5), real(*a))[1])
        assert ask(client, "hello again") > PATIENCE
