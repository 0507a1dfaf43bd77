"""A pytest plugin for an SDK's own tests: every client that is constructed remembers.

Loaded by ``scripts/sdk_suites`` with ``-p benchmarks.sdk_plugin``; ``SDK_CLIENTS`` names the classes of the clients.
At the end it writes what the memory counted to the file that ``SDK_COUNTS`` names: a run in which nothing was captured
would prove nothing. ``SDK_ALWAYS``: every question is answered from memory, not only those that resemble what an
earlier test said.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import wrapt

from memori_wrap import Memori
from memori_wrap.protocols import Query
from memori_wrap.types import Delta, Recollection, StoredMessage, Vectors


class Always:
    """A ``Retriever`` that remembers one thing, whatever is asked."""

    def __init__(self) -> None:
        self.revision = 0

    def apply(self, delta: Delta) -> None:
        self.revision = delta.revision

    def focus(self, text: str) -> str:
        return text

    def rank(self, query: Query, vector: Vectors | None, recent: Sequence[StoredMessage]) -> Sequence[Recollection]:
        said_at = datetime(2026, 1, 1, tzinfo=timezone.utc)
        return [Recollection("0", "turn", "My tortoise is called Zebedee.", 1.0, said_at, sources=("0",))]

    def nbytes(self) -> int:
        return 0


memori = Memori(
    "memory://", entity="sdk-suite", embedder="none", retriever=Always if "SDK_ALWAYS" in os.environ else None
)


def _register(init: Callable[..., None], client: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    init(*args, **kwargs)
    memori.register(client)


def pytest_collection() -> None:
    """Late, so that a plugin of the tests' own can change what the SDK imports."""
    for module, _, name in (each.partition(":") for each in os.environ["SDK_CLIENTS"].split()):
        kind = getattr(import_module(module), name)
        # wrapt keeps the signature, which a test compares with that of ``copy``
        kind.__init__ = wrapt.FunctionWrapper(vars(kind)["__init__"], _register)


def pytest_unconfigure() -> None:
    Path(os.environ["SDK_COUNTS"]).write_text(json.dumps(memori.stats()["counts"]))
    memori.close()
