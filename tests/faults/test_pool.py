"""Workers: leases with fencing, poison among good jobs, threads that die, several processes on one file.

(D03, D09, D15, D19.)
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from memori_wrap import Memori, StoreError
from memori_wrap.augment.pipeline import Pipeline
from memori_wrap.augment.pool import Pool
from memori_wrap.store import queue
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.extractors import ScriptedExtractor
from tests.support.tally import Effective

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
fork = multiprocessing.get_context("fork")
QUICK = {"embedder": "none", "lease": 0.3}


def memory(folder: Path, extractor: ScriptedExtractor, **options: object) -> Memori:
    return Memori(f"sqlite:///{folder}/m.db", extractor=extractor, settings={**QUICK, **options})


def counts(mem: Memori) -> list[tuple[str, int]]:
    return [(f.text, f.mentions) for f in mem.facts(entity="alice")]


def slow_worker_and_thief(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[tuple[str, int]], int, int]:
    """A worker that gives no sign of life outlives its lease, another takes the job.

    (facts, commits of results, jobs taken over.)
    """
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
        stolen = thief._parts.counts.snapshot().get("augmented", 0)
        gate.set()
        time.sleep(0.5)
        return counts(thief), thief._parts.store.revision("alice") - before, stolen


@pytest.mark.fault("D03")
def test_a_lease_that_ran_out_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effective: Effective
) -> None:
    facts, commits, stolen = slow_worker_and_thief(tmp_path, monkeypatch)
    effective(stolen, floor=1)
    assert facts == [("User said: I like tea", 1)]
    assert commits == 1


@pytest.mark.control("D03")
def test_planted_no_fence_writes_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the fencing token both write. (The second line, mentions by message, still counts once.)"""
    monkeypatch.setattr(queue, "finish", lambda conn, job: True)
    _, commits, _ = slow_worker_and_thief(tmp_path, monkeypatch)
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


def poison_among_99(folder: Path) -> tuple[int, int, int]:
    """(facts, dead jobs, failures)."""
    with memory(folder, ScriptedExtractor(), workers=0) as mem:
        for n in range(100):
            mem.add("poison" if n == 50 else f"fact {n}", entity="alice", session=f"s{n}")
    with memory(folder, ScriptedExtractor(poison="poison"), max_attempts=2) as mem:
        assert mem.flush(60)
        stats = mem.stats()
        assert stats["pending"] == 0
        return len(mem.facts(entity="alice")), stats["dead"], stats["counts"]["retried"] + stats["counts"]["dead"]


@pytest.mark.fault("D19")
def test_poison_among_99_good(tmp_path: Path, effective: Effective) -> None:
    facts, dead, failures = poison_among_99(tmp_path)
    effective(failures, floor=2)
    assert (facts, dead) == (99, 1)


@pytest.mark.control("D19")
def test_planted_batch_that_fails_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Pipeline.run

    def run(self: Pipeline, jobs: Any, *given: Any) -> Any:
        for job in jobs:
            self._facts(job)
        return before(self, jobs, *given)

    monkeypatch.setattr(Pipeline, "run", run)
    facts, dead, _ = poison_among_99(tmp_path)
    assert facts < 99
    assert dead > 1


def test_failures_are_tried_again(tmp_path: Path) -> None:
    with memory(tmp_path, ScriptedExtractor(fail=2)) as mem:
        mem.add("I like tea", entity="alice")
        assert mem.flush(60)
        assert counts(mem) == [("User said: I like tea", 1)]
        assert mem.stats()["counts"]["retried"] == 2


ANYTHING = [MemoryError, SystemExit, KeyboardInterrupt, RecursionError]


def two_facts(folder: Path, extractor: ScriptedExtractor, seconds: float) -> tuple[int, int]:
    """(facts, failures that were counted)."""
    with memory(folder, extractor) as mem:
        mem.add("I like tea", entity="alice")
        mem.add("I like chess", entity="alice")
        mem.flush(seconds)
        counts = mem.stats()["counts"]
        failures = sum(counts.get(name, 0) for name in ("retried", "failed.augment", "failed.capture"))
        return len(mem.facts(entity="alice")), failures


