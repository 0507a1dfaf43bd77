"""The four shapes of a call, and one way to write a test for all of them.

A test is written once, as a coroutine. For a synchronous client nothing in it ever waits, so it is run to its end by
one ``send``, without an event loop: the client is in the surroundings that it would be in at its user's.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

END: Any = object()
"""What ``take`` gives once a stream is exhausted."""


@dataclass(frozen=True)
class Shape:
    """One of the ways in which an SDK can be called."""

    name: str
    is_async: bool = False
    is_stream: bool = False

    def __str__(self) -> str:
        return self.name


SYNC, ASYNC = Shape("sync"), Shape("async", is_async=True)
STREAM, ASYNC_STREAM = Shape("stream", is_stream=True), Shape("async stream", is_async=True, is_stream=True)
SHAPES = (SYNC, ASYNC, STREAM, ASYNC_STREAM)
STREAMS = (STREAM, ASYNC_STREAM)
PLAIN = (SYNC, ASYNC)


def run(shape: Shape, work: Coroutine[Any, Any, T]) -> T:
    """Runs a test's body: under an event loop of its own where the shape is asynchronous, else without one."""
    if shape.is_async:
        return asyncio.run(work)
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("a synchronous client gave something to wait for")


async def settle(value: Any) -> Any:
    """The value, waited for where it is awaitable."""
    return await value if inspect.isawaitable(value) else value


def is_awaited(stream: Any) -> bool:
    """Whether a stream is read asynchronously: one that can be read in both ways is where there is an event loop."""
    if not hasattr(stream, "__aiter__") or not hasattr(stream, "__iter__"):
        return hasattr(stream, "__aiter__")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def take(stream: Any) -> Any:
    """The next item of an iterator of either kind, ``END`` after the last."""
    try:
        if is_awaited(stream):
            return await stream.__anext__()
        return next(stream if hasattr(stream, "__next__") else iter(stream))
    except (StopIteration, StopAsyncIteration):
        return END


async def drain(stream: Any) -> list[Any]:
    """All items of an iterable of either kind, by the loop that its user would write."""
    return [item async for item in stream] if is_awaited(stream) else list(stream)


@asynccontextmanager
async def within(manager: Any, close: Callable[[Any], Awaitable[None]] | None = None) -> AsyncGenerator[Any]:
    """``with`` or ``async with``, whichever the object has; exceptions reach its exit, as they do there.

    A plain generator has neither: its user writes ``closing`` or ``aclosing``. What else has neither is closed by
    ``close``.
    """
    if inspect.isgenerator(manager):
        manager = closing(manager)
    elif inspect.isasyncgen(manager):
        manager = aclosing(manager)
    if hasattr(manager, "__aenter__"):
        async with manager as entered:
            yield entered
    elif close is not None and not hasattr(manager, "__enter__"):
        try:
            yield manager
        finally:
            await close(manager)
    else:
        with manager as entered:
            yield entered


async def pause(seconds: float = 0.0) -> None:
    """Waits without holding the event loop, where there is one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        time.sleep(seconds)
    else:
        await asyncio.sleep(seconds)
