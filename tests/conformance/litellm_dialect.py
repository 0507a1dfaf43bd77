"""How the suite drives litellm: a program that calls its functions, with a client of its own beneath them.

litellm has no clients, so a bare program is one that imported the functions before the module was registered.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import warnings
from contextlib import contextmanager

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches a list of prices when it is imported

import httpx
import litellm
import openai
import openai_dialect
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler
from openai_client import CALL, MODEL, NOTED, SCHEMA, TLS, Noted

from memori_wrap.testing.openai_server import FakeOpenAI, Scripted
from memori_wrap.testing.provider.shapes import PLAIN, STREAMS, drain, is_awaited, settle
from memori_wrap.testing.provider_suite import ASYNC_STREAM, REPLY, Dialect, Variant

litellm.suppress_debug_info = True
warnings.filterwarnings("ignore", "Pydantic serializer warnings")  # of litellm's own, for the usage of Responses
BARE = {name: getattr(litellm, name) for name in ("completion", "acompletion", "responses", "aresponses")}


@contextmanager
def as_seen_by(client):
    """The module as a program finds it, which a bare one does before anybody registers."""
    now = {name: vars(litellm)[name] for name in BARE}
    vars(litellm).update(BARE if client.is_bare else now)
    try:
        yield
    finally:
        vars(litellm).update(now)


class Program:
    """Calls litellm with ``beneath`` as its client, by the functions that it has at hand."""

    def __init__(self, beneath, *, is_async, options):
        self.beneath, self.is_async, self.options = beneath, is_async, options
        self.is_bare = True

    def function(self, name):
        name = f"a{name}" if self.is_async else name
        return BARE[name] if self.is_bare else getattr(litellm, name)

    def close(self):
        return self.beneath.close()


class LiteLLM(Dialect):
    ignored = openai_dialect.Chat.ignored | {"litellm_debug_info"}
    echoed = openai_dialect.Chat.echoed | {"cost"}
    volatile = re.compile(
        openai_dialect.Chat.volatile.pattern
        + r"|(?<=time taken=)[\d.]+|(?<=chatcmpl-)[0-9a-f]{8}-[0-9a-f-]{27}|(?<=created=)\d+"
    )
    # a worker of litellm's waits in each event loop, and of some streams it asks for a new iterator each time
    noise = re.compile(r"Task was destroyed.*(LoggingWorker|async_generator_athrow)", re.DOTALL)
    name_of_function = "completion"
    model = f"openai/{MODEL}"

    def server(self, reply):
        return FakeOpenAI(reply)

    def client(self, server, *, is_async, retries=0, timeout=None, hook=None):
        async def before_async(_):
            await settle(hook())

        hooks = {"request": [before_async if is_async else lambda _: hook()] if hook else []}
        kind = httpx.AsyncClient if is_async else httpx.Client
        beneath = self.beneath(server, kind(event_hooks=hooks, verify=TLS), is_async, retries)
        options = {"api_base": server.base_url, "api_key": "none", "max_retries": retries}
        if timeout is not None:
            options["timeout"] = timeout
        return Program(beneath, is_async=is_async, options=options)

    def beneath(self, server, http, is_async, retries):
        """litellm's own HTTP client."""
        if not is_async:
            return HTTPHandler(client=http)
        made = AsyncHTTPHandler(transport=httpx.AsyncBaseTransport())
        made.client = http
        return made

    # ------------------------------------------------------------ the module

    def target(self, client):
        return litellm

    def register(self, mem, client, **options):
        client.is_bare = False
        assert mem.register(litellm, **options) is litellm
        return client

    def unregister(self, mem, client):
        mem.unregister(litellm)

    def hooked(self, client):
        return litellm, f"a{self.name_of_function}" if client.is_async else self.name_of_function

    # ------------------------------------------------------------ calls

    def body(self, messages):
        return {"messages": messages}

    def method(self, client):
        function = client.function(self.name_of_function)

        def call(messages, *, stream=False, **options):
            given = {"model": self.model, "client": client.beneath, **client.options, **self.body(messages)}
            if stream:
                given["stream"] = True
            return function(**given, **options)

        return call

    def calling(self, name, items, shapes=(*PLAIN, *STREAMS), *, options=None, **more):
        async def run(client, messages, shape):
            with as_seen_by(client):
                result = await settle(self.method(client)(messages, stream=shape.is_stream, **(options or {})))
                return await drain(result) if shape.is_stream else result

        return Variant(name, items, run, shapes, **more)


