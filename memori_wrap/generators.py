"""A tap on a plain generator, which has no place to mount one: a generator over it takes its place.

It is a real one (SDK users check), hands on what is sent, thrown and closed (PEP 380), and adds nothing to the
generator's items. ``around`` is entered around each step and never across a yield. Where the first step fails, the
tap's ``anew``, if it has one, may give another iterator to begin with (or something to await that gives it); after
the first step its ``begun`` is called.
"""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from inspect import isawaitable
from types import coroutine
from typing import Any

from memori_wrap.protocols import Tap

Around = Callable[[], AbstractContextManager[object]]


def tee(inner: Any, tap: Tap, around: Around | None = None) -> Generator[Any, Any, Any]:
    """A generator over ``inner``, a generator or any other iterator."""
    step_in: Around = around or getattr(tap, "around", None) or nullcontext
    step: Callable[[], Any] = inner.__next__
    is_begun = False
    while True:
        try:
            with step_in():
                item = step()
        except StopIteration as done:
            tap.end()
            return done.value
        except BaseException as error:
            other = None if is_begun else _other(tap, error)
            if other is None:
                (tap.broken if is_begun else tap.void)()
                raise
            inner, step = other, other.__next__
            continue
        if not is_begun:
            is_begun = True
            _begun(tap)
        tap.feed(item)
        try:
            sent = yield item
        except GeneratorExit:
            try:
                if hasattr(inner, "close"):
                    with step_in():
                        inner.close()
            finally:
                tap.dropped()  # by the user or by the collector: who can tell
            raise
        except BaseException as error:
            if not hasattr(inner, "throw"):
                tap.broken()
                raise
            step = partial(inner.throw, error)
        else:
            step = inner.__next__ if sent is None else partial(inner.send, sent)


def _other(tap: Tap, error: BaseException) -> Any:
    """What is to be begun with instead of an iterator that failed at its first step; None: nothing is."""
    anew: Callable[[BaseException], Any] | None = getattr(tap, "anew", None)
    return anew(error) if anew is not None else None


def _begun(tap: Tap) -> None:
    """Lets the tap go of what it held for another beginning."""
    begun: Callable[[], None] | None = getattr(tap, "begun", None)
    if begun is not None:
        begun()


def _left_to_its_owner(_: object) -> None:
    """For a generator that is collected while it is open."""


def first(inner: Any) -> Awaitable[Any]:
    """The first step of an asynchronous generator that another stands in front of, unseen by the event loop.

    The loop closes every generator that it has seen begin, all at once, and one that is collected: it must see the
    other one only, or one is told that the other "is already running". Nor may the collector close ``inner``: it
    finds both at once, and the other, whom the loop then closes, does that.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, _left_to_its_owner)
    try:
        step: Awaitable[Any] = inner.__anext__()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    return step


@coroutine
def _cancelled(inner: Any, error: BaseException) -> Generator[Any, Any, Any]:
    """What becomes of ``inner`` where the task that was to close it is cancelled before it began.

    That happens to a stream that was dropped as its event loop ends. Python before 3.13 then throws twice: the
    cancellation, and, at its first wait, GeneratorExit. ``inner`` is to see both, as it would by itself.
    """
    closing, ending = inner.aclose(), None
    advance: Callable[[], Any] = partial(closing.throw, error)
    try:
        while True:
            try:
                waited_for = advance()
            except StopIteration:
                if ending is not None:
                    raise ending from None
                return
            try:
                yield waited_for
            except GeneratorExit as closed:
                ending = closed
                advance = partial(closing.send, None) if sys.version_info < (3, 13) else partial(closing.throw, closed)
            except BaseException as thrown:
                advance = partial(closing.throw, thrown)
            else:
                advance = partial(closing.send, None)
    finally:
        del error, ending, advance  # an error holds the frames that it went through


async def atee(inner: Any, tap: Tap, around: Around | None = None) -> AsyncGenerator[Any, Any]:
    """An asynchronous generator over ``inner``."""
    step_in: Around = around or getattr(tap, "around", None) or nullcontext
    step = first(inner)
    is_begun = False
    while True:
        try:
            with step_in():
                item = await step
        except StopAsyncIteration:
            await tap.aend()
            return
        except BaseException as error:
            other = None if is_begun else _other(tap, error)
            if other is None:
                (tap.broken if is_begun else tap.void)()
                raise
            inner = await other if isawaitable(other) else other
            step = first(inner)
            continue
        if not is_begun:
            is_begun = True
            _begun(tap)
        tap.feed(item)
        try:
            sent = yield item
        except GeneratorExit:
            try:
                if hasattr(inner, "aclose"):
                    with step_in():
                        await inner.aclose()
            finally:
                tap.dropped()
            raise
        except CancelledError as error:
            tap.broken()
            if hasattr(inner, "aclose"):
                with step_in():
                    await _cancelled(inner, error)
            raise
        except BaseException as error:
            if not hasattr(inner, "athrow"):
                tap.broken()
                raise
            step = inner.athrow(error)
        else:
            step = inner.__anext__() if sent is None else inner.asend(sent)
