"""The suite for Mistral's SDK, against the fake server over real HTTP, and what is special to it."""

from __future__ import annotations

import pytest
from mistral_dialect import CALL, NOTED, Agents, Chat
from mistral_kept_dialect import Conversations, Responses
from mistralai.client import models

from memori_wrap.testing.mistral_server import Scripted
from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.items import item
from memori_wrap.testing.provider.shapes import PLAIN, STREAMS, drain, settle
from memori_wrap.testing.provider.stage import QUESTION, asked, said
from memori_wrap.testing.provider_suite import REPLY, ProviderSuite


class TestChat(ProviderSuite):
    dialect = Chat()

    @item(29, 32)
    async def test_a_tool_turn_is_read(self, stage):
        client = stage.client()
        stage.server.script(Scripted("Let me see.", tool_calls=[CALL]))
        messages = stage.user()
        await stage.ask(client, messages)
        turn = self.dialect.tool_turn(CALL, "Lumen-7")
        turn[0]["content"] = "Let me see."
        await stage.ask(client, [*messages, *turn])
        first, second = await stage.captured(2)
        (call,) = first.reply[0].parts
        assert (call.kind, call.name, call.text, call.id) == ("tool_call", "look_up", '{"of": "canary"}', CALL.id)
        _, again, result = second.request
        assert again.parts == (call,)
        assert (result.role, result.text) == ("tool", "Lumen-7")
        assert [(p.kind, p.id) for p in result.parts] == [("tool_result", CALL.id)]
        stored = [m.role for e in (first, second) for m in stage.store.exchange_messages("ada", e.id)]
        assert stored == ["user", "assistant", "tool", "assistant"]

    @item(32)
    async def test_what_the_answer_tells_is_captured(self, stage):
        stage.server.script(Scripted(REPLY, reasoning="A canary, well.", finish_reason="length"))
        await stage.ask(stage.client())
        (exchange,) = await stage.captured()
        assert [(p.kind, p.text) for p in exchange.reply[0].parts] == [("reasoning", "A canary, well.")]
        assert said(exchange) == REPLY
        assert exchange.usage.keys() == {"prompt_tokens", "completion_tokens", "total_tokens"}
        assert (exchange.finish_reason, exchange.provider) == ("length", "mistral")
        assert exchange.response_id

    @item(12, 21, shapes=PLAIN)
    async def test_parse_is_one_call(self, stage):
        """It calls ``complete`` itself."""
        stage.know()
        client = stage.client()
        stage.server.script(NOTED)
        await self.dialect.parse(client, stage.user(), stage.shape)
        assert block_of(stage.server.last)
        await stage.captured(1)
        assert len(stage.recalls) == 1

    @item(25)
    async def test_objects_are_copied_with_their_fields(self, stage):
        """The SDK's own message objects: the one with the block is another, and what it held is in it."""
        stage.know()
        given = models.UserMessage(
            content=[models.ImageURLChunk(image_url="http://127.0.0.1/x.png"), models.TextChunk(text=QUESTION)]
        )
        before = given.model_dump()
        await stage.ask(stage.client(), [given])
        assert given.model_dump() == before
        content = stage.server.last.body["messages"][0]["content"]
        assert [chunk["type"] for chunk in content] == ["text", "image_url", "text"]
        assert block_of(stage.server.last) == content[0]["text"]


@pytest.mark.slow  # the same adapter by another door
class TestAgents(ProviderSuite):
    dialect = Agents()


class TestConversations(ProviderSuite):
    dialect = Conversations()

    @item(30)
    async def test_a_conversation_that_goes_on(self, stage):
        """``append`` and ``restart`` have no field for a block; what the first request brought stays the only one."""
        stage.know()
        client = stage.client()
        answer = await stage.ask(client)
        name = answer.items[0].data.conversation_id if answer.items else answer.result.conversation_id
        part = client.beta.conversations
        entry = stage.server.kept(name)[-1]["id"]
        suffix = "_stream" if stage.shape.is_stream else ""
        for method, options in (("append", {}), ("append", {}), ("restart", {"from_entry_id": entry})):
            call = self.dialect.call(client, method + suffix, part)
            result = await settle(call(conversation_id=name, inputs=f"{QUESTION} ({method})", **options))
            if stage.shape.is_stream:
                await drain(result)
            assert not block_of(stage.server.last)
            assert "<memory-" not in self.dialect.inherited(stage.server)
        assert stage.counts["injected"] == 1
        assert stage.counts["skipped.no_place"] == 3
        exchanges = await stage.captured(4)
        assert [e.previous for e in exchanges] == [None, name, name, name]
        assert exchanges[0].response_id == name
        assert [said(e) for e in exchanges] == [REPLY] * 4
        assert asked(exchanges[-1]) == [f"{QUESTION} (restart)"]

    @item(29, 32)
    async def test_a_tool_result_is_read(self, stage):
        stage.server.script(Scripted(tool_calls=[CALL]))
        client = stage.client()
        answer = await stage.ask(client)
        name = answer.items[0].data.conversation_id if answer.items else answer.result.conversation_id
        method = self.dialect.call(client, "append_stream" if stage.shape.is_stream else "append")
        result = models.FunctionResultEntry(tool_call_id=CALL.id, result="Lumen-7")
        given = await settle(method(conversation_id=name, inputs=[result]))
        if stage.shape.is_stream:
            await drain(given)
        first, second = await stage.captured(2)
        (call,) = first.reply[0].parts
        assert (call.kind, call.name, call.text, call.id) == ("tool_call", "look_up", '{"of": "canary"}', CALL.id)
        (message,) = second.request
        assert (message.role, message.text) == ("tool", "Lumen-7")
        assert [(p.kind, p.id) for p in message.parts] == [("tool_result", CALL.id)]

    @item(9, shapes=STREAMS)
    async def test_an_error_event_is_no_end(self, stage):
        """The SDK hands it out as an item, and raises nothing."""
        stage.server.script(Scripted(REPLY, error_after=4, message="Overloaded.", code="3505"))
        answer = await stage.ask(stage.client())
        assert answer.items[-1].data.message == "Overloaded."
        (exchange,) = await stage.captured()
        assert not exchange.complete
        assert said(exchange) == answer.text


@pytest.mark.slow  # the same adapter by another door
class TestResponses(ProviderSuite):
    dialect = Responses()
