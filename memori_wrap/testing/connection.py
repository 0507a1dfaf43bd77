"""One client connection of a fake server: HTTP/1.1 by hand over a blocking socket.

By hand, because ``http.server`` writes to stderr when a client leaves and hides the socket: a fault script cuts,
resets and holds an answer at an exact byte, and has to notice at once when a client goes.
"""

from __future__ import annotations

import json
import socket
import struct
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BufferedReader
from threading import Event
from typing import Protocol

from memori_wrap.testing.script import Received, Scripted

_POLL = 0.01
"""How often a waiting answer looks whether its client is still there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be sent: a ``body``, or the ``chunks`` of a stream. ``script`` holds the faults of its delivery."""

    body: bytes = b""
    chunks: Sequence[bytes] | None = None
    status: int = 200
    media: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    script: Scripted = field(default_factory=Scripted)


class Host(Protocol):
    """What a connection needs of its server."""

    closing: Event
    compress: bool

    def handle(self, received: Received) -> Answer: ...

    def left_early(self) -> None: ...


class _ClientLeftError(Exception):
    """The client closed its end before the answer was complete."""


class _CutError(Exception):
    """The script ends the connection here."""


def serve(sock: socket.socket, host: Host) -> None:
    """Answers the requests of one connection, one after the other, until either side ends it. Never raises."""
    streaming = False
    reader = sock.makefile("rb")
    try:
        while not host.closing.is_set() and (received := _read(reader)) is not None:
            answer = host.handle(received)
            streaming = answer.chunks is not None
            _Delivery(sock, host, answer, received).run()
            if received.headers.get("connection", "").lower() == "close":
                break
    except _CutError:
        pass
    except ConnectionResetError:
        # A client that closes with unread bytes of a stream in its buffer resets: we had sent all, it read less.
        if streaming and not host.closing.is_set():
            host.left_early()
    except _ClientLeftError:
        if not host.closing.is_set():
            host.left_early()
    except (OSError, ValueError):
        pass  # a half-sent request, or bytes that are no HTTP: nobody is there to be told
    finally:
        for end in (reader, sock):
            with suppress(OSError):
                end.close()


def _read(reader: BufferedReader) -> Received | None:
    """The next request, or None when the client has ended the connection. ValueError for what is no HTTP."""
    line = reader.readline(65537)
    if not line.strip():
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := reader.readline(65537)).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        raw = _read_chunked(reader)
    else:
        length = int(headers.get("content-length") or 0)
        raw = reader.read(length)
        if len(raw) < length:
            return None
    at = time.monotonic()
    path, _, query = target.partition("?")
    try:
        body = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        body = None
    return Received(method, path, query, headers, body, raw, at)


def _read_chunked(reader: BufferedReader) -> bytes:
    parts: list[bytes] = []
    while size := int(reader.readline(1024).split(b";")[0], 16):
        parts.append(reader.read(size))
        reader.readline(8)
    while reader.readline(65537).strip():
        pass  # trailers
    return b"".join(parts)


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


class _Delivery:
    """Sends one answer with the faults of its script."""

    def __init__(self, sock: socket.socket, host: Host, answer: Answer, received: Received) -> None:
        self._sock = sock
        self._host = host
        self._answer = answer
        self._script = answer.script
        self._received = received
        self._room = answer.script.cut_bytes
        """Bytes of the body that may still be sent."""

    def run(self) -> None:
        script = self._script
        self._pause(script.delay)
        if script.reset and script.cut_after is None and script.cut_bytes is None:
            self._cut()
        if self._answer.chunks is None:
            self._plain()
        else:
            self._stream(self._answer.chunks)

    def _plain(self) -> None:
        self._wait_for_release()
        body = self._answer.body
        extra: dict[str, str] = {}
        if self._host.compress and body and "gzip" in self._received.headers.get("accept-encoding", ""):
            body = _gzip(body)
            extra = {"content-encoding": "gzip"}
        head = self._head({**extra, "content-length": str(len(body))})
        room = len(body) // 2 if self._script.cut_after is not None else self._room
        self._send(head + body[:room])
        if room is not None:
            self._cut()

    def _stream(self, chunks: Sequence[bytes]) -> None:
        script = self._script
        cut = script.cut_after is not None or self._room is not None
        self._send(self._head({"transfer-encoding": "chunked", "cache-control": "no-cache"}))
        for sent, chunk in enumerate(chunks):
            if sent == script.cut_after:
                self._cut()
            if sent == script.hold_after:
                self._wait_for_release()
            if sent:
                self._pause(script.chunk_delay)
            self._look()
            # The end goes with the last chunk: a client that leaves at "[DONE]" has not left early.
            self._send_chunk(chunk, end=b"" if cut or sent < len(chunks) - 1 else b"0\r\n\r\n")
        if cut:
            self._cut()  # all events were sent, only the end of the transfer is missing

    def _send_chunk(self, chunk: bytes, end: bytes) -> None:
        allowed = chunk[: self._room]
        if allowed:
            self._send(b"%x\r\n%b\r\n%b" % (len(allowed), allowed, end))
        if self._room is not None:
            self._room -= len(allowed)
            if not self._room:
                self._cut()

    def _head(self, extra: Mapping[str, str]) -> bytes:
        status = self._answer.status
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        headers = {"content-type": self._answer.media, "connection": "keep-alive", **extra, **self._answer.headers}
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise _ClientLeftError from error

    def _cut(self) -> None:
        if self._script.reset:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _CutError

    def _wait_for_release(self) -> None:
        hold = self._script.hold
        while hold is not None and not hold.wait(_POLL):
            self._look()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _POLL))
            self._look()

    def _look(self) -> None:
        """Raises when nobody is left to answer: a waiting stream would otherwise notice at its next bytes only."""
        if self._host.closing.is_set():
            raise _CutError
        try:
            gone = self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return
        except OSError as error:
            raise _ClientLeftError from error
        if gone:
            raise _ClientLeftError
