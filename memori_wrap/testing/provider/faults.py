"""The memory fails, freezes or is full; many use it at once; the program ends: the user's call is as it would be."""

from __future__ import annotations

import asyncio
import inspect
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from memori_wrap import Memori, plugins
from memori_wrap.errors import StoreError
from memori_wrap.protocols import Endpoint
from memori_wrap.testing.provider import leaving
from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.dialect import REPLY
from memori_wrap.testing.provider.items import Part, item
from memori_wrap.testing.provider.shapes import ASYNC, ASYNC_STREAM, SYNC, run
from memori_wrap.testing.provider.stage import ENTITY, FROZEN, QUESTION, SOON, Stage, asked, said
from memori_wrap.types import Reply


class Bare(BaseException):
    """Not an ``Exception``: what a library raises that wants to end the thread."""


ERRORS: tuple[Callable[[], BaseException], ...] = (
    lambda: RuntimeError("no"),
    lambda: ValueError("no"),
    lambda: KeyError("no"),
    lambda: OSError(28, "No space left on device"),
    lambda: TimeoutError("no"),
    lambda: RecursionError("no"),
    MemoryError,
    StopIteration,
    StopAsyncIteration,
    GeneratorExit,
    asyncio.CancelledError,
    SystemExit,
    Bare,
    lambda: StoreError("away"),
)


