"""``Memori``: the public face."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from types import TracebackType
from typing import Any, Literal, TypeVar

from memori_wrap import plugins
from memori_wrap.context import PiecewiseScope, ScopeContext, Scopes, carry, check_id, make_scope, paused
from memori_wrap.desk import Entity, MemoryDesk, storable
from memori_wrap.errors import ConfigurationError, MemoriError, ScopeError, StoreError
from memori_wrap.familiar import Augmentation, Config, Llm
from memori_wrap.ids import message_id, new_id
from memori_wrap.incoming import messages_of, when
from memori_wrap.indexes import Index
from memori_wrap.intercept import patch
from memori_wrap.intercept.call import Registration
from memori_wrap.intercept.hooks import Handle, Hook
from memori_wrap.managing import Management
from memori_wrap.parts import Parts
from memori_wrap.prompt import choose
from memori_wrap.protocols import Embedder, Extractor, Query, RetrieverFactory
from memori_wrap.recollections import Recollections
from memori_wrap.settings import Settings, load_settings
from memori_wrap.types import (
    Added,
    Event,
    Exchange,
    FlushReport,
    HookStage,
    Kind,
    Mode,
    Recollection,
    Scope,
    StoredFact,
)

log = logging.getLogger(__name__)

C = TypeVar("C")

__all__ = ["Memori", "Recollection", "Recollections"]

Engine = Literal["auto", "lexical", "dense"]


class Memori(Management):
    """A memory in a database of yours.

    ``conn``: nothing (a SQLite file in the user's data directory), a SQLAlchemy URL, ``Engine`` or ``sessionmaker``,
    a function that returns a DB-API connection, ``"memory://"``, or what an installed adapter takes: a ``mongodb://``
    URL, a ``MongoClient``; or a ``Store`` of your own. ``entity``: who is meant where nobody is named,
    an id or a function without arguments. ``index``: a factory of vector indexes in memory, a vector database past it
    (pgvector, Milvus), or the name of an installed one. ``settings``: a ``Settings`` or a mapping of its fields.

    Raises ``ConfigurationError``, ``MigrationNeeded`` or ``StoreError`` where the database cannot be used.
    """

    def __init__(
        self,
        conn: object = None,
        *,
        entity: Entity = None,
        embedder: Embedder | str | None = None,
        extractor: Extractor | str | None = None,
        index: Index | None = None,
        retriever: RetrieverFactory | None = None,
        settings: Settings | Mapping[str, Any] | None = None,
    ) -> None:
        self.settings = load_settings(settings)
        if isinstance(entity, str):
            check_id(entity, "entity")
        self._scopes = Scopes(self.settings.attribution_on_threads)
        make = partial(
            Parts, conn, self.settings, embedder=embedder, extractor=extractor, index=index, retriever=retriever
        )
        self._desk = MemoryDesk(make, self.settings, self._scopes, entity)
        self._entity = entity
        self.llm, self.augmentation, self.config = Llm(self), Augmentation(self), Config()
        _open.add(self._desk)

    @property
    def _parts(self) -> Parts:
        return self._desk.parts

    # ------------------------------------------------------------ clients

    def register(
        self, client: C, *, entity: Entity = None, process: str | None = None, session: str | None = None
    ) -> C:
        """Gives ``client`` a memory, in place, and returns it. Idempotent; ``unregister`` undoes it.

        ``entity``: whose memory, where no ``scope`` says so: an id, or a function that is asked when a call starts
        and may answer None: no memory for this call. Raises ``UnsupportedClient``, ``MissingExtra``, ``ScopeError``.
        """
        self._check_open()
        for name, value in (("entity", entity), ("process", process), ("session", session)):
            if value is not None and not callable(value):
                check_id(value, name)
        provider = plugins.provider_for(client)
        if (warning := plugins.outside_of_tested(provider.tested)) is not None:
            self._parts.counts.once(warning, "%s", warning)
        known = patch.lookup(provider.subject(client))
        wanted = (self._desk, entity, process, session)
        if known is None or (known.desk, known.entity, known.process, known.session) != wanted:
            registration = Registration(self._desk, provider, entity, process, session)
            patch.register(client, registration)
        self._parts.start()
        return client

    @staticmethod
    def unregister(client: object) -> None:
        """Takes the memory away again; nothing happens where there is none, whoever gave it."""
        try:
            provider = plugins.provider_for(client)
        except MemoriError:  # nothing that anybody could have registered
            return
        patch.unregister(provider.subject(client))

    def on(
        self,
        stage: HookStage,
        hook: Hook,
        priority: int = 0,
        *,
        where: Callable[[Event], bool] | None = None,
        strict: bool = False,
    ) -> Handle:
        """Calls ``hook(event)`` before, after or on an error of recall, injection, capture or the whole call.

        A hook of higher ``priority`` comes first; ``where`` says which events are meant. It may return a changed
        event, which then goes on, or False, before a stage: it is then left out (``before_call``: the call goes
        through untouched). One that raises is logged and passed over, or, with ``strict``, means False. Hooks may run
        on any thread. Returns a handle with ``dispose()``. Raises ``ConfigurationError``.
        """
        self._check_open()
        return self._desk.hooks.on(stage, hook, priority, where, strict)

    # ------------------------------------------------------------ whose memory

    def scope(
        self, entity: str, process: str | None = None, session: str | None = None, *, mode: Mode = "rw"
    ) -> ScopeContext:
        """``with mem.scope("alice"): ...`` says whose calls these are; safe under threads and asyncio.

        ``mode``: "r" only recalls, "w" only captures. Raises ``ScopeError`` for an impossible id.
        """
        return self._scopes.enter(make_scope(entity, process, session, mode))

    def piecewise(
        self, entity: str | None, process: str | None = None, session: str | None = None, *, mode: Mode = "rw"
    ) -> PiecewiseScope:
        """``scope`` for work in pieces that others run in between, such as a response's body: ``with`` around each.

        None for ``entity``: nobody's; no memory, not even that of ``register(entity=)``. Raises ``ScopeError``.
        """
        return self._scopes.piecewise(None if entity is None else make_scope(entity, process, session, mode))

    def attribution(self, entity_id: str, process_id: str | None = None) -> Memori:
        """Memori's way to name somebody, for scripts; a server uses ``scope``.

        On the main thread it lasts until somebody else is named, and serves no other thread and no task; inside an
        asyncio task it serves that task; on any other thread it raises ``ScopeError``.
        """
        self._scopes.attribute(make_scope(entity_id, process_id))
        return self

    def new_session(self) -> Memori:
        """Begins a new conversation for whoever is named."""
        return self.set_session(new_id())

    def set_session(self, session_id: object) -> Memori:
        """Continues a conversation by its id, for whoever is named. Raises ``ScopeError`` where nobody is."""
        current = self._scopes.current()
        if current is None:
            raise ScopeError('name somebody first: mem.attribution("alice"), or say scope("alice", session=...)')
        self._scopes.attribute(replace(current, session=check_id(str(session_id), "session_id")))
        return self

    @property
    def current_scope(self) -> Scope | None:
        """What ``scope`` or ``attribution`` says of a call here and now; None where it says nothing."""
        return self._scopes.current()

    carry = staticmethod(carry)
    paused = staticmethod(paused)

    def _who(self, entity: str | None, process: str | None, session: str | None) -> Scope:
        """The scope of an explicit call: as said, else the current one; ``ScopeError`` where there is none."""
        if entity is not None:
            return make_scope(entity, process, session)
        current = self._scopes.current()
        if current is None:
            named = self._entity() if callable(self._entity) else self._entity or self.settings.entity
            if named is None or self._scopes.is_nobodys():
                raise ScopeError('whose memory? Write entity="alice", or: with mem.scope("alice"): ...')
            current = make_scope(named, self.settings.process)
        return make_scope(current.entity, process or current.process, session or current.session)

    # ------------------------------------------------------------ memory

    def add(
        self,
        messages_or_text: object,
        *,
        entity: str | None = None,
        process: str | None = None,
        session: str | None = None,
        at: datetime | str | None = None,
    ) -> Added:
        """Stores what was said, without a model call; durable when it returns.

        A text, a message (``{"role", "content"}``, maybe with ``name``, the speaker, and ``at``) or any iterable of
        them. ``at``: when it was said, now if not given. Raises ``ScopeError``, ``ConfigurationError`` for what is
        no message, ``StoreError`` where neither the database nor the journal took it.
        """
        self._check_open()
        scope = self._who(entity, process, session)
        said_at = when(at, "at") or datetime.now(timezone.utc)
        messages = messages_of(messages_or_text, said_at)
        if scope.session is None:
            scope = replace(scope, session=self._desk.sessions.current(("add", scope.entity, scope.process)))
        exchange = Exchange(new_id(), scope, messages, (), said_at, provider="add", resent=False)
        if messages:
            self._parts.start()
            exchange = storable(exchange, self.settings.max_message_chars)
            if not self._parts.take(exchange).result():
                raise StoreError("the messages were not stored: neither the database nor the journal took them")
        return Added(exchange.id, tuple(message_id(exchange.id, n) for n in range(len(messages))))

    def recall(
        self,
        query: str,
        limit: int = 10,
        *,
        entity: str | None = None,
        process: str | None = None,
        session: str | None = None,
        max_tokens: int | None = None,
        kinds: Iterable[Kind] | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        as_of: datetime | str | None = None,
        engine: Engine = "auto",
        threshold: float | None = None,
    ) -> Recollections:
        """What is remembered that bears on ``query``, best first, at most ``limit`` items and ``max_tokens``.

        ``since``/``until`` bound when it was said, ``as_of`` is what counts as now. While the embedding model loads
        the words alone decide. Raises ``ScopeError``, ``ConfigurationError`` for a bad argument, ``StoreError``.
        """
        self._check_open()
        scope = self._who(entity, process, session)
        if not isinstance(query, str):
            raise ConfigurationError(f"query must be a string, not {type(query).__name__}")
        if not isinstance(limit, int) or limit <= 0:
            raise ConfigurationError(f"limit must be a positive number, not {limit!r}")
        if max_tokens is not None and max_tokens <= 0:
            raise ConfigurationError(f"max_tokens must be positive, not {max_tokens!r}")
        if not query.strip():
            return Recollections((), self._parts.key)
        asked = Query(
            text=query,
            limit=limit,
            now=when(as_of, "as_of"),
            kinds=frozenset(kinds) if kinds is not None else None,
            since=when(since, "since"),
            until=when(until, "until"),
            process=process,
            session=session,
            engine=engine,
            threshold=threshold,
        )
        self._parts.model.start()
        found = self._parts.cache.recall(scope.entity, asked, patience=None)
        if max_tokens is not None:
            found = choose(found, max_tokens)
        return Recollections(found, self._parts.key)

    async def arecall(self, query: str, limit: int = 10, **options: Any) -> Recollections:
        """``recall`` without holding the event loop; the same arguments."""
        return await asyncio.to_thread(self.recall, query, limit, **options)

    def facts(self, *, entity: str | None = None, ended: bool = False) -> list[StoredFact]:
        """The facts of an entity, oldest first; ``ended``: also those that hold no longer."""
        self._check_open()
        return list(self._parts.store.facts(self._who(entity, None, None).entity, ended))

    # ------------------------------------------------------------ lifecycle

    def flush(self, timeout: float | None = None) -> FlushReport:
        """Waits until what was said so far is stored, augmented and indexed. ``timeout`` in seconds."""
        self._check_open()
        began = time.monotonic()
        until = new_id()
        self._parts.start()
        waiting = self._parts.writer.flush(timeout)
        self._parts.pool.notify()
        while True:
            state = self._parts.store.queue(until)
            left = None if timeout is None else timeout - (time.monotonic() - began)
            if not state.pending or (left is not None and left <= 0):
                break
            time.sleep(0.01)
        done = not waiting and not state.pending
        return FlushReport(done, waiting, state.pending, state.dead, time.monotonic() - began)

    async def aflush(self, timeout: float | None = None) -> FlushReport:
        return await asyncio.to_thread(self.flush, timeout)

    def start(self) -> None:
        """Starts the background threads, as the first ``register`` or ``add`` does; idempotent."""
        self._check_open()
        self._parts.start()

    def warm(self, timeout: float | None = None) -> bool:
        """Waits until the embedding model is loaded; False where there is none, or not in time."""
        self._check_open()
        return self._parts.model.wait(timeout)

    def stats(self) -> dict[str, Any]:
        """Counters since the start; the queue; the model's state; p50 and p99 of the added time in milliseconds."""
        parts = self._parts
        state = None
        with parts.counts.guard("stats"):
            state = parts.store.queue()
        return {
            "counts": parts.counts.snapshot(),
            "added_ms": parts.counts.percentiles(),
            "waiting": parts.writer.waiting,
            "pending": state.pending if state else None,
            "dead": state.dead if state else None,
            "oldest_age": state.oldest_age if state else None,
            "recall": "words and meaning" if parts.model.state == "ready" else "words only",
            "model": {"state": parts.model.state, "name": parts.model.name, "reason": parts.model.reason},
        }

    def close(self, timeout: float | None = None) -> None:
        """Stores what waits and ends the threads; idempotent. Registered clients then go through untouched."""
        _open.discard(self._desk)
        self._desk.close(timeout)

    async def aclose(self) -> None:
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Memori:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Memori:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def is_closed(self) -> bool:
        return self._desk.closed

    def _check_open(self) -> None:
        if self._desk.closed:
            raise ConfigurationError("this Memori is closed: make a new one")


# ---------------------------------------------------------------- the end of the program, and forks

# the desks, not the Memori objects: Memori().register(client) keeps none, and its client must not lose a word
_open: set[MemoryDesk] = set()


def _close_all() -> None:
    for desk in list(_open):
        try:
            desk.close()
        except Exception:
            log.debug("memori_wrap: not closed", exc_info=True)


def _forked() -> None:
    for desk in _open:
        desk.forked()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
