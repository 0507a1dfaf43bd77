"""What the tests of agent frameworks stand on: a scripted server, a watched memory that knows something, and what was
stored."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from memori_wrap import Memori
from memori_wrap.protocols import Query
from memori_wrap.retrieve.hybrid import HybridRetriever
from memori_wrap.testing.anthropic_server import FakeAnthropic
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.observe import WatchedRetriever, WatchedStore
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.provider.compare import block_of, without_block
from memori_wrap.testing.script import Received
from memori_wrap.types import Exchange

KNOWN = "My canary is called Lumen-7 and it sings at dawn."
QUESTION = "What is my canary called?"
ANSWER = "Lumen-7, who sings at dawn."
BUDGET = 120.0
"""Seconds that nothing takes, on a machine that is not frozen: nothing is measured by it."""


class Nobody:
    """Stands for a ``Memori`` where nothing is to be remembered."""

    def register(self, client: Any, **_: Any) -> Any:
        return client


@dataclass
class World:
    """One test's surroundings. Nothing of ours may have failed behind the scenes when it ends."""

    server: Any
    store: WatchedStore
    mem: Memori
    recalls: list[str] = field(default_factory=list)
    clients: list[Any] = field(default_factory=list)

    def without_memory(self) -> World:
        """The same, but whoever registers anything gets it back as it is."""
        return replace(self, mem=Nobody())  # type: ignore[arg-type]

    async def close_clients(self) -> None:
        """Under the loop that they were used in."""
        while self.clients:
            await self.clients.pop().close()

    def requests(self, began: int = 0) -> list[Received]:
        return self.server.requests[began:]

    def blocks(self, began: int = 0) -> list[str | None]:
        """The memory block of each request; more than one in a request is an error."""
        return [block_of(received) for received in self.requests(began)]

    def bodies(self, began: int = 0) -> list[Any]:
        """The bodies of the requests, as they would be without the block."""
        return [_without_empty(without_block(received.body)) for received in self.requests(began)]

    def captured(self, n: int) -> list[Exchange]:
        """The exchanges that reached the store: exactly ``n``."""
        until = time.monotonic() + 20
        while True:
            gc.collect()  # what was dropped is captured now, and so is what would be one too many
            assert self.mem.flush(BUDGET).done
            if len(self.store.exchanges) >= n or time.monotonic() > until:
                break
            time.sleep(0.01)
        found = list(self.store.exchanges)
        assert len(found) == n, f"{len(found)} captured instead of {n}: {found}"
        return found

    def stored(self, entity: str = "ada") -> list[tuple[str, str]]:
        """(role, text) of the messages that were stored for the captured exchanges, each once."""
        found = [m for e in self.store.exchanges for m in self.store.exchange_messages(entity, e.id)]
        return [(m.role, m.text) for m in found]


def _without_empty(body: Any) -> Any:
    """Also without a message that held nothing but the block."""
    if isinstance(body, list):
        return [_without_empty(item) for item in body if item != {"role": "system"}]
    return {name: _without_empty(value) for name, value in body.items()} if isinstance(body, dict) else body


@contextmanager
def world(kind: str = "openai", *, knows: bool = True, settings: dict[str, Any] | None = None) -> Iterator[World]:
    """``kind``: "openai" or "anthropic". ``knows``: whether ada's memory has something to say to ``QUESTION``."""
    server: Any = {"openai": FakeOpenAI, "anthropic": FakeAnthropic}[kind](ANSWER)
    store, recalls = WatchedStore(), list[str]()

    def watched() -> HybridRetriever:
        return WatchedRetriever(_note(recalls))

    given = {"recall_budget": BUDGET, "capture_budget": BUDGET, **(settings or {})}
    mem = Memori(store, embedder=HashEmbedder(), extractor=ScriptedExtractor(), retriever=watched, settings=given)
    try:
        if knows:
            mem.add(KNOWN, entity="ada")
            store.exchanges.clear()
        yield World(server, store, mem, recalls)
        failed = {
            name: n for name, n in mem.stats()["counts"].items() if name.startswith(("failed.", "skipped.unknown"))
        }
        assert not failed, f"behind the scenes: {failed}"
    finally:
        mem.close()
        server.close()


def _note(recalls: list[str]) -> Callable[[Query], object]:
    return lambda query: recalls.append(query.text)


async def cancelled_midway(work: Any, is_midway: asyncio.Event) -> None:
    """Runs ``work`` until it says that it is in the middle of its stream, and cancels it there."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task, asyncio.ensure_future(is_midway.wait())}, return_when="FIRST_COMPLETED")
    if task in done:
        task.result()
        raise AssertionError("it ended before it was in the middle")
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
    raise AssertionError("the cancellation did not come out")
