"""How the suite drives OpenAI's two APIs: Chat Completions and Responses."""

from __future__ import annotations

import json

import openai
from openai_client import CALL, MODEL, NOTED, PNG, SCHEMA, Both, Noted

from memori_wrap.testing.openai_server import Scripted
from memori_wrap.testing.provider.shapes import ASYNC_STREAM, PLAIN, STREAMS, SYNC, drain, settle, take, within
from memori_wrap.testing.provider_suite import REPLY, Variant


def part(text, *, mark=False, kind="text"):
    return {"type": kind, "text": text} | ({"prompt_cache_breakpoint": {"mode": "explicit"}} if mark else {})


class Chat(Both):
    name = "openai Chat Completions"

    def api(self, client):
        return client.chat.completions

    def body(self, messages, **options):
        return {"model": MODEL, "messages": messages, **options}

    def text(self, result):
        return "".join(choice.message.content or "" for choice in result.choices)

    def piece(self, chunk):
        return chunk.choices[0].delta.content or "" if chunk.choices else ""

    def variants(self):
        yield from super().variants()
        yield Variant("parse", (12, 34), self.parse, PLAIN, NOTED, said=NOTED)
        yield Variant("stream helper", (13,), self.helper, STREAMS)
        yield Variant("stream helper, final only", (13,), self.helper_final, STREAMS, NOTED, said=NOTED)
        yield Variant("post", (1,), self.post, PLAIN)
        yield Variant("extra_body overrides", (35,), self.overridden)
        yield Variant("old Completions", (1,), self.completed, usage=False)
        yield Variant("old Completions, raw", (14,), self.completed_raw, PLAIN)
        yield Variant("old Completions, several prompts", (44,), self.several, PLAIN, said=None, injects=False)
        yield Variant("breakpoints", (29,), self.marked)
        yield Variant("a later breakpoint", (29,), self.marked_later, injects=False)
        yield self.plain(
            "sentinels",
            (26,),
            options={
                "tools": openai.omit,
                "temperature": openai.NOT_GIVEN,
                "response_format": openai.omit,
                "stop": None,
            },
        )
        two = Scripted(choices=["One.", "Two."])
        yield self.plain("n=2", (32,), options={"n": 2, "logprobs": True}, reply=two, said="One.\nTwo.")
        yield self.plain("usage chunk", (33,), STREAMS, options={"stream_options": {"include_usage": True}}, usage=True)
        schema = {"type": "json_schema", "json_schema": {"name": "noted", "schema": SCHEMA, "strict": True}}
        yield self.plain("schema", (34,), options={"response_format": schema}, reply=NOTED, said=NOTED)
        yield self.plain("content filter", (32,), reply=Scripted(REPLY, finish_reason="content_filter"))

    async def parse(self, client, messages, shape):
        result = await settle(client.chat.completions.parse(model=MODEL, messages=messages, response_format=Noted))
        return [result, result.choices[0].message.parsed]

    async def helper(self, client, messages, shape):
        async with within(client.chat.completions.stream(model=MODEL, messages=messages)) as stream:
            events = await drain(stream)
            return [type(stream), events, await settle(stream.get_final_completion())]

    async def helper_final(self, client, messages, shape):
        options = {"model": MODEL, "messages": messages, "response_format": Noted}
        async with within(client.chat.completions.stream(**options)) as stream:
            return await settle(stream.get_final_completion())

    async def post(self, client, messages, shape):
        body = {"model": MODEL, "messages": messages}
        return await settle(client.post("/chat/completions", cast_to=openai.types.chat.ChatCompletion, body=body))

    async def completed(self, client, messages, shape):
        prompt = messages[0]["content"]
        result = await settle(client.completions.create(model=MODEL, prompt=prompt, stream=shape.is_stream))
        return await drain(result) if shape.is_stream else result

    async def completed_raw(self, client, messages, shape):
        create = client.completions.with_raw_response.create
        response = await settle(create(model=MODEL, prompt=[messages[0]["content"]]))
        return [type(response), response.headers, response.parse()]

    async def several(self, client, messages, shape):
        return await settle(client.completions.create(model=MODEL, prompt=[messages[0]["content"], "And?"]))

    async def marked(self, client, messages, shape):
        return await self.with_parts(client, shape, [part("My canary.", mark=True), part(messages[0]["content"])])

    async def marked_later(self, client, messages, shape):
        call, result = self.tool_turn(CALL, "")
        result = {**result, "content": [part(messages[0]["content"], mark=True)]}
        return await self.with_parts(client, shape, [part(messages[0]["content"])], [call, result])

    async def with_parts(self, client, shape, parts, more=()):
        asked = [{"role": "user", "content": parts}, *more]
        result = await settle(self.method(client)(asked, stream=shape.is_stream))
        return await drain(result) if shape.is_stream else result

    async def overridden(self, client, messages, shape):
        decoy = [{"role": "user", "content": "Not this."}]
        result = await settle(self.method(client)(decoy, stream=shape.is_stream, extra_body={"messages": messages}))
        return await drain(result) if shape.is_stream else result

    def forms(self):
        from openai.types.chat import ChatCompletionMessage, ChatCompletionUserMessageParam

        before = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello."}]
        answer = ChatCompletionMessage(role="assistant", content="Hello, Ada.", refusal=None)
        return {
            **super().forms(),
            "generator": lambda text: (m for m in [{"role": "user", "content": text}]),
            "iterator": lambda text: iter([{"role": "user", "content": text}]),
            "TypedDict": lambda text: [ChatCompletionUserMessageParam(role="user", content=text, name="Ada")],
            "the SDK's own objects": lambda text: [*before, answer, {"role": "user", "content": text}],
            "parts": lambda text: [{"role": "user", "content": [{"type": "text", "text": text}]}],
            "a generator of parts": lambda text: [
                {"role": "user", "content": ({"type": "text", "text": t} for t in [text])}
            ],
            "an image": lambda text: [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": PNG}}, {"type": "text", "text": text}],
                }
            ],
        }

    def conversations(self):
        ask = {"role": "user", "content": "What is my canary called?"}
        tool = list(self.tool_turn(CALL, "Lumen-7"))
        return {
            "empty": [],
            "no user": [{"role": "system", "content": "Be brief."}],
            "developer": [{"role": "developer", "content": "Be brief."}, ask],
            "system parts": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, ask],
            "prefilled": [ask, {"role": "assistant", "content": "It is"}],
            "tools only": tool,
            "an image only": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}],
            "audio": [
                {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}
            ],
            "no parts": [{"role": "user", "content": []}],
            "no content": [{"role": "user", "content": None}, {"role": "user"}],
            "no text": [{"role": "user", "content": ""}, {"role": "user", "content": " \n"}],
            "no role": [{"content": "Who am I?"}],
            "odd role": [{"role": "critic", "content": "Well."}, ask],
            "odd types": [{"role": "user", "content": 7}, {"role": 7, "content": {"a": 1}}, ask],
            "no dicts": ["What is my canary called?", 7, None],
            "NUL": [{"role": "user", "content": "my\0canary"}],
            "half an emoji": [{"role": "user", "content": "my canary \ud83d"}],
            "long": [{"role": "user", "content": "my canary " * 20_000}],
            "unanswered tool call": [ask, tool[0], ask],
        }

    def unknown(self, client, stream):
        return lambda: client.chat.completions.create(model=MODEL, messages="What is it?", stream=stream)

    def tool_turn(self, call, result):
        function = {"name": call.name, "arguments": call.json}
        return [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": call.id, "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": call.id, "content": result},
        ]


