"""A generator over a generator: its items, what is sent and thrown, and how its end is told to the tap."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import sys
from contextlib import contextmanager

import pytest

from memori_wrap.generators import atee, tee


class Tap:
    def __init__(self):
        self.log = []

    def feed(self, chunk):
        self.log.append(chunk)

    def end(self):
        self.log.append("end")

    async def aend(self):
        self.end()

    def broken(self):
        self.log.append("broken")

    def dropped(self):
        self.log.append("dropped")

    def void(self):
        self.log.append("void")


def conversation(log):
    try:
        got = yield 1
        log.append(got)
        try:
            yield 2
        except KeyError:
            yield 3
        return "done"
    finally:
        log.append("closed")


async def aconversation(log):
    try:
        got = yield 1
        log.append(got)
        try:
            yield 2
        except KeyError:
            yield 3
    finally:
        log.append("closed")


def test_send_throw_and_return_go_through():
    tap, log = Tap(), []
    made = tee(conversation(log), tap)
    assert inspect.isgenerator(made)
    assert next(made) == 1
    assert made.send("hello") == 2
    assert made.throw(KeyError("x")) == 3
    with pytest.raises(StopIteration) as stop:
        next(made)
    assert stop.value.value == "done"
    assert log == ["hello", "closed"]
    assert tap.log == [1, 2, 3, "end"]


def test_close_reaches_the_inner_one_at_once():
    tap, log = Tap(), []
    made = tee(conversation(log), tap)
    next(made)
    made.close()
    made.close()
    assert (tap.log, log) == ([1, "dropped"], ["closed"])


def test_dropped_without_a_gc_pass():
    tap, log = Tap(), []
    gc.disable()
    try:
        made = tee(conversation(log), tap)
        next(made)
        del made
        assert (tap.log, log) == ([1, "dropped"], ["closed"])
    finally:
        gc.enable()


@pytest.mark.parametrize(("before", "expected"), [(0, ["void"]), (2, [0, 1, "broken"])])
def test_an_error_is_the_inner_ones_own(before, expected):
    error = ValueError("no")

    def failing():
        yield from range(before)
        raise error

    tap = Tap()
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (identity is what is asserted)
        list(tee(failing(), tap))
    assert raised.value is error
    assert tap.log == expected


def test_iterators_that_are_no_generators():
    tap = Tap()
    made = tee(iter([1, 2, 3]), tap)
    assert next(made) == 1
    with pytest.raises(KeyError):
        made.throw(KeyError("x"))
    assert tap.log == [1, "broken"]
    other = Tap()
    left = tee(iter([1, 2]), other)
    next(left)
    left.close()
    assert other.log == [1, "dropped"]


def test_around_is_never_across_a_yield():
    inside = []

    @contextmanager
    def around():
        inside.append(True)
        try:
            yield
        finally:
            inside.pop()

    def looking():
        for _ in range(3):
            assert inside == [True]
            yield len(inside)

    for item in tee(looking(), Tap(), around):
        assert item == 1
        assert not inside


def test_async_send_throw_and_end():
    async def main():
        tap, log = Tap(), []
        made = atee(aconversation(log), tap)
        assert inspect.isasyncgen(made)
        assert await made.__anext__() == 1
        assert await made.asend("hello") == 2
        assert await made.athrow(KeyError("x")) == 3
        with pytest.raises(StopAsyncIteration):
            await made.__anext__()
        assert (tap.log, log) == ([1, 2, 3, "end"], ["hello", "closed"])

    asyncio.run(main())


def test_async_close_and_errors():
    async def main():
        tap, log = Tap(), []
        made = atee(aconversation(log), tap)
        await made.__anext__()
        await made.aclose()
        assert (tap.log, log) == ([1, "dropped"], ["closed"])

        async def failing():
            raise ValueError
            yield

        tap = Tap()
        with pytest.raises(ValueError):  # noqa: PT011
            [item async for item in atee(failing(), tap)]
        assert tap.log == ["void"]

    asyncio.run(main())


def test_the_end_of_the_loop_closes_both_without_a_word(caplog):
    """The loop closes all generators that it knows at once: told of both, one would find the other running."""
    tap, log = Tap(), []

    async def slow():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0.01)
            log.append("closed")

    kept = []

    async def main():
        kept.append(atee(slow(), tap))
        await kept[0].__anext__()

    asyncio.run(main())
    assert (tap.log, log) == ([1, "dropped"], ["closed"])
    assert not caplog.records


def test_a_task_cancelled_in_a_step():
    async def main():
        tap, log = Tap(), []

        async def hanging():
            try:
                yield 1
                await asyncio.sleep(30)
                yield 2
            finally:
                log.append("closed")

        made = atee(hanging(), tap)
        await made.__anext__()
        task = asyncio.ensure_future(made.__anext__())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (tap.log, log) == ([1, "broken"], ["closed"])

    asyncio.run(main())


@contextlib.asynccontextmanager
async def connection(seen):
    try:
        yield
    finally:
        seen.append(repr(sys.exc_info()[1]))
        try:
            for n in range(3):
                await asyncio.sleep(0)
                seen.append(n)
        except BaseException as error:
            seen.append(repr(error))
            raise


@pytest.mark.parametrize("is_collected", [False, True], ids=["dropped", "collected"])
@pytest.mark.parametrize("waits", range(4))
def test_a_loop_that_ends_after_a_drop_ends_it_as_it_would_by_itself(waits, is_collected, caplog):
    async def stream(seen):
        async with connection(seen):
            yield 1
            yield 2

    async def main(seen, made):
        assert await made.__anext__() == 1
        if is_collected:
            circle = [made]
            circle.append(circle)
            del circle
        del made
        if is_collected:
            gc.collect()
        for _ in range(waits):
            await asyncio.sleep(0)

    def play(around):
        seen = []
        made = [around(stream(seen))]
        asyncio.run(main(seen, made.pop()))
        gc.collect()
        noise = len(caplog.records)  # asyncio complains of what is collected, too
        caplog.clear()
        return seen, noise

    tap = Tap()
    gc.collect()
    assert play(lambda inner: atee(inner, tap)) == play(lambda inner: inner)
    assert tap.log[1:] != []
