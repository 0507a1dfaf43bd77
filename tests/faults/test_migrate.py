"""Migrations: at once in several processes, broken off at any statement, and of an old file (D17)."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from memori_wrap import Memori
from memori_wrap.store import session
from memori_wrap.store.connect import connect
from memori_wrap.store.migrations import HEAD, VERSION_TABLE, steps
from memori_wrap.store.sql import SqlStore
from memori_wrap.store.tables import PREFIX
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database
from tests.support.tally import Effective

fork = multiprocessing.get_context("fork")
DATA = Path(__file__).parents[1] / "data"
OLD = DATA / "first_release.db"
PROCESSES = 4
Fresh = Callable[[], AbstractContextManager[str]]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """Makes empty databases."""
    numbers = iter(range(1000))

    @contextmanager
    def file() -> Iterator[str]:
        yield f"sqlite:///{tmp_path}/{next(numbers)}.db"

    server = {"postgresql": POSTGRESQL, "mariadb": MARIADB}.get(request.param)
    return file if server is None else lambda: fresh_database(server)


def opened(url: str) -> SqlStore:
    return SqlStore(connect(url, Path(), 30))


def described(url: str) -> dict[str, Any]:
    """The tables, columns, indexes and the version."""
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        inspector = sa.inspect(conn)
        found: dict[str, Any] = {
            name: (
                [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(name)],
                sorted((str(i["name"]), i["column_names"]) for i in inspector.get_indexes(name)),
                inspector.get_pk_constraint(name)["constrained_columns"],
            )
            for name in sorted(inspector.get_table_names())
            if name.startswith(PREFIX)
        }
        found["version"] = conn.exec_driver_sql(f"select version_num from {VERSION_TABLE}").scalars().all()
        found["keys"] = conn.exec_driver_sql(f"select count(*) from {PREFIX}secret").scalar()
    engine.dispose()
    return found


def in_child(run: Callable[[], None]) -> Any:
    """A forked process that runs it; its end is 0 where nothing was raised."""

    def guarded() -> None:
        try:
            run()
        except BaseException:
            traceback.print_exc()
            os._exit(7)
        os._exit(0)

    process = fork.Process(target=guarded)
    process.start()
    return process


# ---------------------------------------------------------------- several at once


def at_once(url: str) -> tuple[list[int | None], list[bytes]]:
    """The ends of processes that open a new database at the same time, and the keys that they read."""
    barrier, keys = fork.Barrier(PROCESSES), fork.SimpleQueue()

    def run() -> None:
        barrier.wait(30)
        store = opened(url)
        keys.put(store.key())
        store.close()

    children = [in_child(run) for _ in range(PROCESSES)]
    for child in children:
        child.join(60)
    read = []
    while not keys.empty():
        read.append(keys.get())
    return [child.exitcode for child in children], read


@pytest.mark.fault("D17")
def test_several_processes_at_once(fresh: Fresh, effective: Effective) -> None:
    for _ in range(6):
        with fresh() as url:
            ends, keys = at_once(url)
            assert ends == [0] * PROCESSES
            assert len(set(keys)) == 1
            assert len(keys) == PROCESSES
            assert described(url)["version"] == [HEAD]
            assert described(url)["keys"] == 1
    effective(6 * PROCESSES, floor=24)


def test_several_threads_at_once(fresh: Fresh) -> None:
    with fresh() as url:
        errors: list[BaseException] = []

        def run() -> None:
            try:
                opened(url).close()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []


@pytest.mark.control("D17")
def test_planted_absence_of_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without it, some of the same processes fail or see another key."""
    monkeypatch.setattr(session, "lock_migration", lambda conn: None)
    monkeypatch.setattr(session, "unlock_migration", lambda conn: None)
    outcomes = []
    for _ in range(5):
        with fresh_database(MARIADB) as url:
            ends, keys = at_once(url)
            outcomes.append(ends == [0] * PROCESSES and len(set(keys)) == 1)
    assert not all(outcomes)


# ---------------------------------------------------------------- broken off


def die_at(url: str, statement: int) -> bool:
    """A process that is killed just after so many statements of the migration; whether it came so far."""

    def run() -> None:
        count = 0

        def after(*_: object) -> None:
            nonlocal count
            count += 1
            if count == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        sa.event.listen(sa.Engine, "after_cursor_execute", after)
        opened(url).close()

    child = in_child(run)
    child.join(60)
    assert child.exitcode in (0, -signal.SIGKILL), "it failed, and was not killed"
    return bool(child.exitcode)


def broken_off(fresh: Fresh, every: int) -> tuple[int, int, list[int]]:
    """Kills at each ``every``-th statement: how many, how many left something behind, which did not complete."""
    with fresh() as url:
        opened(url).close()
        whole = described(url)
    kills, partial, bad = 0, 0, []
    statement = 1
    while True:
        with fresh() as url:
            if not die_at(url, statement):
                return kills, partial, bad
            kills += 1
            engine = sa.create_engine(url)
            partial += any(name.startswith(PREFIX) for name in sa.inspect(engine).get_table_names())
            engine.dispose()
            try:
                opened(url).close()
            except Exception:
                bad.append(statement)
            else:
                if described(url) != whole:
                    bad.append(statement)
        statement += every


