"""What a stream costs more with a memory: ``scripts/bench streams [--pairs N] [--words N] [--sdk NAME]``.

Bare and registered streams of the same long reply, in turns, from one loopback server in a process of its own: the
time to the first item, and the time for each item after it, up to the last. What the end costs (the capture waits for
its acknowledgement) is a column of its own. So is the CPU time of the reader's thread: what an item costs, also where
the machine is busy and the clock tells of that. Memory is recalled by words, so the first item waits for that.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import repeat
from typing import Any

from benchmarks.provenance import provenance
from benchmarks.stream_clients import SDKS, Sdk
from benchmarks.stream_server import serving
from memori_wrap import Memori

ENTITY = "bench"
WARM = 5


@dataclass
class Times:
    """Seconds: to the first item, for each further item (``cpu``: of the reader's thread), from the last to the end."""

    first: list[float] = field(default_factory=list)
    chunk: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)
    items: int = 0


def read(sdk: Sdk, client: Any, question: str, times: Times) -> None:
    began = time.perf_counter()
    stream = iter(sdk.stream(client, question))
    next(stream)
    first = last = time.perf_counter()
    cpu = last_cpu = time.thread_time()
    n = 0
    for _ in stream:
        last = time.perf_counter()
        last_cpu = time.thread_time()
        n += 1
    times.first.append(first - began)
    times.chunk.append((last - first) / n)
    times.cpu.append((last_cpu - cpu) / n)
    times.end.append(time.perf_counter() - last)
    times.items = n + 1


def added(ours: Sequence[float], bare: Sequence[float]) -> float:
    return statistics.median(a - b for a, b in zip(ours, bare, strict=True))


def row(sdk: Sdk, pairs: int, words: int) -> str:
    reply = " ".join(repeat("word", words))
    bare, ours = Times(), Times()
    with (
        serving(sdk.server, reply) as url,
        Memori("memory://", embedder="none", extractor="none") as memory,
        memory.scope(ENTITY),
    ):
        memory.add("The answer is a word.", entity=ENTITY)
        plain, registered = sdk.client(url), memory.register(sdk.client(url))
        for n in range(pairs + WARM):
            pair = [(plain, bare), (registered, ours)]
            for client, times in pair if n % 2 else pair[::-1]:
                read(sdk, client, f"What is the answer to question {n}?", times)
        counts = memory.stats()["counts"]
        assert counts["injected"] == pairs + WARM, counts
    for times in (bare, ours):
        for each in (times.first, times.chunk, times.cpu, times.end):
            del each[:WARM]
    first, chunk = statistics.median(bare.first), statistics.median(bare.chunk)
    return (
        f"| {sdk.name} | {ours.items} | {1e3 * first:.2f} | {1e3 * added(ours.first, bare.first):.2f} "
        f"| {1e6 * chunk:.1f} | {1e6 * added(ours.chunk, bare.chunk):.1f} | {1e6 * added(ours.cpu, bare.cpu):.1f} "
        f"| {1e3 * added(ours.end, bare.end):.2f} |"
    )


def table(names: Sequence[str], pairs: int, words: int) -> Iterator[str]:
    titles = "SDK | items | first item, bare, ms | added, ms | a further item, bare, µs | added, µs | added CPU, µs"
    yield f"| {titles} | end, added, ms |"
    yield "|---|---|---|---|---|---|---|---|"
    for sdk in SDKS:
        if (sdk.name in names or not names) and _is_there(sdk.package):
            yield row(sdk, pairs, words)


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the parent of a package is not there
        return False


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench streams", description=__doc__)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--sdk", action="append", default=[])
    given = parser.parse_args()
    print(f"Streams, medians of {given.pairs} pairs; {provenance()}\n", flush=True)
    for line in table(given.sdk, given.pairs, given.words):
        print(line, flush=True)


if __name__ == "__main__":
    main()
