"""A real server behind a proxy: slow, frozen, cut, away and back (C04, C05, D11, D12, D26)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from openai import AsyncOpenAI, OpenAI

from memori_wrap import Memori
from memori_wrap.rows import placing
from memori_wrap.store import capture
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.proxy import Proxy
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database

PATIENCE = 2.0
"""Seconds that a call may take at most: its budgets are 0.35 s, machines are slow."""
SERVERS = {"PostgreSQL": POSTGRESQL, "MariaDB": MARIADB}


@pytest.fixture(params=SERVERS)
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    with fresh_database(SERVERS[request.param]) as url, Proxy(url) as made:
        yield made


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("Noted.") as running:
        yield running


def memory(conn: object, folder: Path, **settings: object) -> Memori:
    given = {"data_dir": str(folder), "lease": 1.0, **settings}
    return Memori(conn, embedder=HashEmbedder(), extractor=ScriptedExtractor(), settings=given)


def ask(client: OpenAI, text: str) -> float:
    began = time.monotonic()
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    assert answer.choices[0].message.content == "Noted."
    return time.monotonic() - began


def counted(mem: Memori) -> dict[str, int]:
    found: dict[str, int] = mem.stats()["counts"]
    return found


def eventually(what: object, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def test_a_frozen_database(proxy: Proxy, server: FakeOpenAI, tmp_path: Path) -> None:
    """Calls stay within their budgets, few threads wait for it, and nothing is lost."""
    with memory(proxy.url, tmp_path) as mem, OpenAI(base_url=server.base_url, api_key="x") as bare:
        client = mem.register(bare, entity="alice")
        ask(client, "I like tea")
        assert mem.flush(20)
        threads = threading.active_count()
        proxy.frozen.set()
        took = [ask(client, f"frozen {n}") for n in range(10)]
        assert max(took) < PATIENCE
        assert threading.active_count() - threads <= 4
        proxy.frozen.clear()
        assert mem.flush(60)
        assert {f"User said: frozen {n}" for n in range(10)} <= {f.text for f in mem.facts(entity="alice")}


def test_the_event_loop_goes_on_while_the_database_is_slow(proxy: Proxy, server: FakeOpenAI, tmp_path: Path) -> None:
    """No gap of the loop comes near the time that one statement takes."""
    gaps: list[float] = []

    async def watch() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    async def main(mem: Memori) -> None:
        async with AsyncOpenAI(base_url=server.base_url, api_key="x") as bare:
            client = mem.register(bare, entity="alice")
            watching = asyncio.create_task(watch())
            for n in range(5):
                await client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"slow {n}"}])
            watching.cancel()

    with memory(proxy.url, tmp_path) as mem:
        mem.add("I like tea", entity="alice")
        proxy.delay = 0.3
        asyncio.run(main(mem))
        proxy.delay = 0.0
        assert sorted(gaps)[int(0.98 * len(gaps))] < 0.15
        assert mem.flush(60)


def test_away_and_back(proxy: Proxy, server: FakeOpenAI, tmp_path: Path) -> None:
    with memory(proxy.url, tmp_path) as mem, OpenAI(base_url=server.base_url, api_key="x") as bare:
        client = mem.register(bare, entity="alice")
        ask(client, "before")
        assert mem.flush(20)
        proxy.down.set()
        proxy.cut()
        took = [ask(client, f"away {n}") for n in range(8)]
        assert max(took) < PATIENCE
        eventually(lambda: mem._parts.counts.snapshot().get("spilled"))
        proxy.down.clear()
        ask(client, "after")
        eventually(lambda: bool(mem.flush(5)), 60)
        said = {f.text for f in mem.facts(entity="alice")}
        assert {f"User said: away {n}" for n in range(8)} | {"User said: before", "User said: after"} == said
        messages = mem._parts.store.load("alice", 0, None).messages
        assert [m.text for m in messages if m.role == "user"] == ["before", *(f"away {n}" for n in range(8)), "after"]


def test_connections_that_died_unnoticed(proxy: Proxy, server: FakeOpenAI, tmp_path: Path) -> None:
    """A pool full of dead connections, a restart of the server, say, costs nobody an exchange."""
    with memory(proxy.url, tmp_path) as mem, OpenAI(base_url=server.base_url, api_key="x") as bare:
        client = mem.register(bare, entity="alice")
        for n in range(4):
            ask(client, f"round {n}")
            assert mem.flush(20)
            proxy.cut()
        ask(client, "last")
        eventually(lambda: bool(mem.flush(5)), 60)
        assert len(mem.facts(entity="alice")) == 5


def commits_cut_off(proxy: Proxy, folder: Path) -> list[str]:
    """Exchanges whose COMMIT the server did and the client never heard of: what is stored in the end."""
    with memory(proxy.url, folder) as mem:
        mem.add("warm", entity="alice")
        assert mem.flush(20)
        for n in range(5):
            proxy.cut_after = b"COMMIT"
            mem.add(f"unknown {n}", entity="alice")
            eventually(lambda: proxy.cut_after is None)
        eventually(lambda: bool(mem.flush(5)), 60)
        assert proxy.cuts == 5
        return [m.text for m in mem._parts.store.load("alice", 0, None).messages]


def test_a_commit_of_unknown_outcome_is_not_done_twice(proxy: Proxy, tmp_path: Path) -> None:
    assert sorted(commits_cut_off(proxy, tmp_path)) == ["unknown 0", *(f"unknown {n}" for n in range(1, 5)), "warm"]


def test_planted_forgetful_ids_write_twice(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: an exchange that is not known again by its id is stored twice, under new ids."""
    before = placing.message_id
    monkeypatch.setattr(capture, "_seen", lambda *_: (set(), ""))
    monkeypatch.setattr(placing, "message_id", lambda exchange, n: before(capture.new_id(), n))
    monkeypatch.setattr(capture, "exchange_row", _with_new_id(capture.exchange_row))
    monkeypatch.setattr(capture, "job_row", _with_new_id(capture.job_row, "exchange_id"))
    stored = commits_cut_off(proxy, tmp_path)
    assert len(stored) > len(set(stored))


