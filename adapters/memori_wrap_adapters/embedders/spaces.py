"""The name of a vector space: the model, and whatever else makes other vectors of the same texts."""

from __future__ import annotations

from collections.abc import Mapping


def space(model: str, prompts: Mapping[str, str], dimensions: int | None = None) -> str:
    """A prompt before the documents and a cut dimension count; one before questions leaves the stored rows as is."""
    name = model if dimensions is None else f"{model}@{dimensions}"
    return f"{name} {prompts['document']!r}" if prompts.get("document") else name
