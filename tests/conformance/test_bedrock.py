"""The suite for boto3's Bedrock client, against the fake server over real HTTP, and what is special to it."""

from __future__ import annotations

from bedrock_dialect import Converse
from bedrock_invoke import Invoke

from memori_wrap.testing.provider_suite import ProviderSuite


class TestConverse(ProviderSuite):
    dialect = Converse()


class TestInvoke(ProviderSuite):
    dialect = Invoke()
