"""How the suite drives OpenAI's SDK: the client, and what its two APIs share."""

from __future__ import annotations

import json
import re
import ssl
from functools import partial

import openai
from pydantic import BaseModel
from stainless_client import streaming, streaming_cut, streaming_parse, streaming_unread

from memori_wrap.testing.openai_server import FakeOpenAI, Scripted, ToolCall
from memori_wrap.testing.provider.shapes import PLAIN, SHAPES, STREAMS, drain, settle
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


class OpenAI(Dialect):
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
        # openai 2 is built on httpx, and takes httpx2 where somebody has installed that
        httpx = "Httpx2" if openai.__version__.partition(".")[0] != "2" else "Httpx"
        kind = getattr(openai, f"DefaultAsync{httpx}Client" if is_async else f"Default{httpx}Client")
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


class Both(OpenAI):
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
