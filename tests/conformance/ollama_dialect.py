"""How the suite drives Ollama's SDK: its chat API and its generate API."""

from __future__ import annotations

import re
import ssl
from functools import partial

import ollama

from memori_wrap.testing.ollama_server import FakeOllama, Scripted, ToolCall
from memori_wrap.testing.provider.shapes import PLAIN, drain, settle
from memori_wrap.testing.provider_suite import ASYNC_STREAM, REPLY, SYNC, Dialect, Variant

TLS = ssl.create_default_context()  # one for all: a context takes longer than a test
MODEL = "llama3.2"
PNG = b"\x89PNG\r\n\x1a\n"
CALL = ToolCall("look_up", {"of": "canary"}, id="call_1")
NOTED = '{"thing": "canary", "number": 7}'
SCHEMA = {
    "type": "object",
    "properties": {"thing": {"type": "string"}, "number": {"type": "integer"}},
    "required": ["thing", "number"],
}


class Ollama(Dialect):
    everyday = (SYNC, ASYNC_STREAM)
    ignored = frozenset({"created_at", "content-length"})
    echoed = frozenset({"prompt_eval_count", "context"})
    volatile = re.compile(r'("created_at":"|\bcall_|(?:received|expected|position) (?=\d))[\w:.+-]+')
    is_lazy = True
    can_retry = False

    def server(self, reply):
        return FakeOllama(reply)

    def client(self, server, *, is_async, retries=0, timeout=None, hook=None):
        async def before_async(_):
            await settle((hook or (lambda: None))())

        before = before_async if is_async else lambda _: hook and hook()
        options = {"timeout": timeout, "event_hooks": {"request": [before]}, "verify": TLS}
        return (ollama.AsyncClient if is_async else ollama.Client)(server.base_url, **options)

    async def close(self, stream):
        await settle(stream.aclose() if hasattr(stream, "aclose") else stream.close())

    def plain(self, name, items, *, options=None, **more):
        """The plain call with further options."""

        async def run(client, messages, shape):
            result = await settle(self.method(client)(messages, stream=shape.is_stream, **(options or {})))
            return await drain(result) if shape.is_stream else result

        return Variant(name, items, run, **more)

    def variants(self):
        yield self.plain("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        yield self.plain("usage", (32,), usage=True)
        yield self.plain("schema", (34,), options={"format": SCHEMA}, reply=NOTED, said=NOTED)
        yield self.plain("JSON", (34,), options={"format": "json"}, reply=NOTED, said=NOTED)
        yield self.plain(
            "thinking",
            (32,),
            options={"think": "high"},
            reply=Scripted(REPLY, reasoning="A canary, well."),
            parts=("reasoning",),
        )
        yield self.plain(
            "options of the request",
            (1,),
            options={
                "options": {"temperature": 0.5, "seed": 7, "num_ctx": 8192},
                "keep_alive": "5m",
                "think": False,
                "logprobs": True,
            },
        )
        yield self.plain(
            "options as an object", (1,), options={"options": ollama.Options(num_ctx=8192), "format": None}
        )
        yield self.plain("a short window", (36,), options={"options": {"num_ctx": 16}}, injects=False)

    def others(self, client):
        return {
            "embed": lambda: client.embed(MODEL, ["a canary"]),
            "embeddings": lambda: client.embeddings(MODEL, "a canary"),
            "list": client.list,
            "ps": client.ps,
            "show": lambda: client.show(MODEL),
            "pull": lambda: client.pull(MODEL),
            "pull as a stream": partial(self._progress, client.pull, MODEL),
            "push as a stream": partial(self._progress, client.push, MODEL),
            "create as a stream": partial(self._progress, client.create, "mine", from_=MODEL),
            "copy": lambda: client.copy(MODEL, "mine"),
            "delete": lambda: client.delete("mine"),
            "load": lambda: client.chat(MODEL),
            "unload": lambda: client.chat(MODEL, [], keep_alive=0),
            "load by generate": lambda: client.generate(MODEL),
            "unload by generate": lambda: client.generate(MODEL, "", keep_alive=0),
            "continue code": lambda: client.generate(MODEL, "def canary():\n", suffix="\n    return song"),
            "raw": lambda: client.generate(MODEL, "<|user|>\nWhat is my canary called?<|end|>\n", raw=True),
            "a picture": lambda: client.generate(MODEL, "a canary at dawn", width=64, height=64, steps=1),
            "no model": lambda: client.chat(messages=[{"role": "user", "content": "What is my canary called?"}]),
        }

    async def _progress(self, method, *given, **more):
        stream = await settle(method(*given, stream=True, **more))
        return [type(stream), await drain(stream)]


class Chat(Ollama):
    name = "ollama chat"

    def method(self, client):
        return lambda messages, *, stream=False, **options: client.chat(MODEL, messages, stream=stream, **options)

    def text(self, result):
        return result.message.content or ""

    def piece(self, chunk):
        return chunk.message.content or ""

    def variants(self):
        yield from super().variants()

        def look_up(of: str) -> str:
            """Looks something up.

            Args:
              of: what of
            """
            return of

        yield self.plain(
            "tool calls",
            (32,),
            options={"tools": [look_up]},
            reply=Scripted(tool_calls=[CALL, CALL]),
            said="",
            parts=("tool_call",),
        )
        yield self.plain(
            "thinking, words and a tool call",
            (32,),
            reply=Scripted(REPLY, reasoning="Well.", tool_calls=[CALL]),
            parts=("tool_call", "reasoning"),
        )
        yield Variant("subscripts", (1,), self.subscripts, PLAIN)

    async def subscripts(self, client, messages, shape):
        result = await settle(client.chat(model=MODEL, messages=messages, tools=None))
        return [result["message"]["content"], "done" in result, result.get("model")]

    def forms(self):
        before = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello."}]
        return {
            "list": lambda text: [{"role": "user", "content": text}],
            "tuple": lambda text: ({"role": "user", "content": text},),
            "generator": lambda text: (m for m in [{"role": "user", "content": text}]),
            "the SDK's own objects": lambda text: [
                *before,
                ollama.Message(role="assistant", content="Hello, Ada."),
                ollama.Message(role="user", content=text),
            ],
            "an image": lambda text: [{"role": "user", "content": text, "images": [PNG]}],
            "an image object": lambda text: [
                ollama.Message(role="user", content=text, images=[ollama.Image(value=PNG)])
            ],
        }

    def conversations(self):
        ask = {"role": "user", "content": "What is my canary called?"}
        tool = list(self.tool_turn(CALL, "Lumen-7"))
        return {
            "empty": [],
            "no user": [{"role": "system", "content": "Be brief."}],
            "prefilled": [ask, {"role": "assistant", "content": "It is"}],
            "tools only": tool,
            "a tool": [ask, *tool],
            "an image only": [{"role": "user", "images": [PNG]}],
            "no content": [{"role": "user", "content": None}, {"role": "user"}],
            "no text": [{"role": "user", "content": ""}, {"role": "user", "content": " \n"}],
            "no role": [{"content": "Who am I?"}],
            "odd role": [{"role": "critic", "content": "Well."}, ask],
            "parts": [{"role": "user", "content": [{"type": "text", "text": "Hello."}]}],
            "odd types": [{"role": "user", "content": 7}, ask],
            "not there": [{"role": "user", "content": "See.", "images": ["nothing.png"]}],
            "NUL": [{"role": "user", "content": "my\0canary"}],
            "half an emoji": [{"role": "user", "content": "my canary \ud83d"}],
            "long": [{"role": "user", "content": "my canary " * 20_000}],
        }

    def unknown(self, client, stream):
        body = {"model": MODEL, "messages": {"odd": 1}, "stream": stream}
        return lambda: client._request(ollama.ChatResponse, "POST", "/api/chat", json=body, stream=stream)

    def tool_turn(self, call, result):
        function = {"name": call.name, "arguments": call.arguments}
        return [
            {"role": "assistant", "content": "", "tool_calls": [{"function": function}]},
            {"role": "tool", "tool_name": call.name, "content": result},
        ]


class Generate(Ollama):
    """A prompt and nothing before it: what has been said comes along as ``system``, or not at all."""

    name = "ollama generate"

    def method(self, client):
        def call(messages, *, stream=False, **options):
            given = messages[-1] if messages else {}
            return client.generate(MODEL, given.get("content"), images=given.get("images"), stream=stream, **options)

        return call

    def text(self, result):
        return result.response or ""

    def piece(self, chunk):
        return chunk.response or ""

    def variants(self):
        yield from super().variants()
        yield self.plain("system", (26,), options={"system": "Be brief.", "template": "{{ .Prompt }}"})
        yield self.plain("no system", (26,), options={"system": None, "context": []})
        yield self.plain("a context", (30,), options={"context": [1, 2, 3]}, injects=False)

    def forms(self):
        return {
            "list": lambda text: [{"role": "user", "content": text}],
            "an image": lambda text: [{"role": "user", "content": text, "images": [PNG]}],
        }

    def conversations(self):
        return {
            "empty": [],
            "an image only": [{"role": "user", "images": [PNG]}],
            "no text": [{"role": "user", "content": " \n"}],
            "odd types": [{"role": "user", "content": 7}],
            "NUL": [{"role": "user", "content": "my\0canary"}],
            "half an emoji": [{"role": "user", "content": "my canary \ud83d"}],
            "long": [{"role": "user", "content": "my canary " * 20_000}],
        }

    def unknown(self, client, stream):
        body = {"model": MODEL, "prompt": ["odd"], "stream": stream}
        return lambda: client._request(ollama.GenerateResponse, "POST", "/api/generate", json=body, stream=stream)
