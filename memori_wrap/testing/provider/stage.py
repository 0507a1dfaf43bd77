"""One test's surroundings: a scripted server, a watched memory, clients of one shape."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from memori_wrap import Memori
from memori_wrap.protocols import Extractor, Query
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.observe import WatchedRetriever, WatchedStore
from memori_wrap.testing.provider.compare import Showing, assert_same_requests, block_of, difference, name_of
from memori_wrap.testing.provider.dialect import REPLY, Dialect, Hook
from memori_wrap.testing.provider.shapes import Shape, drain, pause, settle
from memori_wrap.testing.script import Received, Reply
from memori_wrap.types import Exchange

if TYPE_CHECKING:
    from typing_extensions import Self

ENTITY = "ada"
KNOWN = "My canary is called Lumen-7 and it sings at dawn."
QUESTION = "What is my canary called?"
PATIENCE = 3.0
"""Seconds for something that is to happen behind the scenes; nothing is measured by it."""

BUDGET = 10.0
"""Seconds of each of a call's budgets, so that a loaded machine keeps them; tests of the budgets set their own."""
FROZEN, SOON = 20.0, 8.0
"""Seconds that a frozen part would take, and in which a call must be back all the same."""


@dataclass(frozen=True)
class Answer:
    """A call's result and, of a stream, its items."""

    result: Any
    items: tuple[Any, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one client's user saw, and what the server saw."""

    value: Any
    requests: tuple[Received, ...]

    @property
    def block(self) -> str | None:
        """The memory block of its last request."""
        return block_of(self.requests[-1]) if self.requests else None


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Stage:
    """Used as ``with Stage(dialect, shape) as stage``; the memory is made when it is first asked for.

    Change ``settings``, ``extractor`` and ``on_recall`` before that. At the end nothing of ours may have failed
    behind the scenes, unless ``may_fail``, and asyncio must have nothing to complain about.
    """

    def __init__(self, dialect: Dialect, shape: Shape) -> None:
        self.dialect, self.shape = dialect, shape
        self.store = WatchedStore()
        self.server: Any = dialect.server(REPLY)
        self.settings: dict[str, Any] = {"recall_budget": BUDGET, "capture_budget": BUDGET}
        self.extractor: Extractor = ScriptedExtractor()
        self.on_recall: Callable[[Query], object] = lambda _: None
        self.recalls: list[Query] = []
        self.may_fail = False
        self._clients: list[Any] = []
        self._noise, self._ours = _Ear(), _Ear()

    @cached_property
    def mem(self) -> Memori:
        """The memory under test."""
        return Memori(
            self.store,
            embedder=HashEmbedder(),
            extractor=self.extractor,
            retriever=lambda: WatchedRetriever(self._recall),
            settings=self.settings,
        )

    def _recall(self, query: Query) -> None:
        self.recalls.append(query)
        self.on_recall(query)

    @property
    def counts(self) -> dict[str, int]:
        """The memory's counters."""
        found: dict[str, int] = self.mem.stats()["counts"]
        return found

    @property
    def warnings(self) -> list[str]:
        """What was logged as a warning by memori_wrap."""
        return [record.getMessage() for record in self._ours.records]

    # ------------------------------------------------------------ clients and calls

    def bare(self, *, retries: int = 0, timeout: float | None = None, hook: Hook | None = None) -> Any:
        """A client without a memory, closed at the end of the test."""
        made = self.dialect.client(
            self.server, is_async=self.shape.is_async, retries=retries, timeout=timeout, hook=hook
        )
        self._clients.append(made)
        return made

    def client(
        self,
        entity: str | None = ENTITY,
        *,
        retries: int = 0,
        timeout: float | None = None,
        hook: Hook | None = None,
    ) -> Any:
        """A registered client."""
        return self.register(self.bare(retries=retries, timeout=timeout, hook=hook), entity=entity)

    def register(self, client: Any, **options: Any) -> Any:
        """Registers a client that was bare so far."""
        return self.dialect.register(self.mem, client, **options)

    def unregister(self, client: Any) -> None:
        """Makes it bare again."""
        self.dialect.unregister(self.mem, client)

    def know(self, text: str = KNOWN, entity: str = ENTITY) -> None:
        """Lets the memory know something that bears on ``QUESTION``."""
        self.mem.add(text, entity=entity)
        self.store.exchanges.clear()

    def user(self, text: str = QUESTION) -> list[dict[str, Any]]:
        """Messages of one user turn."""
        return [{"role": "user", "content": text}]

    async def open(self, client: Any, messages: Any = None, **options: Any) -> Any:
        """Makes the call in this test's shape; a stream comes unread."""
        given = self.user() if messages is None else messages
        return await settle(self.dialect.method(client)(given, stream=self.shape.is_stream, **options))

    async def ask(self, client: Any, messages: Any = None, **options: Any) -> Answer:
        """Makes the call and reads all of it."""
        result = await self.open(client, messages, **options)
        if not self.shape.is_stream:
            return Answer(result, (), self.dialect.text(result))
        items = tuple(await drain(result))
        return Answer(result, items, "".join(map(self.dialect.piece, items)))

    async def see(self, client: Any, messages: Any = None, **options: Any) -> Any:
        """Makes the call and gives what its user sees."""
        answer = await self.ask(client, messages, **options)
        return [name_of(type(answer.result)), list(answer.items) or answer.result, answer.text]

    async def compare(
        self, scenario: Callable[[Any], Awaitable[Any]], *script: Reply, bare: Any = None, ours: Any = None
    ) -> Outcome:
        """Plays ``scenario`` with a bare and with a registered client, and asserts that nobody sees a difference.

        Apart from the memory block in the request, which the returned outcome of the registered client has.
        """
        plain = await self.outcome(scenario, bare or self.bare(), *script)
        mine = await self.outcome(scenario, ours or self.client(), *script)
        assert_same_requests(plain.requests, mine.requests, self.dialect.signed)
        show = Showing(self.dialect, mine.block is not None)
        found = difference(show.value(plain.value), show.value(mine.value))
        assert found is None, found
        return mine

    async def outcome(self, scenario: Callable[[Any], Awaitable[Any]], client: Any, *script: Reply) -> Outcome:
        """Plays ``scenario`` after ``script`` was laid out for the server."""
        before = len(self.server.requests)
        self.server.script(*script)
        try:
            value = await scenario(client)
        except Exception as error:
            value = error
        return Outcome(value, tuple(self.server.requests[before:]))

    # ------------------------------------------------------------ what was captured

    async def captured(self, n: int = 1) -> list[Exchange]:
        """The exchanges that reached the store: exactly ``n``, none of them twice."""
        until = time.monotonic() + PATIENCE
        while True:
            gc.collect()  # what was dropped is captured now, and so is what would be one too many
            if self.shape.is_async:
                await pause(0.005)
            await self.flush()
            if len(self.store.exchanges) >= n or time.monotonic() > until:
                break
            await pause(0.01)
        found = list(self.store.exchanges)
        assert len(found) == n, f"{len(found)} captured instead of {n}: {[said(e) for e in found]}"
        return found

    async def flush(self) -> None:
        """Waits until everything that was said is stored and augmented."""
        report = await self.mem.aflush(BUDGET) if self.shape.is_async else self.mem.flush(BUDGET)
        assert report.done, report

    # ------------------------------------------------------------ beginning and end

    async def play(self, body: Awaitable[None]) -> None:
        """Runs a test's body, then closes the clients, under their own event loop."""
        try:
            await body
        finally:
            for client in self._clients:
                await self.dialect.shut(client)

    def __enter__(self) -> Self:
        gc.freeze()  # what was there before the test is none of its collections' business: they are fast without it
        for name in ("asyncio", "concurrent.futures"):
            logging.getLogger(name).addHandler(self._noise)
        logging.getLogger("memori_wrap").addHandler(self._ours)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            self.unregister(client)
        self._clients.clear()
        self.store.gate.set()
        failed = {name: n for name, n in self.counts.items() if name.startswith("failed.")}
        self.mem.close()
        self.server.close()
        gc.collect()
        gc.unfreeze()
        for name in ("asyncio", "concurrent.futures"):
            logging.getLogger(name).removeHandler(self._noise)
        logging.getLogger("memori_wrap").removeHandler(self._ours)
        if error is None:
            assert self.may_fail or not failed, f"behind the scenes: {failed}; {self.warnings}"
            noise = [record.getMessage() for record in self._noise.records]
            assert not [text for text in noise if not self.dialect.noise.search(text)], noise


def said(exchange: Exchange) -> str:
    """The text of a stored reply."""
    return "\n".join(m.text for m in exchange.reply if m.text)


def asked(exchange: Exchange) -> Sequence[str]:
    """The texts of a stored request."""
    return [m.text for m in exchange.request]
