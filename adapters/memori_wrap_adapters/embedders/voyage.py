"""Voyage's embeddings, with its input types for questions and documents; over-long texts are cut by Voyage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import voyageai
from voyageai.error import VoyageError

from memori_wrap_adapters.embedders.remote import RETRIES, TIMEOUT, Purpose, RemoteEmbedder

BATCH = 64
"""Texts of one request. Voyage takes 1,000, but a number of tokens in all that depends on the model."""


class VoyageEmbedder(RemoteEmbedder):
    """``client``: a ``voyageai.Client`` of yours, with its own time-out and retries; else one of ``api_key`` and
    ``base_url``, or of ``VOYAGE_API_KEY``."""

    def __init__(
        self,
        model: str = "voyage-3.5",
        *,
        client: Any = None,
        api_key: str | None = None,
        base_url: str | None = None,
        dimensions: int | None = None,
    ) -> None:
        super().__init__(model, batch=BATCH, dimensions=dimensions)
        self._client = client or voyage_client(api_key, base_url)

    def _request(self, texts: list[str], purpose: Purpose) -> Sequence[Sequence[float]]:
        answer = self._client.embed(
            texts, self._name, input_type=purpose, truncation=True, output_dimension=self._dimensions
        )
        rows: Sequence[Sequence[float]] = answer.embeddings
        return rows

    def _status(self, error: Exception) -> int | None:
        return error.http_status if isinstance(error, VoyageError) else None


def voyage_client(api_key: str | None, base_url: str | None) -> Any:
    options: dict[str, Any] = {"base_url": base_url} if base_url else {}
    module: Any = voyageai  # which does not say what it exports
    return module.Client(api_key, max_retries=RETRIES, timeout=TIMEOUT, **options)
