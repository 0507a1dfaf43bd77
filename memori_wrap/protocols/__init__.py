"""The plugs. An adapter implements one of these and names itself as an entry point (see ``plugins``)."""

from __future__ import annotations

from memori_wrap.protocols.providers import Arguments, Endpoint, PatchPoint, Provider, ReplyBuilder, Run, Tap, Tested
from memori_wrap.protocols.stores import QueueState, Store, VectorIndex
from memori_wrap.protocols.understanding import (
    Embedder,
    EmbeddingTexts,
    Extractor,
    Query,
    QueryEmbedder,
    Reranker,
    Retriever,
    RetrieverFactory,
)

__all__ = [
    "Arguments",
    "Embedder",
    "EmbeddingTexts",
    "Endpoint",
    "Extractor",
    "PatchPoint",
    "Provider",
    "Query",
    "QueryEmbedder",
    "QueueState",
    "ReplyBuilder",
    "Reranker",
    "Retriever",
    "RetrieverFactory",
    "Run",
    "Store",
    "Tap",
    "Tested",
    "VectorIndex",
]
