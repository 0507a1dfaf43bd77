"""Voyage's re-ranker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memori_wrap_adapters.embedders.voyage import voyage_client
from memori_wrap_adapters.rerankers.blanks import scored

BATCH = 500


class VoyageReranker:
    """A ``Reranker``; scores are in [0, 1]. ``client``, ``api_key``, ``base_url``: as for ``VoyageEmbedder``."""

    def __init__(
        self,
        model: str = "rerank-2.5",
        *,
        client: Any = None,
        api_key: str | None = None,
        base_url: str | None = None,
    ) -> None:
        self.model = model
        self._client = client or voyage_client(api_key, base_url)

    def load(self) -> None:
        """There is nothing to load."""

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Raises the SDK's errors."""
        return scored(self._request, query, texts, BATCH)

    def _request(self, query: str, texts: list[str]) -> list[tuple[int, float]]:
        answer = self._client.rerank(query, texts, self.model, truncation=True)
        return [(result.index, result.relevance_score) for result in answer.results]
