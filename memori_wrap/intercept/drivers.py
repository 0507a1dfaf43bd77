"""The two ways to run a call, and a turn of several. They differ in the await and in nothing else."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from memori_wrap.generators import atee, first, tee
from memori_wrap.intercept.call import Call, Registration, begin
from memori_wrap.intercept.tee import StreamTap
from memori_wrap.intercept.turns import begin_turn
from memori_wrap.intercept.waiting import wait, wait_async
from memori_wrap.protocols import Arguments, PatchPoint

Lookup = Callable[[Any], "Registration | None"]
Driver = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def driver(point: PatchPoint, lookup: Lookup) -> Driver:
    """What wrapt is to call in the place of the method."""
    if point.role == "turn":
        return _async_turn(lookup) if point.is_async else _sync_turn(lookup)
    if point.gives_context:
        return _async_context(point, lookup)
    if point.is_async and inspect.isasyncgenfunction(inspect.getattr_static(point.owner, point.method)):
        return _async_stream(point, lookup)
    return _async_call(point, lookup) if point.is_async else _sync_call(point, lookup)


def _begin(
    point: PatchPoint,
    registration: Registration | None,
    receiver: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Call | None:
    if registration is None:
        return None
    given = Arguments((receiver, *args) if point.takes_receiver else args, kwargs)
    return begin(registration, receiver, given, point)


def _bound(
    point: PatchPoint, wrapped: Callable[..., Any], receiver: Any, given: Arguments
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The method to call, and its arguments: that of another receiver, where the injection put one there."""
    if not point.takes_receiver:
        return wrapped, given.args
    if given.args[0] is receiver:
        return wrapped, given.args[1:]
    # under our wrapper there may be another patcher's, which must not be left out
    unbound: Any = getattr(wrapped, "_self_parent", None) or wrapped.__func__  # type: ignore[attr-defined]
    return unbound.__get__(given.args[0], type(given.args[0])), given.args[1:]


def _made(point: PatchPoint, wrapped: Callable[..., Any], receiver: Any, given: Arguments) -> Any:
    """What the SDK's own method gives."""
    method, args = _bound(point, wrapped, receiver, given)
    return method(*args, **given.kwargs)


def _sync_call(point: PatchPoint, lookup: Lookup) -> Driver:
    def drive(wrapped: Callable[..., Any], receiver: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _begin(point, lookup(receiver), receiver, args, kwargs)
        if not call:
            return wrapped(*args, **kwargs)
        call.inject(wait(call.recalling))
        while not call.is_over:
            with call.open() as given:
                call.result = _made(point, wrapped, receiver, given)
        if inspect.isgenerator(call.result):
            call.make = partial(_made, point, wrapped, receiver)
        wait(call.finish())
        return call.taken()

    return drive


def _async_call(point: PatchPoint, lookup: Lookup) -> Driver:
    async def drive(wrapped: Callable[..., Any], receiver: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _begin(point, lookup(receiver), receiver, args, kwargs)
        if not call:
            return await wrapped(*args, **kwargs)
        call.inject(await wait_async(call.recalling))
        while not call.is_over:
            with call.open() as given:
                call.result = await _made(point, wrapped, receiver, given)
        if inspect.isasyncgen(call.result):
            call.make = partial(_made, point, wrapped, receiver)
        await wait_async(call.finish())
        return call.taken()

    return drive


def _async_stream(point: PatchPoint, lookup: Lookup) -> Driver:
    """For an asynchronous generator function. It has to give its generator at once: the first step does the waiting."""

    def drive(wrapped: Callable[..., Any], receiver: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _begin(point, lookup(receiver), receiver, args, kwargs)
        if not call:
            return wrapped(*args, **kwargs)
        later = call.result = _Later(call, partial(_made, point, wrapped, receiver))
        call.finish()
        result = call.taken()
        return result if result is not later else wrapped(*args, **kwargs)

    return drive


def _async_context(point: PatchPoint, lookup: Lookup) -> Driver:
    """For a method that returns an asynchronous context manager over a stream."""

    def drive(wrapped: Callable[..., Any], receiver: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _begin(point, lookup(receiver), receiver, args, kwargs)
        return _context(call, partial(_made, point, wrapped, receiver)) if call else wrapped(*args, **kwargs)

    return drive


@asynccontextmanager
async def _context(call: Call, make: Callable[[Arguments], Any]) -> AsyncGenerator[Any]:
    call.inject(await wait_async(call.recalling))
    async with AsyncExitStack() as stack:
        while not call.is_over:
            with call.open() as given:
                call.result = await stack.enter_async_context(make(given))
        taps: list[StreamTap] = []
        await wait_async(call.finish(taps))
        try:
            yield call.taken()
        except BaseException:
            for tap in taps:
                tap.broken()
            raise
        for tap in taps:
            await tap.aend()


class _Later:
    """An asynchronous generator that is made, with the call's block, when its first item is asked for."""

    def __init__(self, call: Call, make: Callable[[Arguments], Any]) -> None:
        self._call, self._make = call, make
        self._made: Any = None

    async def __anext__(self) -> Any:
        if self._made is not None:
            return await self._made.__anext__()
        call = self._call
        call.inject(await wait_async(call.recalling))
        while not call.is_over:
            with call.open() as given:
                self._made = self._make(given)
                try:
                    return await first(self._made)
                except StopAsyncIteration:
                    pass  # it has no items: that is no error
        raise StopAsyncIteration

    def asend(self, value: Any) -> Any:
        return self._made.asend(value)

    def athrow(self, error: BaseException) -> Any:
        return self._made.athrow(error)

    def aclose(self) -> Any:
        return self._made.aclose()


def _sync_turn(lookup: Lookup) -> Driver:
    def drive(wrapped: Callable[..., Any], receiver: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        turn = begin_turn(lookup(receiver))
        if turn is None:
            return wrapped(*args, **kwargs)
        try:
            with turn.entered():
                result = wrapped(*args, **kwargs)
        except BaseException:
            turn.broken()
            raise
        if inspect.isgenerator(result):
            return tee(result, turn, turn.entered)
        turn.end()
        return result

    return drive


def _async_turn(lookup: Lookup) -> Driver:
    async def drive(wrapped: Callable[..., Any], receiver: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        turn = begin_turn(lookup(receiver))
        if turn is None:
            return await wrapped(*args, **kwargs)
        try:
            with turn.entered():
                result = await wrapped(*args, **kwargs)
        except BaseException:
            turn.broken()
            raise
        if inspect.isasyncgen(result):
            return atee(result, turn, turn.entered)
        await turn.aend()
        return result

    return drive
