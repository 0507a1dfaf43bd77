"""A full disk, a clock that jumps, a hundred thousand jobs, death inside a transaction (D02, D13, D22, D23)."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from openai import OpenAI

from memori_wrap import Memori
from memori_wrap.ids import new_id
from memori_wrap.store import queue
from memori_wrap.store.connect import connect
from memori_wrap.store.sql import SqlStore
from memori_wrap.store.tables import conversation, entity, exchange, job, message
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database

INSIDE = """
import os, signal, sys
from memori_wrap import Memori
from memori_wrap.store import capture
url, point = sys.argv[1:]
mem = Memori(url, embedder="none", extractor="none", settings={"workers": 0, "data_dir": sys.argv[0] + ".d"})
mem.add("acknowledged", entity="alice")
def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(capture, point, die)
mem.add("never acknowledged", entity="alice")
"""
POINTS = ("_room", "key_of", "exchange_row", "message_row", "job_row", "Delta")
"""Where the process dies: before the conversation is found ... before the job is written, before the commit."""


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL", "MariaDB"])
def test_killed_inside_the_transaction(tmp_path: Path, kind: str) -> None:
    """Exchange, messages and job are all there, or none of them is."""
    if kind == "SQLite":
        _killed(f"sqlite:///{tmp_path}/m.db", tmp_path)
    else:
        with fresh_database({"PostgreSQL": POSTGRESQL, "MariaDB": MARIADB}[kind]) as url:
            _killed(url, tmp_path)


def _killed(url: str, folder: Path) -> None:
    script = folder / "inside.py"
    script.write_text(INSIDE)
    for n, point in enumerate(POINTS, 1):
        done = subprocess.run([sys.executable, str(script), url, point], capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        engine = sa.create_engine(url)
        with engine.connect() as conn:
            rows = [conn.execute(sa.select(sa.func.count()).select_from(t)).scalar() for t in (exchange, message, job)]
        engine.dispose()
        assert rows == [n, n, n], point


def test_a_full_disk(tmp_path: Path) -> None:
    """Calls go on, one warning, and what was said is stored once there is room; the file stays whole."""
    with FakeOpenAI("Noted.") as server, OpenAI(base_url=server.base_url, api_key="x") as bare:
        engine = sa.create_engine(f"sqlite:///{tmp_path}/m.db")
        pages = {"max": 1_000_000}

        @sa.event.listens_for(engine, "checkout")
        def limit(raw: sqlite3.Connection, *_: object) -> None:
            raw.execute(f"PRAGMA max_page_count={pages['max']}")

        with Memori(engine, embedder="none", extractor=ScriptedExtractor(), settings={"data_dir": tmp_path}) as mem:
            client = mem.register(bare, entity="alice")

            def ask(text: str) -> None:
                answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
                assert answer.choices[0].message.content == "Noted."

            ask("I like tea")
            assert mem.flush(20)
            pages["max"] = 1  # what there is stays, nothing can be added
            for n in range(5):
                ask(f"full {n} " + "x" * 20_000)
            until = time.monotonic() + 20
            while not mem._parts.counts.snapshot().get("spilled") and time.monotonic() < until:
                time.sleep(0.05)
            assert mem._parts.counts.snapshot()["spilled"]
            pages["max"] = 1_000_000
            until = time.monotonic() + 60
            while not mem.flush(5) and time.monotonic() < until:
                time.sleep(0.1)
            assert len(mem.facts(entity="alice")) == 6
        with engine.connect() as conn:
            assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        engine.dispose()


@pytest.mark.parametrize("hours", [-25, -1, 1, 25])
def test_a_clock_that_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """No job is held up, none is done twice, and what is stored is UTC."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(timezone.utc) + timedelta(hours=hours)

    settings = {"data_dir": tmp_path, "lease": 0.5}
    with Memori(
        f"sqlite:///{tmp_path}/m.db", embedder="none", extractor=ScriptedExtractor(fail=1), settings=settings
    ) as mem:
        mem.add("I like tea", entity="alice")
        until = time.monotonic() + 20
        while not mem._parts.counts.snapshot().get("retried") and time.monotonic() < until:
            time.sleep(0.01)
        monkeypatch.setattr(queue, "datetime", Shifted)
        mem.add("I like chess", entity="alice")
        assert mem.flush(60)
        assert sorted((f.text, f.mentions) for f in mem.facts(entity="alice")) == [
            ("User said: I like chess", 1),
            ("User said: I like tea", 1),
        ]
        assert all(f.said_at.utcoffset() == timedelta(0) for f in mem.facts(entity="alice"))


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


def test_a_hundred_thousand_jobs_at_the_start(tmp_path: Path) -> None:
    """No statement of a claim looks at all of them, and the drain is as steady as with few."""
    url = f"sqlite:///{tmp_path}/m.db"
    seed(url, 100_000, tmp_path)
    steps: list[int] = []

    def took(store: SqlStore) -> int:
        """SQLite's own count of steps for a claim, in thousands: no clock."""
        count = [0]
        with store._session.engine.connect() as conn:
            raw = conn.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.set_progress_handler(lambda: count.__setitem__(0, count[0] + 1), 1000)
        assert len(store.claim("w", 16)) == 16
        return count[0]

    store = SqlStore(connect(url, tmp_path, 5))
    steps = [took(store) for _ in range(5)]
    assert max(steps) < 100, steps  # a look at all of them would take a million steps
    store.close()
    with Memori(url, embedder="none", extractor="none", settings={"data_dir": tmp_path, "lease": 0.3}) as mem:
        mem.start()
        until = time.monotonic() + 60
        while mem._parts.counts.snapshot().get("augmented", 0) < 2000:
            assert time.monotonic() < until, "it does not drain"
            time.sleep(0.05)
