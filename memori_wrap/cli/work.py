"""``worker`` and ``queue``: the background work, in a process of its own, and a look at what waits for it."""

from __future__ import annotations

import signal
import threading
from dataclasses import asdict
from types import FrameType
from typing import Any

from memori_wrap.cli.options import open_memory
from memori_wrap.cli.screen import Screen
from memori_wrap.memory import Memori
from memori_wrap.settings import load_settings

POLL = 0.2


def worker(threads: int, drain: bool, database: str | None) -> int:
    """Augments until it is told to stop, or, with ``drain``, until nothing waits.

    The first SIGTERM or Ctrl-C lets it finish what it has in hand; the second ends it at once: its leases then run
    out by themselves.
    """
    screen, stop = Screen(stderr=True), threading.Event()

    def on_signal(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    settings = load_settings({"workers": threads})
    memory = open_memory(database, settings=settings)
    try:
        memory.start()
        screen.line(f"{threads} thread{'s' if threads > 1 else ''} at work; Ctrl-C ends it", "dim")
        with screen.progress("augmented exchanges") as progress:
            _watch(memory, stop, drain, progress)
    finally:
        memory.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _watch(memory: Memori, stop: threading.Event, drain: bool, progress: Any) -> None:
    done = 0
    while not stop.is_set():
        stats = memory.stats()
        now = stats["counts"].get("augmented", 0)
        progress(now - done)
        done = now
        if drain and stats["pending"] == 0:
            return
        stop.wait(POLL)


def status(database: str | None, as_json: bool) -> None:
    with open_memory(database, words_only=True) as memory:
        stats = memory.stats()
    found = {name: stats[name] for name in ("pending", "dead", "oldest_age")}
    screen = Screen()
    if as_json:
        screen.json({"version": 1, **found})
    else:
        age = f", the oldest for {found['oldest_age']:.0f} s" if found["pending"] else ""
        screen.line(f"{found['pending']} waiting{age}")
        screen.line(f"{found['dead']} dead")


def dead(limit: int, database: str | None, as_json: bool) -> None:
    with open_memory(database, words_only=True) as memory:
        jobs = memory.dead_jobs(limit)
    screen = Screen()
    if as_json:
        screen.json({"version": 1, "dead": [asdict(job) for job in jobs]})
        return
    rows = [(j.exchange, j.entity, str(j.attempts), f"{j.created_at:%Y-%m-%d %H:%M}", j.reason) for j in jobs]
    screen.table(("exchange", "entity", "attempts", "since", "reason"), rows)


def retry(exchanges: list[str], database: str | None) -> None:
    with open_memory(database, words_only=True) as memory:
        n = memory.retry_dead(exchanges or None)
    Screen().line(f"{n} made waiting again")
