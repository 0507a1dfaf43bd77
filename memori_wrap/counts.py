"""What happened, in numbers, and the guard around everything implicit: log once, count, go on."""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Generator
from contextlib import contextmanager

log = logging.getLogger("memori_wrap")
log.addHandler(logging.NullHandler())


class Counts:
    """Counters and recent latencies of one ``Memori``. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: Counter[str] = Counter()
        self._latencies: deque[float] = deque(maxlen=1000)
        self._warned: set[str] = set()

    def add(self, name: str, n: int = 1) -> None:
        with self._lock:
            self._counters[name] += n

    def took(self, seconds: float) -> None:
        """Time that a registered call was held by us, in seconds."""
        with self._lock:
            self._latencies.append(seconds)

    def once(self, key: str, message: str, *args: object) -> None:
        """Logs a warning the first time that ``key`` comes up, and at DEBUG level from then on."""
        with self._lock:
            first = key not in self._warned
            self._warned.add(key)
        log.log(logging.WARNING if first else logging.DEBUG, message, *args)

    @contextmanager
    def guard(self, stage: str) -> Generator[None]:
        """Runs an implicit stage: an exception in it is counted as ``failed.<stage>`` and goes no further.

        Only its class is logged, not its text, which may quote what the user said; DEBUG has the traceback.
        """
        try:
            yield
        except Exception as error:
            self.failed(stage, error)

    def failed(self, stage: str, error: BaseException) -> None:
        """What ``guard`` does with an exception, while it is handled."""
        name = type(error).__name__
        self.add(f"failed.{stage}")
        self.once(f"{stage}:{name}", "memori_wrap: %s failed (%s); the call goes on without", stage, name)
        log.debug("memori_wrap: %s failed", stage, exc_info=True)

    def snapshot(self) -> dict[str, int]:
        with self._lock:
            return dict(sorted(self._counters.items()))

    def percentiles(self) -> dict[str, float]:
        """Added time of the last 1,000 calls in milliseconds: p50 and p99; empty before the first."""
        with self._lock:
            values = sorted(self._latencies)
        if not values:
            return {}
        return {f"p{q}": 1000 * values[min(len(values) - 1, len(values) * q // 100)] for q in (50, 99)}
