"""The plugs that read and rank: embedders, re-rankers, extractors, retrievers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from memori_wrap.types import (
    Delta,
    Fact,
    Recollection,
    StoredMessage,
    Vectors,
)


class Embedder(Protocol):
    """Texts to vectors. ``model`` names the space: only vectors of equal ``model`` are compared."""

    @property
    def model(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def load(self) -> None:
        """Does the slow part (imports, weights). Called on a background thread, once; idempotent."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), float32, rows of length 1. Any text, also an empty one, is taken."""
        ...


class QueryEmbedder(Embedder, Protocol):
    """An ``Embedder`` whose model treats a question otherwise than what is to be found (a prompt, an input type)."""

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimension,), float32, of length 1."""
        ...


class Reranker(Protocol):
    """Reads a question and a text together, which says more than two vectors do, and takes longer."""

    @property
    def model(self) -> str: ...

    def load(self) -> None:
        """Does the slow part. Called on a background thread, once; idempotent."""
        ...

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """One per text, in their order; higher is better. Only scores of one model are comparable."""
        ...


class Extractor(Protocol):
    """Facts from the new messages of one exchange. Pure of the store; may raise ``ExtractionError``."""

    def extract(self, messages: Sequence[StoredMessage]) -> Sequence[tuple[str, Fact]]:
        """(message id, fact) pairs; a fact's quote stands in the message that it is paired with."""
        ...


@dataclass(frozen=True, slots=True)
class Query:
    """A question to an entity's memory. ``limit`` counts items; ``now`` is what "yesterday" is relative to."""

    text: str
    limit: int = 10
    now: datetime | None = None
    kinds: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    process: str | None = None
    session: str | None = None
    engine: str = "auto"
    threshold: float | None = None


class Retriever(Protocol):
    """Ranks what one entity remembers. One instance per entity; calls come one at a time.

    ``is_behind`` and ``tend()``, where it has them, are as an index's.
    """

    revision: int

    def apply(self, delta: Delta) -> None:
        """Takes in a delta whose ``base`` is the present revision, in small pieces (see design, politeness)."""
        ...

    def focus(self, text: str) -> str:
        """The part of a question that is worth embedding: without stop words and known names."""
        ...

    def rank(self, query: Query, vector: Vectors | None, recent: Sequence[StoredMessage]) -> Sequence[Recollection]:
        """Best first. ``vector``: the query's embedding, shape (dimension,), None while no model is at hand.

        ``recent``: messages captured but not yet stored, oldest first; they take part by their words alone, and
        not at all where their text is known already (a request repeats its history).
        """
        ...

    def nbytes(self) -> int:
        """About how much memory it holds, in bytes."""
        ...


RetrieverFactory = Callable[[], Retriever]

EmbeddingTexts = Callable[[Sequence[StoredMessage], Sequence[StoredMessage]], Sequence[tuple[str, str, str]]]
"""(new messages, the messages just before them) -> (message id, variant, text to embed)."""
