"""How the suite drives Mistral's SDK: what its APIs share, chat and agents."""

from __future__ import annotations

import re
import ssl
from functools import partial

import httpx2
from mistralai.client import Mistral, beta, models, responses
from mistralai.client.types import UNSET
from mistralai.client.utils import BackoffStrategy, RetryConfig
from pydantic import BaseModel

from memori_wrap.testing.mistral_server import FakeMistral, Scripted, ToolCall
from memori_wrap.testing.provider.shapes import PLAIN, STREAMS, drain, settle
from memori_wrap.testing.provider_suite import ASYNC_STREAM, REPLY, SYNC, Dialect, Variant

assert beta  # the SDK imports them where they are first used, which takes a while: not within an event loop
assert responses
TLS = ssl.create_default_context()  # one for all: a context takes longer than a test
MODEL = "mistral-small-latest"
PNG = "data:image/png;base64,iVBORw0KGgo="
CALL = ToolCall("look_up", {"of": "canary"}, id="call00001")


class Noted(BaseModel):
    thing: str
    number: int


NOTED = Noted(thing="canary", number=7).model_dump_json()


def is_async(client):
    """The SDK's client serves both ways; that of the suite has a hook in one of its HTTP clients."""
    return bool(client.sdk_configuration.async_client.event_hooks["request"])


def http_clients(asynchronous, hook):
    async def before_async(_):
        await settle((hook or (lambda: None))())

    hooks = {"request": [before_async if asynchronous else lambda _: hook and hook()]}
    return {
        "client": httpx2.Client(verify=TLS, event_hooks={} if asynchronous else hooks),
        "async_client": httpx2.AsyncClient(verify=TLS, event_hooks=hooks if asynchronous else {}),
    }


class MistralDialect(Dialect):
    everyday = (SYNC, ASYNC_STREAM)
    ignored = frozenset({"created", "created_at", "completed_at", "content-length", "raw_response", "elapsed"})
    echoed = frozenset({"prompt_tokens", "input_tokens", "total_tokens"})
    volatile = re.compile(
        r"(\b(?:conv_|msg_|fc_|resp_|rs_)(?=\w{20})"
        r'|"id":"(?=\w{32}")|^(?=[a-z0-9]{32}$)'
        r'|"(?:created|created_at|completed_at)":"?|(?:received|expected|position) (?=\d))[\w:.+-]+'
    )
    shares_parts = True

    def server(self, reply):
        return FakeMistral(reply)

    def client(self, server, *, is_async, retries=0, timeout=None, hook=None):
        options = http_clients(is_async, hook)
        if retries:
            options["retry_config"] = RetryConfig("backoff", BackoffStrategy(1, 10, 1.0, 5000), True)
        if timeout is not None:
            options["timeout_ms"] = int(timeout * 1000)
        return Mistral(api_key="none", server_url=server.base_url, **options)

    async def shut(self, client):
        if is_async(client):
            await client.sdk_configuration.async_client.aclose()
        else:
            client.sdk_configuration.client.close()

    def part(self, client):
        """The part of the client that the calls go to."""
        raise NotImplementedError

    def names(self):
        """The methods of the part: for an answer, for a stream."""
        return "complete", "stream"

    def body(self, messages, **options):
        """The arguments of a call."""
        raise NotImplementedError

    def receiver(self, client):
        return self.part(client)

    def call(self, client, name, part=None):
        return getattr(part or self.part(client), f"{name}_async" if is_async(client) else name)

    def method(self, client):
        part = self.part(client)  # a bound method of it would be the class's of now, whatever becomes of that

        def call(messages, *, stream=False, **options):
            return self.call(client, self.names()[stream], part)(**self.body(messages, **options))

        return call

    def hooked(self, client):
        return type(self.part(client)), self.call(client, self.names()[0]).__name__

    def hooked_stream(self, client):
        return type(self.part(client)), self.call(client, self.names()[1]).__name__

    def plain(self, name, items, *, options=None, **more):
        """The plain call with further options."""

        async def run(client, messages, shape):
            result = await settle(self.method(client)(messages, stream=shape.is_stream, **(options or {})))
            return await drain(result) if shape.is_stream else result

        return Variant(name, items, run, **more)

    def variants(self):
        yield self.plain("tool calls", (32,), reply=Scripted(tool_calls=[CALL, CALL]), said="", parts=("tool_call",))
        yield self.plain("usage", (32,), usage=True)
        common = {"http_headers": {"x-mine": "1"}, "timeout_ms": 9000, "server_url": None}
        yield self.plain("options of the request", (1,), options=common)

    def others(self, client):
        suffix = "_async" if is_async(client) else ""

        def of(part, name, *given, **more):
            return partial(getattr(part, name + suffix), *given, **more)

        return {
            "embeddings": of(client.embeddings, "create", model="mistral-embed", inputs=["a canary"]),
            "models": of(client.models, "list"),
            "fim": of(client.fim, "complete", model="codestral-latest", prompt="def canary():", suffix="return song"),
            "fim as a stream": partial(self._stream, of(client.fim, "stream", model=MODEL, prompt="def f")),
            "no conversation": of(client.beta.conversations, "get", conversation_id="conv_1"),
        }

    async def _stream(self, call):
        stream = await settle(call())
        return [type(stream), await drain(stream)]

    def tool_turn(self, call, result):
        function = {"name": call.name, "arguments": call.json}
        return [
            {"role": "assistant", "content": "", "tool_calls": [{"id": call.id, "function": function}]},
            {"role": "tool", "name": call.name, "tool_call_id": call.id, "content": result},
        ]


