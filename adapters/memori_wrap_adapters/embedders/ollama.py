"""Models served by Ollama. It cuts what is too long itself; its SDK does not retry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ollama

from memori_wrap_adapters.embedders.remote import TIMEOUT, Purpose, RemoteEmbedder


class OllamaEmbedder(RemoteEmbedder):
    """``client``: an ``ollama.Client`` of yours; else one of ``host``, or of ``OLLAMA_HOST``.

    ``prompts``: Ollama puts none before a text, and some models want one (``search_query: `` and
    ``search_document: `` for nomic-embed-text).
    """

    def __init__(
        self,
        model: str = "nomic-embed-text",
        *,
        client: Any = None,
        host: str | None = None,
        dimensions: int | None = None,
        prompts: Mapping[str, str] | None = None,
        batch: int = 32,
    ) -> None:
        super().__init__(model, batch=batch, prompts=prompts, dimensions=dimensions)
        self._client: Any = client or ollama.Client(host=host, timeout=TIMEOUT)

    def _request(self, texts: list[str], purpose: Purpose) -> Sequence[Sequence[float]]:
        options: dict[str, Any] = {} if self._dimensions is None else {"dimensions": self._dimensions}
        rows: Sequence[Sequence[float]] = self._client.embed(self._name, texts, truncate=True, **options).embeddings
        return rows

    def _status(self, error: Exception) -> int | None:
        return error.status_code if isinstance(error, ollama.ResponseError) else None
