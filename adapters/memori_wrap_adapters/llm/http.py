"""The seam shared by SDKs that speak HTTP through httpx: a tap on the body of a response.

The tap sits on ``response.stream``, which httpx itself wraps in the same way. So it sees every way to read a
streamed response (the SDK's own iterator, its helpers, ``parse``, ``iter_lines``, ``read``), touches no private
name of the SDK, and leaves every object that the user holds as it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from memori_wrap.protocols import ReplyBuilder, Tap
from memori_wrap.types import Reply
from memori_wrap_adapters.llm import eventstream

MAX_BODY = 16_000_000
"""Bytes of one streamed body that are gathered; what comes after goes to the user only."""
BATCH = 16_000
"""Bytes of events that are read at once: read one by one they would take twice the time from the stream's reader."""


def response_of(result: Any) -> Any:
    """The httpx response behind an SDK's stream or raw response, None where there is none."""
    response = getattr(result, "http_response", None) or getattr(result, "response", None)
    return response if hasattr(response, "stream") and hasattr(response, "headers") else None


def reply_of(response: Any, builder: ReplyBuilder, whole: Callable[[Any], Reply | None]) -> Reply | None:
    """What a response says whose body is in memory already: mostly no stream, but a mocked or cached one is, too.

    None where the body has not been read, or is nothing that ``whole`` knows.
    """
    try:
        content = response.content
    except Exception:  # httpx says "not read yet" with a class of its own
        return None
    feed = _feeder(response.headers, content)
    if feed is not None:
        feed(builder, content + b"\n")
        return builder.reply()
    return whole(found) if (found := _object(content)) is not None else None


def attach(
    result: Any,
    builder: ReplyBuilder,
    whole: Callable[[Any], Reply | None],
    tap: Callable[[ReplyBuilder], Tap],
    last: bytes | None = None,
) -> Any:
    """Mounts ``tap`` on the unread body behind ``result``, and returns that; None where there is no such body.

    Events of an event stream go to ``builder`` one by one; any other body is read by ``whole`` at the end. ``last``:
    for an SDK that stops reading at this line. It leaves the end of the body to be found by a generator that is closed,
    which looks like a stream that was dropped.
    """
    response = response_of(result)
    if response is None or response.is_stream_consumed or response.is_closed:
        return None
    bases = _stream_bases(type(response).__module__.partition(".")[0])
    for base, tee in zip(bases, (_SyncTee, _AsyncTee), strict=True):
        if isinstance(response.stream, base):
            made = _tee_class(tee, base)(response.stream, tap(_Body(response, builder, whole)), last)
            response.stream = made
            return result
    return None


@cache
def _stream_bases(package: str) -> tuple[type, type]:
    module = import_module(package)
    return module.SyncByteStream, module.AsyncByteStream


@cache
def _tee_class(tee: type, base: type) -> type:
    """httpx asks for an instance of its own base class, and openai 2 and 3 bring two different httpx."""
    return type(tee.__name__.strip("_"), (tee, base), {})


class _Tee:
    """Stands for the stream that it is put over: httpx finds the elapsed time there, and anthropic its tracing."""

    def __init__(self, stream: Any, tap: Tap, last: bytes | None = None) -> None:
        self._stream, self._tap, self._last = stream, tap, last

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._stream, name)


class _SyncTee(_Tee):
    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                self._tap.feed(chunk)
                if self._last is not None and chunk.rstrip().endswith(self._last):
                    self._tap.end()
                yield chunk
        except Exception:
            self._tap.broken()
            raise
        self._tap.end()

    def close(self) -> None:
        # a generator is being closed, the SDK's or the user's: the collector does that, too
        is_dropped = isinstance(sys.exc_info()[1], GeneratorExit)
        try:
            self._stream.close()
        finally:
            if is_dropped:
                self._tap.dropped()
            else:
                self._tap.end()


class _AsyncTee(_Tee):
    def __aiter__(self) -> AsyncIterator[bytes]:
        return _AsyncChunks(self._stream.__aiter__(), self._tap, self._last)

    async def aclose(self) -> None:
        # at the end (openai 2 closes at "[DONE]") or by its user; where an exception passes, nothing is held up
        is_broken = sys.exc_info()[1] is not None
        try:
            await self._stream.aclose()
        except BaseException:
            self._tap.broken()
            raise
        if is_broken:
            self._tap.broken()
        else:
            await self._tap.aend()


