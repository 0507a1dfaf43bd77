"""Where a process of its own gets its embedder from: an installed one, or what ``module:attribute`` names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from memori_wrap.errors import ConfigurationError
from memori_wrap.protocols import Embedder


def made_from(origin: Mapping[str, Any]) -> Embedder:
    """``origin``: "name" (see ``choice.make``) or "factory", and "arguments" for a factory.

    Raises ``ConfigurationError`` where there is no such thing.
    """
    if not origin.get("factory"):
        from memori_wrap.embedders.choice import make

        return make(origin["name"])
    module, _, attribute = str(origin["factory"]).partition(":")
    try:
        factory: Any = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f'factory is "module:attribute"; {origin["factory"]!r} gave {error}') from error
    made: Embedder = factory(**origin.get("arguments", {}))
    return made
