"""Streams: however one ends, it is captured once, with what came of it, and its connection is let go."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from memori_wrap.testing.provider.compare import name_of
from memori_wrap.testing.provider.dialect import REPLY
from memori_wrap.testing.provider.items import Part, item
from memori_wrap.testing.provider.shapes import ASYNC, ASYNC_STREAM, END, STREAM, STREAMS, drain, pause, take, within
from memori_wrap.testing.provider.stage import PATIENCE, QUESTION, SOON, Stage, asked, said
from memori_wrap.testing.script import Scripted
from memori_wrap.types import Exchange

SENT = 9
"""Items that the server sends before it holds: a few words are among them."""


def held(after: int = SENT) -> Scripted:
    """The usual answer, which stops in its middle until its client leaves."""
    return Scripted(REPLY, hold=threading.Event(), hold_after=after)


class StreamTests(Part):
    """Items 2 to 9 and 40."""

    async def read_words(self, stream: Any, words: int = 2) -> str:
        """Reads until so many pieces of text have come, and not further."""
        read: list[str] = []
        while len(read) < words:
            chunk = await take(stream)
            assert chunk is not END
            if piece := self.dialect.piece(chunk):
                read.append(piece)
        return "".join(read)

    async def partial(self, stage: Stage, delivered: str) -> Exchange:
        """The one exchange, incomplete, with what was delivered and nothing that was not sent."""
        (exchange,) = await stage.captured()
        assert asked(exchange)[-1] == QUESTION
        assert not exchange.complete
        assert said(exchange).startswith(delivered)
        assert REPLY.startswith(said(exchange))
        assert said(exchange) != REPLY
        return exchange

    async def abandon(self, stage: Stage, leave: Callable[[Any, list[Any]], Any]) -> None:
        """Plays ``leave`` on a held stream of each client: same sight, connection released, one partial exchange.

        What ``leave`` puts into its list stays alive until the connection has gone: its user still holds it.
        """
        texts: list[str] = []

        async def scenario(client: Any) -> Any:
            before, kept = stage.server.disconnects, list[Any]()
            texts.append(await leave(client, kept))
            if not kept:
                gc.collect()
            if not self.dialect.releases(stage.shape):
                return texts[-1]
            until = time.monotonic() + PATIENCE
            while stage.server.disconnects == before and time.monotonic() < until:
                await pause(0.005)
                if not kept:
                    gc.collect()  # an SDK's own threads may have held it the first time
            assert stage.server.disconnects == before + 1, "the connection was not released"
            return texts[-1]

        outcome = await stage.compare(scenario, held())
        assert not isinstance(outcome.value, Exception), outcome.value
        await self.partial(stage, texts[-1])

    # ------------------------------------------------------------ read to the end

    @item(2, shapes=STREAMS)
    async def test_chunks_come_as_they_are_sent(self, stage: Stage) -> None:
        stage.know()
        for client in (stage.bare(), stage.client()):
            script = held()
            stage.server.script(script)
            stream = await stage.open(client)
            first = await self.read_words(stream)
            assert not stage.store.exchanges
            assert script.hold is not None
            script.hold.set()
            rest = await drain(stream)
            assert first + "".join(map(self.dialect.piece, rest)) == REPLY
        await stage.captured()

    @item(2, shapes=STREAMS)
    async def test_the_stream_is_the_sdks_own_object(self, stage: Stage) -> None:
        async def scenario(client: Any) -> Any:
            stream = await stage.open(client)
            public = [name for name in dir(stream) if not name.startswith("__")]
            fields = getattr(stream, "__dict__", {}).items()
            kinds = {name: name_of(type(value)) for name, value in fields if name not in self.dialect.tapped}
            response = getattr(stream, "response", None)
            seen = [type(stream), public, kinds, response, await drain(stream), response]
            return [*seen, getattr(response, "is_closed", None), getattr(response, "num_bytes_downloaded", 0) > 0]

        await stage.compare(scenario)
        await stage.captured()

    @item(3, shapes=STREAMS)
    async def test_a_full_read_within_with(self, stage: Stage) -> None:
        async def scenario(client: Any) -> Any:
            async with within(await stage.open(client), self.dialect.close) as stream:
                return await drain(stream)

        await stage.compare(scenario)
        (exchange,) = await stage.captured()
        assert (said(exchange), exchange.complete) == (REPLY, True)

    @item(7, shapes=STREAMS)
    async def test_next_by_hand_and_then_a_loop(self, stage: Stage) -> None:
        async def scenario(client: Any) -> Any:
            stream = await stage.open(client)
            items = [await take(stream) for _ in range(4)] + await drain(stream)
            assert await take(stream) is END
            return items

        outcome = await stage.compare(scenario)
        assert "".join(map(self.dialect.piece, outcome.value)) == REPLY
        assert said((await stage.captured())[0]) == REPLY

    @item(3, shapes=STREAMS)
    async def test_a_read_stream_leaves_its_connection_for_the_next_call(self, stage: Stage) -> None:
        used = []
        for client in (stage.bare(), stage.client()):
            before = stage.server.accepted
            for _ in range(3):
                await stage.ask(client)
            used.append(stage.server.accepted - before)
        assert used[0] == used[1]
        await stage.captured(3)

    # ------------------------------------------------------------ left in the middle

    @item(4, shapes=STREAMS)
    async def test_a_break_within_with(self, stage: Stage) -> None:
        async def leave(client: Any, kept: list[Any]) -> str:
            async with within(await stage.open(client), self.dialect.close) as stream:
                kept.append(stream)
                return await self.read_words(stream)

        await self.abandon(stage, leave)

    @item(4, 11, shapes=STREAMS)
    async def test_an_exception_within_with(self, stage: Stage) -> None:
        async def leave(client: Any, kept: list[Any]) -> str:
            read = ""
            try:
                async with within(await stage.open(client), self.dialect.close) as stream:
                    kept.append(stream)
                    read = await self.read_words(stream)
                    raise KeyboardInterrupt  # noqa: TRY301 (what leaves the block is the point)
            except KeyboardInterrupt:
                return read

        await self.abandon(stage, leave)

    @item(5, shapes=STREAMS)
    async def test_closed_before_the_first_item(self, stage: Stage) -> None:
        async def leave(client: Any, kept: list[Any]) -> str:
            kept.append(await stage.open(client))
            await self.dialect.close(kept[0])
            return ""

        if self.dialect.is_lazy:
            outcome = await stage.compare(lambda client: leave(client, []))
            assert not outcome.requests
            await self.partial(stage, "")
            return
        await self.abandon(stage, leave)
        assert not said(stage.store.exchanges[0])

    @item(5, shapes=STREAMS)
    async def test_closed_in_the_middle_and_once_more(self, stage: Stage) -> None:
        async def leave(client: Any, kept: list[Any]) -> str:
            kept.append(await stage.open(client))
            read = await self.read_words(kept[0])
            await self.dialect.close(kept[0])
            await self.dialect.close(kept[0])
            return read

        await self.abandon(stage, leave)

    @item(6, shapes=STREAMS)
    async def test_dropped_in_the_middle(self, stage: Stage) -> None:
        async def leave(client: Any, kept: list[Any]) -> str:  # noqa: ARG001 (the shape of a leaver)
            return await self.read_words(await stage.open(client))

        await self.abandon(stage, leave)

    @item(6, shapes=STREAMS)
    async def test_dropped_unread(self, stage: Stage) -> None:
        async def leave() -> None:
            await stage.open(stage.client())

        stage.server.script(held())
        await leave()
        gc.collect()
        await self.partial(stage, "")

    @item(6, shapes=(STREAM,))
    async def test_collected_in_the_middle_of_something_else(self, stage: Stage) -> None:
        async def leave(client: Any) -> None:
            await self.read_words(await stage.open(client))

        stage.know()
        client = stage.client()
        stage.server.script(held())
        gc.disable()  # the collector comes when it is called
        try:
            await leave(client)
            stage.on_recall = lambda _: gc.collect()  # on a thread of ours, inside a lock of ours
            began = time.monotonic()
            assert (await stage.ask(client)).text == REPLY
            assert time.monotonic() - began < SOON
        finally:
            gc.enable()
        assert sorted(e.complete for e in await stage.captured(2)) == [False, True]

    @item(8, shapes=(ASYNC_STREAM,))
    async def test_a_cancelled_reader(self, stage: Stage) -> None:
        async def leave(client: Any, kept: list[Any]) -> str:
            read: list[str] = []

            async def work() -> None:
                kept.append(await stage.open(client))
                read.append(await self.read_words(kept[0]))
                await drain(kept[0])

            task = asyncio.create_task(work())
            while not read:
                await pause(0.005)
            await pause(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return read[0]

        await self.abandon(stage, leave)

    @item(8, shapes=(ASYNC, ASYNC_STREAM))
    async def test_a_call_that_is_cancelled_before_its_answer(self, stage: Stage) -> None:
        async def leave(client: Any) -> None:
            before = len(stage.server.requests)
            task = asyncio.create_task(stage.ask(client))
            while len(stage.server.requests) == before:
                await pause(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        await stage.compare(leave, Scripted(delay=30))
        await stage.captured(0)

    @item(8, 36, shapes=(ASYNC, ASYNC_STREAM))
    async def test_a_call_that_is_cancelled_during_recall(self, stage: Stage) -> None:
        is_asked, go_on = threading.Event(), threading.Event()

        def wait(_: object) -> None:
            is_asked.set()
            go_on.wait(10)

        stage.on_recall = wait
        stage.know()
        client = stage.client()
        task = asyncio.create_task(stage.ask(client))
        while not is_asked.is_set():
            await pause(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        assert not stage.server.requests
        await stage.captured(0)

    # ------------------------------------------------------------ broken by the provider

    @item(9, shapes=STREAMS)
    async def test_streams_that_break(self, stage: Stage) -> None:
        bare, ours = stage.bare(), stage.client()
        faults = {
            "error event": Scripted(REPLY, error_after=SENT, message="Overloaded.", code="overloaded"),
            "cut": Scripted(REPLY, cut_after=SENT),
            "reset": Scripted(REPLY, cut_after=SENT, reset=True, chunk_delay=0.01),
        }
        for name, fault in faults.items():
            items: list[Any] = []

            async def scenario(client: Any, items: list[Any] = items) -> Any:
                items.clear()
                stream = await stage.open(client)
                try:
                    while (chunk := await take(stream)) is not END:
                        items.append(chunk)
                except Exception as error:
                    return [*items, error]
                return items

            outcome = await stage.compare(scenario, fault, bare=bare, ours=ours)
            is_silent = name == "error event" and not self.dialect.raises_error_events
            assert isinstance(outcome.value[-1], Exception) != is_silent, name
            if self.dialect.errors_hold_streams:
                del outcome
            read = "".join(map(self.dialect.piece, items))
            assert read, name
            await self.partial(stage, read)
            stage.store.exchanges.clear()

    # ------------------------------------------------------------ streams that outlive what they began in

    @item(39, shapes=STREAMS)
    async def test_a_stream_belongs_to_whom_it_was_opened_for(self, stage: Stage) -> None:
        client = stage.client()
        with stage.mem.scope("alice"):
            stream = await stage.open(client)
        with stage.mem.scope("bob"):
            await drain(stream)
        (exchange,) = await stage.captured()
        assert exchange.scope.entity == "alice"

    @item(39, shapes=(STREAM,))
    async def test_a_stream_read_by_another_thread(self, stage: Stage) -> None:
        stream = await stage.open(stage.client())
        reader = threading.Thread(target=lambda: list(stream))
        reader.start()
        reader.join()
        assert said((await stage.captured())[0]) == REPLY

    @item(40, shapes=(ASYNC_STREAM,))
    def test_the_event_loop_ends_before_the_stream(self, stage: Stage) -> None:
        loop = asyncio.new_event_loop()
        stage.server.script(held())

        async def begin() -> tuple[Any, str]:
            stream = await stage.open(stage.client())
            return stream, await self.read_words(stream)

        stream, read = loop.run_until_complete(begin())
        loop.close()
        del stream
        gc.collect()
        asyncio.run(self.partial(stage, read))

    @item(40, shapes=(ASYNC, ASYNC_STREAM))
    def test_an_event_loop_for_each_call(self, stage: Stage) -> None:
        stage.know()

        async def call() -> None:
            client = stage.client()
            await stage.ask(client)
            await self.dialect.shut(client)

        for _ in range(3):
            asyncio.run(call())
        asyncio.run(stage.captured(3))
