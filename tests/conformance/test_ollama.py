"""The suite for Ollama's SDK, against the fake server over real HTTP."""

from __future__ import annotations

from ollama_dialect import Chat, Generate

from memori_wrap.testing.provider_suite import ProviderSuite


class TestChat(ProviderSuite):
    dialect = Chat()


class TestGenerate(ProviderSuite):
    dialect = Generate()
