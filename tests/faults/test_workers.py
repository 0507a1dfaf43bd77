"""An application and two workers, a process each, on one PostgreSQL; a worker is killed or frozen at any time.

Every exchange is augmented, once: the extractor words a fact anew each time, as a model would, so that a second result
is a second fact. (D01, D03.)
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import sqlalchemy as sa
from openai import OpenAI

from memori_wrap import Memori
from memori_wrap.augment import pool
from memori_wrap.store import queue
from memori_wrap.store.sql import SqlStore
from memori_wrap.store.tables import fact, job
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.types import Job
from tests.support.servers import POSTGRESQL, fresh_database
from tests.support.tally import Effective
from tests.support.wording import results, worded_anew

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
fork = multiprocessing.get_context("fork")
USERS = 4
SETTINGS = {"lease": 0.3, "embedder": "none"}


def work(url: str, log: Path) -> None:
    """A worker; it writes down the leases that it takes."""
    real = SqlStore.claim

    def claim(self: SqlStore, worker: str, limit: int, stale: tuple[str, ...] = ()) -> list[Job]:
        jobs = list(real(self, worker, limit, stale))
        with log.open("a") as leases:
            leases.writelines(f"{job.lease}\n" for job in jobs)
        return jobs

    SqlStore.claim = claim  # type: ignore[method-assign]
    pool.POLL = 0.1
    extractor = ScriptedExtractor(worded_anew, delay=0.01)
    mem = Memori(url, extractor=extractor, settings={**SETTINGS, "data_dir": log.parent})
    mem.start()
    signal.sigwait([signal.SIGTERM])
    os._exit(0)


def talk(url: str, base_url: str, acks: Path) -> None:
    """The application, until it is killed; it writes down what was acknowledged."""
    mem = Memori(url, extractor="none", settings={**SETTINGS, "workers": 0, "data_dir": acks.parent})
    client = mem.register(OpenAI(base_url=base_url, api_key="x"))
    with acks.open("a") as told:
        for n in range(100_000):
            with mem.scope(f"user {n % USERS}"):
                client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"fact {n}"}])
            while mem.stats()["waiting"]:
                time.sleep(0.001)
            print(f"fact {n}", file=told, flush=True)
            time.sleep(0.01)


class Scene:
    def __init__(self, url: str, base_url: str, folder: Path) -> None:
        self.url, self.base_url, self.folder = url, base_url, folder
        self.engine = sa.create_engine(url)
        self.choose = random.Random(20261128)
        self.workers: dict[Path, BaseProcess] = {}

    def start(self) -> None:
        for n in range(2):
            self.start_worker(self.folder / f"leases {n}")
        self.acks = self.folder / "acks"
        self.application = fork.Process(target=talk, args=(self.url, self.base_url, self.acks))
        self.application.start()
        self.wait(lambda: self.acks.exists() and len(self.acks.read_text()) > 100)

    def start_worker(self, log: Path) -> None:
        log.touch()
        self.workers[log] = fork.Process(target=work, args=(self.url, log))
        self.workers[log].start()

    def wait(self, what: object, seconds: float = 30.0) -> bool:
        until = time.monotonic() + seconds
        while not what():  # type: ignore[operator]
            if time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    def in_hand(self, log: Path) -> set[str]:
        with self.engine.connect() as conn:
            held = conn.execute(sa.select(job.c.lease).where(job.c.lease.is_not(None))).scalars().all()
        return set(held) & set(log.read_text().split())

    def kill(self, log: Path) -> bool:
        """Whether it had work in hand."""
        self.workers[log].kill()
        self.workers[log].join()
        is_effective = bool(self.in_hand(log))
        self.start_worker(log)
        return is_effective

    def freeze(self, log: Path) -> bool:
        """For as long as it takes until another has what it had in hand; whether it had, and did not just commit."""
        pid = self.workers[log].pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        held = self.in_hand(log)
        is_effective = bool(held) and self.wait(lambda: not self.in_hand(log), 3)
        os.kill(pid, signal.SIGCONT)
        return is_effective

    def run(self, kills: int, freezes: int) -> int:
        """So many of each that met a worker with work in hand; how many there were."""
        wanted = [self.kill] * kills + [self.freeze] * freezes
        self.choose.shuffle(wanted)
        done = 0
        for fault in wanted:
            for _ in range(20):
                time.sleep(self.choose.random() * 0.1)
                if fault(self.choose.choice(list(self.workers))):
                    done += 1
                    break
        return done

    def missing_and_doubled(self) -> tuple[list[str], list[str]]:
        """After the application has ended and the workers have worked everything off."""
        self.application.kill()
        self.application.join()
        with self.engine.connect() as conn:
            assert self.wait(lambda: not conn.scalar(sa.select(sa.func.count()).select_from(job)), 60)
            time.sleep(0.5)  # a worker that was frozen may be about to write what it had
            written = results(conn.execute(sa.select(fact.c.text)).scalars())
        acknowledged = self.acks.read_text().splitlines()
        return [said for said in acknowledged if said not in written], [said for said, n in written.items() if n > 1]

    def close(self) -> None:
        for process in (self.application, *self.workers.values()):
            process.kill()
            process.join()
        self.engine.dispose()


def outcome(folder: Path, kills: int, freezes: int) -> tuple[int, list[str], list[str]]:
    """(effective faults, acknowledged without a fact, augmented twice)."""
    with FakeOpenAI("Noted.", record=False) as server, fresh_database(POSTGRESQL) as url:
        Memori(url, settings={**SETTINGS, "data_dir": folder}).close()
        scene = Scene(url, server.base_url, folder)
        try:
            scene.start()
            return scene.run(kills, freezes), *scene.missing_and_doubled()
        finally:
            scene.close()


@pytest.mark.fault("D01", "D03")
def test_either_worker_killed_or_frozen(tmp_path: Path, effective: Effective) -> None:
    hits, missing, doubled = outcome(tmp_path, 2, 1)
    effective(hits, floor=1)
    assert (missing, doubled) == ([], [])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.fault("D01", "D03")
def test_either_worker_killed_or_frozen_often(tmp_path: Path, effective: Effective) -> None:
    hits, missing, doubled = outcome(tmp_path, 40, 40)
    effective(hits, floor=76)
    assert (missing, doubled) == ([], [])


@pytest.mark.control("D01", "D03")
def test_planted_no_fence_augments_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes last ends the job and writes what it has, whosever the lease is."""

    def finish(conn: sa.Connection, done: Job) -> bool:
        conn.execute(sa.delete(job).where(job.c.entity_id == done.entity, job.c.exchange_id == done.exchange))
        return True

    monkeypatch.setattr(queue, "finish", finish)
    _, _, doubled = outcome(tmp_path, 0, 3)
    assert doubled