class Responses(Both):
    name = "openai Responses"
    everyday = (SYNC, ASYNC_STREAM)

    def api(self, client):
        return client.responses

    def body(self, messages, **options):
        return {"model": MODEL, "input": messages, **options}

    def text(self, result):
        return result.output_text

    def piece(self, chunk):
        return chunk.delta if chunk.type == "response.output_text.delta" else ""

    def variants(self):
        yield from super().variants()
        yield Variant("parse", (12, 34), self.parse, PLAIN, NOTED, said=NOTED)
        yield Variant("stream helper", (13,), self.helper, STREAMS)
        yield Variant("stream helper, final only", (13,), self.helper_final, STREAMS, NOTED, said=NOTED)
        yield Variant("extra_body overrides", (35,), self.overridden)
        yield Variant("extra_body overrides instructions", (35,), self.overridden_instructions)
        yield Variant("beta", (1,), self.beta)
        yield Variant("breakpoints, kept", (30,), self.marked, injects=False)
        yield Variant("breakpoints, not kept", (29,), self.marked_not_kept)
        yield Variant("a plain string", (25,), self.string)
        for name, given in {
            "omitted": openai.omit,
            "not given": openai.NOT_GIVEN,
            "none": None,
            "text": "Be brief.",
        }.items():
            yield self.plain(f"instructions {name}", (26,), options={"instructions": given})
        thought = Scripted(REPLY, reasoning="Canaries sing.")
        yield self.plain("reasoning", (32,), reply=thought, parts=("reasoning",))
        yield self.plain("usage of a stream", (33,), STREAMS, usage=True)
        failed = Scripted(REPLY, finish_reason="failed", message="Out of order.", code="server_error")
        yield self.plain("failed", (9, 32), reply=failed, complete=False)
        schema = {"format": {"type": "json_schema", "name": "noted", "schema": SCHEMA, "strict": True}}
        yield self.plain("schema", (34,), options={"text": schema}, reply=NOTED, said=NOTED)

    async def parse(self, client, messages, shape):
        result = await settle(client.responses.parse(model=MODEL, input=messages, text_format=Noted))
        return [result, result.output_parsed]

    async def helper(self, client, messages, shape):
        async with within(client.responses.stream(model=MODEL, input=messages)) as stream:
            first = [await take(stream) for _ in range(2)]
            return [type(stream), first, await drain(stream), await settle(stream.get_final_response())]

    async def helper_final(self, client, messages, shape):
        async with within(client.responses.stream(model=MODEL, input=messages, text_format=Noted)) as stream:
            return await settle(stream.get_final_response())

    async def overridden(self, client, messages, shape):
        result = await settle(self.method(client)("Not this.", stream=shape.is_stream, extra_body={"input": messages}))
        return await drain(result) if shape.is_stream else result

    async def beta(self, client, messages, shape):
        create = client.beta.responses.create
        result = await settle(create(model=MODEL, input=messages, stream=shape.is_stream))
        return await drain(result) if shape.is_stream else result

    async def marked(self, client, messages, shape, **options):
        parts = [part("My canary.", mark=True, kind="input_text"), part(messages[0]["content"], kind="input_text")]
        asked = [{"role": "user", "content": parts}]
        result = await settle(self.method(client)(asked, stream=shape.is_stream, **options))
        return await drain(result) if shape.is_stream else result

    async def marked_not_kept(self, client, messages, shape):
        return await self.marked(client, messages, shape, store=False)

    async def overridden_instructions(self, client, messages, shape):
        options = {"instructions": "Not this.", "extra_body": {"instructions": "Be brief."}}
        result = await settle(self.method(client)(messages, stream=shape.is_stream, **options))
        return await drain(result) if shape.is_stream else result

    async def string(self, client, messages, shape):
        result = await settle(self.method(client)(messages[0]["content"], stream=shape.is_stream))
        return await drain(result) if shape.is_stream else result

    def forms(self):
        from openai.types.responses import EasyInputMessageParam, ResponseOutputMessage

        content = [{"type": "output_text", "text": "Hello, Ada.", "annotations": []}]
        answer = ResponseOutputMessage(
            id="msg_1", role="assistant", status="completed", type="message", content=content
        )
        return {
            **super().forms(),
            "string": lambda text: text,
            "TypedDict": lambda text: [EasyInputMessageParam(role="user", content=text, type="message")],
            "the SDK's own objects": lambda text: [
                {"role": "user", "content": "Hello."},
                answer,
                {"role": "user", "content": text},
            ],
            "parts": lambda text: [{"role": "user", "content": [{"type": "input_text", "text": text}]}],
            "an image": lambda text: [
                {
                    "role": "user",
                    "content": [{"type": "input_image", "image_url": PNG}, {"type": "input_text", "text": text}],
                }
            ],
        }

    def conversations(self):
        ask = {"role": "user", "content": "What is my canary called?"}
        call, result = self.tool_turn(CALL, "Lumen-7")
        return {
            "empty": [],
            "empty string": "",
            "nothing": None,
            "no user": [{"role": "developer", "content": "Be brief."}],
            "prefilled": [ask, {"role": "assistant", "content": "It is"}],
            "tools only": [call, result],
            "tools": [ask, call, result],
            "reasoning": [ask, {"type": "reasoning", "id": "rs_1", "summary": []}, call, result],
            "an image only": [{"role": "user", "content": [{"type": "input_image", "image_url": PNG}]}],
            "no parts": [{"role": "user", "content": []}],
            "no content": [{"role": "user", "content": None}, {"role": "user"}],
            "no text": [{"role": "user", "content": ""}],
            "a reference": [{"type": "item_reference", "id": "msg_1"}, ask],
            "odd types": [{"role": "user", "content": 7}, {"type": 7}, {"type": "never_seen", "x": 1}, ask],
            "NUL": "my\0canary",
            "half an emoji": "my canary \ud83d",
            "long": "my canary " * 20_000,
        }

    def unknown(self, client, stream):
        return lambda: client.responses.create(model=MODEL, input={"odd": 1}, stream=stream)

    def tool_turn(self, call, result):
        made = {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.json}
        return [made, *self.tool_result(call, result)]

    def tool_result(self, call, result):
        return [{"type": "function_call_output", "call_id": call.id, "output": result}]

    def continued(self, answer):
        return {"previous_response_id": answer[-1].response.id if isinstance(answer, tuple) else answer.id}

    def inherited(self, server):
        return json.dumps(server.inherited())
