"""Around one request to a re-ranker: in batches, without blank texts, which are refused and bear on nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

NOTHING = 0.0
"""The score of a blank text: the least there is."""


def scored(
    request: Callable[[str, list[str]], list[tuple[int, float]]], query: str, texts: Sequence[str], batch: int
) -> list[float]:
    """One score per text, in their order. ``request`` gives (index, score) pairs in any order."""
    scores = [NOTHING] * len(texts)
    said = [i for i, text in enumerate(texts) if text.strip()] if query.strip() else []
    for at in range(0, len(said), batch):
        part = said[at : at + batch]
        for index, score in request(_sendable(query), [_sendable(texts[i]) for i in part]):
            scores[part[index]] = float(score)
    return scores


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
