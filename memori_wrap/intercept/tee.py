"""Streams: what the user reads is gathered on the way, and captured once when the stream ends, however it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from memori_wrap.intercept.waiting import Waiting, wait, wait_async
from memori_wrap.protocols import ReplyBuilder
from memori_wrap.types import Exchange, Reply

if TYPE_CHECKING:
    from memori_wrap.intercept.call import Desk


class StreamTap:
    """Feeds a builder; the first of end, break and collection captures what there is.

    It holds neither the stream nor the client, so that their lifetimes stay what they are without it.
    """

    def __init__(self, builder: ReplyBuilder, exchange: Callable[[Reply], Exchange], desk: Desk) -> None:
        self._builder, self._exchange, self._desk = builder, exchange, desk
        self._once = threading.Lock()
        desk.opened(self)

    def feed(self, chunk: Any) -> None:
        with self._desk.counts.guard("stream"):
            self._builder.feed(chunk)

    def end(self) -> None:
        """The stream is exhausted or was closed: waits for the acknowledgement within the capture budget."""
        wait(self._capture())

    async def aend(self) -> None:
        await wait_async(self._capture())

    def broken(self) -> None:
        """An exception or cancellation passes through: it is not held up."""
        self._capture()

    def dropped(self) -> None:
        """The collector may run inside anyone's lock: only puts, to be done by the writer thread."""
        if self._once.acquire(blocking=False):
            builder, exchange = self._builder, self._exchange
            self._desk.capture_later(lambda: exchange(builder.reply()))

    def __del__(self) -> None:
        self.dropped()

    def _capture(self) -> Waiting | None:
        if not self._once.acquire(blocking=False):
            return None
        with self._desk.counts.guard("capture"), self._desk.courtesy.call():
            return self._desk.capture(self._exchange(self._builder.reply()))
        return None
