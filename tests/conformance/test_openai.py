"""The suite for OpenAI's SDK, against the fake server over real HTTP."""

from __future__ import annotations

from openai_dialect import Chat, Responses

from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.items import item
from memori_wrap.testing.provider_suite import ProviderSuite


class TestChat(ProviderSuite):
    dialect = Chat()


class TestResponses(ProviderSuite):
    dialect = Responses()

    @item(30)
    async def test_nothing_piles_up_in_a_conversation(self, stage):
        stage.know()
        client = stage.client()
        for n in range(4):
            await stage.ask(client, stage.user(f"What is my canary called? ({n})"), conversation="conv_1")
            assert block_of(stage.server.last)
        kept = stage.server.kept("conv_1")
        assert len(kept) == 8
        assert "<memory-" not in repr(kept)
        await stage.captured(4)
