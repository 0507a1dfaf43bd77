"""What is stored, managed: out as JSON lines and in again, away for good, by age, and embedded by another model."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from memori_wrap.context import check_id, paused
from memori_wrap.desk import MemoryDesk
from memori_wrap.errors import ConfigurationError, ScopeError, StoreError
from memori_wrap.incoming import when
from memori_wrap.items import Items
from memori_wrap.parts import Parts
from memori_wrap.retrieve.texts import embedding_texts
from memori_wrap.types import DeadJob, Erased, StoredVector

FORMAT, VERSION = "memori_wrap", 1
BATCH = 200
Progress = Callable[[int], None]
"""Told how many rows were done since it was told last."""


def nobody(_: int) -> None:
    """A ``Progress`` that nobody looks at."""


class Management(ABC):
    """The part of ``Memori`` that manages what is stored."""

    _desk: MemoryDesk

    @property
    @abstractmethod
    def _parts(self) -> Parts: ...

    @abstractmethod
    def _check_open(self) -> None: ...

    @property
    def items(self) -> Items:
        """What frameworks keep here under a namespace and a key (LangGraph's store). Raises ``ConfigurationError``."""
        self._check_open()
        return Items(lambda: self._parts)

    def export(self, *, entity: str | None = None) -> Iterator[str]:
        """All that is stored, of one entity or of all, as JSON lines that ``import_`` takes. Raises ``StoreError``."""
        self._check_open()
        return export_lines(self._parts, [entity] if entity is not None else entities(self._parts))

    def import_(self, lines: Iterable[str], progress: Progress = nobody) -> int:
        """Takes in what ``export`` gave, so far as it is not there yet; how many rows.

        Broken off, it can be begun again. Raises ``ConfigurationError`` for a line that is none, ``StoreError``.
        """
        self._check_open()
        return import_lines(self._parts, lines, progress)

    def erase(self, entity: str) -> Erased:
        """Deletes all that is known of an entity, for good, and what is still under way. Raises ``StoreError``.

        ``.scrubbed`` tells whether the files of a SQLite database hold no byte of it any more.
        """
        self._check_open()
        return erase_all(self._parts, check_id(entity, "entity"), self._desk.forget)

    def expire(self, before: datetime | str, *, entity: str | None = None, progress: Progress = nobody) -> int:
        """Deletes what was said before then, of one entity or of all; how many messages."""
        self._check_open()
        then = when(before, "before")
        if then is None:
            raise ConfigurationError("before when? Give a date, such as 2026-05-31")
        return expire_all(self._parts, [entity] if entity is not None else entities(self._parts), then, progress)

    def reindex(self, progress: Progress = nobody, *, prune: bool = False) -> int:
        """Embeds what the present model has no vector of, after a change of the model; how many items.

        Broken off, it can be begun again. ``prune`` deletes the vectors of other models afterwards.
        """
        self._check_open()
        return embed_missing(self._parts, progress, prune=prune)

    def dead_jobs(self, limit: int = 100) -> list[DeadJob]:
        """Exchanges that could not be augmented, the newest first."""
        self._check_open()
        return list(self._parts.store.dead(limit))

    def retry_dead(self, exchanges: Iterable[str] | None = None) -> int:
        """Gives dead jobs another try, all or those of the given exchange ids; how many."""
        self._check_open()
        n = self._parts.store.retry(list(exchanges) if exchanges is not None else None)
        self._parts.pool.notify()
        return n


def entities(parts: Parts) -> Iterator[str]:
    after = ""
    while names := parts.store.entities(after):
        yield from names
        after = names[-1]


def export_lines(parts: Parts, names: Iterable[str]) -> Iterator[str]:
    """One JSON object a line: a head, then for each entity its rows, table by table, in the order of their keys."""
    from memori_wrap.store.transfer import TABLES, key_of, to_json

    yield json.dumps({"format": FORMAT, "version": VERSION})
    for name in names:
        for table in TABLES:
            after = None
            while rows := parts.store.page(table, name, after):
                after = key_of(table, rows[-1])
                for row in rows:
                    yield json.dumps({"entity": name, "table": table, "row": to_json(row)}, ensure_ascii=False)


def import_lines(parts: Parts, lines: Iterable[str], progress: Progress = nobody) -> int:
    """Writes what is not there yet, in batches, each of which is whole: broken off, it is simply begun again."""
    from memori_wrap.store.transfer import BATCH as ROWS

    stored = 0
    batch: list[tuple[str, dict[str, Any]]] = []
    of = ""

    def write() -> int:
        done = parts.store.insert(of, batch) if batch else 0
        progress(len(batch))
        batch.clear()
        return done

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = _line(line, number)
        if "format" in found:
            if (found["format"], found.get("version")) != (FORMAT, VERSION):
                raise ConfigurationError(f"line {number}: not an export of memori_wrap that this version can read")
            continue
        name, table, row = found["entity"], found["table"], found["row"]
        if name != of or len(batch) == ROWS:
            stored += write()
            of = name
        batch.append((table, row))
    return stored + write()


def _line(line: str, number: int) -> dict[str, Any]:
    from memori_wrap.store.transfer import from_json

    try:
        found = json.loads(line)
        if "format" in found:
            return {"format": found["format"], "version": found.get("version")}
        table = found["table"]
        return {"entity": check_id(found["entity"], "entity"), "table": table, "row": from_json(table, found["row"])}
    except (ValueError, KeyError, TypeError, AttributeError, ScopeError) as error:
        raise ConfigurationError(f"line {number} is no line of an export: {error}") from error


def erase_all(parts: Parts, name: str, forget: Callable[[str], None]) -> Erased:
    """All of an entity: rows, vectors, jobs, journal and what is in memory."""
    parts.writer.flush(5.0)
    found = parts.store.erase(name)
    forget(name)
    try:
        spilled = parts.writer.forget(name)
    except Exception as error:
        raise StoreError(f"the journal still holds some of it ({type(error).__name__}): erase it once more") from error
    parts.indexes.erase(name)
    return replace(found, journal=spilled)


def expire_all(parts: Parts, names: Iterable[str], before: datetime, progress: Progress = nobody) -> int:
    """Deletes what was said before then."""
    gone = 0
    for name in names:
        earlier = gone
        while n := parts.store.expire(name, before):
            gone += n
            progress(n)
        if gone > earlier:
            parts.prune_vectors(name)
    return gone


def embed_missing(parts: Parts, progress: Progress = nobody, *, prune: bool = False) -> int:
    """Embeds what the present model has no vector of; broken off, it is simply begun again.

    ``prune``: then deletes the vectors of other models.
    """
    if not parts.model.wait() or (model := parts.model.name) is None:
        raise ConfigurationError(f"there is no embedding model to reindex with ({parts.model.reason or 'it is off'})")
    done = 0
    with paused():
        for work in (_messages, _facts):
            for name, wanted in work(parts, model):
                rows = parts.model.embed([text for *_, text in wanted])
                vectors = [StoredVector(id, row, variant) for (id, variant, _), row in zip(wanted, rows, strict=True)]
                parts.store.embed(name, model, vectors)
                n = len({id for id, *_ in wanted})
                done += n
                progress(n)
    if prune:
        parts.store.forget_models(model)
        for name in entities(parts) if parts.indexes.database is not None else ():
            parts.indexes.erase(name, keep=model)
    return done


Wanted = list[tuple[str, str, str]]
"""(id, variant, text to embed)."""


def _messages(parts: Parts, model: str) -> Iterator[tuple[str, Wanted]]:
    after: tuple[str, str] | None = ("", "")
    while after is not None:
        found, after = parts.store.unembedded(model, after, BATCH)
        by_entity: dict[str, Wanted] = {}
        for name, message, before in found:
            texts = embedding_texts([message], [before] if before is not None else [])
            if texts:
                by_entity.setdefault(name, []).extend(texts)
        yield from by_entity.items()


def _facts(parts: Parts, model: str) -> Iterator[tuple[str, Wanted]]:
    after = ("", "")
    while found := parts.store.unembedded_facts(model, after, BATCH):
        after = (found[-1][0], found[-1][1])
        by_entity: dict[str, Wanted] = {}
        for name, id, text in found:
            by_entity.setdefault(name, []).append((id, "text", text))
        yield from by_entity.items()
