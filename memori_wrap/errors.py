"""Every error that memori_wrap raises on purpose. The docstring of a class says what to do about it.

    MemoriError
    ├── ConfigurationError
    │   ├── UnsupportedClient
    │   └── MissingExtra
    ├── StoreError
    │   ├── MigrationNeeded
    │   └── EmbeddingMismatch
    ├── ExtractionError
    └── ScopeError

Only explicit calls (``recall``, ``add``, ``flush``, the command line ...) raise them. A registered client's
own calls never do: there a fault is logged once, counted in ``stats()`` and passed over.
"""

from __future__ import annotations


class MemoriError(Exception):
    """The base of all errors of this library: catch it to catch them all."""


class ConfigurationError(MemoriError):
    """A setting, URL, path or argument cannot be used. The message names it and says what would do."""


class UnsupportedClient(ConfigurationError):
    """``register`` was given an object that no installed provider knows. The message lists what is supported."""


class MissingExtra(ConfigurationError):
    """An optional dependency is not installed. Run the ``pip install`` command in the message."""


class StoreError(MemoriError):
    """The database could not be read or written. Nothing that was acknowledged is lost; the call may be repeated.

    ``transient``: the database is away, locked or full, so that the same call may succeed later.
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class MigrationNeeded(StoreError):
    """The database was written by a newer memori_wrap. Upgrade the library; the data was not touched."""


class EmbeddingMismatch(StoreError):
    """The vectors of two embedding models were about to be compared. Use the model that wrote them."""


class ExtractionError(MemoriError):
    """An extractor failed on an exchange. It is retried, then kept as a dead job with this reason."""


class ScopeError(MemoriError):
    """It is not said, or not safely said, whose memory is meant. Name it: ``with mem.scope("alice"): ...``."""
