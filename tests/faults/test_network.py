"""A real server behind a proxy: slow, frozen, cut, away and back (C04, C05, D11, D12, D18, D26)."""

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
from memori_wrap.augment import pool
from memori_wrap.capture.writer import Writer
from memori_wrap.intercept.waiting import Waiting, wait
from memori_wrap.rows import placing
from memori_wrap.store import capture, knowledge, sql
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.proxy import Proxy
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database
from tests.support.tally import Effective

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


def memory(conn: object, folder: Path, *, delay: float = 0.0, **settings: object) -> Memori:
    """``delay``: seconds that the extractor takes for an exchange."""
    given = {"data_dir": str(folder), "lease": 1.0, **settings}
    return Memori(conn, embedder=HashEmbedder(), extractor=ScriptedExtractor(delay=delay), settings=given)


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


@pytest.mark.fault("C04")
def test_a_frozen_database(proxy: Proxy, server: FakeOpenAI, tmp_path: Path, effective: Effective) -> None:
    """Calls stay within their budgets, few threads wait for it, and nothing is lost."""
    with memory(proxy.url, tmp_path) as mem, OpenAI(base_url=server.base_url, api_key="x") as bare:
        client = mem.register(bare, entity="alice")
        ask(client, "I like tea")
        assert mem.flush(20)
        threads = threading.active_count()
        proxy.frozen.set()
        took = [ask(client, f"frozen {n}") for n in range(10)]
        effective(mem._parts.writer.waiting, floor=10)
        assert max(took) < PATIENCE
        assert threading.active_count() - threads <= 4
        proxy.frozen.clear()
        assert mem.flush(60)
        assert {f"User said: frozen {n}" for n in range(10)} <= {f.text for f in mem.facts(entity="alice")}


def gaps_of_the_loop(proxy: Proxy, server: FakeOpenAI, folder: Path) -> tuple[list[float], int]:
    """(seconds between turns of an event loop that calls while the database is slow, how often a call gave up)."""
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

    with memory(proxy.url, folder) as mem:
        mem.add("I like tea", entity="alice")
        proxy.delay = 0.3
        asyncio.run(main(mem))
        proxy.delay = 0.0
        assert mem.flush(60)
        return sorted(gaps), counted(mem).get("capture_late", 0) + counted(mem).get("skipped.recall_slow", 0)


def is_fluent(gaps: list[float]) -> bool:
    """No gap comes near the time that one statement takes, but for those of a busy machine."""
    return gaps[int(0.98 * len(gaps))] < 0.15


@pytest.mark.fault("C05")
def test_the_event_loop_goes_on_while_the_database_is_slow(
    proxy: Proxy, server: FakeOpenAI, tmp_path: Path, effective: Effective
) -> None:
    gaps, given_up = gaps_of_the_loop(proxy, server, tmp_path)
    effective(given_up, floor=3)
    assert is_fluent(gaps)


