"""The suite for OpenAI's SDK, against the fake server over real HTTP."""

from __future__ import annotations

from openai_dialect import Chat, Responses

from memori_wrap.testing.provider_suite import ProviderSuite


class TestChat(ProviderSuite):
    dialect = Chat()


class TestResponses(ProviderSuite):
    dialect = Responses()
