"""What a call costs more with a memory: ``scripts/bench overhead [--pairs N] [--turns N,N] [--quick] ...``.

Added milliseconds against the bare client, beside Memori and mem0, on one loopback server in a process of its own.
Every figure is taken in a fresh process; what is compared with what stands in ``benchmarks/overhead_cell.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks import memori_model, pictures
from benchmarks.overhead_cell import Cell, Measured
from benchmarks.provenance import provenance
from memori_wrap import plugins
from memori_wrap.testing.openai_server import spawn

OURS, THEIRS, MEM0 = "memori_wrap", "Memori 3.3.6", "mem0 2.2.1"
ROWS = (
    (OURS, "capture", "capture only"),
    (OURS, "busy", "capture only, while the pool works off pending jobs"),
    (OURS, "words", "recall by words"),
    (OURS, "meaning", "recall by words and meaning"),
    (THEIRS, "capture", "capture only (nobody named)"),
    (THEIRS, "meaning", "recall"),
    (MEM0, "meaning", "search and add"),
)
"""System, way (see ``Cell``), name."""
NOTES = f"""\
{THEIRS}: Memori(conn=sessionmaker on SQLite), defaults, its Rust engine on. MEMORI_API_URL_BASE is a loopback stub that
answers {{}} at once: its augmentation, which its vendor's service would do, costs it nothing here and finds nothing. So
its facts were written through its own storage driver, one a turn, with its own embeddings (the same MiniLM weights as
ours, as ONNX). It considers the newest 1,000 facts only (MEMORI_RECALL_EMBEDDINGS_LIMIT, left as it is). It has no
setting for capture only: for a named entity it always recalls, so that row names nobody.
{MEM0}: it has no interceptor; a call is what its documentation writes by hand: search, a system prompt, the call, add.
Its add is told infer=False: the call of an LLM that it would make by default costs it nothing here. A local Qdrant and
the same MiniLM weights.
Memori and we begin a new conversation every ten calls; Memori puts the conversation so far into each of its requests.
Pending jobs are exchanges of other entities, with the rules extractor and, where it is installed, the embedding model;
that row remembers nothing yet, and does not wait for the pool between two calls."""


class _Stub(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def vendor() -> Iterator[str]:
    """Stands in for Memori's service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Stub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(cell: Cell, variables: Mapping[str, str]) -> Measured | None:
    command = [sys.executable, "-m", "benchmarks.overhead_cell", json.dumps(asdict(cell))]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MEMORI_", "OPENAI_"))}
    done = subprocess.run(command, check=False, env={**clean, **variables}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{cell}\n{done.stderr[-3000:]}")
    found = json.loads(done.stdout)
    return Measured(**found) if found is not None else None


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


Found = Mapping[tuple[str, str, int], Measured]


def table(found: Found, sizes: Sequence[int]) -> Iterator[str]:
    yield "| added ms a call, median / p99 | " + " | ".join(f"{size:,} turns" for size in sizes) + " |"
    yield "|---" * (len(sizes) + 1) + "|"
    for system, way, name in ROWS:
        cells = [found[system, way, size].added if (system, way, size) in found else [] for size in sizes]
        if any(cells):
            shown = " | ".join(f"{statistics.median(c):.2f} / {quantile(c, 0.99):.1f}" if c else "" for c in cells)
            yield f"| {system}, {name} | {shown} |"
    for system, way in ((THEIRS, "capture"), (THEIRS, "meaning"), (MEM0, "meaning")):
        if all((s, way, sizes[0]) in found for s in (OURS, system)):
            pairs = [[statistics.median(found[s, way, size].added) for s in (OURS, system)] for size in sizes]
            yield f"| {OURS} / {system}, {way} | " + " | ".join(f"{ours / theirs:.2f}" for ours, theirs in pairs) + " |"
    bare = [statistics.median([ms for (_, _, n), m in found.items() if n == size for ms in m.bare]) for size in sizes]
    yield "| (a bare call, ms) | " + " | ".join(f"{ms:.2f}" for ms in bare) + " |"


def goals(found: Found, size: int) -> Iterator[str]:
    """What was set out to be reached, and whether it is; ``size``: the turns at which recall is judged."""

    def judged(what: str, measured: float, limit: float) -> str:
        return f"| {what} | {measured:.2f} | {limit:.2f} | {'reached' if measured <= limit else 'MISSED'} |"

    yield "| goal | measured | at most | |\n|---|---|---|---|"
    for way, what, median, p99 in (("capture", "idle", 0.5, 2.0), ("busy", "the pool at work", 1.0, 5.0)):
        for cell in [found[key] for key in sorted(found) if key[:2] == (OURS, way)][:1]:
            yield judged(f"capture only, {what}, ms median", statistics.median(cell.added), median)
            yield judged(f"capture only, {what}, ms p99", quantile(cell.added, 0.99), p99)
            if way == "busy":
                done, left = cell.counts["augmented"], cell.counts["pending"]
                yield f"| (jobs that the pool did meanwhile, and left) | {done:,}, {left:,} | | |"
    if (recall := found.get((OURS, "meaning", size))) is not None:
        added, name = statistics.median(recall.added), f"recall at {size:,} turns"
        yield judged(f"{name}, ms median", added, 1.2 * statistics.median(recall.embedding) + 1.5)
        if (theirs := found.get((THEIRS, "meaning", size))) is not None:
            yield judged(f"{name}, share of {THEIRS}'s", added / statistics.median(theirs.added), 0.1)


def embedding(found: Found, size: int) -> Iterator[str]:
    for system in (OURS, THEIRS, MEM0):
        cell = found.get((system, "meaning", size))
        if cell is not None:
            embed, added = statistics.median(cell.embedding), statistics.median(cell.added)
            yield (
                f"{system} at {size:,} turns: embedding the question alone takes {embed:.2f} ms, "
                f"{100 * embed / added:.0f} % of what recall adds ({added:.2f} ms)"
            )


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench overhead", description=__doc__)
    parser.add_argument("--pairs", "--calls", type=int, default=500, help="pairs of calls of a figure")
    parser.add_argument("--turns", default="0,100,1000,10000", help="remembered turns, separated by commas")
    parser.add_argument("--pending", type=int, default=10_000, help="jobs that the pool is at while calls are captured")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the added time against turns (PNG)")
    parser.add_argument("--json", type=Path, help="write every single figure to this file")
    parser.add_argument("--quick", action="store_true", help="60 pairs at 0 and 1,000 turns, 2,000 pending jobs")
    given = parser.parse_args()
    sizes = [0, 1000] if given.quick else [int(number) for number in given.turns.split(",")]
    pairs, pending = (60, 2000) if given.quick else (given.pairs, given.pending)

    has_model = plugins.is_importable("sentence_transformers")
    rows = [row for row in ROWS if has_model or row[1] != "meaning"]
    for system, package in ((THEIRS, "memori"), (MEM0, "mem0")):
        if not plugins.is_importable(package):
            print(f"{system} is not installed: pip install 'memori-wrap[bench]'")
            rows = [row for row in rows if row[0] != system]
    variables: dict[str, str] = {}
    try:
        variables = memori_model.environment() if has_model else {}
    except RuntimeError as error:
        print(f"Memori cannot embed here, so it cannot recall ({error})")
        rows = [row for row in rows if row[:2] != (THEIRS, "meaning")]

    print(f"Overhead, {pairs} pairs of calls a figure; {provenance()}", flush=True)
    found: dict[tuple[str, str, int], Measured] = {}
    with tempfile.TemporaryDirectory() as folder, spawn("--reply", "Noted.") as url, vendor() as service:
        variables["MEMORI_API_URL_BASE"] = service
        for system in dict.fromkeys(row[0] for row in rows):
            way = "meaning" if (system, "meaning") in [row[:2] for row in rows] else "words"
            run(Cell(system, way, folder, embedder="local" if way == "meaning" else "none", fill=sizes), variables)
        for size in sizes:
            for system, way, _ in rows:
                if way == "busy" and size != sizes[0]:
                    continue
                embedder = "local" if has_model and way in ("busy", "meaning") else "none"
                measured = run(Cell(system, way, folder, size, pairs, url, pending, embedder), variables)
                assert measured is not None
                found[system, way, size] = measured
                print(f"  {system}, {way}, {size:,}: {statistics.median(measured.added):.2f} ms", flush=True)
    print("", *table(found, sizes), "", *goals(found, 1000), "", *embedding(found, sizes[-1]), "", NOTES, sep="\n")
    if given.picture:
        medians: dict[str, dict[int, float]] = {}
        for (system, way, size), measured in found.items():
            if size and way != "busy":
                name = next(name for s, w, name in ROWS if (s, w) == (system, way))
                medians.setdefault(f"{system}, {name}", {})[size] = statistics.median(measured.added)
        pictures.latency(given.picture, medians, "ms added to a call, median", {})
    if given.json:
        flat = [{"system": s, "way": w, "turns": n, **asdict(m)} for (s, w, n), m in found.items()]
        given.json.write_text(json.dumps({"provenance": provenance(), "cells": flat}), "utf-8")


if __name__ == "__main__":
    main()
