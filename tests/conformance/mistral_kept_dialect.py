"""How the suite drives what Mistral keeps, and its Responses: conversations, and OpenAI's format."""

from __future__ import annotations

import json
from functools import partial

from mistral_dialect import MODEL, PNG, MistralDialect, said_in
from mistralai.client import models
from mistralai.client.types import UNSET

from memori_wrap.testing.mistral_server import Scripted
from memori_wrap.testing.provider_suite import REPLY


class Conversations(MistralDialect):
    """The first call starts a conversation; one that is given an id goes on in it, where there is no place."""

    name = "mistral conversations"
    raises_error_events = False

    def part(self, client):
        return client.beta.conversations

    def names(self):
        return "start", "start_stream"

    def body(self, messages, **options):
        return {"model": MODEL, "inputs": messages, **options}

    def text(self, result):
        return "".join(said_in(o.content) for o in result.outputs if o.type == "message.output")

    def piece(self, chunk):
        return said_in(getattr(chunk.data, "content", ""))

    def variants(self):
        yield from super().variants()
        yield self.plain("instructions", (26,), options={"instructions": "Be brief."})
        yield self.plain("instructions none", (26,), options={"instructions": None, "tools": UNSET})
        yield self.plain("instructions unset", (26,), options={"instructions": UNSET, "agent_id": UNSET})
        yield self.plain("an agent", (26, 30), options={"model": UNSET, "agent_id": "ag_1"}, injects=False)
        thought = Scripted(REPLY, reasoning="A canary, well.")
        yield self.plain("thinking", (32,), reply=thought, parts=("reasoning",))
        yield self.plain("not stored", (30,), options={"store": False})

    def forms(self):
        before = {"role": "assistant", "content": "Hello, Ada."}
        image = {"type": "image_url", "image_url": PNG}
        return {
            "string": lambda text: text,
            "list": lambda text: [{"role": "user", "content": text}],
            "the SDK's own objects": lambda text: [
                models.MessageOutputEntry(content="Hello."),
                models.MessageInputEntry(role="user", content=text),
            ],
            "entries": lambda text: [before, {"type": "message.input", "role": "user", "content": text}],
            "an image": lambda text: [{"role": "user", "content": [image, {"type": "text", "text": text}]}],
        }

    def conversations(self):
        ask = {"role": "user", "content": "What is my canary called?"}
        result = {"type": "function.result", "tool_call_id": "call00001", "result": "Lumen-7"}
        called = {"type": "function.call", "tool_call_id": "call00001", "name": "look_up", "arguments": {"of": "it"}}
        return {
            "empty": [],
            "nothing": None,
            "empty string": "",
            "no user": [{"role": "assistant", "content": "It is"}],
            "a tool": [ask, called, result],
            "a result only": [result],
            "no content": [{"role": "user"}],
            "odd types": [{"role": "user", "content": 7}],
            "NUL": "my\0canary",
            "half an emoji": "my canary \ud83d",
            "long": "my canary " * 20_000,
        }

    def unknown(self, client, stream):
        return partial(self.call(client, self.names()[stream]), model=MODEL, inputs={"odd": 1})

    def tool_turn(self, call, result):
        return None

    def inherited(self, server):
        return json.dumps(server.inherited())


class Responses(MistralDialect):
    """The Responses API, in OpenAI's format."""

    name = "mistral responses"

    def part(self, client):
        return client.responses

    def names(self):
        return "create", "create"

    def body(self, messages, **options):
        return {"model": MODEL, "input": messages, **options}

    def method(self, client):
        part = self.part(client)

        def call(messages, *, stream=False, **options):
            how = {"stream": True} if stream else {}
            return self.call(client, "create", part)(**self.body(messages, **how, **options))

        return call

    def text(self, result):
        return "".join(said_in(o.content) for o in result.output if o.type == "message")

    def piece(self, chunk):
        return chunk.data.delta if chunk.data.type == "response.output_text.delta" else ""

    def variants(self):
        yield from super().variants()
        yield self.plain("instructions", (26,), options={"instructions": "Be brief."})
        yield self.plain("instructions unset", (26,), options={"instructions": UNSET, "previous_response_id": UNSET})

    def forms(self):
        return {
            "string": lambda text: text,
            "list": lambda text: [{"role": "user", "content": text}],
        }

    def conversations(self):
        ask = {"role": "user", "content": "What is my canary called?"}
        return {
            "empty": [],
            "empty string": "",
            "no user": [{"role": "system", "content": "Be brief."}],
            "prefilled": [ask, {"role": "assistant", "content": "It is"}],
            "odd types": [{"role": "user", "content": 7}],
            "half an emoji": "my canary \ud83d",
        }

    def unknown(self, client, stream):
        return partial(
            self.call(client, "create"), model=MODEL, input={"odd": 1}, **({"stream": True} if stream else {})
        )

    def tool_turn(self, call, result):
        made = {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.json}
        return [made, {"type": "function_call_output", "call_id": call.id, "output": result}]
