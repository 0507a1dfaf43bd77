"""The memory as the interceptor sees it: whose call it is, what is remembered, where the exchange goes.

Nothing here raises into a call or holds it beyond its budgets.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from memori_wrap import prompt
from memori_wrap.background import Courtesy, Threads
from memori_wrap.context import Scopes, make_scope
from memori_wrap.counts import Counts
from memori_wrap.errors import MemoriError, ScopeError
from memori_wrap.intercept.call import Registration, last_user, turn_digest
from memori_wrap.intercept.hooks import Hooks
from memori_wrap.intercept.tee import Once
from memori_wrap.intercept.waiting import Waiting
from memori_wrap.intercept.windows import Windows
from memori_wrap.parts import Parts
from memori_wrap.protocols import Query
from memori_wrap.sessions import Sessions
from memori_wrap.settings import Settings
from memori_wrap.text import clean, normal
from memori_wrap.types import Event, Exchange, Message, Part, Recollection, Request, Scope

log = logging.getLogger(__name__)

MAX_BLOCKS = 1000
"""Rendered blocks kept, so that a tool loop sends the same bytes."""
QUERY_CHARS = 4000
REPEATED = 40
"""Recollections that are asked for beyond those wanted: whoever asks the same thing often finds his question first."""
RECALLERS = 4
REOPEN_PAUSE = 10.0
"""Seconds between attempts of a forked child to open the database."""

_inherited: list[Parts] = []
"""The parent's parts in a forked child: collecting them would close connections that the parent uses."""

Entity = Callable[[], str | None] | str | None


