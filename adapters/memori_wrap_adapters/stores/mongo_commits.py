"""A transaction of one entity, where the database has only ones of one document.

Each entity has a head with a version. A commit reads what it needs, and then says in the head, in one conditional
write, all that is to be written: it is taken only where the version is still the one that was read. From that moment
on it happens, and before it nothing has. Whoever comes by carries out what stands in a head, its author mostly, or
after his death somebody else: each document is written under its key and only over an older version, so that twice
does no more than once. Then the head's revision goes up, which readers go by, and the note is taken off it.

What is too long for a head is laid beside it beforehand, and the head names it.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from typing import Any, TypeVar

import bson
from pymongo import DeleteOne, UpdateOne
from pymongo.cursor import Cursor
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError

from memori_wrap.errors import StoreError
from memori_wrap.ids import digest, new_id
from memori_wrap_adapters.stores.mongo_documents import HEAD, KEYS, PART, PREFIX, REMOVAL, Document, moment

TRIES = 40
PAUSE = 0.004
"""Seconds that a commit of another's is given before it is carried out for him, and between tries; with jitter."""
IN_HEAD = 256 * 1024
IN_PART = 8 * 1024 * 1024
"""Bytes of what is to be written that a head and a part may hold; a document has up to 16 MB."""
CHUNK = 1000
"""Values in one list of a query."""
_DUPLICATE = 11000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Write:
    """Fields that a document gets, which is made where it is not there if they are all of it (``is_whole``); None
    takes it away. A commit has one for a document."""

    collection: str
    key: Mapping[str, Any]
    fields: Document | None
    is_whole: bool = False

    def noted(self) -> Document:
        """As it stands in a head. Fields are pairs there: a name with a dot in it is none that every server takes."""
        fields = None if self.fields is None else [[name, value] for name, value in self.fields.items()]
        return {"c": self.collection, "k": dict(self.key), "f": fields, "u": self.is_whole}


@dataclass(frozen=True, slots=True)
class Head:
    """An entity as it is read. ``born``: documents up to this version are remnants of one that was erased;
    ``stale``: up to which revision something was removed; ``floor``: exchanges up to this id are not taken."""

    name: str
    revision: int = 0
    version: int = 0
    born: int = 0
    stale: int = 0
    floor: str = ""
    exists: bool = False

    @property
    def last(self) -> int:
        """The revision that the next one follows: an entity that was erased goes on behind what it had, so that no
        cache takes the new for the old."""
        return self.revision if self.exists else self.stale


@dataclass(slots=True)
class Change:
    """What a commit is to do. ``is_news``: it is a revision of its own; ``removes``: and takes something away;
    ``erases``: everything, and the head."""

    writes: list[Write] = field(default_factory=list)
    is_news: bool = True
    removes: bool = False
    erases: bool = False

    def add(self, collection: str, row: Mapping[str, Any]) -> None:
        """A document as it is whole."""
        key = {name: row[name] for name in KEYS[collection]}
        self.writes.append(Write(collection, key, {k: v for k, v in row.items() if k not in key}, is_whole=True))

    def set(self, collection: str, key: Mapping[str, Any], fields: Document) -> None:
        self.writes.append(Write(collection, key, fields))

    def delete(self, collection: str, **key: Any) -> None:
        self.writes.append(Write(collection, key, None))


class View:
    """The documents of one entity: every question about them goes through here, and so says whose they are."""

    def __init__(self, database: Database[Document], head: Head) -> None:
        self._database, self.head = database, head

    def find(self, collection: str, where: Mapping[str, Any] | None = None, *fields: str) -> Cursor[Document]:
        """``fields``: which of a document's; none: all."""
        wanted = dict.fromkeys(fields, 1) if fields else None
        return self._database[PREFIX + collection].find(self._scoped(where), wanted)

    def count(self, collection: str, where: Mapping[str, Any] | None = None) -> int:
        return self._database[PREFIX + collection].count_documents(self._scoped(where))

    def _scoped(self, where: Mapping[str, Any] | None) -> Document:
        return {**(where or {}), "entity_id": self.head.name, "version": {"$gt": self.head.born}}

    def among(
        self, collection: str, name: str, values: Iterable[Any], *fields: str, **where: Any
    ) -> Iterator[Document]:
        """Those with one of ``values`` in a field, asked for in portions."""
        rest = iter(values)
        while chunk := list(islice(rest, CHUNK)):
            yield from self.find(collection, {**where, name: {"$in": chunk}}, *fields)


