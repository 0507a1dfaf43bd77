"""The suite for Mistral's SDK, against the fake server over real HTTP, and what is special to it."""

from __future__ import annotations

from mistral_dialect import Agents, Chat, Conversations

from memori_wrap.testing.provider_suite import ProviderSuite


class TestChat(ProviderSuite):
    dialect = Chat()


class TestAgents(ProviderSuite):
    dialect = Agents()


class TestConversations(ProviderSuite):
    dialect = Conversations()
