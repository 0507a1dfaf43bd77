"""Cohere's embeddings, with its input types for questions and documents; over-long texts are cut by Cohere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cohere
from cohere.core.api_error import ApiError

from memori_wrap_adapters.embedders.remote import RETRIES, TIMEOUT, Purpose, RemoteEmbedder

BATCH = 96
"""Texts of one request, which is Cohere's limit."""


class CohereEmbedder(RemoteEmbedder):
    """``client``: a ``cohere.ClientV2`` of yours; else one of ``api_key`` and ``base_url``, or of ``CO_API_KEY`` and
    ``CO_API_URL``."""

    def __init__(
        self,
        model: str = "embed-v4.0",
        *,
        client: Any = None,
        api_key: str | None = None,
        base_url: str | None = None,
        dimensions: int | None = None,
    ) -> None:
        super().__init__(model, batch=BATCH, dimensions=dimensions)
        self._client = client or client_v2(api_key, base_url)

    def _request(self, texts: list[str], purpose: Purpose) -> Sequence[Sequence[float]]:
        options: dict[str, Any] = {} if self._dimensions is None else {"output_dimension": self._dimensions}
        answer = self._client.embed(
            model=self._name,
            texts=texts,
            input_type=f"search_{purpose}",
            embedding_types=["float"],
            truncate="END",
            request_options=OPTIONS,
            **options,
        )
        rows: Sequence[Sequence[float]] = answer.embeddings.float_
        return rows

    def _status(self, error: Exception) -> int | None:
        return error.status_code if isinstance(error, ApiError) else None


OPTIONS: Any = {"timeout_in_seconds": int(TIMEOUT), "max_retries": RETRIES}


def client_v2(api_key: str | None, base_url: str | None) -> Any:
    """A client of Cohere's second API."""
    options: dict[str, Any] = {"base_url": base_url} if base_url else {}  # None would hide the variable
    return cohere.ClientV2(api_key, **options)
