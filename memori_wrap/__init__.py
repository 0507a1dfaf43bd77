"""memori_wrap: ``register(client)``, and the LLM client you already have remembers.

Names are loaded when they are first used (PEP 562), so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memori_wrap.context import carry as carry
    from memori_wrap.context import paused as paused
    from memori_wrap.default import recall as recall
    from memori_wrap.default import register as register
    from memori_wrap.default import scope as scope
    from memori_wrap.default import unregister as unregister
    from memori_wrap.errors import ConfigurationError as ConfigurationError
    from memori_wrap.errors import EmbeddingMismatch as EmbeddingMismatch
    from memori_wrap.errors import ExtractionError as ExtractionError
    from memori_wrap.errors import MemoriError as MemoriError
    from memori_wrap.errors import MigrationNeeded as MigrationNeeded
    from memori_wrap.errors import MissingExtra as MissingExtra
    from memori_wrap.errors import ScopeError as ScopeError
    from memori_wrap.errors import StoreError as StoreError
    from memori_wrap.errors import UnsupportedClient as UnsupportedClient
    from memori_wrap.memory import Memori as Memori
    from memori_wrap.recollections import Recollections as Recollections
    from memori_wrap.settings import Settings as Settings
    from memori_wrap.types import Recollection as Recollection
    from memori_wrap.types import Scope as Scope
    from memori_wrap.types import Triple as Triple

_HOMES = {
    "ConfigurationError": "errors",
    "EmbeddingMismatch": "errors",
    "ExtractionError": "errors",
    "Memori": "memory",
    "MemoriError": "errors",
    "MigrationNeeded": "errors",
    "MissingExtra": "errors",
    "Recollection": "types",
    "Recollections": "recollections",
    "Scope": "types",
    "ScopeError": "errors",
    "Settings": "settings",
    "StoreError": "errors",
    "Triple": "types",
    "UnsupportedClient": "errors",
    "carry": "context",
    "paused": "context",
    "recall": "default",
    "register": "default",
    "scope": "default",
    "unregister": "default",
}

__version__ = "0.1.0"

__all__ = [
    "ConfigurationError",
    "EmbeddingMismatch",
    "ExtractionError",
    "Memori",
    "MemoriError",
    "MigrationNeeded",
    "MissingExtra",
    "Recollection",
    "Recollections",
    "Scope",
    "ScopeError",
    "Settings",
    "StoreError",
    "Triple",
    "UnsupportedClient",
    "carry",
    "paused",
    "recall",
    "register",
    "scope",
    "unregister",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]


if not TYPE_CHECKING:  # a type checker would take any name at all for one of ours

    def __getattr__(name):
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value
