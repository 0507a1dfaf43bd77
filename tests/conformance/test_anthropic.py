"""The suite for Anthropic's SDK, against the fake server over real HTTP, and what is special to it."""

from __future__ import annotations

from anthropic_dialect import Bedrock, Beta, Messages

from memori_wrap.testing.provider_suite import ProviderSuite


class TestMessages(ProviderSuite):
    dialect = Messages()


class TestBeta(ProviderSuite):
    dialect = Beta()


class TestBedrock(ProviderSuite):
    dialect = Bedrock()
