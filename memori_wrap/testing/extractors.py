"""A deterministic extractor that fails and stalls on command."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from memori_wrap.errors import ExtractionError
from memori_wrap.types import Fact, StoredMessage, Triple

MakeFacts = Callable[[StoredMessage], Iterable[Fact]]


def said(message: StoredMessage) -> Iterable[Fact]:
    """One fact per user message: that it was said."""
    quote = message.text.strip()
    if message.role == "user" and quote:
        yield Fact(f"User said: {quote}", quote, Triple("user", "said", quote), category="said", rule="scripted")


class ScriptedExtractor:
    """Makes of each message what ``make`` says.

    The first ``fail`` calls raise, and always those with ``poison`` in the text of a message. ``delay`` and ``gate``
    slow or freeze every call. What is raised comes from ``error``. ``seen`` holds the message ids of each call.
    """

    def __init__(
        self,
        make: MakeFacts = said,
        *,
        fail: int = 0,
        poison: str | None = None,
        delay: float = 0.0,
        gate: threading.Event | None = None,
        error: Callable[[str], BaseException] = ExtractionError,
    ) -> None:
        self._make = make
        self._failures_left = fail
        self._poison = poison
        self._delay = delay
        self._gate = gate
        self._error = error
        self._lock = threading.Lock()
        self.seen: list[tuple[str, ...]] = []

    def extract(self, messages: Sequence[StoredMessage]) -> Sequence[tuple[str, Fact]]:
        """The scripted facts, or the scripted failure."""
        with self._lock:
            self.seen.append(tuple(message.id for message in messages))
            failing = self._failures_left > 0
            self._failures_left -= failing
        if self._gate is not None:
            self._gate.wait()
        time.sleep(self._delay)
        if failing:
            raise self._error("told to fail")
        if self._poison is not None and any(self._poison in message.text for message in messages):
            raise self._error(f"told to fail for {self._poison!r}")
        return [(message.id, fact) for message in messages for fact in self._make(message)]