@pytest.mark.fault("D09")
@pytest.mark.parametrize("error", ANYTHING)
def test_a_worker_that_meets_anything_goes_on(tmp_path: Path, error: type[BaseException], effective: Effective) -> None:
    facts, failures = two_facts(tmp_path, ScriptedExtractor(fail=1, error=error), 60)
    effective(failures, floor=1)
    assert facts == 2


@pytest.mark.fault("D09")
@pytest.mark.parametrize("error", ANYTHING)
def test_a_writer_that_meets_anything_goes_on(
    tmp_path: Path, error: type[BaseException], monkeypatch: pytest.MonkeyPatch, effective: Effective
) -> None:
    before, errors = SqlStore.capture, [error("told to fail")]

    def capture(self: SqlStore, exchanges: Any) -> Any:
        if errors:
            raise errors.pop()
        return before(self, exchanges)

    monkeypatch.setattr(SqlStore, "capture", capture)
    facts, failures = two_facts(tmp_path, ScriptedExtractor(), 60)
    effective(failures, floor=1)
    assert facts == 2


@pytest.mark.control("D09")
def test_planted_thread_that_ends_at_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(self: Pool) -> None:
        with suppress(BaseException):
            while not self._stop.wait(0.01):
                self.run_once()

    monkeypatch.setattr(Pool, "_run", run)
    facts, _ = two_facts(tmp_path, ScriptedExtractor(fail=1, error=SystemExit), 3)
    assert facts < 2


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


PROCESSES, THREADS, EACH = 8, 4, 5


def write(folder: Path, process: int, settings: dict[str, Any]) -> int:
    """What one of the processes does; 0 where its user never heard of a locked database."""
    code = 0
    with Memori(f"sqlite:///{folder}/m.db", extractor=ScriptedExtractor(), settings={**QUICK, **settings}) as mem:

        def add(thread: int) -> None:
            nonlocal code
            for n in range(EACH):
                try:
                    mem.add(f"fact {process} {thread} {n}", entity="alice", session=f"{process} {thread}")
                except StoreError:
                    code = 3

        threads = [threading.Thread(target=add, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return code or (0 if mem.flush(60) else 4) or (5 if mem.stats()["counts"].get("store_errors") else 0)


def processes_on_one_file(folder: Path, **settings: object) -> list[int | None]:
    """Their exit codes."""
    memory(folder, ScriptedExtractor()).close()
    barrier = fork.Barrier(PROCESSES)

    def child(process: int) -> None:
        code = 1
        try:
            barrier.wait(30)
            code = write(folder, process, settings)
        finally:
            os._exit(code)

    children = [fork.Process(target=child, args=(n,)) for n in range(PROCESSES)]
    for process in children:
        process.start()
    for process in children:
        process.join(120)
    return [process.exitcode for process in children]


@pytest.mark.fault("D15")
def test_several_processes_on_one_file(tmp_path: Path, effective: Effective) -> None:
    """Each sees no "database is locked", nothing is lost, nothing twice, and a reader follows them all."""
    wanted = [f"fact {p} {t} {n}" for p in range(PROCESSES) for t in range(THREADS) for n in range(EACH)]
    with memory(tmp_path, ScriptedExtractor(), workers=0) as reader:
        assert list(reader.recall("fact", entity="alice")) == []
        assert processes_on_one_file(tmp_path) == [0] * PROCESSES
        found = reader.recall("fact", entity="alice", limit=500, kinds=["turn"])
        effective(len(found), floor=PROCESSES * THREADS * EACH)
        assert sorted(r.text for r in found) == sorted(wanted)
        assert sorted(counts(reader)) == sorted((f"User said: {text}", 1) for text in wanted)


@pytest.mark.control("D15")
def test_planted_writers_that_do_not_wait(tmp_path: Path) -> None:
    """Without SQLite's patience for another writer some of the same processes hear of a locked database."""
    ends = processes_on_one_file(tmp_path, busy_timeout=0)
    assert any(end in (1, 3, 4, 5) for end in ends)


def test_what_another_process_wrote_is_recalled_next(tmp_path: Path) -> None:
    with memory(tmp_path, ScriptedExtractor()) as one, memory(tmp_path, ScriptedExtractor()) as other:
        one.add("My boat is called Aurora", entity="alice")
        assert "Aurora" in other.recall("boat", entity="alice")[0].text
        other.add("My boat was renamed Borealis", entity="alice")
        assert any("Borealis" in r.text for r in one.recall("boat renamed", entity="alice"))
