"""SIGTERM or Ctrl-C while a worker works, and a second one (D04).

The first lets it finish the exchange in hand and gives the others back at once; the second ends it, and its leases run
out. Nothing is lost, nothing done twice.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from memori_wrap import Memori
from memori_wrap.augment.extract.rules import RuleExtractor
from memori_wrap.augment.pipeline import Pipeline
from memori_wrap.cli import work
from memori_wrap.store.tables import job
from memori_wrap.testing.extractors import ScriptedExtractor
from tests.support.tally import Effective
from tests.support.wording import results, worded_anew

fork = multiprocessing.get_context("fork")
SIGNALS = [signal.SIGTERM, signal.SIGINT]
JOBS, LONG = 24, 0.25
"""Seconds that an exchange takes: a batch of 16 takes longer than a worker may at its end."""
SETTINGS = {"embedder": "none", "lease": 0.3}


class Ending:
    """A worker with a batch in hand that gets signals; ``code``: how it ended, ``held``: its leases before, after."""

    def __init__(self, folder: Path, signals: list[signal.Signals], monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self.folder = f"sqlite:///{folder}/m.db", folder
        for name, value in {"DATA_DIR": str(folder), "EMBEDDER": "none", "LEASE": "0.3"}.items():
            monkeypatch.setenv(f"MEMORI_WRAP_{name}", value)
        with self.memory(workers=0) as mem:
            for n in range(JOBS):
                mem.add(f"fact {n}", entity="alice", session=f"s{n}")
        self.engine = sa.create_engine(self.url)
        worker = fork.Process(target=self.work)
        worker.start()
        until = time.monotonic() + 30
        while not self.leases() and time.monotonic() < until:
            time.sleep(0.01)
        before = self.leases()
        for number in signals:
            time.sleep(0.2)
            os.kill(worker.pid or 0, number)
        worker.join(30)
        self.code = worker.exitcode
        self.held = before, self.leases()

    def work(self) -> None:
        RuleExtractor.extract = ScriptedExtractor(worded_anew, delay=LONG).extract  # type: ignore[method-assign]
        os._exit(work.worker(1, False, self.url))

    def memory(self, **settings: object) -> Memori:
        given: dict[str, Any] = {**SETTINGS, "data_dir": self.folder, **settings}
        return Memori(self.url, extractor=ScriptedExtractor(worded_anew), settings=given)

    def leases(self) -> int:
        with self.engine.connect() as conn:
            return int(conn.scalar(sa.select(sa.func.count()).where(job.c.lease.is_not(None))) or 0)

    def results(self) -> Counter[str]:
        """After another worker has done the rest."""
        with self.memory() as mem:
            assert mem.flush(60)
            self.engine.dispose()
            return results(f.text for f in mem.facts(entity="alice"))


ONCE = Counter(f"fact {n}" for n in range(JOBS))


@pytest.mark.fault("D04")
@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effective: Effective
) -> None:
    ending = Ending(tmp_path, [number], monkeypatch)
    effective(ending.held[0], floor=2)
    assert ending.code == 0
    assert ending.held[1] == 0
    assert ending.results() == ONCE


@pytest.mark.fault("D04")
@pytest.mark.parametrize("number", SIGNALS)
def test_the_second_signal(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effective: Effective
) -> None:
    ending = Ending(tmp_path, [number, number], monkeypatch)
    effective(ending.held[1], floor=2)  # it left them behind
    assert ending.code == -number
    assert ending.results() == ONCE


@pytest.mark.control("D04")
def test_planted_batch_that_nobody_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Pipeline.run
    monkeypatch.setattr(Pipeline, "run", lambda self, jobs, is_ending: before(self, jobs))
    ending = Ending(tmp_path, [signal.SIGTERM], monkeypatch)
    ending.engine.dispose()
    assert ending.held[1] > 0
