"""Workers: leases with fencing, poison among good jobs, threads that die, several processes on one file."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from memori_wrap import Memori, StoreError
from memori_wrap.augment.pool import Pool
from memori_wrap.store import queue
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.extractors import ScriptedExtractor

QUICK = {"embedder": "none", "lease": 0.3}


def memory(folder: Path, extractor: ScriptedExtractor, **options: object) -> Memori:
    return Memori(f"sqlite:///{folder}/m.db", extractor=extractor, settings={**QUICK, **options})


def counts(mem: Memori) -> list[tuple[str, int]]:
    return [(f.text, f.mentions) for f in mem.facts(entity="alice")]


def slow_worker_and_thief(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[tuple[str, int]], int]:
    """A worker that gives no sign of life outlives its lease, another takes the job: (facts, commits of results)."""
    monkeypatch.setattr(Pool, "_beat", lambda self: None)
    gate = threading.Event()
    mine = ScriptedExtractor(gate=gate)
    with memory(folder, mine) as slow, memory(folder, ScriptedExtractor()) as thief:
        slow.add("I like tea", entity="alice")
        while not mine.seen:
            time.sleep(0.01)
        before = thief._parts.store.revision("alice")
        thief._parts.start()
        until = time.monotonic() + 10
        while thief._parts.store.revision("alice") == before and time.monotonic() < until:
            thief._parts.pool.notify()
            time.sleep(0.02)
        gate.set()
        time.sleep(0.5)
        return counts(thief), thief._parts.store.revision("alice") - before


def test_a_lease_that_ran_out_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert slow_worker_and_thief(tmp_path, monkeypatch) == ([("User said: I like tea", 1)], 1)


def test_planted_no_fence_writes_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the fencing token both write. (The second line, mentions by message, still counts once.)"""
    monkeypatch.setattr(queue, "finish", lambda conn, job: True)
    _, commits = slow_worker_and_thief(tmp_path, monkeypatch)
    assert commits >= 2


def test_a_heartbeat_keeps_a_slow_job(tmp_path: Path) -> None:
    gate = threading.Event()
    mine, other = ScriptedExtractor(gate=gate), ScriptedExtractor()
    with memory(tmp_path, mine) as slow, memory(tmp_path, other) as thief:
        slow.add("I like tea", entity="alice")
        while not mine.seen:
            time.sleep(0.01)
        thief._parts.start()
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            thief._parts.pool.notify()
            time.sleep(0.05)
        assert other.seen == []
        gate.set()
        assert slow.flush(10)
        assert counts(slow) == [("User said: I like tea", 1)]


def test_poison_among_99_good(tmp_path: Path) -> None:
    with memory(tmp_path, ScriptedExtractor(poison="poison"), max_attempts=2) as mem:
        for n in range(100):
            mem.add("poison" if n == 50 else f"fact {n}", entity="alice", session=f"s{n}")
        assert mem.flush(60)
        assert len(mem.facts(entity="alice")) == 99
        assert (mem.stats()["dead"], mem.stats()["pending"]) == (1, 0)


def test_failures_are_tried_again(tmp_path: Path) -> None:
    with memory(tmp_path, ScriptedExtractor(fail=2)) as mem:
        mem.add("I like tea", entity="alice")
        assert mem.flush(60)
        assert counts(mem) == [("User said: I like tea", 1)]
        assert mem.stats()["counts"]["retried"] == 2


@pytest.mark.parametrize("error", [MemoryError, SystemExit, KeyboardInterrupt, RecursionError])
def test_a_thread_that_meets_anything_goes_on(tmp_path: Path, error: type[BaseException]) -> None:
    with memory(tmp_path, ScriptedExtractor(fail=1, error=error)) as mem:
        mem.add("I like tea", entity="alice")
        mem.add("I like chess", entity="alice")
        assert mem.flush(60)
        assert len(mem.facts(entity="alice")) == 2


def test_junk_from_an_extractor(tmp_path: Path) -> None:
    """A quote that nobody said is no fact; a message id that nobody gave is a failed job, not a lost one."""

    class Junk:
        def extract(self, messages: object) -> object:
            from memori_wrap.types import Fact, Triple

            good = next(iter(messages))  # type: ignore[call-overload]
            fact = Fact("Invented", "never said", Triple("a", "b", "c"), "fact", "junk")
            return [(good.id, fact)]

    with Memori(f"sqlite:///{tmp_path}/m.db", extractor=Junk(), settings=QUICK) as mem:  # type: ignore[arg-type]
        mem.add("I like tea", entity="alice")
        assert mem.flush(20)
        assert mem.facts(entity="alice") == []


def given_up_on(folder: Path, monkeypatch: pytest.MonkeyPatch, *, transient: bool) -> int:
    """Dead jobs after results that could not be written at first."""
    before, failures = SqlStore.complete, [StoreError("busy", transient=transient)] * 3

    def complete(self: SqlStore, *given: Any) -> Any:
        if failures:
            raise failures.pop()
        return before(self, *given)

    monkeypatch.setattr(SqlStore, "complete", complete)
    with memory(folder, ScriptedExtractor(), max_attempts=2) as mem:
        mem.add("I like tea", entity="alice")
        mem.flush(60)
        return len(mem.dead_jobs())


def test_a_busy_database_kills_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert given_up_on(tmp_path, monkeypatch, transient=True) == 0


def test_results_that_are_refused_for_good_kill_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert given_up_on(tmp_path, monkeypatch, transient=False) == 1


WRITER = """
import sys
from memori_wrap import Memori
from memori_wrap.testing.extractors import ScriptedExtractor
with Memori(sys.argv[1], extractor=ScriptedExtractor(), settings={"embedder": "none", "lease": 0.5}) as mem:
    for n in range(25):
        mem.add(f"fact {sys.argv[2]} {n}", entity="alice", session=sys.argv[2])
    assert mem.flush(60)
    assert not mem.stats()["counts"].get("store_errors"), mem.stats()
"""


def test_several_processes_on_one_file(tmp_path: Path) -> None:
    """Each sees no "database is locked", nothing is lost, nothing twice, and a reader follows them all."""
    url = f"sqlite:///{tmp_path}/m.db"
    with memory(tmp_path, ScriptedExtractor(), workers=0) as reader:
        assert list(reader.recall("fact", entity="alice")) == []
        children = [
            subprocess.Popen([sys.executable, "-c", WRITER, url, str(n)], stderr=subprocess.PIPE, text=True)
            for n in range(5)
        ]
        assert [(c.wait(120), c.stderr.read() if c.stderr else "") for c in children] == [(0, "")] * 5
        assert len(reader.recall("fact", entity="alice", limit=500, kinds=["turn"])) == 125
        assert sorted(counts(reader)) == sorted((f"User said: fact {p} {n}", 1) for p in range(5) for n in range(25))


def test_what_another_process_wrote_is_recalled_next(tmp_path: Path) -> None:
    with memory(tmp_path, ScriptedExtractor()) as one, memory(tmp_path, ScriptedExtractor()) as other:
        one.add("My boat is called Aurora", entity="alice")
        assert "Aurora" in other.recall("boat", entity="alice")[0].text
        other.add("My boat was renamed Borealis", entity="alice")
        assert any("Borealis" in r.text for r in one.recall("boat renamed", entity="alice"))
