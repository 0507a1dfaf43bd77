"""How the suite drives Google's Interactions API."""

from __future__ import annotations

import json

from google.genai._gaos.google_genai import AsyncGeminiNextGenInteractions, GeminiNextGenInteractions
from google.genai.client import AsyncClient
from google_client import CALL, MODEL, NOTED, Google, Noted

from memori_wrap.testing.google_server import Scripted
from memori_wrap.testing.provider.shapes import PLAIN, STREAMS, drain, settle, within
from memori_wrap.testing.provider_suite import REPLY, Variant

SYSTEM = {"system_instruction": "Be brief."}


def step(kind, *content):
    return {"type": kind, "content": [{"type": "text", "text": c} if isinstance(c, str) else c for c in content]}


PICTURE = {"type": "image", "data": "iVBORw0KGgo=", "mime_type": "image/png"}
KINDS = {"user": "user_input", "assistant": "model_output"}


def native(messages):
    """The suite's messages as steps; what are such already stay."""
    if not isinstance(messages, list) or not messages or "role" not in messages[0]:
        return messages
    return [step(KINDS[m["role"]], m["content"]) if "role" in m else m for m in messages]


class Interactions(Google):
    name = "google-genai interactions"
    is_lazy = False
    raises_error_events = False
    tapped = frozenset({"close"})

    def hooked(self, client):
        is_async = isinstance(client, AsyncClient)
        return AsyncGeminiNextGenInteractions if is_async else GeminiNextGenInteractions, "create"

    def hooked_stream(self, client):
        return self.hooked(client)

    def receiver(self, client):
        return client.interactions

    def releases(self, shape):
        return True

    async def close(self, stream):
        await settle(stream.close())

    def method(self, client):
        part = client.interactions
        return lambda messages, *, stream=False, **options: part.create(
            model=MODEL, input=native(messages), stream=stream, **options
        )

    def text(self, result):
        return result.output_text or ""

    def piece(self, chunk):
        return chunk.delta.text if chunk.event_type == "step.delta" and chunk.delta.type == "text" else ""

    # ------------------------------------------------------------ ways to call

    def variants(self):
        plain = self.plain
        yield plain("usage", (32, 33), usage=True)
        yield plain("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        failed = Scripted(REPLY, finish_reason="failed", message="Out of order.", code="api_error")
        yield plain("failed", (9, 32), reply=failed, complete=False)
        thought = Scripted(REPLY, reasoning="A canary, well.")
        yield plain("thoughts", (32,), reply=thought, parts=("reasoning",))
        yield plain("tool calls", (32,), reply=Scripted(tool_calls=[CALL]), said="", parts=("tool_call",))
        schema = {"type": "text", "mime_type": "application/json", "schema": Noted.model_json_schema()}
        yield plain("schema", (34,), options={"response_format": schema}, reply=NOTED, said=NOTED)
        yield plain("system instruction", (26, 27), options=SYSTEM)
        yield plain("not stored", (30,), options={"store": False})
        yield plain("speech", (32,), options={"response_format": {"type": "audio"}}, injects=False)
        options = {
            "extra_headers": {"x-mine": "1"},
            "extra_query": {"q": "2"},
            "extra_body": {"labels": {"a": "b"}},
            "timeout": 9,
            "generation_config": {"temperature": 0.5},
            "tools": [{"type": "google_search"}],
        }
        yield plain("options of the request", (1,), options=options)
        more = Scripted("Thank you, ", finish_reason="requires_continuation")
        yield plain("continued", (31,), reply=more, said=f"Thank you, {REPLY}", usage=True)
        alone = {"store": False}
        yield plain("continued, not stored", (31,), options=alone, reply=more, said=f"Thank you, {REPLY}", usage=True)
        off = {"automatic_continuation": False}
        yield plain("not continued", (31,), options=off, reply=more, said="Thank you, ", complete=False)
        yield Variant("a request object", (1,), self.whole)
        yield Variant("a request as a dict", (1,), self.whole_dict)
        yield Variant("an agent", (1,), self.agent)
        yield Variant("extra_body overrides", (35,), self.overridden)
        yield Variant("extra_body overrides the system instruction", (35,), self.overridden_system)
        yield Variant("with", (3,), self.within_with, STREAMS)
        yield Variant("raw", (14,), self.raw, PLAIN)
        yield Variant("raw never parsed", (15,), self.raw_never_parsed, PLAIN)
        yield Variant("raw stream", (16,), self.raw, STREAMS)
        yield Variant("streaming response parse", (17,), self.streaming_parse)
        yield Variant("streaming response iter_lines", (17,), self.streaming_lines)
        yield Variant("streaming response read", (17,), self.streaming_read, PLAIN)

    async def whole(self, client, messages, shape):
        from google.genai._gaos.models import CreateInteractionRequest
        from google.genai.interactions import CreateModelInteraction

        body = CreateModelInteraction(model=MODEL, input=messages[0]["content"], stream=shape.is_stream)
        return await self._made(client.interactions.create(request=CreateInteractionRequest(body=body)), shape)

    async def whole_dict(self, client, messages, shape):
        body = {"model": MODEL, "input": native(messages), "stream": shape.is_stream, **SYSTEM}
        return await self._made(client.interactions.create(request={"body": body}), shape)

    async def agent(self, client, messages, shape):
        options = {"agent": "deep-research-preview", "input": messages[0]["content"], "stream": shape.is_stream}
        return await self._made(client.interactions.create(**options), shape)

    async def overridden(self, client, messages, shape):
        more = {"extra_body": {"input": native(messages)}}
        return await self._made(self.method(client)("Not this.", stream=shape.is_stream, **more), shape)

    async def overridden_system(self, client, messages, shape):
        more = {"extra_body": SYSTEM, "system_instruction": "Not this."}
        return await self._made(self.method(client)(messages, stream=shape.is_stream, **more), shape)

    async def _made(self, call, shape):
        result = await settle(call)
        return await drain(result) if shape.is_stream else result

    async def within_with(self, client, messages, shape):
        async with within(await settle(self.method(client)(messages, stream=True))) as stream:
            return [type(stream), await drain(stream), type(stream.response)]

    def _twin(self, client, how, messages, shape):
        create = getattr(client.interactions, how).create
        return create(model=MODEL, input=native(messages), stream=shape.is_stream)

    async def raw(self, client, messages, shape):
        response = await settle(self._twin(client, "with_raw_response", messages, shape))
        parsed = await settle(response.parse())
        seen = [type(response), response.headers, response.status_code, type(parsed)]
        return [*seen, await drain(parsed) if shape.is_stream else parsed]

    async def raw_never_parsed(self, client, messages, shape):
        response = await settle(self._twin(client, "with_raw_response", messages, shape))
        return [type(response), response.headers, await settle(response.json())]

    async def streaming_parse(self, client, messages, shape):
        async with within(self._twin(client, "with_streaming_response", messages, shape)) as response:
            parsed = await settle(response.parse())
            return [type(response), response.headers, await drain(parsed) if shape.is_stream else parsed]

    async def streaming_lines(self, client, messages, shape):
        async with within(self._twin(client, "with_streaming_response", messages, shape)) as response:
            return [type(response), await drain(response.iter_lines())]

    async def streaming_read(self, client, messages, shape):
        async with within(self._twin(client, "with_streaming_response", messages, shape)) as response:
            return [type(response), await settle(response.read())]

    # ------------------------------------------------------------ what is asked

    def forms(self):
        from google.genai.interactions import TextContent, UserInputStep

        before = [step("user_input", "Hello."), step("model_output", "Hello, Ada.")]
        return {
            "text": lambda text: text,
            "a content": lambda text: {"type": "text", "text": text},
            "contents": lambda text: [PICTURE, {"type": "text", "text": text}],
            "contents without a type": lambda text: [{"text": text}],
            "steps": lambda text: [*before, step("user_input", text)],
            "a step with a picture": lambda text: [step("user_input", PICTURE, text)],
            "objects": lambda text: [UserInputStep(content=[TextContent(text=text)])],
        }

    def conversations(self):
        ask = "What is my canary called?"
        call, result = self.tool_turn(CALL, "Lumen-7")
        return {
            "empty": [],
            "empty text": "",
            "nothing": None,
            "a model's only": [step("model_output", "Hello.")],
            "prefilled": [step("user_input", ask), step("model_output", "It is")],
            "tools": [step("user_input", ask), call, result],
            "tools only": [call, result],
            "a result of parts": [
                step("user_input", ask),
                call,
                {**result, "result": [{"type": "text", "text": "Lumen-7"}]},
            ],
            "a result that is a dict": [step("user_input", ask), call, {**result, "result": {"name": "Lumen-7"}}],
            "a thought": [step("user_input", ask), {"type": "thought", "signature": "AAAA"}, call, result],
            "the provider's own tools": [
                step("user_input", ask),
                {"type": "google_search_call", "id": "s1", "arguments": {"queries": ["canary"]}},
                {"type": "google_search_result", "call_id": "s1", "result": []},
                step("model_output", "It is Lumen-7."),
                step("user_input", "Sure?"),
            ],
            "an unanswered call": [step("user_input", ask), call, step("user_input", ask)],
            "a picture only": PICTURE,
            "no content": [{"type": "user_input"}],
            "an unknown step": [{"type": "never_seen", "x": 1}, step("user_input", ask)],
            "another SDK's": [{"content": ask}],
            "NUL": "my\0canary",
            "half an emoji": "my canary \ud83d",
            "long": "my canary " * 20_000,
        }

    def unknown(self, client, stream):
        return lambda: client.interactions.create(model=MODEL, input=7, stream=stream)

    def tool_turn(self, call, result):
        made = {"type": "function_call", "id": call.id, "name": call.name, "arguments": dict(call.arguments)}
        return [made, *self.tool_result(call, result)]

    def tool_result(self, call, result):
        return [{"type": "function_result", "call_id": call.id, "name": call.name, "result": result}]

    def continued(self, answer):
        last = answer[-1].interaction if isinstance(answer, tuple) else answer
        return {"previous_interaction_id": last.id}

    def inherited(self, server):
        return json.dumps(server.inherited())
