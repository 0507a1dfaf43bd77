"""One cell of the overhead table, in a process of its own: ``python -m benchmarks.overhead_cell SPECIFICATION``.

The specification is a JSON object (``Cell``), and so is the answer on stdout. Bare calls and those with a memory
alternate, and so does which of them goes first; before each pair the memory has finished what the last call left it
(but where it is measured at work).
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from openai import OpenAI

from benchmarks import mem0_memory
from benchmarks.turns import questions, turns

WARM_UP = 20
ROOM = 10
"""Calls of one conversation; then a new one begins."""
BATCH = 20
USER = "alice"


@dataclass(frozen=True, slots=True)
class Cell:
    """``way``: "capture", "busy", "words" or "meaning". ``fill``: make databases of these sizes instead of measuring.

    "busy" is capture while the pool works off ``pending`` jobs.
    """

    system: str
    way: str
    folder: str
    turns: int = 0
    calls: int = 500
    url: str = ""
    pending: int = 0
    embedder: str = "none"
    fill: list[int] = field(default_factory=list)

    def database(self, number: int) -> Path:
        return Path(self.folder) / f"{self.system}-{number}.db"


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds: what a call took more than its bare twin, the bare one, embedding the question alone."""

    added: list[float]
    bare: list[float]
    embedding: list[float]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Subject:
    """``ask`` sends a question through a client that has a memory."""

    ask: Callable[[str], object]
    settle: Callable[[], object]
    room: Callable[[int], AbstractContextManager[object]]
    embed: Callable[[str], object] | None
    counts: Callable[[], dict[str, int]]


def measure(cell: Cell, subject: Subject) -> Measured:
    bare = asking(OpenAI(base_url=cell.url, api_key="none"))
    took: dict[Callable[[str], object], list[float]] = {bare: [], subject.ask: []}
    embedding: list[float] = []
    for n, question in enumerate(questions(WARM_UP + cell.calls)):
        for ask in (bare, subject.ask) if n % 2 else (subject.ask, bare):
            with subject.room(n // ROOM):
                began = time.perf_counter()
                ask(question)
                took[ask].append(1000 * (time.perf_counter() - began))
        subject.settle()
        if subject.embed is not None:
            began = time.perf_counter()
            subject.embed(question)
            embedding.append(1000 * (time.perf_counter() - began))
    plain, registered = took[bare][WARM_UP:], took[subject.ask][WARM_UP:]
    added = [r - b for r, b in zip(registered, plain, strict=True)]
    return Measured(added, plain, embedding[WARM_UP:], subject.counts())


def asking(client: OpenAI) -> Callable[[str], object]:
    def ask(question: str) -> object:
        return client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": question}])

    return ask


def _copy(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)


def ours(cell: Cell) -> Measured | None:
    from memori_wrap import Memori

    target = Path(cell.folder) / "measured.db"
    target.unlink(missing_ok=True)
    if cell.fill:
        said = turns(max(cell.fill))
        with Memori(f"sqlite:///{target}", entity=USER, embedder=cell.embedder) as memory:
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
    settings: dict[str, Any] = {"inject_limit": 0} if cell.way in ("capture", "busy") else {}
    embedder = cell.embedder
    if cell.way == "busy":
        leave_pending(f"sqlite:///{target}", cell.pending)
    with Memori(f"sqlite:///{target}", embedder=embedder, settings=settings) as memory:
        client = memory.register(OpenAI(base_url=cell.url, api_key="none"))
        embed: Callable[[str], object] | None = None
        memory.warm()
        if cell.way == "meaning":
            from memori_wrap_adapters.embedders.sentence_transformers import LocalEmbedder

            model = LocalEmbedder()
            model.load()

            def embed(text: str) -> object:
                return model.embed([text])

        memory.recall("warm up", entity=USER)
        return measure(
            cell,
            Subject(
                asking(client),
                (lambda: None) if cell.way == "busy" else memory.flush,
                lambda room: memory.scope(USER, session=f"asked-{room}"),
                embed,
                lambda: {"augmented": 0, **memory.stats()["counts"], "pending": memory.stats()["pending"]},
            ),
        )


def leave_pending(url: str, number: int) -> None:
    """Exchanges of a hundred entities that nobody has augmented yet."""
    from memori_wrap import Memori

    with Memori(url, embedder="none", settings={"workers": 0}) as memory:
        said = turns(number)
        for n, text in enumerate(said):
            pair = [{"role": "user", "content": text}, {"role": "assistant", "content": "That is noted."}]
            memory.add(pair, entity=f"other-{n % 100}", session="told")


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
        Subject(
            asking(client), lambda: memory.augmentation.wait(60), room, embed if cell.way == "meaning" else None, dict
        ),
    )


def mem0(cell: Cell) -> Measured | None:
    """As mem0's documentation puts it together by hand: search, a system prompt, the call, add; without extraction."""
    target = Path(cell.folder) / "measured-mem0"
    shutil.rmtree(target, ignore_errors=True)
    if not cell.fill:
        shutil.copytree(cell.database(cell.turns), target)
    memory = mem0_memory.make(target, words=False)
    if cell.fill:
        said, stored = turns(max(cell.fill)), 0
        for size in sorted(cell.fill):
            while stored < size:
                batch = [next(said) for _ in range(min(BATCH, size - stored))]
                mem0_memory.tell(memory, batch, USER)
                stored += len(batch)
            shutil.copytree(target, cell.database(size), ignore=shutil.ignore_patterns(".lock"))
        return None
    client = OpenAI(base_url=cell.url, api_key="none")

    def ask(question: str) -> None:
        found = memory.search(question, filters={"user_id": USER}, top_k=3)["results"]
        known = "\n".join(f"- {each['memory']}" for each in found)
        system = f"You are a helpful AI. Answer the question based on query and memories.\nUser Memories:\n{known}"
        asked: list[Any] = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        answer = client.chat.completions.create(model="gpt-5", messages=asked).choices[0].message.content
        memory.add([*asked, {"role": "assistant", "content": answer}], user_id=USER, infer=False)

    return measure(cell, Subject(ask, lambda: None, lambda _: nullcontext(), memory.embedding_model.embed, dict))


SYSTEMS = {"memori_wrap": ours, "Memori": memori, "mem0": mem0}
"""By the first word of a cell's ``system``."""


def main() -> None:
    cell = Cell(**json.loads(sys.argv[1]))
    out, sys.stdout = sys.stdout, sys.stderr  # Memori prints while it builds its tables
    found = SYSTEMS[cell.system.split()[0]](cell)
    out.write(json.dumps(asdict(found) if found is not None else None))


if __name__ == "__main__":
    main()
