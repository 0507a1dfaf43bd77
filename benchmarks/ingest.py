"""How fast exchanges are taken in: ``scripts/bench ingest [--seconds N] [--database URL ...]``.

Exchanges a second that are acknowledged (durable), by 1 and by 8 threads that each wait for theirs, what that costs
the database, and how many a second are augmented end to end (rules and a hash embedder: no model is measured here).
Memori's statements and commits are counted on a call of its own, and mem0's exchanges, where they are installed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from benchmarks import mem0_memory, memori_model
from benchmarks.provenance import provenance
from memori_wrap import Memori
from memori_wrap.ids import new_id
from memori_wrap.testing.embedders import HashEmbedder

POSTGRESQL = os.environ.get("TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
MARIADB = os.environ.get("TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test")


HEAD = """\
| | acknowledged a second, 1 thread | 8 threads | statements / commits each, 1 thread | 8 threads | augmented a second |
|---|---|---|---|---|---|"""


@contextmanager
def fresh(url: str, folder: Path) -> Iterator[str]:
    """A new database, dropped afterwards."""
    if url == "sqlite":
        yield f"sqlite:///{folder}/ingest-{new_id()}.db"
        return
    name = f"memori_wrap_bench_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield sa.make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name}{' WITH (FORCE)' if 'postgres' in url else ''}")
        server.dispose()


@contextmanager
def counting(engine: sa.Engine) -> Iterator[Counter[str]]:
    """Statements and commits on an engine."""
    found: Counter[str] = Counter()

    def statement(*told: object) -> None:
        word = str(told[2]).split(None, 1)[0].upper()
        found["commits" if word == "COMMIT" else "other" if word in ("BEGIN", "ROLLBACK") else "statements"] += 1

    def commit(_: object) -> None:
        found["commits"] += 1

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)


def captured(memory: Memori, threads: int, seconds: float) -> tuple[float, Counter[str]]:
    """(exchanges a second, what they cost)."""
    done = [0] * threads
    ends = time.monotonic() + seconds

    def work(n: int) -> None:
        while time.monotonic() < ends:
            pair = [
                {"role": "user", "content": f"I like tea number {done[n]}, said by thread {n}."},
                {"role": "assistant", "content": "That is noted."},
            ]
            memory.add(pair, entity=f"user-{n}")
            done[n] += 1

    engine = memory._parts.store._session.engine  # type: ignore[attr-defined] # pyright: ignore
    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    began = time.monotonic()
    with counting(engine) as cost:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return sum(done) / (time.monotonic() - began), Counter({"exchanges": sum(done), **cost})


def row(name: str, url: str, folder: Path, seconds: float) -> str:
    cells: list[str] = []
    costs: list[str] = []
    for threads in (1, 8):
        with fresh(url, folder) as database, Memori(database, settings={"workers": 0, "data_dir": folder}) as memory:
            memory.add("warm", entity="warm")
            rate, cost = captured(memory, threads, seconds)
            cells.append(f"{rate:,.0f}")
            n = cost["exchanges"]
            costs.append(f"{cost['statements'] / n:.1f} / {cost['commits'] / n:.2f}")
    with fresh(url, folder) as database:
        with Memori(database, settings={"workers": 0, "data_dir": folder}) as memory:
            captured(memory, 8, seconds / 4)
            waiting = memory.stats()["pending"]
        with Memori(database, embedder=HashEmbedder(), settings={"workers": 1, "data_dir": folder}) as memory:
            memory.warm()
            began = time.monotonic()
            memory.start()
            memory.flush()
            augmented = waiting / (time.monotonic() - began)
    return f"| {name} | {cells[0]} | {cells[1]} | {costs[0]} | {costs[1]} | {augmented:,.0f} |"


def memoris(folder: Path) -> str | None:
    """What one call costs with Memori, on SQLite; None where it is not installed."""
    try:
        os.environ.update(memori_model.environment())  # without its weights Memori's engine does not start
        from memori import Memori as Theirs
        from openai import OpenAI
        from sqlalchemy.orm import sessionmaker
    except (ImportError, RuntimeError):
        return None
    from memori_wrap.testing.openai_server import FakeOpenAI

    engine = sa.create_engine(f"sqlite:///{folder}/theirs.db")
    os.environ.setdefault("MEMORI_API_URL_BASE", "http://127.0.0.1:9")
    with FakeOpenAI("Noted.") as server, OpenAI(base_url=server.base_url, api_key="none") as client:
        theirs: Any = Theirs(conn=sessionmaker(bind=engine)).llm.register(client)
        theirs.config.storage.build()
        theirs.attribution(entity_id="ada", process_id="bench")

        def ask() -> None:
            messages = [{"role": "user", "content": "I like tea."}]
            client.chat.completions.create(model="gpt-4o-mini", messages=messages)  # type: ignore[arg-type]

        ask()
        with counting(engine) as cost:
            for _ in range(10):
                ask()
    return f"{cost['statements'] / 10:.1f} statements and {cost['commits'] / 10:.1f} commits a call"


def mem0s(folder: Path, seconds: float) -> str | None:
    """Exchanges a second that mem0 takes in, each embedded before ``add`` returns; None where it is not installed."""
    try:
        theirs = mem0_memory.make(folder / "mem0", words=False)
    except ImportError:
        return None
    done = -1  # the first one warms up
    ends = began = time.monotonic()
    while done < 0 or time.monotonic() < ends:
        pair = [
            {"role": "user", "content": f"I like tea number {done}."},
            {"role": "assistant", "content": "That is noted."},
        ]
        theirs.add(pair, user_id="ada", infer=False)
        done += 1
        if not done:
            began, ends = time.monotonic(), time.monotonic() + seconds
    return f"{done / (time.monotonic() - began):,.0f} exchanges a second, 1 thread (infer=False, embedded in the call)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench ingest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    print(f"Ingest, {given.seconds:g} s a figure; {provenance()}\n", flush=True)
    print(
        "| database | acknowledged a second, 1 thread | 8 threads | statements / commits an exchange, 1 thread ", end=""
    )
    print("| 8 threads | augmented a second |\n|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, url in (("SQLite", "sqlite"), ("PostgreSQL", POSTGRESQL), ("MariaDB", MARIADB)):
            try:
                print(row(label, url, folder, given.seconds), flush=True)
            except sa.exc.OperationalError as error:
                print(f"| {label} | not there ({str(error.orig)[:60]}) |", flush=True)
        if (cost := memoris(folder)) is not None:
            print(f"\nMemori 3.3.6 on SQLite: {cost}", flush=True)
        if (rate := mem0s(folder, given.seconds)) is not None:
            print(f"mem0 2.2.1 on a local Qdrant: {rate}", flush=True)


if __name__ == "__main__":
    main()
