"""How the suite drives OpenAI's SDK: Chat Completions and Responses."""

from __future__ import annotations

import json
import re
import ssl
from functools import partial

import openai
from pydantic import BaseModel

from memori_wrap.testing.openai_server import FakeOpenAI, Scripted, ToolCall
from memori_wrap.testing.provider.shapes import PLAIN, SHAPES, STREAMS, drain, settle, take, within
from memori_wrap.testing.provider_suite import REPLY, Dialect, Variant

TLS = ssl.create_default_context()  # one for all: a context takes longer than a test
MODEL = "gpt-4o-mini"
PNG = "data:image/png;base64,iVBORw0KGgo="
CALL = ToolCall("look_up", {"of": "canary"}, id="call_1")


class Noted(BaseModel):
    thing: str
    number: int


NOTED = Noted(thing="canary", number=7).model_dump_json()
SCHEMA = {
    "type": "object",
    "properties": {"thing": {"type": "string"}, "number": {"type": "integer"}},
    "required": ["thing", "number"],
    "additionalProperties": False,
}


class _OpenAI(Dialect):
    ignored = frozenset({"created", "created_at", "completed_at", "openai-processing-ms", "content-length", "elapsed"})
    echoed = frozenset({"prompt_tokens", "input_tokens", "total_tokens"})
    volatile = re.compile(
        r"(\b(?:chatcmpl-|resp_|msg_|call_|req_|rs_|fc_)(?=\w{20})"
        r'|"(?:created|created_at|completed_at)":|(?:received|expected|position) (?=\d))\w+'
    )

    def server(self, reply):
        return FakeOpenAI(reply)

    def client(self, server, *, is_async, retries=0, timeout=None, hook=None):
        options = {"base_url": server.base_url, "api_key": "none", "max_retries": retries}
        if timeout is not None:
            options["timeout"] = timeout
        options["http_client"] = self._http(is_async, hook or (lambda: None))
        return (openai.AsyncOpenAI if is_async else openai.OpenAI)(**options)

    def _http(self, is_async, hook):
        async def before_async(_):
            await settle(hook())

        before = before_async if is_async else lambda _: hook()
        kind = openai.DefaultAsyncHttpx2Client if is_async else openai.DefaultHttpx2Client
        return kind(event_hooks={"request": [before]}, verify=TLS)

    def copies(self, client):
        return {
            "copy": client.copy(),
            "with_options": client.with_options(timeout=9),
            "copy of a copy": client.copy().with_options(max_retries=1).copy(timeout=5),
        }

    def others(self, client):
        return {
            "embeddings": lambda: client.embeddings.create(model="text-embedding-3-small", input="a canary"),
            "raw embeddings": partial(
                client.embeddings.with_raw_response.create, model="text-embedding-3-small", input=["a", "b"]
            ),
            "models": lambda: self._models(client),
            "not there": lambda: client.models.retrieve("nothing"),
        }

    async def _models(self, client):
        return await drain(client.models.list())


# ---------------------------------------------------------------- ways to read an answer that both APIs share


async def raw(create, messages, shape):
    response = await settle(create(messages, stream=shape.is_stream))
    parsed = response.parse()
    seen = [type(response), response.headers, response.status_code, response.http_request.method, response.request_id]
    if shape.is_stream:
        return [*seen, type(parsed), await drain(parsed)]
    return [*seen, parsed, response.parse() is parsed, response.text, response.is_closed]


async def raw_never_parsed(create, messages, shape):
    response = await settle(create(messages, stream=shape.is_stream))
    if shape.is_stream:
        lines = response.http_response.aiter_lines() if shape.is_async else response.http_response.iter_lines()
        return [type(response), response.headers, await drain(lines)]
    return [type(response), response.headers, json.loads(response.content)]


async def streaming_parse(create, messages, shape):
    async with within(create(messages, stream=shape.is_stream)) as response:
        found = response.parse()
        parsed = await settle(found)
        seen = [type(response), response.headers, type(found), type(parsed), response.is_closed]
        return [*seen, await drain(parsed) if shape.is_stream else parsed]


