"""A gate before ``os.fork``: no thread of ours is inside SQLite when the process is copied.

SQLite's own mutexes are copied as they stand; one that another thread held is never released in the child, and the
child's first statement waits for ever. So a fork waits until the transactions under way have ended, a moment, and
lets no new one begin before it is done.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager

PATIENCE = 2.0
"""Seconds that a fork waits at most: one that hangs (a database that is frozen) must not hold up the process."""


class _Gate:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """As new: in a forked child, whose other threads are gone."""
        self._changed = threading.Condition()
        self._inside = 0
        self._is_shut = False
        self._own = threading.local()

    @contextmanager
    def passed(self) -> Generator[None]:
        depth: int = getattr(self._own, "depth", 0)
        with self._changed:
            if self._is_shut and not depth:  # who is inside already may go deeper: the fork waits for him
                self._changed.wait_for(lambda: not self._is_shut, PATIENCE)
            self._inside += 1
        self._own.depth = depth + 1
        try:
            yield
        finally:
            self._own.depth = depth
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def shut(self) -> None:
        with self._changed:
            self._is_shut = True
            own: int = getattr(self._own, "depth", 0)
            self._changed.wait_for(lambda: self._inside <= own, PATIENCE)

    def open(self) -> None:
        with self._changed:
            self._is_shut = False
            self._changed.notify_all()


_gate = _Gate()


in_database = _gate.passed
"""Around whatever runs inside SQLite."""


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_gate.shut, after_in_parent=_gate.open, after_in_child=_gate.reset)
