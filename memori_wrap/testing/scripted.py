"""What every fake provider has, whatever its transport: a port, a thread per connection, a script and a record."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from memori_wrap.testing.script import Received, Replier, Scripted, as_scripted

if TYPE_CHECKING:
    from typing_extensions import Self


class ScriptedServer(ABC):
    """Serves from its construction until ``close`` (or the end of a ``with``). Everything is safe under threads.

    A subclass serves a connection. Threads rather than asyncio, because a scripted reply is any function of a test:
    it may block without stopping the other connections. ``record=False`` keeps no requests, for a server that runs
    long.
    """

    def __init__(self, reply: Replier | None = None, *, port: int = 0, record: bool = True) -> None:
        self.closing = threading.Event()
        self.record = record
        self._reply = reply
        self._script: dict[str | None, deque[Replier]] = {}
        self._changed = threading.Condition()
        self._requests: list[Received] = []
        self._open: dict[socket.socket, threading.Thread] = {}
        self._accepted = 0
        self._disconnects = 0
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept, name=f"{type(self).__name__}-accept", daemon=True)
        self._acceptor.start()

    # ------------------------------------------------------------ for the wire formats

    @abstractmethod
    def serve(self, sock: socket.socket) -> None:
        """Serves one connection to its end, and closes it."""

    @abstractmethod
    def texts_of(self, received: Received) -> list[str]:
        """The texts of a request, one per message, those for the system first where they have a field of their own."""

    def scripted(self, received: Received, to: str | None = None) -> Scripted:
        """The next scripted answer, else the server's reply, else an echo of the last thing that was said."""
        with self._changed:
            queue = self._script.get(to)
            queued = queue.popleft() if queue else None
        item = self._evaluate(queued, received) if queued is not None else Scripted()
        if item.is_override:
            return item
        if item.is_silent and self._reply is not None:
            usual = self._evaluate(self._reply, received)
            item = usual if queued is None else replace(item, text=usual.text, tool_calls=usual.tool_calls)
        return replace(item, text=self.echo(received)) if item.is_silent else item

    def echo(self, received: Received) -> str:
        """The last line that was said. Only that line: what was put before it would come back as if it were new."""
        lines = "\n".join(self.texts_of(received)[-1:]).strip().splitlines()
        return f"You said: {lines[-1][:200]}" if lines else "You said nothing."

    @staticmethod
    def _evaluate(item: Replier, received: Received) -> Scripted:
        return as_scripted(item(received) if callable(item) else item)

    # ------------------------------------------------------------ for tests

    def script(self, *items: Replier, to: str | None = None) -> Self:
        """Queues answers for the next requests. ``to``: another endpoint than the one that replies ("embeddings")."""
        with self._changed:
            self._script.setdefault(to, deque()).extend(items)
        return self

    @property
    def requests(self) -> list[Received]:
        """All requests so far, oldest first (a copy)."""
        with self._changed:
            return list(self._requests)

    @property
    def last(self) -> Received:
        """The newest request; IndexError when there was none."""
        with self._changed:
            return self._requests[-1]

    def texts(self, index: int = -1) -> list[str]:
        """The message texts of a request, by default of the newest."""
        with self._changed:
            received = self._requests[index]
        return self.texts_of(received)

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        with self._changed:
            return len(self._open)

    @property
    def accepted(self) -> int:
        """How many connections were ever opened: more than one per client means that keep-alive was lost."""
        return self._accepted

    @property
    def disconnects(self) -> int:
        """How many clients left before they had been sent, or had read, the whole of an answer.

        One that leaves when all of a short stream is already on its way can look like one that read it: use
        ``hold`` or ``chunk_delay`` to be sure.
        """
        return self._disconnects

    def wait(self, n: int = 1, timeout: float = 5.0) -> list[Received]:
        """Waits until ``n`` requests have come in; TimeoutError if they do not."""
        self._until(lambda: len(self._requests) >= n, timeout, f"{n} requests")
        return self.requests

    def wait_disconnects(self, n: int = 1, timeout: float = 5.0) -> None:
        """Waits until ``n`` clients have left early; TimeoutError if they do not."""
        self._until(lambda: self._disconnects >= n, timeout, f"{n} clients that leave")

    def wait_idle(self, timeout: float = 5.0) -> None:
        """Waits until no connection is open; TimeoutError if some stay."""
        self._until(lambda: not self._open, timeout, "the last connection to close")

    def forget(self) -> None:
        """Empties the record and the script."""
        with self._changed:
            self._requests.clear()
            self._script.clear()

    def close(self) -> None:
        """Stops serving and drops every connection. Idempotent."""
        if self.closing.is_set():
            return
        self.closing.set()
        with suppress(OSError):  # closing a socket does not wake the thread in its accept(): a connection does
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._acceptor.join(2)
        self._listener.close()
        with self._changed:
            served = dict(self._open)
        for sock in served:
            with suppress(OSError):  # it may have ended by itself
                sock.shutdown(socket.SHUT_RDWR)
        for thread in served.values():
            if thread is not threading.current_thread():
                thread.join(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------ for the connections

    def note(self, received: Received) -> None:
        """Records a request."""
        with self._changed:
            if self.record:
                self._requests.append(received)
                self._changed.notify_all()

    def left_early(self) -> None:
        """Counts a client that did not stay to the end."""
        with self._changed:
            self._disconnects += 1
            self._changed.notify_all()

    def _until(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(done, timeout):
                raise TimeoutError(f"waited {timeout} s for {what}; there were {len(self._requests)} requests")

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self.closing.is_set():
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(
                target=self._serve, args=(sock,), name=f"{type(self).__name__}-client", daemon=True
            )
            with self._changed:
                self._accepted += 1
                self._open[sock] = thread
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            self.serve(sock)
        finally:
            with self._changed:
                self._open.pop(sock, None)
                self._changed.notify_all()
