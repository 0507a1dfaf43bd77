"""The two ways to run a call. They differ in the await and in nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memori_wrap.intercept.call import Registration, begin
from memori_wrap.intercept.waiting import wait, wait_async

Lookup = Callable[[object], Registration | None]
Driver = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


def sync_driver(lookup: Lookup) -> Driver:
    def drive(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = begin(lookup(instance), instance, args, kwargs)
        if call is None:
            return wrapped(*args, **kwargs)
        arguments = call.inject(wait(call.recalling))
        with call.open():
            result = wrapped(*arguments.args, **arguments.kwargs)
        wait(call.finish(result))
        return result

    return drive


def async_driver(lookup: Lookup) -> Driver:
    async def drive(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = begin(lookup(instance), instance, args, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        arguments = call.inject(await wait_async(call.recalling))
        with call.open():
            result = await wrapped(*arguments.args, **arguments.kwargs)
        await wait_async(call.finish(result))
        return result

    return drive
