"""Cohere's re-ranker, and servers that speak its format (vLLM, TEI behind a proxy, LocalAI)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memori_wrap_adapters.embedders.cohere import OPTIONS, client_v2
from memori_wrap_adapters.rerankers.blanks import scored

BATCH = 500


class CohereReranker:
    """A ``Reranker``; scores are in [0, 1]. ``client``, ``api_key``, ``base_url``: as for ``CohereEmbedder``."""

    def __init__(
        self,
        model: str = "rerank-v3.5",
        *,
        client: Any = None,
        api_key: str | None = None,
        base_url: str | None = None,
    ) -> None:
        self.model = model
        self._client = client or client_v2(api_key, base_url)

    def load(self) -> None:
        """There is nothing to load."""

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Raises the SDK's errors."""
        return scored(self._request, query, texts, BATCH)

    def _request(self, query: str, texts: list[str]) -> list[tuple[int, float]]:
        answer = self._client.rerank(model=self.model, query=query, documents=texts, request_options=OPTIONS)
        return [(result.index, result.relevance_score) for result in answer.results]
