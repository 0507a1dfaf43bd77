"""One process-wide ``Memori`` behind ``memori_wrap.register`` and ``memori_wrap.scope``."""

from __future__ import annotations

import os
import threading
from typing import Any, TypeVar

from memori_wrap.context import ScopeContext
from memori_wrap.desk import Entity
from memori_wrap.memory import Memori
from memori_wrap.recollections import Recollections
from memori_wrap.types import Mode

C = TypeVar("C")

_lock = threading.Lock()
_default: Memori | None = None


def _forked() -> None:
    global _lock  # noqa: PLW0603 (another thread of the parent may have held it)
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _memori() -> Memori:
    global _default  # noqa: PLW0603 (the process-wide default)
    with _lock:
        if _default is None or _default.is_closed:
            _default = Memori()
        return _default


def register(client: C, *, entity: Entity = None, process: str | None = None, session: str | None = None) -> C:
    """``Memori.register`` on the process-wide default."""
    return _memori().register(client, entity=entity, process=process, session=session)


def unregister(client: object) -> None:
    """``Memori.unregister``; it does not matter which memory the client was registered with."""
    Memori.unregister(client)


def scope(entity: str, process: str | None = None, session: str | None = None, *, mode: Mode = "rw") -> ScopeContext:
    """``Memori.scope`` on the process-wide default."""
    return _memori().scope(entity, process, session, mode=mode)


def recall(query: str, limit: int = 10, **options: Any) -> Recollections:
    """``Memori.recall`` on the process-wide default; the same arguments."""
    return _memori().recall(query, limit, **options)