class FaultTests(Part):
    """Items 36 to 39 and 41."""

    @item(36)
    async def test_recall_may_raise_anything(self, stage: Stage) -> None:
        stage.may_fail = True
        stage.know()
        bare, ours = stage.bare(), stage.client()
        for n, make in enumerate(ERRORS):

            def fail(_: object, make: Callable[[], BaseException] = make) -> None:
                raise make()

            stage.on_recall = fail
            outcome = await stage.compare(
                partial(stage.see, messages=stage.user(f"{QUESTION} {n}")), bare=bare, ours=ours
            )
            assert not isinstance(outcome.value, Exception)
            assert not outcome.block
        await stage.captured(len(ERRORS))
        stage.on_recall = lambda _: None
        assert (await stage.compare(stage.see, bare=bare, ours=ours)).block

    @item(36)
    async def test_recall_may_freeze(self, stage: Stage) -> None:
        stage.settings |= {"recall_budget": 0.1, "capture_budget": 0.1}
        go_on = threading.Event()
        stage.on_recall = lambda _: go_on.wait(FROZEN)
        stage.know()
        client = stage.client()
        try:
            for n in range(6):  # more than there are threads for it
                began = time.monotonic()
                answer = await stage.ask(client, stage.user(f"{QUESTION} {n}"))
                assert time.monotonic() - began < SOON
                assert answer.text == REPLY
                assert not block_of(stage.server.last)
        finally:
            go_on.set()
        await stage.captured(6)
        assert stage.counts["skipped.recall_slow"] + stage.counts["skipped.recall_stuck"] == 6

    @item(37)
    async def test_capture_may_raise_anything(self, stage: Stage) -> None:
        stage.may_fail = True
        bare, ours = stage.bare(), stage.client()
        for make in ERRORS[:8]:
            stage.store.error = make()
            outcome = await stage.compare(stage.see, bare=bare, ours=ours)
            assert not isinstance(outcome.value, Exception)
        stage.store.error = None
        await stage.ask(ours)
        await stage.captured()

    @item(37)
    async def test_the_database_may_freeze(self, stage: Stage) -> None:
        stage.settings |= {"recall_budget": 0.05, "capture_budget": 0.05, "queue_items": 2}
        bare, ours = stage.bare(), stage.client()
        stage.mem.settings  # noqa: B018 (the memory is made while its database answers)
        stage.store.gate.clear()
        began = time.monotonic()
        for _ in range(4):  # more than fit into the queue
            assert not isinstance((await stage.compare(stage.see, bare=bare, ours=ours)).value, Exception)
        assert time.monotonic() - began < FROZEN
        assert stage.counts["dropped.queue_full"] == 2
        stage.store.gate.set()
        await stage.captured(2)

    @item(37)
    async def test_a_reply_that_cannot_be_read_is_the_users_all_the_same(self, stage: Stage) -> None:
        stage.may_fail = True
        bare, ours = stage.bare(), stage.client()
        kind = type(plugins.provider_for(self.dialect.target(ours)))
        known: Callable[..., Endpoint | None] = kind.endpoint

        def endpoint(*given: object) -> _Deaf:
            return _Deaf(known(*given))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kind, "endpoint", endpoint)
            for _ in range(2):
                await stage.compare(stage.see, bare=bare, ours=ours)
        assert len(stage.warnings) == 1
        assert stage.counts["failed.capture"] == 2
        await stage.captured(0)

    @item(38, shapes=(ASYNC, ASYNC_STREAM))
    async def test_the_event_loop_goes_on_during_recall_and_capture(self, stage: Stage) -> None:
        stage.settings |= {"recall_budget": 1.0, "capture_budget": 1.0}
        go_on = threading.Event()
        stage.on_recall = lambda _: go_on.wait(FROZEN)
        stage.know()
        client = stage.client()
        stage.store.gate.clear()
        gaps: list[float] = []

        async def watch() -> None:
            last = time.monotonic()
            while True:
                await asyncio.sleep(0.01)
                now = time.monotonic()
                gaps.append(now - last)
                last = now

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0.02)
        try:
            assert (await stage.ask(client)).text == REPLY
            await asyncio.sleep(0.02)
        finally:
            watching.cancel()
            go_on.set()
            stage.store.gate.set()
        assert sum(gaps) > 0.9, "nothing was waited for, so nothing was shown"
        assert max(gaps) < 0.5, "the event loop was held"
        await stage.captured()

    @item(39)
    async def test_fifty_users_of_one_client_do_not_mix(self, stage: Stage) -> None:
        client = stage.client(entity=None)

        async def user(n: int) -> None:
            with stage.mem.scope(f"user-{n}"):
                await stage.ask(client, stage.user(f"I am number {n}, and my word is canary{n}x."))
                await stage.ask(client, stage.user(f"Number {n} asks: what is my word?"))

        await together(stage, [user(n) for n in range(50)])
        assert len(stage.server.requests) == 100
        questions = [r for r in stage.server.requests if b"what is my word?" in r.raw]
        for received in questions:
            (n,) = re.findall(rb"Number (\d+) asks", received.raw)
            assert set(re.findall(rb"canary(\d+)x", received.raw)) == {n}
            assert block_of(received)
        exchanges = await stage.captured(100)
        for e in exchanges:
            number = e.scope.entity.removeprefix("user-")
            assert asked(e)[0] in (
                f"I am number {number}, and my word is canary{number}x.",
                f"Number {number} asks: what is my word?",
            )
            assert said(e) == REPLY

    @item(41, shapes=(SYNC,))
    def test_the_end_of_the_program_loses_nothing(self, stage: Stage) -> None:
        file, name = inspect.getfile(type(self.dialect)), type(self.dialect).__name__
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/memory.db"
            command = [sys.executable, "-m", leaving.__name__, file, name, stage.server.base_url, url]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            assert (ended.returncode, ended.stderr) == (0, "")
            assert time.monotonic() - float(ended.stdout) < FROZEN  # counted from its last line
            with Memori(url, embedder="none", extractor="none") as mem:
                for shape in self.dialect.shapes:
                    said_then = leaving.words(shape)
                    assert said_then in [r.text for r in mem.recall(said_then, 1, entity=ENTITY)]


class _Deaf:
    """An endpoint that reads requests but no replies."""

    def __init__(self, endpoint: Endpoint | None) -> None:
        assert endpoint is not None
        self.request, self.inject = endpoint.request, endpoint.inject

    def reply(self, result: object) -> Reply:
        raise TypeError("the SDK has changed")

    def attach(self, result: object, tap: object) -> bool:
        raise TypeError("the SDK has changed")


async def together(stage: Stage, works: list[Coroutine[Any, Any, None]]) -> None:
    """Runs all at once: as tasks, or, for a synchronous client, on threads."""
    if stage.shape.is_async:
        await asyncio.gather(*works)
        return
    failures: list[BaseException] = []

    def work(one: Coroutine[Any, Any, None]) -> None:
        try:
            run(stage.shape, one)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
