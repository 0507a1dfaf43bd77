"""OpenAI's embeddings, and every server that speaks its format: vLLM, TEI, LM Studio, llama.cpp, Azure ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import openai

from memori_wrap_adapters.embedders.remote import RETRIES, TIMEOUT, Purpose, RemoteEmbedder


class OpenAIEmbedder(RemoteEmbedder):
    """``client``: an ``OpenAI`` or ``AzureOpenAI`` of yours, with its own time-outs and retries; else one is made of
    ``base_url`` and ``api_key``, or of ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY``."""

    def __init__(
        self,
        model: str = "text-embedding-3-small",
        *,
        client: Any = None,
        base_url: str | None = None,
        api_key: str | None = None,
        dimensions: int | None = None,
        prompts: Mapping[str, str] | None = None,
        batch: int = 128,
    ) -> None:
        super().__init__(model, batch=batch, prompts=prompts, dimensions=dimensions)
        self._client: Any = client or openai.OpenAI(
            base_url=base_url, api_key=api_key, timeout=TIMEOUT, max_retries=RETRIES
        )
        self._is_own = client is None

    def close(self) -> None:
        if self._is_own:
            self._client.close()

    def _request(self, texts: list[str], purpose: Purpose) -> Sequence[Sequence[float]]:
        # floats, since not every server of the format knows base64
        options: dict[str, Any] = {} if self._dimensions is None else {"dimensions": self._dimensions}
        answer = self._client.embeddings.create(model=self._name, input=texts, encoding_format="float", **options)
        return [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]

    def _status(self, error: Exception) -> int | None:
        return error.status_code if isinstance(error, openai.APIStatusError) else None
