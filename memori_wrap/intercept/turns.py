"""A turn: an SDK's own tool loop, whose several calls are one exchange."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memori_wrap.context import is_paused
from memori_wrap.intercept.tee import Once
from memori_wrap.intercept.waiting import Waiting
from memori_wrap.types import Exchange

if TYPE_CHECKING:
    from memori_wrap.intercept.call import Desk, Registration

_turn: ContextVar[Turn | None] = ContextVar("memori_wrap_turn", default=None)


def current_turn() -> Turn | None:
    """The turn that a call which starts now belongs to."""
    return _turn.get()


def begin_turn(registration: Registration | None) -> Turn | None:
    """A turn, unless nobody is registered or one is under way: its loop then runs inside that one."""
    if registration is None or not registration.active or is_paused() or _turn.get() is not None:
        return None
    return Turn(registration.desk)


class Turn(Once):
    """Gathers the exchanges of one loop, and is captured as one when it ends; a ``Tap`` where the loop is a stream."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._lock = threading.Lock()
        self._digest: str | None = None
        self._exchanges: list[Exchange] = []
        self._is_open = True

    @contextmanager
    def entered(self) -> Generator[None]:
        """Calls that start here belong to the turn."""
        token = _turn.set(self)
        try:
            yield
        finally:
            _turn.reset(token)

    def feed(self, chunk: Any) -> None:
        """What the loop's items say, its calls have said."""

    def void(self) -> None:
        self.broken()

    def add(self, exchange: Exchange, digest: str) -> bool:
        """Takes an exchange of this turn; False for one about something else, such as a tool that asks a model."""
        with self._lock:
            if not self._is_open or digest != (self._digest or digest):
                return False
            self._digest = digest
            self._exchanges.append(exchange)
            return True

    def _deliver(self) -> Waiting | None:
        with self._lock:
            self._is_open = False
            exchanges = self._exchanges
        if not exchanges:
            return None
        first, last = exchanges[0], exchanges[-1]
        usage = sum((Counter(e.usage) for e in exchanges), Counter[str]())
        # the last request repeats the others: the user's words, the calls, the results
        return self._desk.capture(replace(last, id=first.id, said_at=first.said_at, usage=dict(usage)))
