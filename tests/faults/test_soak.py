"""A hundred calls a second against a database that takes 200 ms a statement (D14).

Memory stays flat once the queue is full, and whatever does not fit is counted. Ten minutes of it: `scripts/bench soak`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from memori_wrap import Memori
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.store_suite import exchange
from tests.support.handover import ROOT
from tests.support.tally import Effective

FLAT = 12.0
"""Megabytes a minute: what does not fit is 24, and a heap takes a while to find its size."""


def soaked(seconds: float, queue: int) -> dict[str, Any]:
    """The figures of `scripts/bench soak`."""
    command = [sys.executable, "-m", "benchmarks.soak", "--seconds", str(seconds), "--queue", str(queue), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=560, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.fault("D14")
def test_a_minute(effective: Effective) -> None:
    found = soaked(60, 300)
    effective(found["counts"].get("dropped.queue_full", 0), floor=1000)
    assert found["slope"] < FLAT
    assert found["lost"] == 0
    assert max(sample["waiting"] for sample in found["samples"]) <= 300


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.control("D14")
def test_planted_queue_without_a_bound() -> None:
    assert soaked(60, 1_000_000)["slope"] > FLAT


@pytest.mark.fault("D14")
def test_what_is_dropped_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effective: Effective) -> None:
    """It takes no memory, and nobody is told what is stored nowhere."""
    gate, real = threading.Event(), SqlStore.capture
    monkeypatch.setattr(SqlStore, "capture", lambda *given: (gate.wait(20), real(*given))[1])
    settings = {"data_dir": tmp_path, "embedder": "none", "queue_items": 2}
    with Memori(f"sqlite:///{tmp_path}/m.db", extractor="none", settings=settings) as mem:
        for n in range(6):
            mem._parts.take(exchange(f"boat {n}"))
        waiting = {r.text for r in mem.recall("boat", entity="alice", kinds=["turn"]) if "boat" in r.text}
        gate.set()
        assert mem.flush(20)
        effective(mem.stats()["counts"].get("dropped.queue_full", 0), floor=4)
        assert waiting == {"boat 0", "boat 1"}
        assert {r.text for r in mem.recall("boat", entity="alice") if "boat" in r.text} == waiting