def _with_new_id(make: object, name: str = "id") -> object:
    return lambda *given: {**make(*given), name: capture.new_id()}  # type: ignore[operator]


def test_a_pool_that_the_application_has_emptied(proxy: Proxy, server: FakeOpenAI, tmp_path: Path) -> None:
    engine = sa.create_engine(proxy.url, pool_size=1, max_overflow=0, pool_timeout=0.2)
    with memory(engine, tmp_path) as mem, OpenAI(base_url=server.base_url, api_key="x") as bare:
        client = mem.register(bare, entity="alice")
        ask(client, "free")
        assert mem.flush(20)
        with engine.connect():
            took = [ask(client, f"held {n}") for n in range(6)]
            assert max(took) < PATIENCE
        eventually(lambda: bool(mem.flush(5)), 60)
        assert {f"User said: held {n}" for n in range(6)} <= {f.text for f in mem.facts(entity="alice")}
    engine.dispose()


def test_the_same_fact_from_everywhere_at_once(proxy: Proxy, tmp_path: Path) -> None:
    """One row, and every mention counted (D18)."""
    with memory(proxy.url, tmp_path, workers=0) as mem:
        for n in range(24):
            mem.add("I like tea", entity="alice", session=f"s{n}")
    stores = [memory(proxy.url, tmp_path, workers=2) for _ in range(4)]
    barrier = threading.Barrier(4)

    def work(mem: Memori) -> None:
        barrier.wait()
        mem.start()
        mem.flush(60)

    threads = [threading.Thread(target=work, args=(mem,)) for mem in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert stores[0].flush(30)
        (fact,) = stores[0].facts(entity="alice")
        assert (fact.mentions, len(fact.sources)) == (24, 24)
        assert isinstance(stores[0]._parts.store, SqlStore)
    finally:
        for mem in stores:
            mem.close()