class Chat(MistralDialect):
    name = "mistral chat"

    def part(self, client):
        return client.chat

    def body(self, messages, **options):
        return {"model": MODEL, "messages": messages, **options}

    def text(self, result):
        return said_in(result.choices[0].message.content)

    def piece(self, chunk):
        return "".join(said_in(choice.delta.content) for choice in chunk.data.choices)

    def variants(self):
        yield from super().variants()
        yield self.plain("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        yield self.plain("failed", (9, 32), reply=Scripted(REPLY, finish_reason="error"), complete=False)
        two = Scripted(choices=["One.", "Two."])
        yield self.plain("n=2", (32,), options={"n": 2}, reply=two, said="One.\nTwo.")
        thought = Scripted(REPLY, reasoning="A canary, well.")
        yield self.plain("thinking", (32,), options={"prompt_mode": "reasoning"}, reply=thought, parts=("reasoning",))
        yield self.plain("words and a tool call", (32,), reply=Scripted(REPLY, tool_calls=[CALL]), parts=("tool_call",))
        yield self.plain(
            "sentinels",
            (26,),
            options={"temperature": UNSET, "tools": UNSET, "stop": None, "response_format": None, "metadata": UNSET},
        )
        schema = {"type": "json_schema", "json_schema": {"name": "noted", "schema": Noted.model_json_schema()}}
        yield self.plain("schema", (34,), options={"response_format": schema}, reply=NOTED, said=NOTED)
        yield self.plain(
            "tools",
            (29, 32),
            options={
                "tools": [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}],
                "tool_choice": "auto",
                "safe_prompt": True,
                "random_seed": 7,
            },
        )
        yield Variant("parse", (12, 34), self.parse, PLAIN, NOTED, said=NOTED)
        yield Variant("parse as a stream", (12, 34), self.parse_stream, STREAMS, NOTED, said=NOTED)

    async def parse(self, client, messages, shape):
        result = await settle(self.call(client, "parse")(Noted, model=MODEL, messages=messages))
        return [result, result.choices[0].message.parsed]

    async def parse_stream(self, client, messages, shape):
        stream = await settle(self.call(client, "parse_stream")(Noted, model=MODEL, messages=messages))
        return [type(stream), await drain(stream)]

    def forms(self):
        before = [models.SystemMessage(content="Be brief."), {"role": "user", "content": "Hello."}]
        image = {"type": "image_url", "image_url": PNG}
        return {
            "list": lambda text: [{"role": "user", "content": text}],
            "tuple": lambda text: ({"role": "user", "content": text},),
            "generator": lambda text: (m for m in [{"role": "user", "content": text}]),
            "iterator of objects": lambda text: iter([models.UserMessage(content=text)]),
            "the SDK's own objects": lambda text: [
                *before,
                models.AssistantMessage(content="Hello, Ada."),
                models.UserMessage(content=text),
            ],
            "chunks": lambda text: [{"role": "user", "content": [{"type": "text", "text": text}]}],
            "an image": lambda text: [{"role": "user", "content": [image, {"type": "text", "text": text}]}],
            "chunk objects": lambda text: [
                models.UserMessage(content=[models.ImageURLChunk(image_url=PNG), models.TextChunk(text=text)])
            ],
        }

    def conversations(self):
        ask = {"role": "user", "content": "What is my canary called?"}
        tool = list(self.tool_turn(CALL, "Lumen-7"))
        think = {"type": "thinking", "thinking": [{"type": "text", "text": "Well."}]}
        return {
            "empty": [],
            "no user": [{"role": "system", "content": "Be brief."}],
            "system chunks": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, ask],
            "prefilled": [ask, {"role": "assistant", "content": "It is"}],
            "a prefix": [ask, {"role": "assistant", "content": "It is", "prefix": True}],
            "thinking": [ask, {"role": "assistant", "content": [think, {"type": "text", "text": "Lumen."}]}, ask],
            "a tool": [ask, *tool],
            "tools only": tool,
            "a parted pair": [ask, tool[1]],
            "an image only": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}],
            "no chunks": [{"role": "user", "content": []}],
            "no content": [{"role": "user", "content": None}, {"role": "user"}],
            "no text": [{"role": "user", "content": ""}, {"role": "user", "content": " \n"}],
            "no role": [{"content": "Who am I?"}],
            "odd role": [{"role": "critic", "content": "Well."}, ask],
            "odd types": [{"role": "user", "content": 7}, ask],
            "NUL": [{"role": "user", "content": "my\0canary"}],
            "half an emoji": [{"role": "user", "content": "my canary \ud83d"}],
            "long": [{"role": "user", "content": "my canary " * 20_000}],
        }

    def unknown(self, client, stream):
        return partial(self.call(client, self.names()[stream]), **self.body({"odd": 1}))


class Agents(Chat):
    name = "mistral agents"

    def part(self, client):
        return client.agents

    def body(self, messages, **options):
        for name in ("temperature", "safe_prompt"):  # which an agent has of its own
            options.pop(name, None)
        return {"agent_id": "ag_1", "messages": messages, **options}

    def variants(self):
        return [v for v in super().variants() if not v.name.startswith("parse")]


def said_in(content):
    """The text of a content: a string, or chunks."""
    if isinstance(content, str):
        return content
    pieces = content if isinstance(content, list) else [content] if content else []
    return "".join(getattr(piece, "text", None) or "" for piece in pieces)
