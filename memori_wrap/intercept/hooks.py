"""The user's own hooks: functions before, after and on an error of recall, injection, capture and the whole call."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, get_args

from memori_wrap.counts import Counts
from memori_wrap.errors import ConfigurationError
from memori_wrap.types import Event, HookStage

log = logging.getLogger(__name__)

STAGES: frozenset[str] = frozenset(get_args(HookStage))

Hook = Callable[[Event], "Event | bool | None"]


@dataclass(frozen=True, eq=False)
class _Entry:
    hook: Hook
    where: Callable[[Event], bool] | None
    strict: bool
    order: tuple[int, int]


class Handle:
    """What ``on`` returns: ``dispose()`` takes the hook out again, as does the end of a ``with``; idempotent."""

    def __init__(self, dispose: Callable[[], None]) -> None:
        self._dispose = dispose

    def dispose(self) -> None:
        self._dispose()

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()


class Hooks:
    """The hooks of one memory. Thread-safe; without hooks a stage costs one look-up."""

    def __init__(self, counts: Callable[[], Counts]) -> None:
        self._counts = counts
        self._lock = threading.Lock()
        self._numbers = count()
        self._entries: dict[str, tuple[_Entry, ...]] = {}

    def on(
        self, stage: HookStage, hook: Hook, priority: int, where: Callable[[Event], bool] | None, strict: bool
    ) -> Handle:
        """See ``Memori.on``."""
        if stage not in STAGES:
            raise ConfigurationError(f"there is no stage {stage!r}; there are: {', '.join(sorted(STAGES))}")
        if not callable(hook) or inspect.iscoroutinefunction(hook):
            raise ConfigurationError("a hook is a plain function of one argument, the event; it may run on any thread")
        entry = _Entry(hook, where, strict, (-priority, next(self._numbers)))
        with self._lock:
            entries = (*self._entries.get(stage, ()), entry)
            self._entries[stage] = tuple(sorted(entries, key=lambda e: e.order))

        def dispose() -> None:
            with self._lock:
                self._entries[stage] = tuple(e for e in self._entries.get(stage, ()) if e is not entry)

        return Handle(dispose)

    def forked(self) -> None:
        """In a forked child: another thread of the parent may have held the lock."""
        self._lock = threading.Lock()

    def run(self, stage: HookStage, event: Event) -> Event | None:
        """The event as the hooks leave it; None where one of them says that the stage is not to be."""
        entries = self._entries.get(stage)
        if not entries:
            return event
        event = replace(event, stage=stage)
        for entry in entries:
            try:
                if entry.where is not None and not entry.where(event):
                    continue
                said = entry.hook(event)
            except Exception as error:
                counts = self._counts()
                counts.add("failed.hook")
                name = type(error).__name__
                counts.once(f"hook:{stage}:{name}", "memori_wrap: a hook of %s failed (%s)", stage, name)
                log.debug("memori_wrap: a hook of %s failed", stage, exc_info=True)
                if entry.strict:
                    return None
                continue
            if said is False:
                return None
            if isinstance(said, Event):
                event = replace(said, stage=stage)
        return event

    @contextmanager
    def watching(self, stage: Any, event: Event) -> Generator[None]:
        """Runs the hooks of ``<stage>_error`` where the body raises; the error goes on."""
        began = time.perf_counter()
        try:
            yield
        except BaseException as error:
            self.run(f"{stage}_error", replace(event, error=error, seconds=time.perf_counter() - began))  # type: ignore[arg-type]
            raise
