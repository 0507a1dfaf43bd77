"""One cell of the overhead table, in a process of its own: ``python -m benchmarks.overhead_cell SPECIFICATION``.

The specification is a JSON object (``Cell``), and so is the answer on stdout. Bare and registered calls alternate,
and so does which of them goes first; before each pair the memory has finished what the last call left it.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from openai import OpenAI

from benchmarks.turns import questions, turns

WARM_UP = 20
ROOM = 10
"""Calls of one conversation; then a new one begins."""
BATCH = 20
USER = "alice"


@dataclass(frozen=True, slots=True)
class Cell:
    """``way``: "capture", "words" or "meaning". ``fill``: make the databases of these sizes instead of measuring."""

    system: str
    way: str
    folder: str
    turns: int = 0
    calls: int = 500
    url: str = ""
    fill: list[int] = field(default_factory=list)

    def database(self, number: int) -> Path:
        return Path(self.folder) / f"{self.system}-{number}.db"


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds: what a registered call took more than its bare twin, the bare one, embedding the question alone."""

    added: list[float]
    bare: list[float]
    embedding: list[float]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Subject:
    """A memory that serves ``client``."""

    client: OpenAI
    settle: Callable[[], object]
    room: Callable[[int], AbstractContextManager[object]]
    embed: Callable[[str], object] | None
    counts: Callable[[], dict[str, int]]


def measure(cell: Cell, subject: Subject) -> Measured:
    bare = OpenAI(base_url=cell.url, api_key="none")
    took: dict[OpenAI, list[float]] = {bare: [], subject.client: []}
    embedding: list[float] = []
    for n, question in enumerate(questions(WARM_UP + cell.calls)):
        for client in (bare, subject.client) if n % 2 else (subject.client, bare):
            with subject.room(n // ROOM):
                began = time.perf_counter()
                client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": question}])
                took[client].append(1000 * (time.perf_counter() - began))
        subject.settle()
        if subject.embed is not None:
            began = time.perf_counter()
            subject.embed(question)
            embedding.append(1000 * (time.perf_counter() - began))
    plain, registered = took[bare][WARM_UP:], took[subject.client][WARM_UP:]
    added = [r - b for r, b in zip(registered, plain, strict=True)]
    return Measured(added, plain, embedding[WARM_UP:], subject.counts())


def _copy(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)


def ours(cell: Cell) -> Measured | None:
    from memori_wrap import Memori

    target = Path(cell.folder) / "measured.db"
    target.unlink(missing_ok=True)
    if cell.fill:
        said = turns(max(cell.fill))
        with Memori(
            f"sqlite:///{target}", entity=USER, embedder="local" if cell.way == "meaning" else "none"
        ) as memory:
            memory.warm()
            stored = 0
            for size in sorted(cell.fill):
                while stored < size:
                    batch = [next(said) for _ in range(min(BATCH, size - stored))]
                    memory.add([{"role": "user", "content": text} for text in batch], session=f"told-{stored}")
                    stored += len(batch)
                memory.flush()
                _copy(target, cell.database(size))
        return None
    _copy(cell.database(cell.turns), target)
    settings: dict[str, Any] = {"inject_limit": 0} if cell.way == "capture" else {}
    embedder = "local" if cell.way == "meaning" else "none"
    with Memori(f"sqlite:///{target}", embedder=embedder, settings=settings) as memory:
        client = memory.register(OpenAI(base_url=cell.url, api_key="none"))
        embed: Callable[[str], object] | None = None
        if cell.way == "meaning":
            from memori_wrap_adapters.embedders.sentence_transformers import LocalEmbedder

            model = LocalEmbedder()
            model.load()
            memory.warm()

            def embed(text: str) -> object:
                return model.embed([text])

        memory.recall("warm up", entity=USER)
        return measure(
            cell,
            Subject(
                client,
                memory.flush,
                lambda room: memory.scope(USER, session=f"asked-{room}"),
                embed,
                lambda: dict(memory.stats()["counts"]),
            ),
        )


def memori(cell: Cell) -> Measured | None:
    from memori import Memori
    from memori.embeddings import embed_texts
    from memori.storage._connection import connection_context
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    target = Path(cell.folder) / "measured-memori.db"
    target.unlink(missing_ok=True)
    if not cell.fill:
        _copy(cell.database(cell.turns), target)
    memory = Memori(conn=sessionmaker(bind=create_engine(f"sqlite:///{target}")))
    storage: Any = memory.config.storage
    if cell.fill:
        storage.build()
        said, stored = turns(max(cell.fill)), 0
        for size in sorted(cell.fill):
            while stored < size:
                batch = [next(said) for _ in range(min(BATCH, size - stored))]
                vectors = embed_texts(batch, memory.config.embeddings.model) if cell.way == "meaning" else None
                with connection_context(storage.conn_factory) as connected:
                    _, adapter, driver = cast("tuple[Any, Any, Any]", connected)
                    driver.entity_fact.create(driver.entity.create(USER), batch, fact_embeddings=vectors)
                    adapter.commit()
                stored += len(batch)
            _copy(target, cell.database(size))
        return None
    client = OpenAI(base_url=cell.url, api_key="none")
    memory.llm.register(client)
    if cell.way == "meaning":
        memory.attribution(USER, "benchmark")
    current = -1

    def room(number: int) -> AbstractContextManager[object]:
        nonlocal current
        if number != current:
            memory.new_session()
            current = number
        return nullcontext()

    def embed(text: str) -> object:
        return embed_texts(text, memory.config.embeddings.model)

    return measure(
        cell,
        Subject(client, lambda: memory.augmentation.wait(60), room, embed if cell.way == "meaning" else None, dict),
    )


def main() -> None:
    cell = Cell(**json.loads(sys.argv[1]))
    out, sys.stdout = sys.stdout, sys.stderr  # Memori prints while it builds its tables
    found = (ours if cell.system == "memori_wrap" else memori)(cell)
    out.write(json.dumps(asdict(found) if found is not None else None))


if __name__ == "__main__":
    main()
