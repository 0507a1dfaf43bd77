"""The suite for xAI's SDK, against the fake server over real gRPC, and what is special about its chats."""

from __future__ import annotations

import gc
import threading

import pytest
import wrapt
import xai_sdk
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from xai_dialect import CALL, LOOK_UP, MODEL, SOON, Noted, Xai, called, xai
from xai_sdk.tools import web_search

from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.items import item
from memori_wrap.testing.provider.shapes import (
    END,
    PLAIN,
    STREAMS,
    drain,
    pause,
    settle,
    take,
)
from memori_wrap.testing.provider.stage import QUESTION, said
from memori_wrap.testing.provider_suite import REPLY, ProviderSuite
from memori_wrap.testing.xai_server import FakeXai, Scripted, ToolCall

# copying an asynchronous client copies its event loop, which fails half-way: with a bare client, too
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <function BaseEventLoop.__del__")
KEPT = {"store_messages": True}


async def sample(chat, shape):
    """The answer of a chat, of a stream the last response."""
    if not shape.is_stream:
        return await settle(chat.sample())
    return (await drain(chat.stream()))[-1][0]


class TestXai(ProviderSuite):
    dialect = Xai()

    # ------------------------------------------------------------ conversations that xAI keeps

    @item(30)
    async def test_nothing_piles_up_in_a_kept_conversation(self, stage):
        """What is sent is stored, and there is no field for one request only: so nothing is put there."""
        stage.know()
        client, previous = stage.client(), None
        for n in range(4):
            chat = self.dialect.chat(client, stage.user(f"{QUESTION} ({n})"), **KEPT, previous_response_id=previous)
            previous = (await sample(chat, stage.shape)).id
            assert block_of(stage.server.last) is None
        assert "memory-" not in repr(stage.server.stored(previous))
        exchanges = await stage.captured(4)
        assert [e.previous for e in exchanges] == [None, *(e.response_id for e in exchanges[:-1])]
        assert stage.counts["skipped.no_place"] == 4

    @item(29, 30)
    async def test_a_tool_loop_over_a_kept_conversation_keeps_its_block(self, stage):
        """It has none."""
        stage.know()
        client = stage.client()
        stage.server.script(Scripted(tool_calls=[CALL]))
        first = await sample(self.dialect.chat(client, stage.user(), **KEPT, tools=[LOOK_UP]), stage.shape)
        result = [xai.tool_result("Found.", CALL.id)]
        chat = self.dialect.chat(client, result, **KEPT, tools=[LOOK_UP], previous_response_id=first.id)
        assert (await sample(chat, stage.shape)).content == REPLY
        assert [block_of(received) for received in stage.server.requests] == [None, None]
        assert "memory-" not in repr(stage.server.inherited())
        await stage.captured(2)

    @item(30)
    async def test_a_branch_that_is_not_stored_has_its_block(self, stage):
        stage.know()
        client = stage.client()
        first = await sample(self.dialect.chat(client, stage.user("Hello."), **KEPT), stage.shape)
        chat = self.dialect.chat(client, stage.user(), previous_response_id=first.id)
        await sample(chat, stage.shape)
        assert block_of(stage.server.last)
        _, branch = await stage.captured(2)
        assert branch.previous == first.id

    # ------------------------------------------------------------ the chat is the caller's

    @item(25, 43)
    async def test_a_chat_over_many_turns_never_holds_a_block(self, stage):
        stage.know()
        texts = []
        for client in (stage.bare(), stage.client()):
            chat = client.chat.create(MODEL)
            for n in range(5):
                chat.append(xai.user(f"{QUESTION} ({n})"))
                chat.append(await sample(chat, stage.shape))
            texts.append([part.text for message in chat.messages for part in message.content])
        assert texts[0] == texts[1]
        assert [bool(block_of(received)) for received in stage.server.requests] == [False] * 5 + [True] * 5
        exchanges = await stage.captured(5)
        stored = [m.text for e in exchanges for m in stage.store.exchange_messages("ada", e.id)]
        assert stored == texts[1]

    @item(25, shapes=STREAMS)
    async def test_what_is_appended_before_a_stream_is_read_is_sent(self, stage):
        stage.know()

        async def scenario(client):
            chat = self.dialect.chat(client, stage.user())
            stream = chat.stream()
            chat.append(xai.user("And what does it do?"))
            return [await drain(stream), chat.proto]

        outcome = await stage.compare(scenario)
        assert outcome.block
        assert stage.server.texts()[0] == QUESTION
        assert stage.server.texts()[1].endswith("And what does it do?")
        await stage.captured()

    @item(12, 34, shapes=PLAIN)
    async def test_parse_writes_its_schema_on_the_callers_chat(self, stage):
        stage.know()
        stage.server.script(Scripted('{"thing": "canary", "number": 7}'), "And so on.")
        chat = self.dialect.chat(stage.client(), stage.user())
        await settle(chat.parse(Noted))
        assert "thing" in chat.proto.response_format.schema
        await settle(chat.sample())
        assert all(block_of(r) and "thing" in r.body["response_format"]["schema"] for r in stage.server.requests)
        await stage.captured(2)

    @item(20)
    async def test_a_chat_outlives_its_client(self, stage):
        client = self.dialect.client(stage.server, is_async=stage.shape.is_async)
        chat = self.dialect.chat(client, stage.user())
        stage.mem.register(client, entity="ada")
        del client
        gc.collect()
        assert (await sample(chat, stage.shape)).content == REPLY
        await stage.captured()

    @item(20)
    async def test_chats_of_another_client_are_left_alone(self, stage):
        stage.know()
        other, _ = stage.bare(), stage.client()
        await sample(self.dialect.chat(other, stage.user()), stage.shape)
        assert block_of(stage.server.last) is None
        await stage.captured(0)

    @item(18)
    async def test_a_chat_of_the_users_own_class(self, stage):
        stage.know()
        client = stage.client()
        made = self.dialect.chat(client, stage.user())

        class Counting(type(made)):
            asked = 0

            def _make_request(self, n):
                self.asked += 1
                return super()._make_request(n)

        made.__class__ = Counting
        await sample(made, stage.shape)
        assert block_of(stage.server.last)
        assert made.asked == 1
        assert type(made) is Counting
        await stage.captured()

    # ------------------------------------------------------------ tools, deferred answers, small conversations

    @item(29)
    async def test_calls_and_results_are_captured_with_their_ids(self, stage):
        stage.know()
        chat = self.dialect.chat(stage.client(), stage.user(), tools=[LOOK_UP])
        stage.server.script(Scripted(tool_calls=[CALL], reasoning="I have to look."))
        chat.append(await sample(chat, stage.shape))
        chat.append(xai.tool_result("Lumen-7", CALL.id))
        await sample(chat, stage.shape)
        assert len({block_of(received) for received in stage.server.requests}) == 1
        call, answer = await stage.captured(2)
        (asked_for,) = [part for part in call.reply[0].parts if part.kind == "tool_call"]
        assert (asked_for.name, asked_for.text, asked_for.id) == (CALL.name, CALL.json, CALL.id)
        assert call.finish_reason == "tool_calls"
        result = answer.request[-1]
        assert (result.role, result.text, result.parts[0].kind, result.parts[0].id) == (
            "tool",
            "Lumen-7",
            "tool_result",
            CALL.id,
        )
        assert [(m.role, m.text) for m in stage.store.exchange_messages("ada", answer.id)] == [
            ("tool", "Lumen-7"),
            ("assistant", REPLY),
        ]

    @item(32)
    async def test_a_call_that_is_told_of_twice_is_one(self, stage):
        search = ToolCall("web_search", {"query": "canaries"}, id="call_1")
        stage.server.script(Scripted(REPLY, tool_calls=[search]))
        options = {"tools": [web_search()], "include": ["verbose_streaming"]}
        await sample(self.dialect.chat(stage.client(), stage.user(), **options), stage.shape)
        (exchange,) = await stage.captured()
        parts = [(p.kind, p.name, p.text, p.id) for m in exchange.reply for p in m.parts]
        assert parts == [
            ("tool_call", "web_search", search.json, "call_1"),
            ("tool_result", None, "", "call_1"),
        ]
        assert [m.role for m in exchange.reply] == ["assistant", "tool", "assistant"]

    @item(7, shapes=STREAMS)
    async def test_chunks_that_their_reader_changes(self, stage):
        stream = await stage.open(stage.client())
        read, total = "", 0
        while (given := await take(stream)) is not END:
            response, chunk = given
            read, total = read + chunk.content, chunk.proto.usage.total_tokens
            for output in chunk.proto.outputs:
                output.delta.content = "redacted"
            chunk.proto.usage.total_tokens = 0
            response.proto.usage.total_tokens = 0
        (exchange,) = await stage.captured()
        assert said(exchange) == read == REPLY
        assert exchange.usage["total_tokens"] == total > 0

    @item(32)
    async def test_what_is_sealed_is_told_by_its_name(self, stage):
        stage.server.script(Scripted(REPLY, reasoning="Hm."))
        await sample(self.dialect.chat(stage.client(), stage.user(), use_encrypted_content=True), stage.shape)
        (exchange,) = await stage.captured()
        assert [(p.kind, p.text, p.name) for p in exchange.reply[0].parts] == [
            ("reasoning", "Hm.", None),
            ("reasoning", "sealed:Hm.", "encrypted"),
        ]
        assert exchange.usage["reasoning_tokens"]
        assert exchange.finish_reason == "stop"

    @item(1, shapes=PLAIN)
    async def test_a_deferred_answer_is_one_call_however_often_it_is_asked_for(self, stage):
        stage.know()
        hold = threading.Event()
        stage.server.script(Scripted(REPLY, hold=hold))
        threading.Timer(0.05, hold.set).start()
        chat = self.dialect.chat(stage.client(), stage.user())
        assert (await settle(chat.defer(**SOON))).content == REPLY
        assert block_of(stage.server.last)
        assert said((await stage.captured())[0]) == REPLY
        assert len(stage.recalls) == 1

    @item(25)
    async def test_a_conversation_made_small_keeps_its_seal(self, stage):
        """What stands for the earlier messages has the user's role; it is no place, and nothing that the user said."""
        stage.know()
        chat = self.dialect.chat(stage.client(), stage.user())
        await settle(chat.compact())
        await sample(chat, stage.shape)
        assert block_of(stage.server.last) is None
        chat.append(xai.user(QUESTION))
        await sample(chat, stage.shape)
        assert block_of(stage.server.last)
        assert stage.server.last.body["messages"][0] == {"role": "ROLE_USER", "encrypted_content": "sealed"}
        exchanges = await stage.captured(2)
        assert [(m.role, m.text) for m in exchanges[1].request] == [("system", ""), ("user", QUESTION)]

    # ------------------------------------------------------------ errors

    @item(10)
    async def test_what_the_provider_refuses_is_not_captured(self, stage):
        stage.know()
        refused = Scripted(refusal="Content violates usage guidelines.")
        outcome = await stage.compare(stage.see, refused)
        assert "usage guidelines" in str(outcome.value)
        await stage.captured(0)

    @item(10)
    async def test_a_prompt_that_is_too_long_with_its_block_goes_without(self, stage):
        stage.know()
        stage.server.close()
        stage.server = FakeXai(REPLY, context_tokens=20)
        client = stage.client()
        chat = self.dialect.chat(client, stage.user())
        assert (await sample(chat, stage.shape)).content == REPLY
        assert [bool(block_of(received)) for received in stage.server.requests] == [True, False]
        await stage.captured()

    # ------------------------------------------------------------ others who look on

    @item(45)
    async def test_spans_tell_what_they_told(self, stage):
        """And what the user said, not what is remembered."""
        stage.know()
        exported = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exported))
        told = []
        with pytest.MonkeyPatch.context() as patch:
            for module in (xai_sdk.sync.chat, xai_sdk.aio.chat):
                patch.setattr(module, "tracer", provider.get_tracer("xai"))
            for client in (stage.bare(), stage.client()):
                exported.clear()
                await sample(self.dialect.chat(client, stage.user(), conversation_id="c1"), stage.shape)
                (span,) = exported.get_finished_spans()
                told.append((span.name, span.kind, span.status.status_code, _steady(span.attributes)))
        assert block_of(stage.server.last)
        assert told[0] == told[1]
        assert told[1][3]["gen_ai.prompt.0.content"] == QUESTION
        assert told[1][3]["gen_ai.completion.0.content"] == REPLY
        await stage.captured()

    @item(45)
    async def test_another_patcher_below_sees_the_call_with_its_block(self, stage):
        stage.know()
        client = stage.bare()
        owner, method = self._hooked(stage, client)
        seen = []

        def look(wrapped, receiver, args, kwargs):
            seen.append(receiver)
            return wrapped(*args, **kwargs)

        original = vars(owner)[method]
        setattr(owner, method, wrapt.FunctionWrapper(original, look))
        try:
            stage.mem.register(client, entity="ada")
            await sample(self.dialect.chat(client, stage.user()), stage.shape)
            assert block_of(stage.server.last)
            assert [isinstance(receiver, owner) for receiver in seen] == [True]
        finally:
            stage.mem.unregister(client)
            setattr(owner, method, original)
        await stage.captured()

    @item(24)
    async def test_a_stream_lets_go_of_its_chat_and_client(self, stage):
        """As soon, or as late, as with a bare client."""
        import weakref

        async def life(is_registered):
            client = self.dialect.client(stage.server, is_async=stage.shape.is_async)
            if is_registered:
                stage.mem.register(client, entity="ada")
            chat = self.dialect.chat(client, stage.user())
            await sample(chat, stage.shape)
            await settle(client.close())
            await pause()
            references = [weakref.ref(thing) for thing in (client, chat, client.chat._stub)]
            del client, chat
            alive = [reference() is not None for reference in references]
            gc.collect()
            return [alive, [reference() is not None for reference in references]]

        stage.know()
        gc.collect()
        gc.disable()
        try:
            assert await life(True) == await life(False)
        finally:
            gc.enable()
        await stage.captured()


def _steady(attributes):
    """Without ids, times, and counts of what the block has added to the prompt."""
    gone = ("start_time", "response.id", "input_tokens", "total_tokens", "prompt_text_tokens")
    return {name: value for name, value in attributes.items() if not name.endswith(gone)}


def test_what_is_registered_is_the_client():
    from memori_wrap.errors import UnsupportedClient
    from memori_wrap.plugins import provider_for

    with FakeXai() as server:
        client = Xai().client(server, is_async=False)
        assert type(provider_for(client)).__name__ == "XaiProvider"
        for other in (client.chat, client.chat.create(MODEL), xai_sdk.Client, called(CALL)):
            with pytest.raises(UnsupportedClient):
                provider_for(other)
        client.close()
