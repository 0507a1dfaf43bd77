"""How the suite drives Anthropic's SDK: Messages, stable and beta, and Messages on Bedrock."""

from __future__ import annotations

import json
import re
import ssl
from functools import partial

import anthropic
from anthropic.types import Message, UserMessageParam
from pydantic import BaseModel
from stainless_client import streaming, streaming_cut, streaming_parse, streaming_unread

from memori_wrap.testing.anthropic_server import Content, FakeAnthropic, Scripted, ToolCall
from memori_wrap.testing.provider.shapes import PLAIN, SHAPES, STREAMS, drain, settle, take, within
from memori_wrap.testing.provider_suite import ASYNC_STREAM, REPLY, SYNC, Dialect, Variant

TLS = ssl.create_default_context()  # one for all: a context takes longer than a test
MODEL = "claude-sonnet-5"
CALL = ToolCall("look_up", {"of": "canary"}, id="toolu_1")
MARK = {"cache_control": {"type": "ephemeral"}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
SOURCE = {"type": "text", "media_type": "text/plain", "data": "Canaries sing."}
DOCUMENT = {"type": "document", "source": SOURCE, "citations": {"enabled": True}}
CITED = {
    "type": "char_location",
    "cited_text": "Canaries sing.",
    "document_index": 0,
    "document_title": None,
    "start_char_index": 0,
    "end_char_index": 14,
    "file_id": None,
}
SEARCH = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "canary"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
]
SERVED = Content(
    content=[
        {"type": "redacted_thinking", "data": "c2VjcmV0"},
        {"type": "text", "text": "I looked it up."},
        *SEARCH,
        {"type": "text", "text": "Canaries ", "citations": [CITED]},
        {"type": "text", "text": "sing."},
    ],
    finish_reason="pause_turn",
)


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


_READ_UP = ("generator", "iterator", "a generator")


def part(text, *, mark=False):
    return {"type": "text", "text": text} | (MARK if mark else {})


async def raw(create, messages, shape):
    response = await settle(create(messages, stream=shape.is_stream))
    parsed = await settle(response.parse())
    seen = [type(response), response.headers, response.status_code, response.http_request.method, response.url.path]
    if shape.is_stream:
        return [*seen, type(parsed), await drain(parsed)]
    again = await settle(response.parse())
    return [*seen, parsed, again is parsed, await settle(response.text()), response.is_closed, response.retries_taken]


async def raw_never_parsed(create, messages, shape):
    response = await settle(create(messages, stream=shape.is_stream))
    if shape.is_stream:
        return [type(response), response.headers, await drain(response.iter_lines())]
    return [type(response), response.headers, json.loads(response.http_response.content)]


