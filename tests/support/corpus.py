"""Texts of many kinds for embedders, and what the original all-MiniLM-L6-v2 makes of some of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from memori_wrap.testing.embedder_suite import ODD, TEXTS
from memori_wrap.types import Vectors

KEPT = Path(__file__).parent.parent / "data" / "minilm_vectors.npy"
"""Of ``MIXED``, by sentence-transformers; ``python -m tests.support.corpus`` writes it anew."""
MIXED = (*TEXTS, *ODD, "The user moved to Lisbon in spring 2024 with her two cats. " * 12)


def original() -> Vectors:
    """Shape (len(MIXED), 384)."""
    from memori_wrap_adapters.embedders.sentence_transformers import LocalEmbedder

    return LocalEmbedder().embed(MIXED)


def closeness(one: Vectors, other: Vectors) -> Vectors:
    """The cosine of each row with the other's."""
    cosines: Vectors = (one * other).sum(axis=1)
    return cosines


if __name__ == "__main__":
    np.save(KEPT, original())
