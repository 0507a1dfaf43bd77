"""Streams: what the user reads is gathered on the way, and captured once when the stream ends, however it ends."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from memori_wrap.intercept.waiting import Waiting, wait, wait_async
from memori_wrap.protocols import ReplyBuilder
from memori_wrap.types import Reply

if TYPE_CHECKING:
    from memori_wrap.intercept.call import Desk


class Once(ABC):
    """The ends of a ``Tap``: the first of end, break and collection delivers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._first = threading.Lock()

    @abstractmethod
    def _deliver(self) -> Waiting | None:
        """Captures what there is."""

    @abstractmethod
    def feed(self, chunk: Any) -> None: ...

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
        if self._first.acquire(blocking=False):
            self._desk.capture_later(self._deliver)

    def void(self) -> None:
        self._first.acquire(blocking=False)

    def __del__(self) -> None:
        self.dropped()

    def _capture(self) -> Waiting | None:
        if not self._first.acquire(blocking=False):
            return None
        with self._desk.counts.guard("capture"), self._desk.courtesy.call():
            return self._deliver()
        return None


class StreamTap(Once):
    """Feeds a builder; what it has gathered at the end is captured.

    It holds neither the stream nor the client, so that their lifetimes stay what they are without it.
    """

    def __init__(self, builder: ReplyBuilder, capture: Callable[[Reply], Waiting | None], desk: Desk) -> None:
        super().__init__(desk)
        self._builder, self._reply_to = builder, capture
        desk.opened(self)

    def _deliver(self) -> Waiting | None:
        return self._reply_to(self._builder.reply())

    def feed(self, chunk: Any) -> None:
        try:  # for each chunk: a context manager would take longer than the chunk
            self._builder.feed(chunk)
        except Exception as error:
            self._desk.counts.failed("stream", error)
