"""Small memories for the retriever's tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

from memori_wrap.protocols import Query
from memori_wrap.retrieve.hybrid import HybridRetriever
from memori_wrap.retrieve.texts import embedding_texts
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.types import Delta, Recollection, StoredFact, StoredMessage, StoredVector, Triple, Vectors

START = datetime(2024, 3, 1, 12, tzinfo=timezone.utc)
EMBEDDER = HashEmbedder(64)


def turn(
    id: str,
    text: str,
    *,
    role: str = "user",
    speaker: str | None = None,
    conversation: str = "c1",
    days: float = 0,
    process: str | None = None,
    session: str | None = None,
) -> StoredMessage:
    """A message, ``days`` after the first of March 2024."""
    said_at = START + timedelta(days=days)
    return StoredMessage(id, conversation, "e", 0, role, text, said_at, speaker, process=process, session=session)


def fact(id: str, text: str, *sources: str, ended: bool = False) -> StoredFact:
    """A fact of the first of March 2024; ``ended``: it has held for a day only."""
    until = START + timedelta(days=1) if ended else None
    return StoredFact(id, text, Triple("user", "likes", text), "c", "r", 1, sources, START, START, valid_to=until)


def vectors(messages: Sequence[StoredMessage], facts: Iterable[StoredFact] = ()) -> list[StoredVector]:
    """What the embedder makes of them."""
    texts = [*embedding_texts(messages, ()), *((fact.id, "text", fact.text) for fact in facts)]
    made = EMBEDDER.embed([text for _, _, text in texts])
    return [StoredVector(id, vector, variant) for (id, variant, _), vector in zip(texts, made, strict=True)]


def told(
    retriever: HybridRetriever, *messages: StoredMessage, facts: Sequence[StoredFact] = (), model: bool = False
) -> HybridRetriever:
    """``retriever`` after one more delta; ``model``: with vectors."""
    found = vectors(messages, facts) if model else []
    retriever.apply(Delta("alice", retriever.revision, retriever.revision + 1, messages, facts, found))
    return retriever


def asked(
    retriever: HybridRetriever, query: Query | str, *recent: StoredMessage, model: bool = False
) -> Sequence[Recollection]:
    """What comes back; ``model``: the question is embedded, too."""
    query = Query(query) if isinstance(query, str) else query
    return retriever.rank(query, embedded(retriever.focus(query.text)) if model else None, recent)


def embedded(text: str) -> Vectors:
    vector: Vectors = EMBEDDER.embed([text])[0]
    return vector
