"""Which conversation a call belongs to, where the application names no session."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable

from memori_wrap.ids import new_id

MAX_OPEN = 10_000


class Sessions:
    """One session per key (client, entity, process) until nothing was said for ``timeout`` seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._open: OrderedDict[Hashable, tuple[str, float]] = OrderedDict()

    def current(self, key: Hashable) -> str:
        now = time.monotonic()
        with self._lock:
            session, last = self._open.get(key, ("", now))
            if not session or now - last > self._timeout:
                session = new_id()
            self._open[key] = (session, now)
            self._open.move_to_end(key)
            while len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
            return session