class Messages(Dialect):
    everyday = (SYNC, ASYNC_STREAM)
    name = "anthropic Messages"
    ignored = frozenset({"content-length", "elapsed"})
    echoed = frozenset({"input_tokens"})
    volatile = re.compile(
        r"(\b(?:msg_|toolu_|req_|msgbatch_|file_)(?=\w{20})|(?:received|expected|position) (?=\d))\w+"
    )
    kinds = (anthropic.Anthropic, anthropic.AsyncAnthropic)

    def server(self, reply):
        return FakeAnthropic(reply)

    def client(self, server, *, is_async, retries=0, timeout=None, hook=None):
        options = {"base_url": server.base_url, "api_key": "none", "max_retries": retries, **self.options()}
        if timeout is not None:
            options["timeout"] = timeout
        options["http_client"] = self._http(is_async, hook or (lambda: None))
        return self.kinds[is_async](**options)

    def options(self):
        """Further options of the client."""
        return {}

    def _http(self, is_async, hook):
        async def before_async(_):
            await settle(hook())

        before = before_async if is_async else lambda _: hook()
        kind = anthropic.DefaultAsyncHttpxClient if is_async else anthropic.DefaultHttpxClient
        return kind(event_hooks={"request": [before]}, verify=TLS)

    def api(self, client):
        return client.messages

    def body(self, messages, **options):
        return {"model": MODEL, "max_tokens": 100, "messages": messages, **options}

    def method(self, client):
        create = self.api(client).create
        return lambda messages, *, stream=False, **options: create(**self.body(messages, stream=stream, **options))

    def text(self, result):
        return "".join(block.text for block in result.content if block.type == "text")

    def piece(self, chunk):
        return getattr(chunk.delta, "text", "") if chunk.type == "content_block_delta" else ""

    def copies(self, client):
        return {
            "copy": client.copy(),
            "with_options": client.with_options(timeout=9),
            "with_middleware": client.with_middleware(),
            "copy of a copy": client.copy().with_options(max_retries=1).copy(timeout=5),
        }

    def others(self, client):
        ask = [{"role": "user", "content": "What is my canary called?"}]
        one = {"custom_id": "1", "params": self.body(ask)}
        return {
            "count_tokens": lambda: self.api(client).count_tokens(model=MODEL, messages=ask),
            "raw count_tokens": lambda: self.api(client).with_raw_response.count_tokens(model=MODEL, messages=ask),
            "batches": lambda: self.api(client).batches.create(requests=[one]),
            "models": lambda: drain(client.models.list()),
            "files": lambda: drain(client.beta.files.list()),
            "not there": lambda: client.models.retrieve("nothing"),
            "a warm-up": lambda: self.api(client).create(**self.body(ask, max_tokens=0)),
        }

    # ------------------------------------------------------------ variants

    def variant(self, name, items, how, read, shapes=SHAPES, **more):
        async def run(client, messages, shape):
            resource = self.api(client) if how is None else getattr(self.api(client), how)
            return await read(lambda given, **options: resource.create(**self.body(given, **options)), messages, shape)

        return Variant(name, items, run, shapes, **more)

    def plain(self, name, items, shapes=SHAPES, *, options=None, given=None, **more):
        """The plain call with further options, or with messages made from the usual text."""

        async def run(client, messages, shape):
            asked = given(messages[0]["content"]) if given else messages
            result = await settle(self.method(client)(asked, stream=shape.is_stream, **(options or {})))
            return await drain(result) if shape.is_stream else result

        return Variant(name, items, run, shapes, **more)

    def answers(self):
        """Answers of every make-up."""
        yield self.plain("tool calls", (32,), reply=Scripted(tool_calls=[CALL, CALL]), said="", parts=("tool_call",))
        thought = Scripted(REPLY, reasoning="Canaries sing, so I note it.")
        yield self.plain("thinking", (32,), reply=thought, parts=("reasoning",))
        yield self.plain("refusal", (32,), reply=Scripted(refusal="I cannot."), said="", parts=("refusal",))
        yield self.plain("refusal in the middle", (32,), reply=Scripted(REPLY, refusal="No."), parts=("refusal",))
        yield self.plain("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        yield self.plain(
            "server tools",
            (32,),
            reply=SERVED,
            said="I looked it up.\nCanaries sing.",
            parts=("redacted_thinking", "tool_call", "tool_result"),
        )
        yield self.plain("usage", (32, 33), usage=True)

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
        yield from self.answers()
        yield Variant("parse", (12, 34), self.parse, PLAIN, NOTED, said=NOTED)
        yield Variant("stream helper", (13,), self.helper, STREAMS)
        yield Variant("stream helper, text", (13,), self.helper_text, STREAMS)
        yield Variant("stream helper, final only", (13, 34), self.helper_final, STREAMS, NOTED, said=NOTED)
        yield Variant(
            "stream helper, server tools",
            (13, 32),
            self.helper,
            STREAMS,
            SERVED,
            said="I looked it up.\nCanaries sing.",
        )
        yield Variant("extra_body overrides", (35,), self.overridden)
        yield Variant("post", (1,), self.post, PLAIN)
        yield self.plain("system", (26,), options={"system": "Be brief."})
        blocks = [part("Be brief.", mark=True), part("And kind.")]
        yield self.plain("system blocks", (26, 27), options={"system": blocks})
        yield self.plain("system omitted", (26,), options={"system": anthropic.omit, "tools": anthropic.NOT_GIVEN})
        mine = {"extra_headers": {"x-mine": "1"}, "extra_query": {"q": "2"}, "extra_body": {"mine": 3}, "timeout": 9}
        yield self.plain("options of the request", (1,), options={**mine, "metadata": {"user_id": "a"}})
        schema = {"format": {"type": "json_schema", "schema": SCHEMA}}
        yield self.plain("schema", (34,), options={"output_config": schema}, reply=NOTED, said=NOTED)
        yield self.plain("marked", (27,), given=lambda text: [self.said(part("My canary.", mark=True), part(text))])
        yield self.plain("marked at its end", (27,), given=lambda text: [self.said(part(text, mark=True))])
        yield self.plain("marked behind", (27,), given=self.marked_behind, injects=False)

        yield self.plain("an image", (28,), given=lambda text: [self.said(IMAGE, part(text))])
        yield self.plain("a document", (28,), given=lambda text: [self.said(DOCUMENT, part(text))])
        yield self.plain("two in a row", (25,), given=lambda text: [self.said(part("Hello.")), self.said(part(text))])
        yield self.plain("results and words", (25, 29), given=self.results_and_words)

    def results_and_words(self, text):
        call, _ = self.tool_turn(CALL, "")
        results = self.result(CALL, self.once(part(t) for t in ["Lumen-7"]))
        return self.once(m for m in [{"role": "user", "content": "Look it up."}, call, self.said(*results, part(text))])

    def once(self, things):
        """What can be read only once, where the SDK takes that."""
        return things

    @staticmethod
    def said(*parts):
        return {"role": "user", "content": list(parts)}

    def marked_behind(self, text):
        """A marker on the beginning of the answer: nothing of the user's comes after it."""
        begun = {"role": "assistant", "content": [part("Its name", mark=True)]}
        return [{"role": "user", "content": text}, begun]

    async def parse(self, client, messages, shape):
        result = await settle(self.api(client).parse(**self.body(messages, output_format=Noted)))
        return [result, result.parsed_output]

    async def helper(self, client, messages, shape):
        async with within(self.api(client).stream(**self.body(messages))) as stream:
            first = [await take(stream) for _ in range(2)]
            return [type(stream), first, await drain(stream), await settle(stream.get_final_message())]

    async def helper_text(self, client, messages, shape):
        async with within(self.api(client).stream(**self.body(messages))) as stream:
            words = await drain(stream.text_stream)
            return [words, await settle(stream.get_final_text()), stream.current_message_snapshot]

    async def helper_final(self, client, messages, shape):
        async with within(self.api(client).stream(**self.body(messages, output_format=Noted))) as stream:
            return await settle(stream.get_final_message())

    async def overridden(self, client, messages, shape):
        decoy = [{"role": "user", "content": "Not this."}]
        result = await settle(self.method(client)(decoy, stream=shape.is_stream, extra_body={"messages": messages}))
        return await drain(result) if shape.is_stream else result

    async def post(self, client, messages, shape):
        return await settle(client.post("/v1/messages", cast_to=Message, body=self.body(messages)))

    # ------------------------------------------------------------ messages

    def forms(self):
        hello = Message.construct(role="assistant", content=[anthropic.types.TextBlock(type="text", text="Hello.")])
        before = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": hello.content}]

        def user(content):
            return [{"role": "user", "content": content}]

        return {
            "list": user,
            "tuple": lambda text: tuple(user(text)),
            "generator": lambda text: (m for m in user(text)),
            "iterator": lambda text: iter(user(text)),
            "view": lambda text: {"only": user(text)[0]}.values(),
            "TypedDict": lambda text: [UserMessageParam(role="user", content=text)],
            "the SDK's own objects": lambda text: [*before, *user(text)],
            "the SDK's own parameter": lambda text: [before[0], hello.to_param(), *user(text)],
            "blocks": lambda text: user([part(text)]),
            "a tuple of blocks": lambda text: user((part(text),)),
            "a generator of blocks": lambda text: user(part(t) for t in [text]),
            "generators in generators": lambda text: (m for m in user(part(t) for t in ["Hello.", text])),
            "a system message": lambda text: [*user("Hello."), {"role": "system", "content": "Be brief."}, *user(text)],
        }

    def conversations(self):
        ask = {"role": "user", "content": "What is my canary called?"}
        call, result = self.tool_turn(CALL, "Lumen-7")
        loop = [ask, call, result]
        forged = {"type": "thinking", "thinking": "Well.", "signature": "none"}
        late = {**result, "content": [part("Here."), *result["content"]]}
        five = [self.said(*(part(f"My canary {n}.", mark=True) for n in range(5)))]
        return {
            "empty": [],
            "no user": [{"role": "system", "content": "Be brief."}],
            "system parts": [{"role": "system", "content": [part("Be brief.")]}, ask],
            "prefilled": [ask, {"role": "assistant", "content": "It is"}],
            "tools": loop,
            "tools only": [call, result],
            "result of nothing": [ask, result],
            "unanswered call": [ask, call, ask],
            "answered late": [ask, call, late],
            "answered, and more": [ask, call, {**result, "content": [*result["content"], part("And my canary?")]}],
            "a forged thought": [ask, {"role": "assistant", "content": [forged, part("It is.")]}, ask],
            "an image only": [self.said(IMAGE)],
            "five markers": five,
            "no blocks": [{"role": "user", "content": []}],
            "no content": [{"role": "user", "content": None}, {"role": "user"}],
            "no text": [{"role": "user", "content": ""}],
            "blank": [{"role": "user", "content": " \n"}],
            "no role": [{"content": "Who am I?"}],
            "odd role": [{"role": "critic", "content": "Well."}, ask],
            "odd types": [{"role": "user", "content": 7}, {"role": 7, "content": {"a": 1}}, ask],
            "odd blocks": [{"role": "user", "content": [7, {"type": 7}, {"a": 1}, None]}, ask],
            "no dicts": ["What is my canary called?", 7, None],
            "NUL": [{"role": "user", "content": "my\0canary"}],
            "half an emoji": [{"role": "user", "content": "my canary \ud83d"}],
            "long": [{"role": "user", "content": "my canary " * 20_000}],
        }

    def unknown(self, client, stream):
        return lambda: self.method(client)("What is it?", stream=stream)

    def result(self, call, content):
        return [{"type": "tool_result", "tool_use_id": call.id, "content": content}]

    def tool_turn(self, call, result):
        used = {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.json)}
        return [
            {"role": "assistant", "content": [used]},
            {"role": "user", "content": self.result(call, result)},
        ]


class Beta(Messages):
    name = "anthropic beta Messages"

    def api(self, client):
        return client.beta.messages

    def once(self, things):
        """``beta.messages.create`` reads them up itself, looking for helpers, and then sends nothing."""
        return list(things)

    def forms(self):
        return {name: form for name, form in super().forms().items() if not name.startswith(_READ_UP)}


class Bedrock(Messages):
    """Other paths, and AWS's framing of events."""

    name = "anthropic Bedrock"
    kinds = (anthropic.AnthropicBedrock, anthropic.AsyncAnthropicBedrock)
    shares_parts = True

    def options(self):
        return {"aws_region": "us-east-1"}

    def others(self, client):
        create = partial(client.post, "/v1/other", cast_to=object, body={"model": MODEL, "messages": []})
        return {"not there": create}

    def variants(self):
        yield self.variant("raw", (14,), "with_raw_response", raw, PLAIN)
        yield self.variant("raw stream", (16,), "with_raw_response", raw, STREAMS)
        yield self.variant("streaming response parse", (17,), "with_streaming_response", streaming_parse)
        yield from self.answers()
        yield Variant("parse", (12, 34), self.parse, PLAIN, NOTED, said=NOTED)
        yield Variant("stream helper", (13,), self.helper, STREAMS)
