"""A slow database under load: ``scripts/bench soak [--seconds N] [--rate N] [--delay SECONDS] [--queue N]``.

So many calls a second through the real SDK, against a PostgreSQL behind a proxy that delays each statement: the queue
fills, and what does not fit is dropped and counted. Printed over time: this process's memory, how much of it holds what
was stored and is kept warm for recall (`cache_bytes` bounds that), what waits, what was stored and dropped; at the end
the slope of the rest of the memory once the queue is full, whether each exchange is accounted for, and what calls took
beside those of a client without a memory. Linux, for the memory is read in /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from openai import OpenAI

from benchmarks.ingest import POSTGRESQL, fresh
from benchmarks.provenance import provenance
from memori_wrap import Memori
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.openai_server import spawn
from memori_wrap.testing.proxy import Proxy

CALLERS = 32
USERS = 16
TEXT = "word " * 800
BARE = 20
"""Of so many calls one is made by a client without a memory as well."""


@dataclass(frozen=True, slots=True)
class Load:
    """Calls a second, seconds a statement, exchanges that may wait."""

    seconds: float
    rate: float
    delay: float
    queue: int


@dataclass(frozen=True, slots=True)
class Sample:
    """``at``: seconds since the start; ``megabytes``: the memory of the process, ``warm``: of that, what is stored."""

    at: float
    megabytes: float
    warm: float
    waiting: int
    captured: int
    dropped: int


@dataclass
class Soaked:
    """``took`` and ``bare``: seconds of each call, with and without a memory; ``lost``: exchanges not accounted for."""

    samples: list[Sample] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    budget: float = 0.0

    @property
    def settled(self) -> list[Sample]:
        """The samples from when the queue was full, but the last two thirds at most."""
        after = self.samples[-1].at / 3
        full = next((s.at for s in self.samples if s.dropped), after)
        return [s for s in self.samples if s.at >= max(after, full)]

    @property
    def slope(self) -> float:
        """Megabytes a minute, without what is stored and kept warm."""
        settled = self.settled
        if len(settled) < 3:
            return 0.0
        return 60 * statistics.linear_regression([s.at for s in settled], [s.megabytes - s.warm for s in settled]).slope


def megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(load: Load) -> Soaked:
    found = Soaked()
    with (
        tempfile.TemporaryDirectory() as name,
        fresh(POSTGRESQL, Path(name)) as url,
        Proxy(url) as proxy,
        spawn("--reply", "Noted.") as base_url,
        Memori(
            proxy.url, embedder=HashEmbedder(), settings={"data_dir": Path(name), "queue_items": load.queue}
        ) as memory,
        OpenAI(base_url=base_url, api_key="none", max_retries=0) as plain,
    ):
        client = memory.register(OpenAI(base_url=base_url, api_key="none", max_retries=0))
        found.budget = memory.settings.recall_budget + memory.settings.capture_budget
        proxy.delay = load.delay
        began = time.monotonic()
        numbers, lock = iter(range(int(load.seconds * load.rate))), threading.Lock()

        def call() -> None:
            while True:
                with lock:
                    n = next(numbers, None)
                if (
                    n is None or time.monotonic() - began > load.seconds
                ):  # a busy machine makes fewer calls, not later ones
                    return
                time.sleep(max(0.0, began + n / load.rate - time.monotonic()))
                with memory.scope(f"user-{n % USERS}"):
                    found.took.append(ask(client, n))
                if n % BARE == 0:
                    found.bare.append(ask(plain, n))

        callers = [threading.Thread(target=call) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        while any(caller.is_alive() for caller in callers):
            found.samples.append(sample(memory, time.monotonic() - began))
            time.sleep(1)
        found.counts = memory.stats()["counts"]
        last = sample(memory, time.monotonic() - began)
        found.samples.append(last)
        proxy.delay = 0.0
        memory.flush(60)
        last = sample(memory, time.monotonic() - began)
        found.lost = len(found.took) - last.captured - last.dropped - last.waiting
    return found


def ask(client: OpenAI, n: int) -> float:
    began = time.perf_counter()
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"number {n} {TEXT}"}])
    return time.perf_counter() - began


def sample(memory: Memori, at: float) -> Sample:
    parts = memory._parts  # pyright: ignore[reportPrivateUsage] # stats() would ask the database
    counts = parts.counts.snapshot()
    dropped = sum(n for name, n in counts.items() if name.startswith("dropped."))
    return Sample(at, megabytes(), parts.cache.nbytes() / 1e6, parts.writer.waiting, counts.get("captured", 0), dropped)


def report(found: Soaked) -> str:
    last = found.samples[-1]
    lines = ["| second | memory, MB | of that stored and warm | waiting | stored | dropped |", 6 * "|---" + "|"]
    step = max(1, len(found.samples) // 20)
    lines += [
        f"| {s.at:.0f} | {s.megabytes:.0f} | {s.warm:.1f} | {s.waiting} | {s.captured} | {s.dropped} |"
        for s in found.samples[::step]
    ]
    dropped = {name: n for name, n in found.counts.items() if name.startswith(("dropped.", "skipped.", "capture_late"))}
    lines += [
        "",
        f"{len(found.took) / last.at:.0f} calls a second; memory once the queue was full, from second "
        f"{found.settled[0].at:.0f} on: {found.slope:+.2f} MB a minute",
        f"counted: {', '.join(f'{name} {n}' for name, n in dropped.items())}; not accounted for: {found.lost}",
        f"a call, ms: {percentiles(found.took)}; without a memory: {percentiles(found.bare)}; the budget for what is "
        f"added is {1000 * found.budget:.0f}",
    ]
    return "\n".join(lines)


def percentiles(seconds: Sequence[float]) -> str:
    in_order = sorted(seconds)
    return ", ".join(f"p{q} {1000 * in_order[min(len(in_order) - 1, len(in_order) * q // 100)]:.0f}" for q in (50, 99))


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--queue", type=int, default=2000)
    parser.add_argument("--json", action="store_true", help="the figures instead of the table")
    given = parser.parse_args()
    load = Load(given.seconds, given.rate, given.delay, given.queue)
    if given.json:
        found = soak(load)
        print(json.dumps({**asdict(found), "slope": found.slope}))
        return
    print(
        f"Soak: {load.rate:g} calls a second for {load.seconds:g} s, {1000 * load.delay:g} ms a statement, "
        f"{load.queue} exchanges may wait; {provenance()}\n",
        flush=True,
    )
    print(report(soak(load)), flush=True)


if __name__ == "__main__":
    main()
