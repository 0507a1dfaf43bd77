"""How the suite drives xAI's SDK: chats made from messages, over gRPC."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import grpc
import xai_sdk
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from pydantic import BaseModel
from xai_sdk import chat as xai
from xai_sdk.meta import ProtoDecorator
from xai_sdk.proto import chat_pb2
from xai_sdk.tools import image_generation, web_search

from memori_wrap.testing.provider.shapes import PLAIN, SHAPES, STREAMS, drain, settle
from memori_wrap.testing.provider_suite import ASYNC_STREAM, REPLY, SYNC, Dialect, Variant
from memori_wrap.testing.xai_server import FakeXai, Scripted, ToolCall

MODEL = "grok-4.3"
PNG = "data:image/png;base64,iVBORw0KGgo="
CALL = ToolCall("look_up", {"of": "canary"}, id="call_1")
LOOK_UP = xai.tool("look_up", "Looks something up.", {"type": "object", "properties": {"of": {"type": "string"}}})
ROLES = {"user": xai.user, "assistant": xai.assistant, "system": xai.system, "developer": xai.developer}
SOON = {"interval": timedelta(milliseconds=1)}


class Noted(BaseModel):
    thing: str
    number: int


NOTED = Noted(thing="canary", number=7).model_dump_json()


def message(given):
    """A message as the SDK takes it."""
    return ROLES[given["role"]](given["content"]) if isinstance(given, dict) else given


def called(call):
    """The model's own message that asks for a tool."""
    function = chat_pb2.FunctionCall(name=call.name, arguments=call.json)
    made = chat_pb2.ToolCall(id=call.id, type=chat_pb2.TOOL_CALL_TYPE_CLIENT_SIDE_TOOL, function=function)
    return chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT, content=[xai.text("")], tool_calls=[made])


