"""The suite for boto3's Bedrock client, against the fake server over real HTTP, and what is special to it."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import replace
from functools import partial

import pytest
from bedrock_dialect import CACHE, CALL, CLAUDE, NOVA, QUESTION, TOOLS, Converse, client, user
from bedrock_invoke import VENDORS, Invoke, chunk, claude
from botocore.exceptions import ClientError
from botocore.parsers import NoInitialResponseError

from memori_wrap.testing.bedrock_server import FakeBedrock, Scripted, ToolCall
from memori_wrap.testing.provider import stage as stage_of_suite
from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.items import item
from memori_wrap.testing.provider.shapes import STREAM, SYNC, drain, take
from memori_wrap.testing.provider.stage import asked, said
from memori_wrap.testing.provider_suite import REPLY, ProviderSuite

FAULTS = ("modelStreamErrorException", "throttlingException", "validationException", "internalServerException")


def turn(question, call, result):
    """A question and the tool turn that it leads to."""
    return [user({"text": question}), *Converse().tool_turn(call, result)]


def with_point(messages):
    """A cache point at the end, as agents put it there to have all that was said so far cached."""
    *before, last = messages
    return [*before, {**last, "content": [*last["content"], CACHE]}]


def until_cache_point(received):
    """What stands in a request up to its last cache point, block by block."""
    found = [[m["role"], block] for m in received.body["messages"] for block in m["content"]]
    last = max(n for n, (_, block) in enumerate(found, 1) if "cachePoint" in block)
    return found[:last]


class TestConverse(ProviderSuite):
    dialect = Converse()

    @item(27, 29, shapes=(SYNC, STREAM))
    async def test_what_is_cached_stays_as_it_is(self, stage):
        """Three questions, each with a tool turn; the cache point is always the last block."""
        stage.know()
        bare, ours = stage.bare(), stage.client()
        history = []
        for n in range(3):
            call = ToolCall("look_up", {"of": f"canary {n}"}, id=f"tooluse_{n}")
            asking, *rest = turn(f"{QUESTION} ({n})", call, "Lumen-7")
            for sent in ([*history, asking], [*history, asking, *rest]):
                given = with_point(sent)
                scenario = partial(stage.see, messages=given, toolConfig=TOOLS)
                outcome = await stage.compare(scenario, bare=bare, ours=ours)
                assert outcome.block
                received = outcome.requests[-1]
                clean = [[m["role"], block] for m in given for block in m["content"]]
                assert until_cache_point(received) == clean
            history += [asking, *rest, {"role": "assistant", "content": [{"text": REPLY}]}]
        assert len(stage.recalls) == 3

    @item(27, 29, shapes=(SYNC, STREAM))
    async def test_no_words_beside_results_for_models_without(self, stage):
        stage.know()
        client = stage.client()
        sent = with_point(turn(QUESTION, CALL, "Lumen-7"))
        await stage.ask(client, sent, modelId=NOVA)
        assert not block_of(stage.server.last)
        assert stage.counts["skipped.no_place"] == 1
        await stage.ask(client, turn(QUESTION, CALL, "Lumen-7"), modelId=NOVA)
        assert block_of(stage.server.last)

    @item(27, shapes=(SYNC,))
    async def test_where_the_block_stands(self, stage):
        stage.know()
        client = stage.client()
        document = {"document": {"format": "txt", "name": "canaries", "source": {"text": "They sing."}}}
        for content, place in (
            ([{"text": QUESTION}], 0),
            ([document, {"text": QUESTION}], 1),
            ([document, CACHE, {"text": QUESTION}], 2),
            ([{"text": "See."}, CACHE, document, {"text": QUESTION}], 3),
            ([{"text": QUESTION}, CACHE], 2),
            ([{"guardContent": {"text": {"text": QUESTION}}}, document, {"text": "See."}], 0),
        ):
            before = copy.deepcopy(content)
            await stage.ask(client, [user(*content)], system=[{"text": "Be brief."}, CACHE])
            sent = stage.server.last.body
            assert list(sent["messages"][0]["content"][place]) == ["text"]
            assert "<memory-" in sent["messages"][0]["content"][place]["text"]
            assert sent["system"] == [{"text": "Be brief."}, CACHE]
            assert content == before

    @item(29, 32, shapes=(SYNC, STREAM))
    async def test_a_tool_turn_is_read(self, stage):
        client = stage.client()
        stage.server.script(Scripted(tool_calls=[CALL], reasoning="Well."))
        messages = stage.user()
        await stage.ask(client, messages)
        stage.server.script(Scripted(REPLY, finish_reason="length"))
        await stage.ask(client, [*messages, *self.dialect.tool_turn(CALL, "Lumen-7")])
        first, second = await stage.captured(2)
        thought, call = first.reply[0].parts
        assert (thought.kind, thought.text) == ("reasoning", "Well.")
        assert (call.kind, call.name, call.text, call.id) == ("tool_call", "look_up", '{"of": "canary"}', "tooluse_1")
        assert (first.finish_reason, second.finish_reason) == ("tool_use", "max_tokens")
        _, again, result = second.request
        assert again.parts == (call,)
        assert (result.role, result.text) == ("tool", "Lumen-7")
        assert [(p.kind, p.id) for p in result.parts] == [("tool_result", "tooluse_1")]
        stored = [m.role for e in (first, second) for m in stage.store.exchange_messages("ada", e.id)]
        assert stored == ["user", "assistant", "tool", "assistant"]
        assert first.usage["inputTokens"]
        assert (first.provider, first.model) == ("bedrock", CLAUDE)
        assert first.response_id != second.response_id

    @item(28, shapes=(SYNC,))
    async def test_what_a_message_holds_is_read(self, stage):
        png = {"format": "png", "source": {"bytes": b"\x89PNG"}}
        result = {"toolUseId": "tooluse_1", "content": [{"json": {"name": "Lumen-7"}}, {"image": png}]}
        ask, use, _ = turn("Look.", CALL, "")
        last = user({"toolResult": result}, {"image": png}, {"guardContent": {"text": {"text": QUESTION}}}, CACHE)
        await stage.ask(stage.client(), [ask, use, last], system=[{"text": "Be brief."}])
        (exchange,) = await stage.captured()
        system, _, _, tool, question = exchange.request
        assert (system.role, system.text) == ("system", "Be brief.")
        assert (tool.role, tool.text) == ("tool", '{"name": "Lumen-7"}')
        assert (question.role, question.text) == ("user", QUESTION)
        assert [p.kind for p in question.parts] == ["image"]

    @item(9, shapes=(STREAM,))
    async def test_errors_among_the_events(self, stage):
        """The error is held on to, and with it the stream: it is captured all the same."""
        for fault in FAULTS:
            stage.server.script(Scripted(REPLY, error_after=6, code=fault, message="Not now"))
            with pytest.raises(ClientError, match="Not now") as raised:
                await drain(await stage.open(stage.client()))
            assert raised.value.response["Error"]["Code"] == fault
            await stage.flush()
            (exchange,) = stage.store.exchanges
            assert said(exchange)
            assert not exchange.complete
            stage.store.exchanges.clear()

    @item(5, shapes=(STREAM,))
    async def test_a_closed_stream_is_captured_while_it_is_held(self, stage):
        stream = await stage.open(stage.client())
        await take(stream)
        stream.close()
        (exchange,) = await stage.captured()
        assert not exchange.complete

    @item(2, shapes=(STREAM,))
    async def test_the_initial_response(self, stage):
        """Bedrock sends none; who asks for it takes the first event."""

        async def scenario(client):
            stream = await stage.open(client)
            with pytest.raises(NoInitialResponseError) as raised:
                stream.get_initial_response()
            return [raised.value, await drain(stream)]

        await stage.compare(scenario)
        await stage.captured()

    @item(10, shapes=(SYNC, STREAM))
    async def test_retries_of_every_mode_are_one_call(self, stage):
        stage.know()
        for n, mode in enumerate(("legacy", "standard", "adaptive"), 1):
            ours = stage.register(client(stage.server, retries=2, mode=mode), entity="ada")
            throttled = Scripted(status=429, retry_after=0.01), Scripted(status=503, retry_after=0.01)
            scenario = partial(stage.see, messages=stage.user(f"{QUESTION} {mode}"))
            outcome = await stage.outcome(scenario, ours, *throttled)
            assert len(outcome.requests) == 3
            assert len({received.raw for received in outcome.requests}) == 1
            assert len(stage.recalls) == n
            await stage.captured(n)
            stage.unregister(ours)

    @item(10, shapes=(SYNC, STREAM))
    async def test_a_rate_limit_is_no_full_window(self, stage):
        """Both speak of too many tokens."""
        stage.know()
        ours = stage.client()
        outcome = await stage.compare(stage.see, Scripted(status=429), ours=ours)
        assert "Too many tokens" in str(outcome.value)
        assert (await stage.compare(stage.see, ours=ours)).block

    @item(36, shapes=(SYNC, STREAM))
    async def test_a_full_window_is_tried_without_the_block(self, stage):
        stage.know()
        stage.server._context_tokens = 30
        client = stage.client()
        assert (await stage.ask(client)).text == REPLY
        assert [bool(block_of(r)) for r in stage.server.requests] == [True, False]
        await stage.ask(client)
        assert not block_of(stage.server.last)


class Gateway(FakeBedrock):
    """Sends whole answers in chunks of HTTP."""

    def respond(self, received):
        answer = super().respond(received)
        half = len(answer.body) // 2
        return replace(answer, chunks=[answer.body[:half], answer.body[half:]])


class TestInvoke(ProviderSuite):
    dialect = Invoke()

    def opened(self, client, **more):
        return client.invoke_model(modelId=CLAUDE, body=json.dumps(claude(QUESTION)), **more)["body"]

    @item(2, 17, shapes=(SYNC,))
    async def test_nothing_is_read_before_the_user_reads(self, stage):
        body = self.opened(stage.client())
        assert body.tell() == 0
        assert not stage.store.exchanges
        assert len(body.read(5)) == 5
        assert body.tell() == 5
        assert not stage.store.exchanges
        body.read()
        await stage.captured()

    @item(5, 6, shapes=(SYNC,))
    async def test_a_body_that_is_left(self, stage):
        """Half an answer is no answer, but the question was asked; the connection goes as it does by itself."""

        def leave(how):
            async def scenario(client):
                body = self.opened(client)
                body.read(40)
                if how == "closed":
                    body.close()
                    body.close()
                    return [body.tell(), body.readable()]
                return body.tell()

            return scenario

        for how in ("closed", "dropped"):
            outcome = await stage.compare(leave(how))
            assert not isinstance(outcome.value, Exception)
            (exchange,) = await stage.captured()
            assert (asked(exchange)[-1], said(exchange), exchange.complete) == (QUESTION, "", False)
            stage.store.exchanges.clear()

    @item(6, shapes=(SYNC,))
    async def test_dropped_in_the_middle_of_something_else(self, stage):
        """urllib3's response is a file: it is closed as it goes, and that must not wait for a database."""
        took = []

        def drop(_):
            stage.store.gate.clear()
            began = time.monotonic()
            bodies.clear()
            took.append(time.monotonic() - began)
            stage.store.gate.set()

        stage.know()
        client = stage.client()
        bodies = [self.opened(client)]
        stage.on_recall = drop
        assert (await stage.ask(client)).text == REPLY
        assert took[0] < stage_of_suite.BUDGET / 2
        assert sorted(e.complete for e in await stage.captured(2)) == [False, True]

    @item(10, shapes=(SYNC,))
    async def test_a_body_that_is_cut(self, stage):
        async def scenario(client):
            body = self.opened(client)
            return [body.read(10), body.read()]

        outcome = await stage.compare(scenario, Scripted(cut_bytes=20))
        assert isinstance(outcome.value, Exception)
        await stage.captured(0)

    @item(25, shapes=(SYNC,))
    async def test_where_the_block_stands_in_a_prompt(self, stage):
        """Before the last words of the user, inside of the template's turn."""
        stage.know()
        client = stage.client()
        for name, before in {
            "Llama": "<|start_header_id|>user<|end_header_id|>\n\n",
            "Mistral's prompt": "<s>[INST] ",
            "DeepSeek's prompt": "<｜end▁of▁sentence｜><｜User｜>",
            "Titan with turns": "\nUser: ",
            "Llama without a template": "",
        }.items():
            model, make = VENDORS[name]
            client.invoke_model(modelId=model, body=json.dumps(make(QUESTION)))["body"].read()
            block = block_of(stage.server.last)
            assert f"{before}{block}\n\n{QUESTION}" in stage.server.texts()[-1]

    @item(17, shapes=(SYNC,))
    async def test_a_body_without_a_length(self, stage):
        """Sent in chunks, as a gateway may do."""
        stage.server.close()
        with Gateway(REPLY) as stage.server:
            ways = json.load, lambda body: list(body.iter_chunks(9)), lambda body: list(body._raw_stream.stream())
            for read in ways:
                outcome = await stage.compare(partial(self.seen, read))
                assert not isinstance(outcome.value, Exception)
                (exchange,) = await stage.captured()
                assert (said(exchange), exchange.complete) == (REPLY, True)
                stage.store.exchanges.clear()

    async def seen(self, read, client):
        found = read(self.opened(client))
        return b"".join(found) if isinstance(found, list) else found

    @item(32, shapes=(SYNC, STREAM))
    async def test_reasoning_between_tags(self, stage):
        model = "openai.gpt-oss-20b-1:0"
        stage.server.script(Scripted(f"<reasoning>A canary, well.</reasoning>{REPLY}"))
        body = json.dumps({"messages": [{"role": "user", "content": QUESTION}]})
        result = self.dialect.call(stage.client(), stage.shape.is_stream)(modelId=model, body=body)
        seen = [chunk(event) for event in result["body"]] if stage.shape.is_stream else result["body"].read()
        assert "<reasoning>" in str(seen)
        (exchange,) = await stage.captured()
        assert said(exchange) == REPLY
        assert [(p.kind, p.text) for p in exchange.reply[0].parts] == [("reasoning", "A canary, well.")]

    @item(29, 32, shapes=(SYNC, STREAM))
    async def test_a_tool_turn_of_cohere_is_read(self, stage):
        """Its calls have no ids; the block is in the preamble, so that nothing of it comes back in the history."""
        stage.know()
        call = {"name": "look_up", "parameters": {"of": "canary"}}
        history = [{"role": "USER", "message": QUESTION}, {"role": "CHATBOT", "message": "", "tool_calls": [call]}]
        results = [{"call": call, "outputs": [{"name": "Lumen-7"}]}]
        body = {"message": "", "chat_history": history, "tool_results": results}
        stage.server.script(Scripted(REPLY, tool_calls=[CALL]))
        invoke = self.dialect.call(stage.client(), stage.shape.is_stream)
        result = invoke(modelId="cohere.command-r-v1:0", body=json.dumps(body))
        seen = [chunk(event) for event in result["body"]] if stage.shape.is_stream else json.load(result["body"])
        assert "chat_history" in str(seen)
        assert "<memory-" not in str(seen)
        assert "<memory-" in stage.server.last.body["preamble"]
        (exchange,) = await stage.captured()
        assert [m.role for m in exchange.request] == ["user", "assistant", "tool"]
        assert said(exchange) == REPLY
        assert [(p.kind, p.name, p.text) for p in exchange.reply[0].parts] == [
            ("tool_call", "look_up", '{"of": "canary"}')
        ]
        assert exchange.request[1].parts == exchange.reply[0].parts
