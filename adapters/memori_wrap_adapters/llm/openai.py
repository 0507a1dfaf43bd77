"""OpenAI's SDK, and whatever is reached through it by a base URL: Chat Completions, Responses, old Completions.

The body of a request arrives as plain JSON values already.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, Tested
from memori_wrap_adapters.llm import openai_chat, openai_completions, openai_responses, stainless
from memori_wrap_adapters.llm.labels import label_of


class OpenAIProvider:
    """A ``Provider``. Registered under the root package ``openai``."""

    tested = Tested("openai", ">=2.0,<4")

    def supports(self, client: object) -> bool:
        return stainless.is_client(client)

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        from openai import AsyncOpenAI

        return stainless.patch_points(client, AsyncOpenAI)

    def subject(self, receiver: Any) -> object:
        return receiver

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        return _ENDPOINTS.get(stainless.path(arguments) or "")

    def label(self, receiver: Any) -> str:
        return label_of(getattr(receiver, "base_url", ""))


_ENDPOINTS: dict[str, Endpoint] = {
    "chat/completions": stainless.JsonEndpoint(openai_chat),
    "responses": stainless.JsonEndpoint(openai_responses),
    "completions": stainless.JsonEndpoint(openai_completions),
}

provider = OpenAIProvider()
