"""The embedders on this machine beside each other: ``scripts/bench embedders [--rounds N]``.

Each in a process of its own, in turns: how long it loads, how long the event loop of that process stands still
meanwhile, its memory, a question of 15 words, batches of 32, and how near its vectors are to the original's. CPU times
beside wall times, since a busy machine stretches only the latter. Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.provenance import provenance
from memori_wrap.embedders.apart import ProcessEmbedder
from memori_wrap.embedders.choice import make
from memori_wrap.protocols import Embedder

WAYS = {
    "sentence-transformers, 1 thread": "local 1",
    "sentence-transformers": "local 0",
    "onnx, 1 thread": "onnx 1",
    "onnx": "onnx 0",
    "onnx:int8, 1 thread": "onnx:int8 1",
    "onnx:int8": "onnx:int8 0",
    "process:local": "process:local 0",
    "process:onnx": "process:onnx 0",
}
"""Name -> what is loaded, and the threads of one run: 1, or 0 for what it takes of itself."""
QUERY = "what does she usually drink in the morning before she goes to work at the hospital"
BATCH = [f"{QUERY} and why is that, number {n}" for n in range(32)]
TEXTS = [
    *BATCH[:4],
    "",
    "她每天早上喝绿茶，然后去医院上班。",
    "Größe, façade",
    "word " * 2_000,
    "🎉",
    "The train leaves at nine.",
]
HEAD = ("load s", "load CPU s", "loop gap ms", "memory MB", "query ms", "query CPU ms", "batch texts/s", "cosine")


def embedder(name: str, threads: int) -> Embedder:
    outer, _, inner = name.partition(":")
    if outer == "process":
        return ProcessEmbedder(inner)
    if outer == "onnx" and threads:
        from memori_wrap_adapters.embedders.onnx import OnnxEmbedder

        return OnnxEmbedder(inner or "fp32", threads=threads)
    return make(name)


async def longest_gap(made: Embedder) -> float:
    """Seconds that the loop stood still at most while ``made`` was loaded on a thread."""
    loading = asyncio.ensure_future(asyncio.to_thread(made.load))
    longest, last = 0.0, time.perf_counter()
    while not loading.done():
        await asyncio.sleep(0.001)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    await loading
    return longest


def memory(made: Embedder) -> int:
    """MB that are this process's own (without files that are mapped), and its embedder's process's."""
    child = getattr(made, "_child", None)
    pids = ["self", *([str(child._process.pid)] if child is not None else [])]
    kilobytes = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            kilobytes += int(line.split()[1]) if line.startswith("Anonymous") else 0
    return kilobytes // 1024


def cell(name: str, threads: int, queries: int) -> dict[str, Any]:
    made = embedder(name, threads)
    wall, cpu = time.perf_counter(), time.process_time()
    gap = asyncio.run(longest_gap(made))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ask = getattr(made, "embed_query", lambda text: made.embed([text])[0])
    walls, cpus, batches = [], [], []
    for n in range(queries):
        began, began_cpu = time.perf_counter(), time.process_time()
        ask(f"{QUERY} {n}")
        walls.append(time.perf_counter() - began)
        cpus.append(time.process_time() - began_cpu)
    for _ in range(max(2, queries // 10)):
        began = time.perf_counter()
        made.embed(BATCH)
        batches.append(len(BATCH) / (time.perf_counter() - began))
    figures = (wall, cpu, 1000 * gap, memory(made), *(1000 * statistics.median(t) for t in (walls, cpus)))
    rows = np.concatenate([made.embed([text]) for text in TEXTS])
    getattr(made, "close", lambda: None)()
    return {"figures": [*figures, statistics.median(batches)], "rows": rows.tolist()}


def run(way: str, queries: int) -> dict[str, Any]:
    threads = way.split()[1]
    environment = {**os.environ, **({"OMP_NUM_THREADS": threads} if threads != "0" else {})}
    command = [sys.executable, "-m", "benchmarks.embedders", "--cell", *way.split(), "--queries", str(queries)]
    told = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, Any] = json.loads(told.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--cell", nargs=2, metavar=("NAME", "THREADS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cell:
        print(json.dumps(cell(options.cell[0], int(options.cell[1]), options.queries)))
        return
    print(provenance())
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in WAYS}
    for _ in range(options.rounds):
        for name, way in WAYS.items():
            found[name].append(run(way, options.queries))
    original = np.array(next(iter(found.values()))[0]["rows"])
    print("| |", " | ".join(HEAD), "|")
    print("|---|" + "---|" * len(HEAD))
    for name, results in found.items():
        figures = [statistics.median(column) for column in zip(*(r["figures"] for r in results), strict=True)]
        cosine = min(float((np.array(r["rows"]) * original).sum(axis=1).min()) for r in results)
        shown = [f"{figures[0]:.1f}", f"{figures[1]:.1f}", f"{figures[2]:.0f}", f"{figures[3]:.0f}"]
        shown += [f"{figures[4]:.1f}", f"{figures[5]:.1f}", f"{figures[6]:.0f}", f"{cosine:.4f}"]
        print(f"| {name} |", " | ".join(shown), "|", flush=True)


if __name__ == "__main__":
    main()