class Commits:
    """``durable`` is the database as a head is written; it may wait for the journal."""

    def __init__(self, database: Database[Document], durable: Database[Document]) -> None:
        self._database = database
        self._heads, self._parts = database[PREFIX + HEAD], database[PREFIX + PART]
        self._durable_heads = durable[PREFIX + HEAD]
        self._removals = database[PREFIX + REMOVAL]

    def view(self, name: str) -> View:
        """The entity as of its last commit."""
        return View(self._database, self.head(name))

    def run(self, name: str, body: Callable[[View], tuple[Change | None, T]]) -> tuple[Head, T]:
        """Commits what ``body`` makes of the entity, which may be asked again; the head that it was read at.

        Raises a transient ``StoreError`` where others are always quicker.
        """
        for _ in range(TRIES):
            view = self.view(name)
            change, result = body(view)
            if change is None or self.commit(view.head, change):
                return view.head, result
            _pause()
        raise StoreError("MongoDB: too many write one entity at the same time", transient=True)

    def head(self, name: str) -> Head:
        """The entity's head, with nothing left to be carried out."""
        met = None
        while True:
            found = self._heads.find_one({"_id": name})
            if found is None:
                note = self._removals.find_one({"_id": digest(name)}) or {}
                version = note.get("version", 0)
                return Head(name, 0, version, version, note.get("revision", 0), note.get("floor", ""))
            if "pending" not in found:
                known = {k: found[k] for k in ("revision", "version", "born", "stale", "floor")}
                return Head(name, **known, exists=True)
            if met == found["version"]:
                self.carry_out(name, found["version"], found["born"], found["pending"])
            else:
                met = found["version"]
                _pause()

    def unfinished(self) -> list[str]:
        """Entities with a commit that is not carried out: under way, or left behind by a process that died."""
        return [head["_id"] for head in self._heads.find({"pending.id": {"$gt": ""}}, {"_id": 1}).limit(64)]

    # ------------------------------------------------------------ the steps

    def commit(self, head: Head, change: Change) -> bool:
        """Decides, and carries out; False where another was quicker, and then nothing is done."""
        version = head.version + 1
        pending = self._pending(head, change)
        try:
            if head.exists:
                taken = self._durable_heads.update_one(
                    {"_id": head.name, "version": head.version, "pending": {"$exists": False}},
                    {"$set": {"pending": pending, "version": version}},
                ).matched_count
            else:
                blank = {"revision": head.last, "born": head.born, "stale": head.stale, "floor": head.floor}
                made = {"created_at": moment(datetime.now(timezone.utc)), "version": version, "pending": pending}
                self._durable_heads.insert_one({"_id": head.name, **blank, **made})
                taken = 1
        except DuplicateKeyError:
            taken = 0
        if taken:
            self.carry_out(head.name, version, head.born, pending)
        elif pending["parts"]:
            self._parts.delete_many({"entity_id": head.name, "commit": pending["id"]})
        return bool(taken)

    def carry_out(self, name: str, version: int, born: int, pending: Document) -> None:
        """Does what a commit says; any number of times, by any number of processes, also late."""
        if pending["erases"]:
            self._erase(name, version, pending)
            return
        if born and version == born + 1:
            self._sweep(name, born)  # who was slow may have written after the erasure
        for writes in self._written(name, pending):
            self.apply(name, version, writes)
        done = {"revision": pending["revision"], "stale": pending["stale"]}
        published = self._heads.update_one(
            {"_id": name, "version": version, "pending.id": pending["id"]}, {"$set": done, "$unset": {"pending": ""}}
        )
        if pending["parts"]:
            self._parts.delete_many({"entity_id": name, "commit": pending["id"]})
        if not published.matched_count:
            self._take_back(name, version)

    def apply(self, name: str, version: int, writes: Sequence[Mapping[str, Any]]) -> None:
        """Writes documents, each only over an older version of itself."""
        by_collection: dict[str, list[UpdateOne | DeleteOne]] = defaultdict(list)
        for write in writes:
            older = {"entity_id": name, **write["k"], "version": {"$lt": version}}
            by_collection[write["c"]].append(
                DeleteOne(older)
                if write["f"] is None
                else UpdateOne(older, {"$set": {**dict(write["f"]), "version": version}}, upsert=write["u"])
            )
        for collection, operations in by_collection.items():
            try:
                self._database[PREFIX + collection].bulk_write(operations, ordered=False)
            except BulkWriteError as error:
                # one that is there in this version or a later one: it would be made beside it, and its key is taken
                if any(e["code"] != _DUPLICATE for e in error.details["writeErrors"]):
                    raise

    def _pending(self, head: Head, change: Change) -> Document:
        pending: Document = {
            "id": new_id(),
            "revision": head.last + 1 if change.is_news else head.last,
            "stale": head.last if change.removes else head.stale,
            "erases": change.erases,
            "writes": [],
            "parts": 0,
        }
        written = [w.noted() for w in change.writes]
        sizes = [len(bson.encode(w)) for w in written]
        if sum(sizes) <= IN_HEAD:
            pending["writes"] = written
            return pending
        # parts of a commit that never came to be cannot be named by a head any more
        self._parts.delete_many({"entity_id": head.name, "version": {"$lte": head.version}})
        for n, writes in enumerate(_packed(written, sizes)):
            part = {"commit": pending["id"], "n": n, "version": head.version + 1, "writes": writes}
            self._parts.insert_one({"entity_id": head.name, **part})
            pending["parts"] = n + 1
        return pending

    def _written(self, name: str, pending: Document) -> Iterator[list[Document]]:
        if not pending["parts"]:
            yield pending["writes"]
        for part in self._parts.find({"entity_id": name, "commit": pending["id"]}).sort("n"):
            yield part["writes"]

    # ------------------------------------------------------------ erasure

    def _erase(self, name: str, version: int, pending: Document) -> None:
        note = {"revision": pending["stale"], "floor": pending["id"], "version": version}
        with suppress(DuplicateKeyError):  # noted already
            self._removals.update_one(
                {"_id": digest(name), "version": {"$lt": version}},
                {"$set": {**note, "removed_at": moment(datetime.now(timezone.utc))}},
                upsert=True,
            )
        self._sweep(name, version)
        self._heads.delete_one({"_id": name, "version": version})

    def _sweep(self, name: str, version: int) -> None:
        for collection in (*KEYS, PART):
            self._database[PREFIX + collection].delete_many({"entity_id": name, "version": {"$lte": version}})

    def _take_back(self, name: str, version: int) -> None:
        """Another has carried the commit out; where the entity was erased since, nothing of ours may stay behind."""
        head = self.head(name)
        if head.born >= version:
            self._sweep(name, head.born)


def _packed(written: Sequence[Document], sizes: Sequence[int]) -> Iterator[list[Document]]:
    """In their order, as many together as a part may hold."""
    batch: list[Document] = []
    held = 0
    for write, size in zip(written, sizes, strict=True):
        if batch and held + size > IN_PART:
            yield batch
            batch, held = [], 0
        batch.append(write)
        held += size
    if batch:
        yield batch


def _pause() -> None:
    time.sleep(random.uniform(0.5, 1.5) * PAUSE)