class MemoryDesk:
    """Implements ``intercept.call.Desk``. ``make`` opens the database and puts the parts together."""

    def __init__(self, make: Callable[[], Parts], settings: Settings, scopes: Scopes, entity: Entity) -> None:
        self.closed = False
        self.hooks = Hooks(lambda: self.counts)
        self.windows = Windows()
        self._make, self._settings, self._scopes, self._entity = make, settings, scopes, entity
        self._begin(make())

    def _begin(self, parts: Parts | None) -> None:
        self._parts = parts
        self._again_at = 0.0
        self.sessions = Sessions(self._settings.session_timeout)
        self._threads = Threads("memori-recall", RECALLERS)
        self._lock = threading.Lock()
        self._streams: weakref.WeakSet[Once] = weakref.WeakSet()
        self._blocks: OrderedDict[tuple[Scope, str], str | None] = OrderedDict()

    def forked(self) -> None:
        """In a forked child: the parent's threads are not here, its connections and locks are not ours.

        What the parent has queued is the parent's to write. New parts are made when there is need of them.
        """
        if self._parts is not None:
            _inherited.append(self._parts)
            self._parts.leave()
        self.hooks.forked()
        self._begin(None)

    def is_there(self) -> bool:
        """True but in a forked child that cannot open the database; it is tried again after a while."""
        if self._parts is None:
            if time.monotonic() < self._again_at:
                return False
            try:
                return bool(self.parts)
            except MemoriError as error:
                self._again_at = time.monotonic() + REOPEN_PAUSE
                log.warning("memori_wrap: no memory in this forked process (%s)", error)
                return False
        return True

    @property
    def parts(self) -> Parts:
        if self._parts is None:
            with self._lock:
                if self._parts is None:
                    self._parts = self._make()
                    self._parts.start()
        return self._parts

    @property
    def counts(self) -> Counts:
        return self.parts.counts

    @property
    def courtesy(self) -> Courtesy:
        return self.parts.courtesy

    def close(self, timeout: float | None = None) -> None:
        """Stores what waits, works off what can be in ``timeout`` seconds, ends the threads; idempotent."""
        if self.closed:
            return
        for tap in list(self._streams):
            tap.broken()
        self.closed = True
        deadline = time.monotonic() + (self._settings.exit_timeout if timeout is None else timeout)
        if self._parts is not None:
            self._parts.close(deadline)
        self._threads.close(deadline)

    # ------------------------------------------------------------ whose call

    def scope_for(self, registration: Registration) -> Scope | None:
        scope = self._scopes.current()
        if scope is None:
            if self._scopes.is_nobodys():
                self.counts.add("skipped.no_entity")
                return None
            try:
                scope = self._from_registration(registration)
            except ScopeError as error:
                self.counts.add("skipped.bad_scope")
                self.counts.once("bad_scope", "memori_wrap: %s; the call goes through untouched", error)
                return None
            if scope is None:
                return None
        if scope.session is None:
            key = (registration.key, scope.entity, scope.process)
            scope = replace(scope, session=self.sessions.current(key))
        return scope

    def _from_registration(self, registration: Registration) -> Scope | None:
        named = registration.entity if registration.entity is not None else self._entity
        if named is None:
            named = self._settings.entity
        if named is None:
            self.counts.add("skipped.nobody_named")
            self.counts.once(
                "nobody",
                "memori_wrap: a registered client was called, but nobody was named, so nothing is remembered. Write "
                'register(client, entity="me"), or: with mem.scope("alice"): ...',
            )
            return None
        entity = named() if callable(named) else named
        if entity is None:
            self.counts.add("skipped.no_entity")
            return None
        return make_scope(entity, registration.process or self._settings.process, registration.session)

    # ------------------------------------------------------------ recall

    def start_recall(self, request: Request, scope: Scope) -> Waiting | None:
        at = last_user(request.messages)
        budget = self._settings.recall_budget
        if not self._settings.inject_limit or not self._settings.inject_tokens:
            return None
        if at < 0:
            return self._known(scope, f"after:{request.previous}") if request.previous else None
        turn = turn_digest(request.messages)
        if at < len(request.messages) - 1 and (known := self._known(scope, turn)) is not None:
            return known
        if not request.messages[at].text.strip():
            return None
        with self._lock:
            self._blocks.pop((scope, turn), None)
        future = self._threads.submit(lambda: self._recall(request, scope, turn))
        if future is None:
            self.counts.add("skipped.recall_stuck")
            return None

        def give_up(future: Future[Any]) -> None:
            self.counts.add("skipped.recall_slow")
            self._keep(scope, turn, None)
            self._threads.abandon(future)

        return Waiting(future, budget, give_up)

    def _recall(self, request: Request, scope: Scope, turn: str) -> str | None:
        """The block, on a recall thread."""
        event = Event("", scope, request)
        with self.counts.guard("recall"), self.hooks.watching("recall", event):
            block = None
            if self.hooks.run("before_recall", event) is not None:
                block = self._block(request, scope)
            self._keep(scope, turn, block)
            return block
        return None

    def _block(self, request: Request, scope: Scope) -> str | None:
        began = time.monotonic()
        limit = self._settings.inject_limit
        there = {normal(m.text) for m in request.messages}
        # more than needed, since what stands in the request already is left out
        text = request.messages[last_user(request.messages)].text[:QUERY_CHARS]
        query = Query(text, limit=limit + 2 * len(there) + REPEATED, process=None)
        found = self.parts.cache.recall(scope.entity, query, patience=self._settings.recall_budget * 0.6)
        new = tuple(_new_only(found, there)[:limit])
        event = Event("", scope, request, recollections=new, seconds=time.monotonic() - began)
        after = self.hooks.run("after_recall", event)
        return prompt.block(after.recollections, self.parts.key, self._settings.inject_tokens) if after else None

    def _known(self, scope: Scope, turn: str) -> Waiting | None:
        with self._lock:
            if (scope, turn) not in self._blocks:
                return None
            done: Future[str | None] = Future()
            done.set_result(self._blocks[scope, turn])
            return Waiting(done, 0.0)

    def _keep(self, scope: Scope, turn: str, block: str | None) -> None:
        """For the rest of a tool loop. The first word counts: a block that came too late must not turn up later."""
        with self._lock:
            self._blocks.setdefault((scope, turn), block)
            while len(self._blocks) > MAX_BLOCKS:
                self._blocks.popitem(last=False)

    def forget(self, entity: str) -> None:
        """Keeps nothing of the entity in memory."""
        self.parts.cache.forget(entity)
        with self._lock:
            for key in [key for key in self._blocks if key[0].entity == entity]:
                del self._blocks[key]

    # ------------------------------------------------------------ capture

    def capture(self, exchange: Exchange) -> Waiting | None:
        if exchange.response_id:
            # what the provider continues from here continues this turn's block, until the user speaks again
            is_asked = last_user(exchange.request) >= 0
            turn = turn_digest(exchange.request) if is_asked else f"after:{exchange.previous}"
            with self._lock:
                block = self._blocks.get((exchange.scope, turn))
            if block is not None:
                self._keep(exchange.scope, f"after:{exchange.response_id}", block)
        if not any(m.role == "user" for m in exchange.request) and not exchange.reply:
            self.counts.add("skipped.empty")
            return None
        event = Event("", exchange.scope, exchange=exchange)
        with self.hooks.watching("capture", event):
            before = self.hooks.run("before_capture", event)
            if before is None or before.exchange is None:
                self.counts.add("skipped.hook")
                return None
            exchange = storable(before.exchange, self._settings.max_message_chars)
            is_worth_it = self.parts.writer.worth_waiting
            future = self.parts.take(exchange)
            self.hooks.run("after_capture", replace(before, exchange=exchange))
        return Waiting(future, self._settings.capture_budget, self._late) if is_worth_it else None

    def _late(self, _: Future[Any]) -> None:
        self.counts.add("capture_late")
        self.parts.writer.late()

    def opened(self, tap: Once) -> None:
        self._streams.add(tap)

    def capture_later(self, work: Callable[[], object]) -> None:
        self.parts.writer.later(work)


def storable(exchange: Exchange, limit: int) -> Exchange:
    """The exchange with text that every database takes."""
    return replace(
        exchange,
        request=tuple(_storable(m, limit) for m in exchange.request),
        reply=tuple(_storable(m, limit) for m in exchange.reply),
    )


def _storable(m: Message, limit: int) -> Message:
    text = clean(prompt.without_blocks(m.text) if m.role == "tool" else m.text, limit)
    parts = tuple(
        Part(clean(p.kind, 40), clean(p.text, limit), p.id and clean(p.id, 200), p.name and clean(p.name, 200))
        for p in m.parts
    )
    speaker = m.speaker and clean(m.speaker, 150)
    if (text, parts, speaker) == (m.text, m.parts, m.speaker):
        return m
    return replace(m, text=text, parts=parts, speaker=speaker)


def _new_only(found: Sequence[Recollection], there: set[str]) -> list[Recollection]:
    """Without what the request says itself, without facts that were read out of just that, nothing twice."""
    said = {r.id for r in found if r.kind == "turn" and normal(r.text) in there}
    new = [r for r in found if r.id not in said and not (r.sources and said.issuperset(r.sources))]
    return list({(r.speaker, normal(r.text)): r for r in reversed(new)}.values())[::-1]