def streaming(read):
    async def run(create, messages, shape):
        async with within(create(messages, stream=shape.is_stream)) as response:
            found = await settle(getattr(response, read)())
            if hasattr(found, "__aiter__") or hasattr(found, "__next__"):
                found = await drain(found)
            if found and isinstance(found, list) and isinstance(found[0], bytes):
                found = b"".join(found)
            return [type(response), response.headers, found]

    return run


async def streaming_unread(create, messages, shape):
    async with within(create(messages, stream=shape.is_stream)) as response:
        return [type(response), response.headers]


async def streaming_cut(create, messages, shape):
    async with within(create(messages, stream=shape.is_stream)) as response:
        try:
            return await settle(response.read())
        except Exception as error:
            return [error]


class _Both(_OpenAI):
    """What the two APIs share; ``api`` is the path of their resource."""

    def api(self, client):
        raise NotImplementedError

    def body(self, messages, **options):
        raise NotImplementedError

    def method(self, client):
        create = self.api(client).create
        return lambda messages, *, stream=False, **options: create(**self.body(messages, stream=stream, **options))

    def create(self, how):
        """A variant's ``create``: on the resource itself, or on its twin for raw or streaming responses."""

        def of(client):
            resource = self.api(client)
            twin = resource if how is None else getattr(resource, how)
            return lambda messages, **options: twin.create(**self.body(messages, **options))

        return of

    def variant(self, name, items, how, read, shapes=SHAPES, **more):
        of = self.create(how)

        async def run(client, messages, shape):
            return await read(of(client), messages, shape)

        return Variant(name, items, run, shapes, **more)

    def plain(self, name, items, shapes=SHAPES, *, options=None, **more):
        """The plain call with further options."""

        async def run(client, messages, shape):
            result = await settle(self.method(client)(messages, stream=shape.is_stream, **(options or {})))
            return await drain(result) if shape.is_stream else result

        return Variant(name, items, run, shapes, **more)

    def variants(self):
        raw_, streamed = "with_raw_response", "with_streaming_response"
        yield self.variant("raw", (14,), raw_, raw, PLAIN)
        yield self.variant("raw stream", (16,), raw_, raw, STREAMS)
        yield self.variant("raw never parsed", (15,), raw_, raw_never_parsed, PLAIN)
        yield self.variant("raw stream never parsed", (15, 16), raw_, raw_never_parsed, STREAMS)
        yield self.variant("streaming response parse", (17,), streamed, streaming_parse)
        for read in ("read", "text", "json"):
            yield self.variant(f"streaming response {read}", (17,), streamed, streaming(read), PLAIN)
        for read, shapes in {"iter_lines": SHAPES, "iter_text": PLAIN, "iter_bytes": STREAMS}.items():
            yield self.variant(f"streaming response {read}", (17,), streamed, streaming(read), shapes)
        yield self.variant("streaming response unread", (17,), streamed, streaming_unread, said="", complete=False)
        cut = Scripted(REPLY, cut_after=1)
        yield self.variant("streaming response cut", (17,), streamed, streaming_cut, reply=cut, said="", complete=False)
        yield self.plain("refusal", (32,), reply=Scripted(refusal="I cannot."), said="", parts=("refusal",))
        yield self.plain("tool calls", (32,), reply=Scripted(tool_calls=[CALL, CALL]), said="", parts=("tool_call",))
        yield self.plain("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        yield self.plain("usage", (32,), PLAIN, usage=True)
        yield self.plain(
            "options of the request",
            (1,),
            options={
                "extra_headers": {"x-mine": "1"},
                "extra_query": {"q": "2"},
                "extra_body": {"mine": 3},
                "timeout": 9,
                "temperature": 0.5,
                "metadata": {"a": "b"},
            },
        )

    def forms(self):
        return {
            "list": lambda text: [{"role": "user", "content": text}],
            "tuple": lambda text: ({"role": "user", "content": text},),
        }


class Chat(_Both):
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


class Responses(_Both):
    name = "openai Responses"

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
