"""Retrievers of the entities in use: loaded once, following the store, with what is not stored yet on top.

A warm retriever answers from memory; whether another process wrote is asked beside it, on a thread of its own,
so that a database that is away or frozen delays nobody.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import Any

from memori_wrap.background import Threads
from memori_wrap.counts import Counts
from memori_wrap.embedding import Model
from memori_wrap.errors import StoreError
from memori_wrap.ids import message_id
from memori_wrap.protocols import Query, Retriever, Store
from memori_wrap.types import Delta, Exchange, Recollection, StoredMessage

MAX_RECENT = 2000
"""Messages of one entity that are recallable before they are stored."""
RETRY = 5.0
"""Seconds after which an index past this process that was away is looked for again."""

MakeRetriever = Callable[[str, str | None], Retriever]
"""A retriever for an entity and an embedding model; without a model it asks no server for anything."""


class _Entry:
    def __init__(self, retriever: Retriever) -> None:
        self.lock = threading.Lock()
        self.retriever = retriever
        self.model: str | None = None
        self.is_loaded = False
        self.opened = 0.0
        self.following: Future[None] | None = None
        self.tending: Future[None] | None = None


class _Recent:
    """An exchange that may not be stored yet; ``revision`` is set once it is."""

    def __init__(self, messages: list[StoredMessage]) -> None:
        self.messages = messages
        self.revision: int | None = None


class RetrieverCache:
    """Bounded by the memory that the retrievers hold; the least recently asked goes first."""

    def __init__(
        self,
        store: Store,
        make: MakeRetriever,
        model: Model,
        counts: Counts,
        max_bytes: int,
        breathe: Callable[[], None],
    ) -> None:
        self._store, self._make, self._model, self._counts, self._breathe = store, make, model, counts, breathe
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._recent: dict[str, OrderedDict[str, _Recent]] = {}
        self._readers = Threads("memori-reader", 2)
        self._tenders = Threads("memori-tender", 1)
        self._is_closed = False

    # ------------------------------------------------------------ what is new

    def add_recent(self, exchange: Exchange) -> None:
        """Makes an exchange recallable from now on, stored or not."""
        recent = _Recent(_messages_of(exchange))
        with self._lock:
            waiting = self._recent.setdefault(exchange.scope.entity, OrderedDict())
            waiting[exchange.id] = recent
            while sum(len(r.messages) for r in waiting.values()) > MAX_RECENT and len(waiting) > 1:
                waiting.popitem(last=False)

    def forget_recent(self, exchange: Exchange) -> None:
        """The exchange was dropped: what is nowhere stored is not recalled, and takes no memory."""
        with self._lock:
            waiting = self._recent.get(exchange.scope.entity, OrderedDict())
            waiting.pop(exchange.id, None)
            if not waiting:
                self._recent.pop(exchange.scope.entity, None)

    def stored(self, exchanges: Sequence[Exchange], deltas: Sequence[Delta]) -> None:
        """Takes in what was committed. It stays recent until a retriever of that revision answers."""
        revisions = {delta.entity: delta.revision for delta in deltas}
        with self._lock:
            for exchange in exchanges:
                waiting = self._recent.get(exchange.scope.entity)
                recent = waiting.get(exchange.id) if waiting is not None else None
                if recent is not None:
                    recent.revision = revisions.get(exchange.scope.entity, 0)
        self.apply(deltas)
        for entity in {exchange.scope.entity for exchange in exchanges}:
            self._let_go(entity)

    def _let_go(self, entity: str) -> list[StoredMessage]:
        """Drops the recent exchanges that the retriever has, or will have once it is loaded; the others' messages."""
        with self._lock:
            entry, waiting = self._entries.get(entity), self._recent.get(entity)
            if waiting is None:
                return []
            for id, recent in list(waiting.items()):
                has_it = entry is None or (entry.is_loaded and entry.retriever.revision >= (recent.revision or 0))
                if recent.revision is not None and has_it:
                    del waiting[id]
            if not waiting:
                del self._recent[entity]
            return [m for recent in waiting.values() for m in recent.messages]

    def apply(self, deltas: Sequence[Delta]) -> None:
        for delta in deltas:
            with self._lock:
                entry = self._entries.get(delta.entity)
            if entry is not None:
                with entry.lock:
                    # any other base: another process wrote in between, the next recall follows it up
                    if entry.is_loaded and entry.retriever.revision == delta.base and entry.model == self._model.name:
                        entry.retriever.apply(delta)
                self._tend(entry)

    # ------------------------------------------------------------ recall

    def recall(self, entity: str, query: Query, patience: float | None) -> Sequence[Recollection]:
        """Ranks what the entity remembers. ``patience``: seconds to wait for the database, None for as long as it
        takes; then what is in memory answers. Raises ``StoreError`` only where nothing of the entity was read yet
        and patience is None."""
        entry = self._entry(entity)
        following = self._follow(entity, entry)
        focus = entry.retriever.focus(query.text)
        vector = self._model.query(focus) if query.engine != "lexical" else None
        if following is not None:
            wait_for([following], patience)
            if patience is None and following.exception() is not None:
                following = self._follow(entity, entry) or following  # a moment's fault must not leave it behind
                wait_for([following])
                if not entry.is_loaded:
                    following.result()
        recent = self._let_go(entity)
        with entry.lock:
            if entry.model != self._model.name:
                vector = None  # the vectors of another model are not comparable; the reload is under way
            return entry.retriever.rank(query, vector, recent)

    def refresh(self) -> None:
        """Reads the entities in use again: the embedding model has come, and with it their vectors."""
        with self._lock:
            entries = list(self._entries.items())
        for entity, entry in entries:
            self._catch_up(entity, entry)

    def _entry(self, entity: str) -> _Entry:
        with self._lock:
            entry = self._entries.get(entity)
            if entry is None:
                entry = self._entries[entity] = _Entry(self._make(entity, None))
            self._entries.move_to_end(entity)
            return entry

    def _follow(self, entity: str, entry: _Entry) -> Future[None] | None:
        """Starts to bring the entry up to the store, once at a time; None while the readers are stuck."""
        with self._lock:
            if entry.following is None or entry.following.done():
                if entry.following is not None and entry.following.exception() is not None:
                    self._counts.add("store_errors")
                entry.following = self._readers.submit(lambda: self._catch_up(entity, entry))
            return entry.following

    def _catch_up(self, entity: str, entry: _Entry) -> None:
        self._bring_up(entity, entry)
        self._tend(entry)

    def _bring_up(self, entity: str, entry: _Entry) -> None:
        model = self._model.name
        if not entry.is_loaded or entry.model != model:
            retriever = self._load(entity, model, self._make(entity, model))
            with entry.lock:
                if entry.model != model or retriever.revision >= entry.retriever.revision:
                    entry.retriever, entry.model, entry.is_loaded = retriever, model, True
            entry.opened = time.monotonic()
            self._evict()
        elif _since(entry.retriever) is None and time.monotonic() >= entry.opened + RETRY:
            entry.opened = time.monotonic()
            retriever = self._make(entity, model)
            if _since(retriever) is not None:
                self._load(entity, model, retriever)
                with entry.lock:
                    entry.retriever = retriever
        elif self._store.revision(entity) != entry.retriever.revision:
            delta = self._store.load(entity, entry.retriever.revision, model)
            fresh = None
            if delta.base == 0:  # something was removed, maybe all of it
                fresh = self._load(entity, model, self._make(entity, model))
            with entry.lock:
                if fresh is not None:
                    entry.retriever = fresh
                elif entry.retriever.revision == delta.base:
                    entry.retriever.apply(delta)

    def _tend(self, entry: _Entry) -> None:
        """Has the entry's retriever do, on a thread, what no answer waits for."""

        def work() -> None:
            while _is_behind(entry.retriever) and not self._is_closed:
                self._breathe()
                with entry.lock:
                    retriever: Any = entry.retriever
                    retriever.tend()

        with self._lock:
            is_idle = entry.tending is None or entry.tending.done()
            if is_idle and not self._is_closed and _is_behind(entry.retriever):
                entry.tending = self._tenders.submit(work)

    def _load(self, entity: str, model: str | None, retriever: Retriever) -> Retriever:
        """Gives a new retriever what the store has, of the vectors those only that its index lacks."""
        since = _since(retriever)
        retriever.apply(self._store.load(entity, 0, model if since == 0 else None))
        if since and (since := _since(retriever)) is not None:
            retriever.apply(self._store.load(entity, since, model))
        return retriever

    def prune(self, entity: str) -> None:
        """Has an index past this process drop what the store no longer has. Raises ``StoreError``."""
        model = self._model.name
        retriever = self._make(entity, model)
        retriever.apply(self._store.load(entity, 0, None))
        if _since(retriever) is None:
            raise StoreError("the vector index is away and still holds what was removed: do it once more")

    def forget(self, entity: str) -> None:
        """Keeps nothing of the entity in memory; what is left of it is read anew."""
        with self._lock:
            self._entries.pop(entity, None)
            self._recent.pop(entity, None)

    def nbytes(self) -> int:
        """What the retrievers of the entities in use hold, as they reckon it."""
        with self._lock:
            loaded = [entry.retriever for entry in self._entries.values() if entry.is_loaded]
        return sum(retriever.nbytes() for retriever in loaded)

    def _evict(self) -> None:
        with self._lock:
            held = {name: e.retriever.nbytes() for name, e in self._entries.items() if e.is_loaded}
            total = sum(held.values())
            for name in list(held)[:-1]:
                if total <= self._max_bytes:
                    return
                del self._entries[name]
                total -= held[name]

    def close(self, deadline: float) -> None:
        self._is_closed = True
        self._readers.close(deadline)
        self._tenders.close(deadline)


def _since(retriever: Retriever) -> int | None:
    """The revision up to which it needs no vectors: 0 for one whose index lives in memory, None where it takes none."""
    since: int | None = getattr(retriever, "since", 0)
    return since


def _is_behind(retriever: Retriever) -> bool:
    behind: bool = getattr(retriever, "is_behind", False)
    return behind


def _messages_of(exchange: Exchange) -> list[StoredMessage]:
    """The messages as the store will name them. Of a request that repeats its history the old ones come along;
    the retriever knows them by their text."""
    said = [*exchange.request, *exchange.reply]
    return [
        StoredMessage(
            id=message_id(exchange.id, n),
            conversation="",
            exchange=exchange.id,
            position=n,
            role=m.role,
            text=m.text,
            said_at=m.said_at or exchange.said_at,
            speaker=m.speaker,
            process=exchange.scope.process,
            session=exchange.scope.session,
        )
        for n, m in enumerate(said)
        if m.role in ("user", "assistant") and m.text.strip()
    ]