class _AsyncChunks:
    """An object and not one more generator: whatever ends an event loop closes all generators at once, and one that
    waits for another is then told that this one "is already running". httpx closes it as the generator that it
    stands for."""

    def __init__(self, chunks: Any, tap: Tap, last: bytes | None) -> None:
        self._chunks, self._tap, self._last = chunks, tap, last

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk: bytes = await self._chunks.__anext__()
        except StopAsyncIteration:
            await self._tap.aend()
            raise
        except GeneratorExit:
            raise  # dropped, maybe by the collector: the tap notices by itself
        except BaseException:
            self._tap.broken()
            raise
        self._tap.feed(chunk)
        if self._last is not None and chunk.rstrip().endswith(self._last):
            await self._tap.aend()
        return chunk

    async def asend(self, value: None) -> bytes:
        return await self.__anext__()

    async def athrow(self, *error: Any) -> bytes:
        thrown: bytes = await self._chunks.athrow(*error)
        return thrown

    async def aclose(self) -> None:
        if hasattr(self._chunks, "aclose"):
            await self._chunks.aclose()


class _Body:
    """A ``ReplyBuilder`` over the bytes of a body: server-sent events as they come, anything else at its end."""

    def __init__(self, response: Any, builder: ReplyBuilder, whole: Callable[[Any], Reply | None]) -> None:
        self._response_class: Any = type(response)
        self._headers: dict[str, str] = dict(response.headers)
        self._builder, self._whole = builder, whole
        self._is_coded = self._headers.get("content-encoding", "identity") != "identity"
        self._feed_events: _Feeder | None = None
        self._gathered: list[bytes] = []
        self._size = self._waiting = 0

    def feed(self, chunk: bytes) -> None:
        if not self._size:
            self._feed_events = _feeder(self._headers, chunk)
        self._size += len(chunk)
        if self._size > MAX_BODY:
            return
        self._gathered.append(chunk)
        if self._feed_events is not None and not self._is_coded:
            self._waiting += len(chunk)
            if self._waiting > BATCH:
                self._gathered, self._waiting = [self._feed_events(self._builder, b"".join(self._gathered))], 0

    def reply(self) -> Reply:
        body = b"".join(self._gathered)
        if self._is_coded:
            body = self._response_class(200, headers=self._headers, content=body).content
        if self._feed_events is not None:
            self._feed_events(self._builder, body + b"\n")
            return self._builder.reply()
        found = _object(body)  # None where the body was cut, by the user or by MAX_BODY
        return (self._whole(found) if found is not None else None) or Reply(complete=False)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content.decode())  # given bytes, it would guess their encoding
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


_Feeder = Callable[[ReplyBuilder, bytes], bytes]
"""Feeds the whole events of a body's next bytes; gives back the rest."""


def _feeder(headers: Mapping[str, str], start: bytes) -> _Feeder | None:
    """By the name of the format, or, since the SDKs do not ask for that, by its looks. None for a plain body."""
    media = headers.get("content-type", "")
    if eventstream.MEDIA in media:
        return _feed_frames
    return _feed if "event-stream" in media or start.startswith((b"data:", b"event:", b":")) else None


def _feed_frames(builder: ReplyBuilder, data: bytes) -> bytes:
    payloads, rest = eventstream.split(data)
    for event in eventstream.events(payloads):
        if isinstance(event, dict):
            builder.feed(event)
    return rest


def _feed(builder: ReplyBuilder, data: bytes) -> bytes:
    """Feeds the events of whole lines; gives back the rest.

    One event's data may stand in several lines by the standard; no provider does so.
    """
    *lines, rest = data.split(b"\n")
    found = [line[5:] for line in lines if line.startswith(b"data:") and line[5:].strip() != b"[DONE]"]
    try:
        events: list[Any] = json.loads((b"[" + b",".join(found) + b"]").decode())  # half the time of one by one
    except ValueError:
        events = [_object(line) for line in found]  # one of a stream that was closed in the middle of it
    for event in events:
        if isinstance(event, dict):
            builder.feed(event)
    return rest
