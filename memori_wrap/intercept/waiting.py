"""Waiting for another thread, within a budget: the one thing that sync and async calls do differently."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something under way on another thread, and the seconds that the call may wait for it."""

    future: Future[Any]
    budget: float
    give_up: Callable[[Future[Any]], None] | None = None

    def value(self) -> Any:
        if self.future.done():
            return None if self.future.cancelled() or self.future.exception() else self.future.result()
        if self.give_up is not None:
            self.give_up(self.future)
        return None


def wait(waiting: Waiting | None) -> Any:
    """The value, or None once the budget is spent or where it failed (which has been counted by then)."""
    if waiting is None:
        return None
    concurrent.futures.wait([waiting.future], waiting.budget)
    return waiting.value()


async def wait_async(waiting: Waiting | None) -> Any:
    """``wait`` without holding the event loop: asyncio's own future there, a thread under trio."""
    if waiting is None:
        return None
    if not waiting.future.done():
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            import anyio.to_thread

            await anyio.to_thread.run_sync(
                concurrent.futures.wait, [waiting.future], waiting.budget, abandon_on_cancel=True
            )
        else:
            here = asyncio.wrap_future(waiting.future)
            try:
                await asyncio.wait([here], timeout=waiting.budget)
            finally:
                here.cancel()  # else it would call back into a loop that may be closed by then
    return waiting.value()