@pytest.mark.fault("D17")
def test_killed_at_some_statements(fresh: Fresh, effective: Effective) -> None:
    kills, _, bad = broken_off(fresh, 4)
    effective(kills, floor=6)
    assert bad == []


@pytest.mark.fault("D17")
@pytest.mark.slow
def test_killed_at_every_statement(fresh: Fresh, effective: Effective) -> None:
    kills, _, bad = broken_off(fresh, 1)
    effective(kills, floor=25)
    assert bad == []


@pytest.mark.control("D17")
def test_planted_step_that_cannot_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: MariaDB commits each table; a step that insists on making it leaves a database that never opens."""
    monkeypatch.setattr(steps, "_says", lambda: None)
    monkeypatch.setattr(steps, "_asks", lambda: False)
    kills, partial, bad = broken_off(lambda: fresh_database(MARIADB), 5)
    assert kills >= 6
    assert partial >= 4
    assert bad


# ---------------------------------------------------------------- an old file


def rows(file: Path) -> dict[str, list[dict[str, Any]]]:
    with sqlite3.connect(file) as conn:
        names = [n for (n,) in conn.execute("select name from sqlite_master where type = 'table' order by name")]
        found = {}
        for name in names:
            cursor = conn.execute(f"select * from {name}")
            columns = [c[0] for c in cursor.description]
            values = [[v.hex() if isinstance(v, bytes) else v for v in row] for row in cursor]
            found[name] = sorted((dict(zip(columns, row, strict=True)) for row in values), key=str)
    return found


def lost(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Rows of the old file that are not there, in each of their columns, in the new one."""
    return [
        f"{table}: {row}"
        for table, old in before.items()
        if table != VERSION_TABLE
        for row in old
        if not any(all(new.get(k) == v for k, v in row.items()) for new in after[table])
    ]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(OLD, tmp_path / "m.db"))


def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "first_release.json").read_text(encoding="utf-8"))
    return found


def test_an_old_file_opens(old: Path) -> None:
    assert rows(old) == expected()
    store = opened(f"sqlite:///{old}")
    after = rows(old)
    assert lost(expected(), after) == []
    assert after[VERSION_TABLE] == [{"version_num": HEAD}]
    assert store.key().hex() == expected()[f"{PREFIX}secret"][0]["value"]
    assert store.load("Alice ", 0, None).messages[0].text == "Я люблю чай 🎉"
    assert len(store.load("alice", 0, "hash-16").vectors) == 9
    assert (store.queue().pending, store.queue().dead) == (2, 1)
    store.close()


def test_an_old_file_is_worked_on(old: Path) -> None:
    """What waited is augmented, what was leased by one that is gone is taken over; new things are stored beside it."""
    settings = {"lease": 0.3}
    with Memori(f"sqlite:///{old}", embedder=HashEmbedder(16), extractor=ScriptedExtractor(), settings=settings) as mem:
        assert mem.flush(60)
        assert [f.text for f in mem.facts(entity="carol")] == ["User said: My cat is called Minka."]
        assert [f.text for f in mem.facts(entity="dave")] == ["User said: My dog is called Rex."]
        mem.add("My boat has a red sail", entity="alice")
        assert "My boat is called Aurora." in [r.text for r in mem.recall("boat", entity="alice")]
        assert "My boat has a red sail" in [r.text for r in mem.recall("boat", entity="alice")]
        assert {"Ana moved to Bergen", "Ana lives in Oslo"} <= {f.text for f in mem.facts(entity="alice", ended=True)}
    jobs = f"{PREFIX}augmentation_job"
    assert lost({k: v for k, v in expected().items() if k not in (jobs, f"{PREFIX}entity")}, rows(old)) == []


@pytest.mark.fault("D17")
def test_an_upgrade_that_is_killed(tmp_path: Path, effective: Effective) -> None:
    kills = 0
    while True:
        file = Path(shutil.copy(OLD, tmp_path / f"{kills}.db"))
        killed = die_at(f"sqlite:///{file}", kills + 1)
        opened(f"sqlite:///{file}").close()
        assert lost(expected(), rows(file)) == []
        if not killed:
            break
        kills += 1
    effective(kills, floor=8)


@pytest.mark.control("D17")
def test_planted_upgrade_that_drops_a_row(old: Path) -> None:
    """The control: it is noticed."""
    opened(f"sqlite:///{old}").close()
    with sqlite3.connect(old) as conn:
        conn.execute(f"delete from {PREFIX}entity_fact_mention where rowid = 1")
        conn.execute(f"update {PREFIX}conversation_message set text = text || ' ' where rowid = 3")
    assert len(lost(expected(), rows(old))) == 2
