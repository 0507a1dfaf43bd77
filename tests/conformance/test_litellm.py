"""The suite for litellm, against the fake OpenAI server over real HTTP."""

from __future__ import annotations

import pytest

pytest.importorskip("litellm", reason="litellm wants openai 2: scripts/test_litellm has an environment for it")

from litellm_dialect import Chat, Handled, Responses

from memori_wrap.testing.provider_suite import ProviderSuite


class TestChat(ProviderSuite):
    dialect = Chat()


class TestHandled(ProviderSuite):
    dialect = Handled()


class TestResponses(ProviderSuite):
    dialect = Responses()
