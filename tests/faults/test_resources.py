"""A clock that jumps, a hundred thousand jobs, death inside a transaction (D02, D22, D23)."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from memori_wrap import Memori
from memori_wrap.ids import new_id
from memori_wrap.rows import jobs
from memori_wrap.store import capture, queue
from memori_wrap.store.connect import connect
from memori_wrap.store.session import Session
from memori_wrap.store.sql import SqlStore
from memori_wrap.store.tables import conversation, entity, exchange, job, message
from memori_wrap.testing.extractors import ScriptedExtractor
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database
from tests.support.tally import Effective

fork = multiprocessing.get_context("fork")
POINTS = ("_room", "key_of", "exchange_row", "message_row", "job_row", "Delta")
"""Where the process dies: before the conversation is found ... before the job is written, before the commit."""


KINDS = ("SQLite", "PostgreSQL", "MariaDB")


@pytest.mark.fault("D02")
@pytest.mark.parametrize("kind", KINDS)
def test_killed_inside_the_transaction(tmp_path: Path, kind: str, effective: Effective) -> None:
    """Exchange, messages and job are all there, or none of them is."""
    with database(kind, tmp_path) as url:
        kills = [(point, killed_at(point, url, tmp_path)) for point in POINTS]
    effective(len(kills), floor=len(POINTS))
    assert kills == [(point, [n, n, n]) for n, point in enumerate(POINTS, 1)]


@pytest.mark.control("D02")
@pytest.mark.parametrize("kind", KINDS)
def test_planted_absence_of_a_transaction(tmp_path: Path, kind: str) -> None:
    with database(kind, tmp_path) as url:
        assert len(set(killed_at("job_row", url, tmp_path, is_planted=True))) > 1


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "SQLite":
        yield f"sqlite:///{folder}/m.db"
    else:
        with fresh_database({"PostgreSQL": POSTGRESQL, "MariaDB": MARIADB}[kind]) as url:
            yield url


def killed_at(point: str, url: str, folder: Path, *, is_planted: bool = False) -> list[int | None]:
    """Rows of exchanges, messages and jobs after a process stored one exchange and died while it stored another."""

    def child() -> None:
        settings = {"workers": 0, "data_dir": folder}
        mem = Memori(url, embedder="none", extractor="none", settings=settings)
        mem.add("acknowledged", entity="alice")
        setattr(capture, point, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        if is_planted:
            Session.write = each_statement_for_itself  # type: ignore[method-assign]
        mem.add("never acknowledged", entity="alice")

    process = fork.Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        rows = [conn.execute(sa.select(sa.func.count()).select_from(t)).scalar() for t in (exchange, message, job)]
    engine.dispose()
    return rows


@contextmanager
def each_statement_for_itself(self: Session) -> Iterator[sa.Connection]:
    with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        yield conn


def jumped(folder: Path, monkeypatch: pytest.MonkeyPatch, hours: int, seconds: float) -> tuple[bool, int, list[Any]]:
    """A clock that jumps while a job waits for its next attempt: (all done in time, looks at the clock, facts)."""
    looks = [0]

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            looks[0] += 1
            return datetime.now(timezone.utc) + timedelta(hours=hours)

    settings = {"data_dir": folder, "lease": 0.5}
    with Memori(
        f"sqlite:///{folder}/m.db", embedder="none", extractor=ScriptedExtractor(fail=1), settings=settings
    ) as mem:
        mem.add("I like tea", entity="alice")
        until = time.monotonic() + 20
        while not mem._parts.counts.snapshot().get("retried") and time.monotonic() < until:
            time.sleep(0.01)
        monkeypatch.setattr(queue, "datetime", Shifted)
        mem.add("I like chess", entity="alice")
        return bool(mem.flush(seconds)), looks[0], mem.facts(entity="alice")


@pytest.mark.fault("D22")
@pytest.mark.parametrize("hours", [-25, -1, 1, 25])
def test_a_clock_that_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int, effective: Effective) -> None:
    """No job is held up, none is done twice, and what is stored is UTC."""
    is_done, looks, facts = jumped(tmp_path, monkeypatch, hours, 60)
    effective(looks, floor=1)
    assert is_done
    assert sorted((f.text, f.mentions) for f in facts) == [("User said: I like chess", 1), ("User said: I like tea", 1)]
    assert all(f.said_at.utcoffset() == timedelta(0) for f in facts)


@pytest.mark.control("D22")
def test_planted_trust_in_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a bound on what a clock may say, a job waits until the old time has come again."""
    monkeypatch.setattr(jobs, "BACKOFF_CAP", timedelta(days=9))
    is_done, _, facts = jumped(tmp_path, monkeypatch, -25, 4)
    assert not is_done
    assert [f.text for f in facts] == []


