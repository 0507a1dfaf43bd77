"""A tap on a plain generator, which has no place to mount one: a generator over it takes its place.

It is a real one (SDK users check), hands on what is sent, thrown and closed (PEP 380), and adds nothing to the
generator's items. ``around`` is entered around each step and never across a yield.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from memori_wrap.protocols import Tap

Around = Callable[[], AbstractContextManager[object]]


def tee(inner: Any, tap: Tap, around: Around | None = None) -> Generator[Any, Any, Any]:
    """A generator over ``inner``, a generator or any other iterator."""
    step_in: Around = around or getattr(tap, "around", nullcontext)
    step: Callable[[], Any] = inner.__next__
    is_begun = False
    while True:
        try:
            with step_in():
                item = step()
        except StopIteration as done:
            tap.end()
            return done.value
        except BaseException:
            (tap.broken if is_begun else tap.void)()
            raise
        is_begun = True
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


def _left_to_its_owner(_: object) -> None:
    """For a generator that is collected while it is open."""


async def atee(inner: Any, tap: Tap, around: Around | None = None) -> AsyncGenerator[Any, Any]:
    """An asynchronous generator over ``inner``."""
    step_in: Around = around or getattr(tap, "around", nullcontext)
    # The event loop closes every generator that it has seen begin, all at once, and one that is collected: it must see
    # this one only, or one is told that the other "is already running". Nor may the collector close ``inner``: it
    # finds both at once, and this one, whom the loop then closes, does that.
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, _left_to_its_owner)
    try:
        step = inner.__anext__()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    is_begun = False
    while True:
        try:
            with step_in():
                item = await step
        except StopAsyncIteration:
            await tap.aend()
            return
        except BaseException:
            (tap.broken if is_begun else tap.void)()
            raise
        is_begun = True
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
        except BaseException as error:
            if not hasattr(inner, "athrow"):
                tap.broken()
                raise
            step = inner.athrow(error)
        else:
            step = inner.__anext__() if sent is None else inner.asend(sent)