class Xai(Dialect):
    everyday = (SYNC, ASYNC_STREAM)
    name = "xai-sdk"
    is_lazy = True
    shares_parts = True
    ignored = frozenset({"created", "_deadline"})
    echoed = frozenset({"prompt_tokens", "prompt_text_tokens", "total_tokens"})
    volatile = re.compile(
        r"(127\.0\.0\.1:(?=\d)"  # the server's port
        r'|created_time:"(?=\d)'
        r"|call_(?=[0-9a-f]{24})"
        # what the system says of a lost connection depends on who notices first
        r"|(?:Stream removed|Transport closed|Connection reset|Socket closed|recvmsg:)(?=)"
        r"|\b(?=[0-9a-f]{8}-[0-9a-f]{4}-)"
        r")[^\"]*"
    )

    # gRPC has one queue for all event loops, which is read by the wrong one where a loop was closed amid a call
    noise = re.compile(r"PollerCompletionQueue\._handle_events")

    def server(self, reply):
        return FakeXai(reply)

    def client(self, server, *, is_async, retries=0, timeout=None, hook=None):
        policy = {
            "maxAttempts": retries + 1,
            "initialBackoff": "0.01s",
            "maxBackoff": "0.01s",
            "backoffMultiplier": 1,
            "retryableStatusCodes": ["UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED"],
        }
        config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]} if retries else {}
        made = (xai_sdk.AsyncClient if is_async else xai_sdk.Client)(
            api_key="none",
            api_host=server.base_url,
            use_insecure_channel=True,
            timeout=timeout,
            # a pool of its own: else clients of one server share a connection
            channel_options=[("grpc.service_config", json.dumps(config)), ("grpc.use_local_subchannel_pool", 1)],
        )
        if hook is not None:
            for name in ("GetCompletion", "GetCompletionChunk"):
                hooked = _hooked_async if is_async else _hooked
                setattr(made.chat._stub, name, hooked(getattr(made.chat._stub, name), hook))
        return made

    def chat(self, client, messages, **options):
        return client.chat.create(MODEL, messages=[message(m) for m in messages], **options)

    def method(self, client):
        def call(messages, *, stream=False, **options):
            chat = self.chat(client, messages, **options)
            return chat.stream() if stream else chat.sample()

        return call

    def text(self, result):
        return result.content

    def piece(self, chunk):
        return chunk[1].content

    def comparable(self, value):
        if isinstance(value, Message):
            return {"": type(value).__name__, **MessageToDict(value, preserving_proto_field_name=True)}
        if isinstance(value, ProtoDecorator):
            return {"": type(value).__name__, "index": getattr(value, "_index", None), "proto": value.proto}
        return value

    def is_timeout(self, error):
        return error.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    def releases(self, shape):
        # its interceptors keep a call that nobody reads, until the client is closed
        return not shape.is_async

    def receiver(self, client):
        return client.chat.create(MODEL)

    def hooked_stream(self, client):
        return self.hooked(client)[0], "stream"

    async def close(self, stream):
        await settle(stream.aclose() if hasattr(stream, "aclose") else stream.close())

    # ------------------------------------------------------------ variants

    def way(self, name, items, run, shapes=SHAPES, *, options=None, **more):
        """A call of a chat; whatever its user could see, the chat included, is compared."""

        async def play(client, messages, shape):
            chat = self.chat(client, messages, **(options or {}))
            result = await settle(run(chat, shape))
            items = await drain(result) if shape.is_stream else result
            return [type(chat), type(result), chat.proto, items]

        return Variant(name, items, play, shapes, **more)

    def usual(self, name, items, shapes=SHAPES, **more):
        return self.way(
            name, items, lambda chat, shape: chat.stream() if shape.is_stream else chat.sample(), shapes, **more
        )

    def variants(self):
        yield self.usual("the chat stays as it was", (24, 25))
        yield self.way("parse", (12, 34), lambda chat, _: chat.parse(Noted), PLAIN, reply=NOTED, said=NOTED)
        yield self.way("defer", (1,), lambda chat, _: chat.defer(**SOON), PLAIN, usage=True)
        two, both = Scripted(choices=["One.", "Two."]), "One.\nTwo."
        yield self.way("n=2", (32,), lambda chat, _: chat.sample_batch(2), PLAIN, reply=two, said=both)
        yield self.way("n=2 by name", (32,), lambda chat, _: chat.sample_batch(n=2), PLAIN, reply=two, said=both)
        yield self.way("n=2 stream", (32,), lambda chat, _: chat.stream_batch(2), STREAMS, reply=two, said=both)
        yield self.way("n=2 deferred", (32,), lambda chat, _: chat.defer_batch(2, **SOON), PLAIN, reply=two, said=both)
        yield self.usual("usage", (32, 33), usage=True)
        yield self.usual("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        calls = Scripted(tool_calls=[CALL, ToolCall("look_up", {"of": "dawn"}, id="call_2")])
        yield self.usual("tool calls", (32,), options={"tools": [LOOK_UP]}, reply=calls, said="", parts=("tool_call",))
        thought = Scripted(REPLY, reasoning="Canaries sing at dawn.")
        yield self.usual("reasoning", (32,), reply=thought, parts=("reasoning",))
        sealed = {"use_encrypted_content": True}
        yield self.usual("sealed reasoning", (32,), options=sealed, reply=thought, parts=("reasoning",))
        searched = Scripted(REPLY, tool_calls=[ToolCall("web_search", {"query": "canaries"}, id="call_1")])
        yield self.usual(
            "tools of xAI",
            (32,),
            options={"tools": [web_search()]},
            reply=searched,
            said=f"[1] Canaries - a page about canaries\n{REPLY}",
            parts=("tool_call", "tool_result"),
        )
        drawn = Scripted(REPLY, tool_calls=[ToolCall("image_generation", {"prompt": "a canary"}, id="call_1")])
        yield self.usual(
            "a picture", (32,), options={"tools": [image_generation()]}, reply=drawn, parts=("image", "tool_result")
        )
        options = {"response_format": Noted}
        yield self.usual("schema", (34,), options=options, reply=NOTED, said=NOTED)
        yield self.usual(
            "options of the request",
            (1,),
            options={
                "conversation_id": "c1",
                "temperature": 0.5,
                "seed": 7,
                "stop": ["END"],
                "logprobs": True,
                "tools": [LOOK_UP],
                "tool_choice": "auto",
                "reasoning_effort": "low",
                "user": "u1",
                "max_tokens": 100,
            },
        )

    def forms(self):
        before = [xai.system("Be brief."), xai.user("Hello."), xai.assistant("Hello, Ada.")]
        return {
            "dicts": lambda text: [{"role": "user", "content": text}],
            "messages": lambda text: [xai.user(text)],
            "tuple": lambda text: (xai.user(text),),
            "generator": lambda text: (m for m in [xai.user(text)]),
            "a conversation": lambda text: [*before, xai.user(text)],
            "several texts": lambda text: [xai.user("Tell me.", text)],
            "an image first": lambda text: [xai.user(xai.image(PNG), text)],
            "a file": lambda text: [xai.user(text, xai.file("file_1"))],
            "a file's bytes": lambda text: [xai.user(xai.file(data=b"abc", filename="a.txt"), text)],
            "a named speaker": lambda text: [
                chat_pb2.Message(role=chat_pb2.ROLE_USER, name="Ada", content=[xai.text(text)])
            ],
        }

    def conversations(self):
        ask = xai.user("What is my canary called?")
        result = xai.tool_result("Lumen-7", "call_1")
        return {
            "empty": [],
            "no user": [xai.system("Be brief."), xai.developer("Be kind.")],
            "prefilled": [ask, xai.assistant("It is")],
            "tools": [ask, called(CALL), result],
            "tools only": [called(CALL), result],
            "a result for nobody": [ask, xai.tool_result("Lumen-7", "call_9")],
            "an image only": [xai.user(xai.image(PNG))],
            "no parts": [xai.user()],
            "no text": [xai.user("")],
            "an empty part": [chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[chat_pb2.Content()])],
            "no role": [chat_pb2.Message(content=[xai.text("Who am I?")]), ask],
            "never seen": [chat_pb2.Message(role=99, content=[xai.text("Who am I?")]), ask],
            "a function": [ask, chat_pb2.Message(role=chat_pb2.ROLE_FUNCTION, name="f", content=[xai.text("1")])],
            "reasoning": [ask, chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT, reasoning_content="Hm."), ask],
            "made small": [chat_pb2.Message(role=chat_pb2.ROLE_USER, encrypted_content="sealed")],
            "made small before": [chat_pb2.Message(role=chat_pb2.ROLE_USER, encrypted_content="sealed"), ask],
            "made small after": [ask, chat_pb2.Message(role=chat_pb2.ROLE_USER, encrypted_content="sealed")],
            "NUL": [xai.user("my\0canary")],
            "long": [xai.user("my canary " * 20_000)],
        }

    # ------------------------------------------------------------ the rest

    def others(self, client):
        chat = client.chat.create(MODEL, messages=[xai.user("What is my canary called?")])
        return {
            "tokenize": lambda: client.tokenize.tokenize_text("my canary", MODEL),
            "models": client.models.list_language_models,
            "an image": lambda: client.image.sample("a canary", "grok-2-image"),
            "compact": chat.compact,
            "compact messages": lambda: client.chat.compact_context(MODEL, [xai.user("my canary")]),
            "not stored": lambda: client.chat.get_stored_completion("nothing"),
            "not there": lambda: client.models.get_language_model("nothing"),
            "files": client.files.list,
            "a batch": lambda: client.batch.create("nightly"),
        }

    def unknown(self, client, stream):
        chat = client.chat.create(MODEL, messages=[xai.user("What is my canary called?")])
        chat._proto = chat_pb2.CompactContextRequest(model=MODEL)  # as if a later SDK kept something else there
        return (lambda: _first(chat.stream())) if stream else chat.sample

    def tool_turn(self, call, result):
        return [called(call), xai.tool_result(result, call.id)]


async def _first(stream):
    return await drain(stream)


def _hooked(inner, hook):
    def call(request):
        hook()
        return inner(request)

    return call


def _hooked_async(inner, hook):
    if isinstance(inner, grpc.aio.UnaryUnaryMultiCallable):

        async def call(request):
            await settle(hook())
            return await inner(request)

    else:

        async def call(request):
            await settle(hook())
            async for chunk in inner(request):
                yield chunk

    return call