class Chat(LiteLLM):
    """``completion`` over OpenAI's SDK."""

    name = "litellm over OpenAI's SDK"
    tapped = frozenset({"completion_stream"})

    def beneath(self, server, http, is_async, retries):
        kind = openai.AsyncOpenAI if is_async else openai.OpenAI
        return kind(base_url=server.base_url, api_key="none", http_client=http, max_retries=retries)

    def text(self, result):
        return "".join(choice.message.content or "" for choice in result.choices)

    def piece(self, chunk):
        return chunk.choices[0].delta.content or "" if chunk.choices else ""

    async def close(self, stream):
        """Only an asynchronous stream has a way to be closed; of the other one what it reads from has."""
        if is_awaited(stream):
            await stream.aclose()
        elif stream.completion_stream is not None:
            stream.completion_stream.close()

    def variants(self):
        yield Variant("by position", (1,), self.by_position)
        yield Variant("Router", (1, 21), self.router)
        yield self.calling("tool calls", (32,), reply=Scripted(tool_calls=[CALL, CALL]), said="", parts=("tool_call",))
        yield self.calling("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        yield self.calling("content filter", (32,), reply=Scripted(REPLY, finish_reason="content_filter"))
        yield self.calling("usage", (32,), PLAIN, usage=True)
        with_usage = {"stream_options": {"include_usage": True}}
        yield self.calling("usage chunk", (33,), STREAMS, options=with_usage, usage=True)
        two = Scripted(choices=["One.", "Two."])
        yield self.calling("n=2", (32,), options={"n": 2}, reply=two, said="One.\nTwo.")
        schema = {"type": "json_schema", "json_schema": {"name": "noted", "schema": SCHEMA, "strict": True}}
        yield self.calling("schema", (34,), options={"response_format": schema}, reply=NOTED, said=NOTED)
        yield self.calling("pydantic schema", (12, 34), options={"response_format": Noted}, reply=NOTED, said=NOTED)
        yield self.calling(
            "options of the request",
            (1,),
            options={"extra_headers": {"x-mine": "1"}, "extra_body": {"mine": 3}, "temperature": 0.5, "user": "u"},
        )
        mocked = {"mock_response": REPLY}
        yield self.calling("mock_response", (1,), options=mocked, injects=False)
        fallbacks = {**mocked, "fallbacks": [self.model]}
        yield self.calling("fallbacks", (21,), (*PLAIN, ASYNC_STREAM), options=fallbacks, injects=False)
        yield self.calling("retries", (21,), options={"num_retries": 2})

    async def by_position(self, client, messages, shape):
        function = client.function("completion")
        result = await settle(
            function(self.model, messages, stream=shape.is_stream, client=client.beneath, **client.options)
        )
        return await drain(result) if shape.is_stream else result

    async def router(self, client, messages, shape):
        params = {"model": self.model, **client.options}
        with as_seen_by(client):
            router = litellm.Router([{"model_name": "mine", "litellm_params": params}], num_retries=0)
            function = router.acompletion if shape.is_async else router.completion
            result = await settle(function("mine", messages, stream=shape.is_stream, client=client.beneath))
            return await drain(result) if shape.is_stream else result

    def forms(self):
        ask = openai_dialect.Chat().forms()
        own = {
            "litellm's own objects": lambda text: [
                {"role": "user", "content": "Hello."},
                litellm.Message(role="assistant", content="Hello, Ada."),
                litellm.Message(role="user", content=text),
            ]
        }
        return {name: ask[name] for name in ("list", "tuple", "TypedDict", "parts", "an image")} | own

    def conversations(self):
        return openai_dialect.Chat().conversations()

    def others(self, client):
        options = {"api_base": client.options["api_base"], "api_key": "none", "client": client.beneath}
        embed = litellm.aembedding if client.is_async else litellm.embedding
        return {"embeddings": lambda: embed(model="openai/text-embedding-3-small", input=["a canary"], **options)}

    def unknown(self, client, stream):
        return lambda: self.method(client)("What is it?", stream=stream)

    def tool_turn(self, call, result):
        return openai_dialect.Chat().tool_turn(call, result)


class Handled(Chat):
    """``completion`` over HTTP by litellm itself."""

    name = "litellm by its own HTTP"
    model = f"hosted_vllm/{MODEL}"
    can_retry = False
    beneath = LiteLLM.beneath

    async def close(self, stream):
        """A synchronous stream has no way at all, but for the lines that it reads, once they have begun."""
        if is_awaited(stream):
            await stream.aclose()
            return
        lines = stream.completion_stream.streaming_response
        if inspect.getgeneratorstate(lines) == inspect.GEN_CREATED:
            next(lines)
        lines.close()


class Responses(LiteLLM):
    """``responses``, which litellm sends by its own HTTP."""

    name = "litellm Responses"
    name_of_function = "responses"
    can_retry = False
    errors_hold_streams = True

    def body(self, messages):
        return {"input": messages}

    def text(self, result):
        parts = (part for item in result.output if item.type == "message" for part in item.content)
        return "".join(part.text for part in parts if part.type == "output_text")

    def piece(self, chunk):
        return chunk.delta if chunk.type == "response.output_text.delta" else ""

    async def close(self, stream):
        """There is no other way than to close what it reads from."""
        await settle(stream.response.aclose() if is_awaited(stream) else stream.response.close())

    def variants(self):
        thought = Scripted(REPLY, reasoning="Canaries sing.")
        yield Variant("by position", (1,), self.by_position)
        yield self.calling("reasoning", (32,), reply=thought, parts=("reasoning",))
        yield self.calling("tool calls", (32,), reply=Scripted(tool_calls=[CALL]), said="", parts=("tool_call",))
        yield self.calling("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        yield self.calling("usage", (32, 33), usage=True)
        yield self.calling("instructions", (26,), options={"instructions": "Be brief."})
        yield self.calling("no instructions", (26,), options={"instructions": None})
        yield Variant("a plain string", (25,), self.string)

    async def by_position(self, client, messages, shape):
        options = {"stream": shape.is_stream, "client": client.beneath, **client.options}
        result = await settle(client.function("responses")(messages, self.model, None, "Be brief.", **options))
        return await drain(result) if shape.is_stream else result

    async def string(self, client, messages, shape):
        result = await settle(self.method(client)(messages[0]["content"], stream=shape.is_stream))
        return await drain(result) if shape.is_stream else result

    def forms(self):
        ask = openai_dialect.Responses().forms()
        return {name: ask[name] for name in ("list", "string", "TypedDict", "parts", "an image")}

    def conversations(self):
        return openai_dialect.Responses().conversations()

    def unknown(self, client, stream):
        return lambda: self.method(client)({"odd": 1}, stream=stream)

    def tool_turn(self, call, result):
        return openai_dialect.Responses().tool_turn(call, result)

    def tool_result(self, call, result):
        return openai_dialect.Responses().tool_result(call, result)

    def continued(self, answer):
        return {"previous_response_id": answer[-1].response.id if isinstance(answer, tuple) else answer.id}

    def inherited(self, server):
        return json.dumps(server.inherited())
