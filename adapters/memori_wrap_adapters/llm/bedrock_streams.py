"""Taps on botocore's two kinds of streams: ``EventStream`` and ``StreamingBody``.

Both read a response of urllib3, which every way to read and to close them passes. Its class is replaced by a subclass
of it that reports what it hands out; the objects stay the same, and so does what they hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from typing import Any

from memori_wrap.generators import tee
from memori_wrap.protocols import ReplyBuilder, Tap
from memori_wrap.types import Reply

MAX_BODY = 16_000_000
"""Bytes of one body that are gathered; what comes after goes to the user only."""
BATCH = 16_000
"""Bytes of events that are read at once: read one by one they would take more time from the stream's reader."""
_TAP = "_memori_wrap_tap"


# ---------------------------------------------------------------- event streams


def attach_events(stream: Any, builder: ReplyBuilder, tap: Callable[[ReplyBuilder], Tap]) -> bool:
    """Mounts a tap on an event stream; False where it is of an unknown make.

    ``builder`` gets events as dicts: the payload by its type.
    """
    messages: Any = getattr(stream, "_event_generator", None)
    raw: Any = getattr(stream, "_raw_stream", None)
    if messages is None or not _is_response(raw):
        return False
    made = tap(_Events(builder))
    raw.__class__ = _subclass(_Closing, raw.__class__)
    setattr(raw, _TAP, made)
    stream._event_generator = tee(messages, _Ending(made))
    return True


class _Events:
    """A ``ReplyBuilder`` over the frames of an event stream."""

    def __init__(self, builder: ReplyBuilder) -> None:
        self._builder = builder
        self._kinds: list[str] = []
        self._payloads: list[bytes] = []
        self._waiting = self._size = 0

    def feed(self, chunk: Any) -> None:
        payload: bytes = chunk.payload
        self._size += len(payload)
        if self._size > MAX_BODY:
            return
        self._kinds.append(chunk.headers.get(":event-type", ""))
        self._payloads.append(payload)
        self._waiting += len(payload)
        if self._waiting > BATCH:
            self._read()

    def _read(self) -> None:
        kinds, payloads = self._kinds, self._payloads
        self._kinds, self._payloads, self._waiting = [], [], 0
        for kind, payload in zip(kinds, _objects(payloads), strict=True):
            self._builder.feed({kind: payload})

    def reply(self) -> Reply:
        self._read()
        return self._builder.reply()


def _objects(payloads: list[bytes]) -> list[Any]:
    try:
        found: list[Any] = json.loads(b"[" + b",".join(payloads) + b"]")  # faster than one by one
    except ValueError:
        found = [_object(payload) for payload in payloads]
    return found


def _object(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return None


class _Ending:
    """A tap on frames: an error among them is the end, since the stream's reader raises it."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self.end, self.aend, self.broken, self.dropped, self.void = tap.end, tap.aend, tap.broken, tap.dropped, tap.void

    def feed(self, chunk: Any) -> None:
        self._tap.feed(chunk)
        if chunk.headers.get(":message-type") in ("exception", "error"):
            self._tap.broken()


# ---------------------------------------------------------------- bodies


def in_memory(body: Any) -> bytes | None:
    """What is left of a body that nobody has to wait for, as tests make them; None where it has to be read."""
    raw = getattr(body, "_raw_stream", body)
    return raw.getvalue()[raw.tell() :] if isinstance(raw, BytesIO) else None


def attach_body(body: Any, read: Callable[[bytes], Reply | None], tap: Callable[[ReplyBuilder], Tap]) -> bool:
    """Mounts a tap on a body that is still to be read; False where it is of an unknown make."""
    raw: Any = getattr(body, "_raw_stream", None)
    if not _is_response(raw):
        return False
    raw.__class__ = _subclass(_Reading1 if hasattr(raw, "read1") else _Reading, raw.__class__)
    setattr(raw, _TAP, tap(_Whole(read)))
    return True


class _Whole:
    """A ``ReplyBuilder`` over the bytes of a body."""

    def __init__(self, read: Callable[[bytes], Reply | None]) -> None:
        self._read = read
        self._gathered: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size <= MAX_BODY:
            self._gathered.append(chunk)

    def reply(self) -> Reply:
        return self._read(b"".join(self._gathered)) or Reply(complete=False)


# ---------------------------------------------------------------- urllib3's response


def _is_response(raw: Any) -> bool:
    return all(hasattr(raw, name) for name in ("read", "read_chunked", "isclosed", "close", "__dict__"))


class _Closing:
    """What is added to the response under an event stream."""

    def close(self) -> None:
        try:
            super().close()  # type: ignore[misc]
        finally:
            # by the user, or by the collector, which finalises files by closing them: who can tell
            vars(self)[_TAP].dropped()


class _Reading(_Closing):
    """What is added to the response under a body."""

    def read(self, amt: int | None = None, *given: Any, **more: Any) -> bytes:
        data: bytes = self._step(super().read, amt, *given, **more)  # type: ignore[misc]
        self._took(data, amt is None or amt < 0)
        return data

    def read_chunked(self, *given: Any, **more: Any) -> Iterator[bytes]:
        chunks = super().read_chunked(*given, **more)  # type: ignore[misc]
        while (data := self._step(next, chunks, None)) is not None:
            self._took(data, is_last=False)
            yield data
        self._took(b"", is_last=True)

    def _step(self, method: Callable[..., Any], *given: Any, **more: Any) -> Any:
        try:
            return method(*given, **more)
        except BaseException:
            vars(self)[_TAP].void()  # half a body says nothing, and the user has nothing either
            raise

    def _took(self, data: bytes, is_last: bool) -> None:
        tap: Tap = vars(self)[_TAP]
        if data:
            tap.feed(data)
        if is_last or self.isclosed():  # type: ignore[attr-defined]
            tap.end()


class _Reading1(_Reading):
    """The same from urllib3 2 on."""

    def read1(self, amt: int | None = None, *given: Any, **more: Any) -> bytes:
        data: bytes = self._step(super().read1, amt, *given, **more)  # type: ignore[misc]
        self._took(data, is_last=False)
        return data


@cache
def _subclass(tap: type, base: type) -> type:
    """Called as its base is, where somebody asks for the name."""
    names = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
    return type(base.__name__, (tap, base), names)