def seed(url: str, jobs: int, folder: Path) -> None:
    """A database in which so many jobs wait, of fifty entities."""
    SqlStore(connect(url, folder, 5)).close()
    now = datetime.now(timezone.utc)
    ids = [new_id() for _ in range(jobs)]
    who = [f"user {n % 50}" for n in range(jobs)]
    rows = {
        entity: [{"entity_id": f"user {n}", "revision": 1, "created_at": now} for n in range(50)],
        conversation: [
            {"entity_id": f"user {n % 50}", "id": f"c{n}", "process_id": "", "session_id": f"s{n}", "created_at": now}
            for n in range(5000)
        ],
        message: [
            {
                "entity_id": name,
                "id": id,
                "conversation_id": f"c{n % 5000}",
                "exchange_id": id,
                "position": n,
                "role": "user",
                "text": f"fact {n}",
                "origin": "live",
                "digest": "",
                "said_at": now,
                "created_at": now,
                "revision": 1,
            }
            for n, (name, id) in enumerate(zip(who, ids, strict=True))
        ],
        job: [
            {
                "entity_id": name,
                "exchange_id": id,
                "conversation_id": f"c{n % 5000}",
                "heartbeat": 0,
                "attempts": 0,
                "dead": False,
                "created_at": now,
            }
            for n, (name, id) in enumerate(zip(who, ids, strict=True))
        ],
    }
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        for table, values in rows.items():
            conn.execute(sa.insert(table), values)
    engine.dispose()


JOBS = 100_000


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("seeded")
    seed(f"sqlite:///{folder}/m.db", JOBS, folder)
    return f"sqlite:///{folder}/m.db"


def steps_of_a_claim(store: SqlStore) -> int:
    """SQLite's own count of steps, in thousands: no clock."""
    count = [0]
    with store._session.engine.connect() as conn:
        raw = conn.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(lambda: count.__setitem__(0, count[0] + 1), 1000)
    assert len(store.claim("w", 16)) == 16
    return count[0]


FEW = 100
"""Thousands of steps: a look at all jobs takes a million."""


@pytest.mark.fault("D23")
def test_a_hundred_thousand_jobs_at_the_start(seeded: str, tmp_path: Path, effective: Effective) -> None:
    """No statement of a claim looks at all of them, and the drain is as steady as with few."""
    store = SqlStore(connect(seeded, tmp_path, 5))
    effective(store.queue().pending, floor=JOBS)
    steps = [steps_of_a_claim(store) for _ in range(5)]
    assert max(steps) < FEW, steps
    store.close()
    with Memori(seeded, embedder="none", extractor="none", settings={"data_dir": tmp_path, "lease": 0.3}) as mem:
        mem.start()
        until = time.monotonic() + 60
        while mem._parts.counts.snapshot().get("augmented", 0) < 2000:
            assert time.monotonic() < until, "it does not drain"
            time.sleep(0.05)


@pytest.mark.control("D23")
def test_planted_look_at_all_jobs(seeded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_turn(conn: sa.Connection, after: str) -> Iterator[str]:
        waiting = sa.select(job.c.entity_id).where(job.c.dead == sa.false()).order_by(job.c.created_at)
        yield from dict.fromkeys(conn.execute(waiting).scalars())

    monkeypatch.setattr(queue, "in_turn", in_turn)
    store = SqlStore(connect(seeded, tmp_path, 5))
    assert steps_of_a_claim(store) > FEW
    store.close()