@pytest.mark.control("C05")
def test_planted_wait_that_holds_the_loop(server: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait_async(waiting: Waiting | None) -> object:
        return wait(waiting)

    monkeypatch.setattr("memori_wrap.intercept.drivers.wait_async", wait_async)
    with fresh_database(POSTGRESQL) as url, Proxy(url) as proxy:
        assert not is_fluent(gaps_of_the_loop(proxy, server, tmp_path)[0])


def away_and_back(proxy: Proxy, server: FakeOpenAI, folder: Path) -> tuple[set[str], list[str], int]:
    """(facts, messages, exchanges that came while the database was away)."""
    with memory(proxy.url, folder) as mem, OpenAI(base_url=server.base_url, api_key="x") as bare:
        client = mem.register(bare, entity="alice")
        ask(client, "before")
        assert mem.flush(20)
        proxy.down.set()
        proxy.cut()
        took = [ask(client, f"away {n}") for n in range(8)]
        assert max(took) < PATIENCE
        eventually(lambda: mem._parts.counts.snapshot().get("store_errors"))
        away = mem._parts.writer.waiting
        proxy.down.clear()
        ask(client, "after")
        eventually(lambda: bool(mem.flush(5)), 60)
        facts = {f.text for f in mem.facts(entity="alice")}
        messages = mem._parts.store.load("alice", 0, None).messages
        return facts, [m.text for m in messages if m.role == "user"], away


SAID = ["before", *(f"away {n}" for n in range(8)), "after"]


@pytest.mark.fault("D11")
def test_away_and_back(proxy: Proxy, server: FakeOpenAI, tmp_path: Path, effective: Effective) -> None:
    facts, messages, away = away_and_back(proxy, server, tmp_path)
    effective(away, floor=8)
    assert messages == SAID
    assert facts == {f"User said: {text}" for text in SAID}


@pytest.mark.control("D11")
def test_planted_journal_that_forgets(server: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Writer, "_spill", lambda self, exchanges: [])
    with fresh_database(POSTGRESQL) as url, Proxy(url) as proxy:
        facts, messages, _ = away_and_back(proxy, server, tmp_path)
    assert set(messages) < set(SAID)
    assert len(facts) < len(SAID)


@pytest.mark.fault("D11")
def test_connections_that_died_unnoticed(
    proxy: Proxy, server: FakeOpenAI, tmp_path: Path, effective: Effective
) -> None:
    """A pool full of dead connections, a restart of the server, say, costs nobody an exchange."""
    with memory(proxy.url, tmp_path) as mem, OpenAI(base_url=server.base_url, api_key="x") as bare:
        client = mem.register(bare, entity="alice")
        for n in range(4):
            ask(client, f"round {n}")
            assert mem.flush(20)
            effective(proxy.cut(), floor=1)
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


@pytest.mark.fault("D12")
def test_a_commit_of_unknown_outcome_is_not_done_twice(proxy: Proxy, tmp_path: Path, effective: Effective) -> None:
    stored = commits_cut_off(proxy, tmp_path)
    effective(proxy.cuts, floor=5)
    assert sorted(stored) == [*(f"unknown {n}" for n in range(5)), "warm"]


@pytest.mark.control("D12")
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


@pytest.mark.fault("D26")
def test_a_pool_that_the_application_has_emptied(
    proxy: Proxy, server: FakeOpenAI, tmp_path: Path, effective: Effective
) -> None:
    engine = sa.create_engine(proxy.url, pool_size=1, max_overflow=0, pool_timeout=0.2)
    with memory(engine, tmp_path) as mem, OpenAI(base_url=server.base_url, api_key="x") as bare:
        client = mem.register(bare, entity="alice")
        ask(client, "free")
        assert mem.flush(20)
        with engine.connect():
            took = [ask(client, f"held {n}") for n in range(6)]
            effective(mem._parts.writer.waiting, floor=6)
            assert max(took) < PATIENCE
        eventually(lambda: bool(mem.flush(5)), 60)
        assert {f"User said: held {n}" for n in range(6)} <= {f.text for f in mem.facts(entity="alice")}
    engine.dispose()


def the_same_fact(url: str, folder: Path) -> tuple[int, int, int]:
    """From four memories at once: (mentions counted, mentions, exchanges that were not left to one of them)."""
    with memory(url, folder, workers=0) as mem:
        for n in range(24):
            mem.add("I like tea", entity="alice", session=f"s{n}")
    stores = [memory(url, folder, delay=0.02, workers=2) for _ in range(4)]
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
        shares = [counted(mem).get("augmented", 0) for mem in stores]
        return fact.mentions, len(fact.sources), sum(shares) - max(shares)
    finally:
        for mem in stores:
            mem.close()


@pytest.mark.fault("D18")
def test_the_same_fact_from_everywhere_at_once(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effective: Effective
) -> None:
    """One row, and every mention counted."""
    monkeypatch.setattr(pool, "BATCH", 2)  # work for all of them
    monkeypatch.setattr(pool, "POLL", 0.02)
    counted, mentions, shared = the_same_fact(proxy.url, tmp_path)
    effective(shared, floor=4)
    assert (counted, mentions) == (24, 24)


@pytest.mark.control("D18")
def test_planted_facts_without_the_lock_of_their_entity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that read the same number of mentions write the same next one."""
    monkeypatch.setattr(pool, "BATCH", 2)
    monkeypatch.setattr(pool, "POLL", 0.02)
    monkeypatch.setattr(sql, "hold", lambda *_: None)
    monkeypatch.setattr(sql, "bump", lambda conn, name: capture.revision(conn, name) + 1)
    before = knowledge.said_again
    monkeypatch.setattr(knowledge, "said_again", lambda *given: (time.sleep(0.02), before(*given))[1])
    with fresh_database(POSTGRESQL) as url:
        counted, _, _ = the_same_fact(url, tmp_path)
    assert counted < 24
