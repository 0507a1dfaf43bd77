"""What is special to Google's SDK: its tool loops, its chats, its parts, and what it hands out of a request."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import weakref
from functools import partial

from google import genai
from google.genai import types
from google_client import MODEL, TLS, look_up
from google_dialect import said as content
from google_interactions import Interactions

from memori_wrap.testing.google_server import FakeGoogle, Scripted, ToolCall
from memori_wrap.testing.google_wire import events
from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.items import Part, item
from memori_wrap.testing.provider.shapes import ASYNC, END, PLAIN, STREAM, STREAMS, SYNC, drain, settle, take
from memori_wrap.testing.provider.stage import KNOWN, QUESTION, asked, said
from memori_wrap.testing.provider_suite import REPLY


def rounds(n):
    """The model asks for ``n`` functions, one after the other."""
    return [Scripted(tool_calls=[ToolCall("look_up", {"of": f"canary {i}"}, id=f"call_{i}")]) for i in range(n)]


def kinds(messages):
    return [(m.role, *(part.kind for part in m.parts)) for m in messages]


class GoogleTests(Part):
    """Mixed into the suite of Gemini."""

    async def generate(self, client, shape, contents, **config):
        part = client.models
        make = part.generate_content_stream if shape.is_stream else part.generate_content
        result = await settle(make(model=MODEL, contents=contents, config=config or None))
        return await drain(result) if shape.is_stream else result

    async def send(self, chat, shape, message):
        result = await settle((chat.send_message_stream if shape.is_stream else chat.send_message)(message))
        return await drain(result) if shape.is_stream else result

    def one_block(self, stage, n):
        blocks = [block_of(received) for received in stage.server.requests[-n:]]
        assert blocks[0]
        assert blocks == blocks[:1] * n
        assert len(stage.recalls) == 1

    # ------------------------------------------------------------ tool loops

    @item(29, 31)
    async def test_functions_called_in_several_rounds_are_one_exchange(self, stage):
        stage.know()
        call = partial(self.generate, shape=stage.shape, contents=QUESTION, tools=[look_up])
        outcome = await stage.compare(call, *rounds(3))
        assert len(outcome.requests) == 4
        self.one_block(stage, 4)
        (exchange,) = await stage.captured()
        assert asked(exchange) == [QUESTION]
        assert kinds(exchange.reply) == [("assistant", "tool_call"), ("tool", "tool_result")] * 3 + [("assistant",)]
        assert [p.id for m in exchange.reply for p in m.parts] == [f"call_{i // 2}" for i in range(6)]
        assert exchange.reply[1].text == "Found the canary 0."
        assert exchange.reply[-1].text == REPLY
        assert "<memory-" not in repr(outcome.value)

    @item(25, 31)
    async def test_the_callers_contents_stay_his(self, stage):
        """The SDK appends to a list of its own making, and hands out the caller's very objects."""
        stage.know()
        for make in (lambda o: [o], lambda o: [content("user", "Hello."), content("model", "Hello."), o]):
            own = content("user", QUESTION)
            given = make(own)
            before = copy.deepcopy(given)

            async def scenario(client, given=given, own=own):
                found = await self.generate(client, stage.shape, given, tools=[look_up])
                last = found[-1] if stage.shape.is_stream else found
                history = last.automatic_function_calling_history
                return [found, given, any(c is own for c in history), type(history)]

            outcome = await stage.compare(scenario, *rounds(2))
            assert given == before
            assert outcome.value[2]
            assert outcome.block

    @item(29, 31)
    async def test_a_chats_tool_loop_is_one_exchange(self, stage):
        stage.know()

        async def scenario(client):
            chat = client.chats.create(model=MODEL, config={"tools": [look_up]})
            return [await self.send(chat, stage.shape, QUESTION), chat.get_history()]

        outcome = await stage.compare(scenario, *rounds(3))
        self.one_block(stage, 4)
        assert "<memory-" not in repr(outcome.value[1])
        (exchange,) = await stage.captured()
        assert kinds(exchange.request) == [("user",), *[("assistant", "tool_call"), ("tool", "tool_result")] * 3]
        assert said(exchange) == REPLY
        assert exchange.usage["candidates_token_count"] > len(REPLY) // 4

    @item(25, 31)
    async def test_a_chat_is_stored_as_it_was_held(self, stage):
        """A streamed answer stands in the chat's history in pieces."""
        stage.know()
        chat = stage.client().chats.create(model=MODEL)
        for n in range(4):
            await self.send(chat, stage.shape, f"{QUESTION} ({n})")
            assert block_of(stage.server.last)
        exchanges = await stage.captured(4)
        stored = [m.text for e in exchanges for m in stage.store.exchange_messages("ada", e.id)]
        assert stored == [text for n in range(4) for text in (f"{QUESTION} ({n})", REPLY)]

    @item(21, 31, shapes=(SYNC, STREAM))
    async def test_a_function_that_asks_a_model_is_a_call_of_its_own(self, stage):
        stage.know()
        client = stage.client()

        def ask(of: str) -> str:
            """Asks another model."""
            return client.models.generate_content(model=MODEL, contents=f"What of the {of}?").text

        stage.server.script(Scripted(tool_calls=[ToolCall("ask", {"of": "canary"})]))
        await self.generate(client, stage.shape, QUESTION, tools=[ask])
        exchanges = await stage.captured(2)
        assert sorted(asked(e)[0] for e in exchanges) == [QUESTION, "What of the canary?"]

    @item(31, shapes=STREAMS)
    async def test_a_tool_loop_that_is_left(self, stage):
        stage.know()
        stage.server.script(*rounds(1))
        part = stage.client().models
        stream = await settle(part.generate_content_stream(model=MODEL, contents=QUESTION, config={"tools": [look_up]}))
        while not (chunk := await take(stream)).text:
            pass
        await self.dialect.close(stream)
        del stream, chunk
        (exchange,) = await stage.captured()
        assert not exchange.complete
        assert kinds(exchange.reply) == [("assistant", "tool_call"), ("tool", "tool_result"), ("assistant",)]
        assert REPLY.startswith(exchange.reply[-1].text)

    @item(7, shapes=STREAMS)
    async def test_chunks_that_their_reader_changes(self, stage):
        stream = await stage.open(stage.client())
        read, last = "", {}
        while (chunk := await take(stream)) is not END:
            last = chunk.usage_metadata.model_dump(exclude_none=True) if chunk.usage_metadata else last
            for part in (part for c in chunk.candidates or () for part in c.content.parts or ()):
                read, part.text = read + part.text, "redacted"
            if chunk.usage_metadata:
                chunk.usage_metadata.prompt_token_count = 0
        (exchange,) = await stage.captured()
        assert said(exchange) == read == REPLY
        assert exchange.usage["prompt_token_count"] == last["prompt_token_count"] > 0

    @item(32, shapes=STREAMS)
    async def test_a_calls_arguments_in_pieces(self, stage):
        def chunk(call, **more):
            return {"candidates": [{"content": {"role": "model", "parts": [{"functionCall": call}]}, **more}]}

        path = {"jsonPath": "$.of"}
        sent = events(
            [
                chunk({"name": "look_up", "id": "call_1", "willContinue": True}),
                chunk({"partialArgs": [{**path, "stringValue": "can", "willContinue": True}], "willContinue": True}),
                chunk({"partialArgs": [{**path, "stringValue": "ary"}], "willContinue": True}),
                chunk({"partialArgs": [{"jsonPath": "$.n", "numberValue": 7}], "willContinue": True}),
                chunk({}, finishReason="STOP"),
            ]
        )
        await stage.compare(stage.see, Scripted(body=b"".join(sent)))
        (exchange,) = await stage.captured()
        (part,) = exchange.reply[0].parts
        assert (part.kind, part.name, part.id) == ("tool_call", "look_up", "call_1")
        assert json.loads(part.text) == {"of": "canary", "n": 7}
        assert exchange.complete

    @item(31, shapes=PLAIN)
    async def test_a_continuation_by_hand(self, stage):
        client = stage.client()
        stage.server.script(Scripted("Thank you, ", finish_reason="CONTINUATION"))
        first = await self.generate(client, stage.shape, QUESTION, automatic_continuation=False)
        token = first.candidates[0].continuation_token
        await self.generate(client, stage.shape, QUESTION, continuation_token=token)
        assert [(said(e), e.complete) for e in await stage.captured(2)] == [("Thank you, ", False), (REPLY, True)]

    # ------------------------------------------------------------ the block

    @item(27)
    async def test_the_block_stands_before_the_users_text(self, stage):
        stage.know()
        picture = types.Part.from_bytes(data=b"a", mime_type="image/png")
        call = types.Part.from_function_call(name="look_up", args={})
        result = types.Part.from_function_response(name="look_up", response={"output": "it"})
        ours = stage.client()
        for given, place in (
            (QUESTION, (0, 0)),
            ([picture, QUESTION, "And?"], (0, 1)),
            ([content("user", "Hello."), content("model", "Hello."), content("user", QUESTION)], (2, 0)),
            ([content("user", QUESTION), content("model", call), content("user", result)], (0, 0)),
            (["Hello.", content("model", call), content("user", result, QUESTION)], (2, 1)),
            ([content("user", QUESTION), content("model", "It")], (0, 0)),
        ):
            await stage.ask(ours, given)
            places = [
                (i, n)
                for i, c in enumerate(stage.server.last.body["contents"])
                for n, part in enumerate(c["parts"])
                if "<memory-" in part.get("text", "")
            ]
            assert places == [place]

    @item(36)
    async def test_a_block_never_makes_a_prompt_too_long(self, stage):
        stage.know(KNOWN + " And so on." * 40)
        stage.server = FakeGoogle(REPLY, context_tokens=100)
        ours = stage.client()
        for n in range(2):
            await stage.ask(ours, stage.user(f"{QUESTION} {n}"))
        assert [bool(block_of(r)) for r in stage.server.requests] == [True, False, False]
        await stage.captured(2)

    # ------------------------------------------------------------ parts of clients

    @item(20, shapes=PLAIN)
    async def test_all_parts_of_a_client_are_registered(self, stage):
        stage.know()
        client = self.both(stage)
        chat, chat_async = client.chats.create(model=MODEL), client.aio.chats.create(model=MODEL)
        stage.register(client if stage.shape is SYNC else client.aio, entity="ada")
        chat.send_message(QUESTION)
        await settle_here(stage, chat_async.send_message(QUESTION))
        client.models.generate_content(model=MODEL, contents=QUESTION)
        await settle_here(stage, client.aio.models.generate_content(model=MODEL, contents=QUESTION))
        await settle_here(stage, client.aio.interactions.create(model=MODEL, input=QUESTION))
        assert all(map(block_of, stage.server.requests))
        await stage.captured(5)
        stage.unregister(client)
        client.models.generate_content(model=MODEL, contents=QUESTION)
        await stage.captured(5)
        client.close()

    @item(20, shapes=(SYNC,))
    async def test_clients_that_share_their_connections_are_told_apart(self, stage):
        from httpx2 import Client

        with Client() as http:
            options = {"base_url": stage.server.base_url, "httpx_client": http}
            mine, other = (genai.Client(api_key="none", http_options=dict(options)) for _ in range(2))
            stage.register(mine, entity="ada")
            for client in (other, mine):
                client.models.generate_content(model=MODEL, contents=QUESTION)
                client.interactions.create(model=MODEL, input=QUESTION)
            await stage.captured(2)
            stage.unregister(mine)

    @item(24)
    async def test_each_part_lives_as_long_as_before(self, stage):
        """Whatever of a client is held, and whatever it was used for."""

        async def use(client, how):
            if how == "stream":
                part = client.models
                await drain(await settle(part.generate_content_stream(model=MODEL, contents=QUESTION)))
            elif how == "chat":
                await settle(client.chats.create(model=MODEL).send_message(QUESTION))
            elif how == "interaction":
                await settle(client.interactions.create(model=MODEL, input=QUESTION))
            elif how == "interaction's stream":
                await drain(await settle(client.interactions.create(model=MODEL, input=QUESTION, stream=True)))
            elif how:
                await settle(client.models.generate_content(model=MODEL, contents=QUESTION))

        async def life(is_registered, how):
            made = self.dialect.client(stage.server, is_async=stage.shape.is_async)
            if is_registered:
                stage.register(made, entity="ada")
            await use(made, how)
            await self.dialect.shut(made)
            watched = [weakref.ref(made), weakref.ref(made._api_client), weakref.ref(made.models)]
            del made
            alive = [w() is not None for w in watched]
            gc.collect()
            return [alive, [w() is not None for w in watched]]

        gc.collect()
        gc.disable()
        try:
            for how in ("", "call", "stream", "chat", "interaction", "interaction's stream"):
                assert await life(True, how) == await life(False, how), how
        finally:
            gc.enable()

    # ------------------------------------------------------------ interactions

    @item(30, 43, shapes=PLAIN)
    async def test_what_an_interaction_repeats_of_its_request_is_the_users(self, stage):
        stage.know()
        stage.server = FakeGoogle(REPLY, echo=True)
        dialect = Interactions()
        for options in ({}, {"system_instruction": "Be brief."}):

            async def scenario(client, options=options):
                return await settle(dialect.method(client)(stage.user(), **options))

            outcome = await stage.compare(scenario)
            assert outcome.block
            assert outcome.value.system_instruction == options.get("system_instruction")

    def both(self, stage):
        options = {"base_url": stage.server.base_url, "client_args": {"verify": TLS}, "async_client_args": {"ssl": TLS}}
        return genai.Client(api_key="none", http_options=options)


async def settle_here(stage, call):
    """Waits for what an asynchronous half gives, also where the test has no event loop."""
    return await call if stage.shape is ASYNC else asyncio.run(_awaited(call))


async def _awaited(call):
    return await call
