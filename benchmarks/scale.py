"""What a memory costs as it grows, on SQLite: ``scripts/bench scale [--quick] [--part NAME ...] [--picture FILE]``.

Every figure is taken in a fresh process, and what is compared is measured in turns. Turns are stored with the vectors
of the deterministic embedder, since a model would need hours for them; questions are embedded by all-MiniLM-L6-v2
where it is installed, and that time is subtracted. ``benchmarks/scale_cell.py`` says how each figure is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import pictures
from benchmarks.provenance import provenance
from benchmarks.scale_cell import Cell, Found
from benchmarks.scale_data import filled
from memori_wrap import plugins

GOAL_SIZE = 10_000
"""Turns of one entity at which most goals are set: other sizes are measured, and not judged."""
QUICK = ["--sizes", "200,1000,4000", "--entities", "200", "--each", "20", "--cache-bytes", "8000000"]
QUICK += ["--questions", "30", "--texts", "200", "--rounds", "1"]
IMPORTS = ("import memori_wrap", "from memori_wrap import Memori", "from memori import Memori")


@dataclass(frozen=True, slots=True)
class Row:
    """``holds``: whether the goal is reached; None where there is none, or not at these sizes."""

    name: str
    measured: str
    goal: str = ""
    holds: bool | None = None

    def __str__(self) -> str:
        verdict = "" if self.holds is None else "reached" if self.holds else "MISSED"
        return f"| {self.name} | {self.measured} | {self.goal} | {verdict} |"


class Scale:
    """The parts of the table. ``curves``: row -> turns -> median milliseconds, for the picture."""

    def __init__(self, given: argparse.Namespace, folder: Path) -> None:
        self.given, self.folder = given, folder
        self.sizes = [int(size) for size in given.sizes.split(",")]
        self.middle = self.sizes[len(self.sizes) // 2]
        self.curves: dict[str, dict[int, float]] = {}

    def parts(self) -> Mapping[str, Callable[[], Iterator[Row]]]:
        """By the name that ``--part`` takes."""
        return {
            "recall": self.recall,
            "first": self.first,
            "many": self.many,
            "loop": self.loop,
            "import": self.imports,
            "background": self.background,
        }

    def recall(self) -> Iterator[Row]:
        for name, embedder in ((self.given.embedder, self.given.embedder), ("words only", "none")):
            cells = [self.cell("recall", filled(size), embedder) for size in self.sizes]
            beside, embedding = self.in_turns(cells, "beside"), self.in_turns_of("embedding")
            medians = dict(zip(self.sizes, map(statistics.median, beside), strict=True))
            label = "recall() by words only" if embedder == "none" else "recall() beside the question's embedding"
            self.curves[f"memori_wrap, {label}"] = medians
            limit = 2.0 if embedder == "none" else 1.5
            for size, values in zip(self.sizes, beside, strict=True):
                is_goal = size == GOAL_SIZE
                yield Row(
                    f"{label}, {size:,} turns of one entity, ms",
                    f"{medians[size]:.2f} median, {quantile(values, 0.99):.2f} p99",
                    f"at most {limit} median" if is_goal else "",
                    medians[size] <= limit if is_goal else None,
                )
            if embedder != "none":
                least, most = self.sizes[0], self.sizes[-1]
                grown = medians[most] / medians[least]
                holds = grown <= 2.5 if (least, most) == (1_000, 100_000) else None
                yield Row(f"{label}, {most:,} to {least:,}", f"{grown:.2f}", "100,000 to 1,000: at most 2.5", holds)
                yield Row(f"(the embedding of a question, {name}, ms)", f"{statistics.median(embedding):.2f} median")

    def first(self) -> Iterator[Row]:
        database = self.folder / "first.db"
        shutil.copy(filled(self.middle), database)
        for name, goal in (("nothing kept from an earlier process", ""), ("a later process", "at most 250")):
            took = run(self.cell("first", database))["first"]
            label = f"first recall of an entity with {self.middle:,} turns, model warm: {name}, ms"
            yield Row(label, f"{took:.0f}", goal, took <= 250 if goal and self.middle == GOAL_SIZE else None)

    def many(self) -> Iterator[Row]:
        given = self.given
        large, small = filled(given.each, given.entities), filled(given.each, max(1, given.entities // 100))
        turns = f"{given.entities * given.each:,} turns of {given.entities:,} entities"
        cell = self.cell("many", large, entities=given.entities, cache_bytes=given.cache_bytes, number=given.asked)
        found = run(cell)
        megabytes = [size / 1e6 for size in found["rss"]]
        grown, bound = megabytes[-1] - megabytes[0], given.cache_bytes / 1e6
        yield Row(
            f"{turns}: memory of the process, MB",
            f"{megabytes[0]:.0f} after the first question; {megabytes[len(megabytes) // 2]:.0f} and "
            f"{megabytes[-1]:.0f} after {found['asked'] // 2:,} and {found['asked']:,} entities were asked",
            f"grows by cache_bytes ({bound:.0f}) and a quarter at most",
            grown <= 1.25 * bound,
        )
        pair = [statistics.median(v) for v in self.in_turns([self.cell("recall", d) for d in (large, small)], "beside")]
        yield Row(
            f"{turns}: recall of a warm entity to that with {given.each * max(1, given.entities // 100):,} in all",
            f"{pair[0]:.2f} ms / {pair[1]:.2f} ms = {pair[0] / pair[1]:.2f}",
            "as there (at most 1.2)",
            pair[0] / pair[1] <= 1.2,
        )

    def loop(self) -> Iterator[Row]:
        found = run(self.cell("loop", filled(self.middle)))
        for name, label in (("idle", "nothing asked"), ("warm", "warm"), ("loading", "while the model loads")):
            worst = max(found[name])
            yield Row(
                f"event loop, {label}: the longest it was held up, ms",
                f"{worst:.1f} (p99 {quantile(found[name], 0.99):.1f}, {len(found[name]):,} looks)",
                "below 20" if name == "warm" else "",
                worst < 20 if name == "warm" else None,
            )

    def imports(self) -> Iterator[Row]:
        took: dict[str, list[float]] = {statement: [] for statement in IMPORTS}
        there = [s for s in IMPORTS if plugins.is_importable(s.split()[1])]
        for _ in range(3 * self.given.rounds):
            for statement in there:
                code = f"import time; b = time.perf_counter(); {statement}; print(time.perf_counter() - b)"
                done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
                took[statement].append(1000 * float(done.stdout.split()[-1]))
        medians = {statement: statistics.median(took[statement]) for statement in there}
        theirs = medians.get(IMPORTS[-1])
        for statement, median in medians.items():
            is_ours = theirs is not None and statement != IMPORTS[-1]
            share = f", {median / theirs:.2f} of Memori's" if theirs is not None and is_ours else ""
            holds = median <= theirs / 5 if theirs is not None and is_ours else None
            yield Row(f"`{statement}`, ms", f"{median:.0f}{share}", "at most 0.2 of Memori's" if is_ours else "", holds)

    def background(self) -> Iterator[Row]:
        if self.given.embedder != "local":
            return
        found = run(self.cell("background", self.folder / "background.db", number=self.given.texts))
        share = found["pool"] / found["alone"]
        yield Row(
            "texts a second that the pool embeds, to the embedder's own in batches",
            f"{found['pool']:.0f} / {found['alone']:.0f} = {100 * share:.0f} %",
            "at least 90 %",
            share >= 0.9,
        )

    def cell(self, what: str, database: Path, embedder: str | None = None, **options: int) -> Cell:
        options = {"number": self.given.questions, **options}
        return Cell(what, str(database), str(self.folder), embedder or self.given.embedder, **options)

    def in_turns(self, cells: Sequence[Cell], name: str) -> list[list[float]]:
        """The values of each cell, gathered in rounds: what else the machine does hits all of them."""
        self._found: list[list[Found]] = [[] for _ in cells]
        for _ in range(self.given.rounds):
            for found, cell in zip(self._found, cells, strict=True):
                found.append(run(cell))
        return [[value for found in each for value in found[name]] for each in self._found]

    def in_turns_of(self, name: str) -> list[float]:
        """Other values of the cells that were run last, all together."""
        return [value for each in self._found for found in each for value in found[name]]


def run(cell: Cell) -> Found:
    command = [sys.executable, "-m", "benchmarks.scale_cell", json.dumps(asdict(cell))]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEMORI_")}
    done = subprocess.run(command, check=False, env=clean, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{cell}\n{done.stderr[-3000:]}")
    found: Found = json.loads(done.stdout)
    return found


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench scale", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="turns of one entity, separated by commas")
    parser.add_argument("--entities", type=int, default=10_000)
    parser.add_argument("--each", type=int, default=100, help="turns of each of the entities")
    parser.add_argument("--asked", type=int, default=2000, help="how many of the entities are asked")
    parser.add_argument("--cache-bytes", type=int, default=128_000_000, help="the setting, for the entities")
    parser.add_argument("--questions", type=int, default=200, help="questions of a figure")
    parser.add_argument("--texts", type=int, default=1000, help="turns that are embedded in the background")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--embedder", choices=("local", "hash"), help="of the questions")
    parser.add_argument("--part", action="append", default=[], help="only this part; may be given again")
    parser.add_argument("--quick", action="store_true", help=f"small: {' '.join(QUICK)}")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the recall part (PNG)")
    given = parser.parse_args([*QUICK, *sys.argv[1:]] if "--quick" in sys.argv else None)
    given.embedder = given.embedder or ("local" if plugins.is_importable("sentence_transformers") else "hash")

    print(f"Scale, {given.questions} questions a figure and round; {provenance()}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        scale = Scale(given, Path(folder))
        parts = scale.parts()
        if unknown := set(given.part) - set(parts):
            parser.error(f"no part {', '.join(unknown)}; there are {', '.join(parts)}")
        rows = [row for name in given.part or parts for row in show(parts[name]())]
    print("\n| | measured | goal | |\n|---|---|---|---|", *rows, sep="\n")
    if given.picture and scale.curves:
        pictures.latency(given.picture, scale.curves, "ms beside the question's embedding, median", {GOAL_SIZE: 1.5})


def show(rows: Iterator[Row]) -> Iterator[Row]:
    """Each row as soon as it is there: the whole takes long."""
    for row in rows:
        print(f"  {row.name}: {row.measured}", flush=True)
        yield row


if __name__ == "__main__":
    main()
