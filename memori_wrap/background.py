"""Daemon threads with bounded patience, and the courtesy that background work shows to calls.

The standard library's executors join their threads when the interpreter exits: one hung query would hang the
program. These threads never hold it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class _Task(Generic[T]):
    __slots__ = ("abandoned", "call", "future")

    def __init__(self, call: Callable[[], T]) -> None:
        self.call = call
        self.future: Future[T] = Future()
        self.abandoned = False

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.call()
        except BaseException as error:  # handed over to whoever waits
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Threads:
    """At most ``size`` daemon threads, started as needed, that run what is submitted.

    A caller that will not wait any longer says so (``abandon``). While ``size`` abandoned tasks are still
    running the pool is broken: it takes nothing, so that nobody waits for it either.
    """

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._queue: SimpleQueue[_Task[Any] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._stuck = 0
        self._tasks: dict[Future[Any], _Task[Any]] = {}

    @property
    def broken(self) -> bool:
        return self._stuck >= self._size

    def submit(self, call: Callable[[], T]) -> Future[T] | None:
        """The future of ``call``, or None while the pool is broken."""
        task: _Task[T] = _Task(call)
        with self._lock:
            if self._stuck >= self._size:
                return None
            self._tasks[task.future] = task
            count = len(self._threads)
            if self._busy + self._queue.qsize() >= count and count < self._size:
                self._threads.append(threading.Thread(target=self._run, name=f"{self._name}-{count}", daemon=True))
                self._threads[-1].start()
        self._queue.put(task)
        return task.future

    def abandon(self, future: Future[T]) -> None:
        """Nobody waits for ``future`` any more: it is dropped if still queued, else counted until it ends."""
        if future.cancel():
            return
        with self._lock:
            task = self._tasks.get(future)
            if task is not None and not task.abandoned:
                task.abandoned = True
                self._stuck += 1

    def close(self, deadline: float) -> None:
        """Ends the threads, those that are not stuck by ``deadline`` (monotonic seconds)."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            with self._lock:
                self._busy += 1
            task.run()
            with self._lock:
                self._busy -= 1
                self._tasks.pop(task.future, None)
                self._stuck -= task.abandoned


class Courtesy:
    """Lets calls go first: one busy Python thread costs a call with two hand-offs 10 ms, a polite one 0.1."""

    PATIENCE = 0.05
    """Seconds that a piece of background work waits for calls at most: it must get on, too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._quiet = threading.Event()
        self._quiet.set()

    @contextmanager
    def call(self) -> Generator[None]:
        """Around the stages of a call that are ours: read, recall, inject, capture."""
        with self._lock:
            self._calls += 1
            self._quiet.clear()
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1
                if not self._calls:
                    self._quiet.set()

    def breathe(self) -> None:
        """Called by background work after every piece of at most 0.5 ms."""
        time.sleep(0)
        if not self._quiet.is_set():
            self._quiet.wait(self.PATIENCE)


def take(queue: SimpleQueue[T], first: T, limit: int) -> list[T]:
    """``first`` and what else waits in ``queue``, ``limit`` items at most."""
    items = [first]
    while len(items) < limit:
        try:
            items.append(queue.get_nowait())
        except Empty:
            break
    return items
