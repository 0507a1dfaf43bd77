"""One figure of the scale table, in a process of its own: ``python -m benchmarks.scale_cell SPECIFICATION``.

The specification is a JSON object (``Cell``); the answer on stdout, too, is one.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scale_data import DIMENSION, entity
from benchmarks.turns import questions, turns
from memori_wrap import Memori, plugins
from memori_wrap.protocols import Embedder
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.types import Vectors

WARM_UP = 20
ROUNDS = 2
ASKERS = 4
"""Tasks that ask at the same time."""
Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """``what``: a key of ``CELLS``. ``embedder``: "local", "hash" or "none". ``data``: where a journal may lie."""

    what: str
    database: str
    data: str
    embedder: str = "local"
    number: int = 200
    entities: int = 1
    cache_bytes: int = 512_000_000

    def open(self, embedder: Embedder | str | None = None, workers: int = 0) -> Memori:
        settings = {"data_dir": Path(self.data), "workers": workers, "cache_bytes": self.cache_bytes}
        return Memori(
            f"sqlite:///{self.database}", embedder=embedder or self.asking(), extractor="none", settings=settings
        )

    def asking(self) -> Embedder | str:
        return "none" if self.embedder == "none" else Asking(_model() if self.embedder == "local" else None)


class Asking:
    """An ``Embedder`` in whose name the turns were stored, that embeds with another, and keeps the time.

    The vectors in the database are the deterministic embedder's; the question is really embedded by the model, with
    what that leaves of the machine's caches. What is nearest then means nothing, but takes the same time to find.
    """

    def __init__(self, inner: Embedder | None) -> None:
        self._named = HashEmbedder(DIMENSION)
        self._inner = inner or self._named
        self.model, self.dimension = self._named.model, DIMENSION
        self.spent: list[float] = []
        self.texts: list[str] = []

    def load(self) -> None:
        self._inner.load()

    def embed(self, texts: Sequence[str]) -> Vectors:
        began = time.perf_counter()
        vectors = self._inner.embed(texts)
        self.spent.append(1000 * (time.perf_counter() - began))
        self.texts += texts
        return vectors


def _model() -> Embedder:
    make: Callable[[], Embedder] = plugins.load("embedders", "local")  # type: ignore[assignment]
    return make()


def recall(cell: Cell) -> Found:
    """Milliseconds of ``recall`` beside the embedding of its question, and of that, warm, of the first entity."""
    embedder = cell.asking()
    beside: list[float] = []
    embedding: list[float] = []
    with cell.open(embedder) as memory:
        memory.warm()
        for question in questions(WARM_UP + cell.number):
            before = len(embedder.spent) if isinstance(embedder, Asking) else 0
            began = time.perf_counter()
            found = memory.recall(question, entity=entity(0))
            took = 1000 * (time.perf_counter() - began)
            spent = sum(embedder.spent[before:]) if isinstance(embedder, Asking) else 0.0
            assert found, "nothing was recalled"
            beside.append(took - spent)
            embedding.append(spent)
    return {"beside": beside[WARM_UP:], "embedding": embedding[WARM_UP:]}


def first(cell: Cell) -> Found:
    """Milliseconds of the first question to an entity, in a process that has served another one already."""
    with cell.open(workers=1) as memory:
        memory.warm()
        memory.add("I drink tea.", entity="somebody else")
        memory.flush()
        memory.recall("Does anybody know?", entity="somebody else")
        began = time.perf_counter()
        found = memory.recall(next(iter(questions(1))), entity=entity(0))
        took = 1000 * (time.perf_counter() - began)
        assert found, "nothing was recalled"
    return {"first": took}


def many(cell: Cell) -> Found:
    """Bytes of this process: after the first question, and as ``number`` entities are asked one each."""
    import psutil

    process = psutil.Process()
    with cell.open() as memory:
        memory.warm()
        memory.recall("Does anybody know?", entity=entity(0))
        sizes = [process.memory_info().rss]
        asked = np.linspace(0, cell.entities - 1, min(cell.number, cell.entities)).astype(int)
        for n, (number, question) in enumerate(zip(asked, questions(len(asked)), strict=True), 1):
            assert memory.recall(question, entity=entity(number)), "nothing was recalled"
            if n * 10 % len(asked) < 10:
                sizes.append(process.memory_info().rss)
    return {"rss": sizes, "asked": len(asked)}


def background(cell: Cell) -> Found:
    """Texts a second that the pool embeds, and then the embedder by itself, the same ones: two rounds of them."""
    model = _model()
    model.load()
    embedder = Asking(model)
    pool: list[float] = []
    alone: list[float] = []
    said = turns(ROUNDS * cell.number)
    for number in range(ROUNDS):
        with cell.open(embedder) as memory:
            for texts in zip(*[islice(said, cell.number)] * 2, strict=False):
                pair = [{"role": r, "content": text} for r, text in zip(("user", "assistant"), texts, strict=True)]
                memory.add(pair, entity=entity(number))
        with cell.open(embedder, workers=1) as memory:
            memory.warm()
            embedder.texts.clear()
            began = time.perf_counter()
            memory.flush()
            pool.append(len(embedder.texts) / (time.perf_counter() - began))
        same = list(embedder.texts)
        began = time.perf_counter()
        model.embed(same)
        alone.append(len(same) / (time.perf_counter() - began))
    return {"pool": statistics.mean(pool), "alone": statistics.mean(alone)}


def loop(cell: Cell) -> Found:
    """The longest waits of an event loop, in milliseconds: idle, while the model loads, and when it is warm."""
    with cell.open() as memory:
        return asyncio.run(_loop(memory, cell.number))


async def _loop(memory: Memori, number: int) -> Found:
    async def idle(_: str) -> None:
        await asyncio.sleep(0.02)

    async def ask(question: str) -> None:
        await memory.arecall(question, entity=entity(0))

    asked = iter(questions(10 * number))
    found = {"idle": await _gaps(idle, islice(asked, number))}
    loading = asyncio.create_task(asyncio.to_thread(memory.warm))
    found["loading"] = await _gaps(ask, asked, lambda: not loading.done())
    await loading
    await asyncio.gather(*(ask(question) for question in questions(WARM_UP)))
    return {**found, "warm": await _gaps(ask, islice(questions(2 * WARM_UP + number), 2 * WARM_UP, None))}


async def _gaps(
    ask: Callable[[str], Awaitable[None]], asked: Iterable[str], goes_on: Callable[[], bool] = lambda: True
) -> list[float]:
    """How much later than it should a sleep of 1 ms ended, each time, while ``ASKERS`` at once ask."""
    gaps: list[float] = []
    rest = iter(asked)

    async def asker() -> None:
        for question in rest:
            await ask(question)
            if not goes_on():
                return

    async def beat() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            gaps.append(1000 * (time.perf_counter() - began) - 1)

    beating = asyncio.create_task(beat())
    await asyncio.gather(*(asker() for _ in range(ASKERS)))
    beating.cancel()
    return gaps


CELLS: Mapping[str, Callable[[Cell], Found]] = {
    "recall": recall,
    "first": first,
    "many": many,
    "background": background,
    "loop": loop,
}


def main() -> None:
    cell = Cell(**json.loads(sys.argv[1]))
    print(json.dumps(CELLS[cell.what](cell)))


if __name__ == "__main__":
    main()
