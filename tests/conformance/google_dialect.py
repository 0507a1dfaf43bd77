"""How the suite drives Gemini's generated content, at Google's own API and at Vertex AI."""

from __future__ import annotations

import re

import httpx2
from google.genai import types
from google.oauth2.credentials import Credentials
from google_client import CALL, MODEL, NOTED, PNG, TLS, Google, Noted, look_up

from memori_wrap.testing.google_server import Scripted, ToolCall
from memori_wrap.testing.provider.shapes import PLAIN, STREAMS, drain, settle
from memori_wrap.testing.provider_suite import REPLY, Variant

ROLES = {"assistant": "model"}


def native(messages):
    """The suite's messages as Gemini's contents; what are such already stay."""
    if not isinstance(messages, list):
        return messages
    return [
        {"role": ROLES.get(m["role"], m["role"]), "parts": [{"text": m["content"]}]}
        if isinstance(m, dict) and "content" in m
        else m
        for m in messages
    ]


def said(role, *parts):
    return types.Content(role=role, parts=[types.Part(text=p) if isinstance(p, str) else p for p in parts])


class Gemini(Google):
    name = "google-genai generate_content"

    def method(self, client):
        part = client.models

        def call(messages, *, stream=False, **options):
            make = part.generate_content_stream if stream else part.generate_content
            return make(model=MODEL, contents=native(messages), **options)

        return call

    def text(self, result):
        return "".join(map(self.piece, [result]))

    def piece(self, chunk):
        candidates = chunk.candidates or []
        parts = [part for c in candidates if c.content for part in c.content.parts or ()]
        return "".join(part.text or "" for part in parts if not part.thought)

    # ------------------------------------------------------------ ways to call

    def variants(self):
        plain = self.plain
        yield plain("usage", (32, 33), usage=True)
        yield plain("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        yield plain("unsafe", (32,), reply=Scripted(REPLY, finish_reason="content_filter"), parts=("refusal",))
        yield plain("unsafe, silent", (32,), reply=Scripted(text="", finish_reason="RECITATION"), said="")
        yield plain("blocked", (32,), reply=Scripted(refusal="I cannot."), said="", parts=("refusal",))
        thinking = {"thinking_config": {"include_thoughts": True}}
        thought = Scripted(REPLY, reasoning="A canary, well.", tool_calls=[CALL])
        kinds = ("reasoning", "tool_call")
        yield plain("thoughts and a call", (32,), options={"config": thinking}, reply=thought, parts=kinds)
        yield plain("tool calls", (32,), reply=Scripted(tool_calls=[CALL, CALL]), said="", parts=("tool_call",))
        two = Scripted(choices=["One.", "Two."])
        yield plain("two candidates", (32,), options={"config": {"candidate_count": 2}}, reply=two, said="One.\nTwo.")
        schema = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Noted)
        yield plain("schema", (34,), options={"config": schema}, reply=NOTED, said=NOTED)
        yield plain("schema as JSON", (34,), options={"config": self.json_schema()}, reply=NOTED, said=NOTED)
        for name, system in {"text": "Be brief.", "parts": [types.Part(text="Be"), "brief."], "none": None}.items():
            yield plain(f"system instruction {name}", (26, 27), options={"config": {"system_instruction": system}})
        yield plain("cached content", (27,), options={"config": {"cached_content": "cachedContents/1"}})
        for name, modalities in {"speech": ["AUDIO"], "a picture": [types.Modality.IMAGE]}.items():
            config = types.GenerateContentConfig(response_modalities=modalities)
            yield plain(name, (32,), options={"config": config}, injects=False)
        yield plain("a picture and words", (32,), options={"config": {"responseModalities": ["TEXT", "IMAGE"]}})
        yield plain("options of the request", (1,), options={"config": self.many_options()})
        raw = types.GenerateContentConfig(should_return_http_response=True)
        yield plain("the response as it came", (14,), PLAIN, options={"config": raw})
        yield Variant("extra_body overrides", (35,), self.overridden)
        yield Variant("extra_body overrides, camel case", (35,), self.overridden_camel)
        yield from self.loops()
        yield from self.chats()

    def loops(self):
        """The SDK sends several requests for one call."""
        more = Scripted("Thank you, ", finish_reason="CONTINUATION")
        yield self.plain("continued", (31,), reply=more, said=f"Thank you, {REPLY}", usage=True)
        off = {"config": {"automatic_continuation": False}}
        yield self.plain("not continued", (31,), options=off, reply=more, said="Thank you, ", complete=False)
        asks = Scripted(tool_calls=[CALL])
        tools = {"config": {"tools": [look_up]}}
        found = f"Found the canary.\n{REPLY}"
        kinds = ("tool_call", "tool_result")
        yield self.plain("functions", (31,), options=tools, reply=asks, said=found, parts=kinds)
        both = Scripted(tool_calls=[CALL, ToolCall("look_up", {"of": "canary"}, id="call_2")], reasoning="Two, then.")
        twice = f"Found the canary.\n{found}"
        yield self.plain("two functions at once", (31,), options=tools, reply=both, said=twice, parts=kinds)
        configs = {
            "without history": {"ignore_call_history": True},
            "once": {"maximum_remote_calls": 1},
            "never": {"disable": True},
        }
        for name, given in configs.items():
            config = types.GenerateContentConfig(tools=[look_up], automatic_function_calling=given)
            wanted = REPLY if name == "without history" else ""
            yield self.plain(f"functions {name}", (31,), options={"config": config}, reply=asks, said=wanted)

    def chats(self):
        yield Variant("chat", (20,), self.chat)
        yield Variant("chat with a history", (20, 25), self.chat_with_history)
        asks = Scripted(tool_calls=[CALL])
        yield Variant("chat with functions", (31,), self.chat_with_functions, reply=asks)
        yield Variant("chat with functions, never", (31,), self.chat_without_functions, reply=asks, said="")

    @staticmethod
    def many_options():
        return types.GenerateContentConfig(
            temperature=0.5,
            top_k=3,
            seed=7,
            stop_sequences=["END"],
            safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")],
            tools=[types.Tool(google_search=types.GoogleSearch())],
            http_options=types.HttpOptions(headers={"x-mine": "1"}, timeout=9000),
        )

    @staticmethod
    def json_schema():
        return {"response_mime_type": "application/json", "response_json_schema": Noted.model_json_schema()}

    async def overridden(self, client, messages, shape):
        config = types.GenerateContentConfig(http_options={"extra_body": {"contents": native(messages)}})
        return await self._decoyed(client, shape, config)

    async def overridden_camel(self, client, messages, shape):
        return await self._decoyed(client, shape, {"httpOptions": {"extraBody": {"contents": native(messages)}}})

    async def _decoyed(self, client, shape, config):
        result = await settle(self.method(client)("Not this.", stream=shape.is_stream, config=config))
        return await drain(result) if shape.is_stream else result

    async def _talk(self, chat, message, shape, **options):
        if shape.is_stream:
            stream = await settle(chat.send_message_stream(message, **options))
            shown = [type(stream), await drain(stream)]
        else:
            shown = await settle(chat.send_message(message, **options))
        history = chat.get_history()
        assert "<memory-" not in repr(history)
        return [shown, history, chat.get_history(curated=True)]

    async def chat(self, client, messages, shape):
        return await self._talk(client.chats.create(model=MODEL), messages[-1]["content"], shape)

    async def chat_with_history(self, client, messages, shape):
        history = [said("user", "Hello."), {"role": "model", "parts": [{"text": "Hello, Ada."}]}]
        chat = client.chats.create(model=MODEL, history=history, config={"system_instruction": "Be brief."})
        return await self._talk(chat, [types.Part(text=messages[-1]["content"])], shape)

    async def chat_with_functions(self, client, messages, shape):
        chat = client.chats.create(model=MODEL, config={"tools": [look_up]})
        return await self._talk(chat, messages[-1]["content"], shape)

    async def chat_without_functions(self, client, messages, shape):
        config = {"tools": [look_up], "automatic_function_calling": {"disable": True}}
        return await self._talk(client.chats.create(model=MODEL), messages[-1]["content"], shape, config=config)

    # ------------------------------------------------------------ what is asked

    def forms(self):
        image = types.Part.from_bytes(data=PNG, mime_type="image/png")
        file = types.File(uri="https://files/1", mime_type="image/png")
        return {
            "text": lambda text: text,
            "a list of text": lambda text: [text],
            "two texts": lambda text: ["Look.", text],
            "a part": lambda text: types.Part(text=text),
            "parts": lambda text: [types.Part(text=text), image],
            "a picture first": lambda text: [image, text],
            "a file": lambda text: [file, text],
            "a file's data": lambda text: [
                {"file_data": {"file_uri": "https://files/1", "mime_type": "image/png"}},
                text,
            ],
            "a part as a dict": lambda text: {"text": text},
            "parts as dicts": lambda text: [{"inlineData": {"data": PNG, "mimeType": "image/png"}}, {"text": text}],
        }

    def further_forms(self):
        """More of them. Apart, since a memory that is asked one thing too often knows nothing else to say of it."""
        before = [said("user", "Hello."), said("model", "Hello, ", "Ada.")]
        image = types.Part.from_bytes(data=PNG, mime_type="image/png")
        return {
            "a content": lambda text: said("user", text),
            "a user's content": types.UserContent,
            "contents": lambda text: [*before, said("user", image, text)],
            "a content as a dict": lambda text: {"role": "user", "parts": [{"text": text}]},
            "contents as dicts": lambda text: [*before, {"parts": [{"text": text}]}],
            "a dict that holds parts": lambda text: [{"role": "user", "parts": [types.Part(text=text), image]}],
            "mixed": lambda text: [*before, "Look.", image, text],
            "a list within": lambda text: [*before, [image, text]],
            "no role": lambda text: types.Content(parts=[types.Part(text=text)]),
            "a result and a text": lambda text: [
                "Hello.",
                *self.tool_turn(CALL, "Lumen-7")[:1],
                said("user", types.Part.from_function_response(name="look_up", response={"output": "it"}), text),
            ],
        }

    def conversations(self):
        ask = "What is my canary called?"
        call, result = self.tool_turn(CALL, "Lumen-7")
        image = types.Part.from_bytes(data=PNG, mime_type="image/png")
        return {
            "empty": [],
            "empty text": "",
            "nothing": None,
            "no parts": [said("user")],
            "no parts at all": [{"role": "user"}],
            "empty dict": {},
            "an empty dict": [{}],
            "no text": [said("user", "", " \n")],
            "a model's only": [said("model", "Hello.")],
            "prefilled": [said("user", ask), said("model", "It is")],
            "tools": [ask, call, result],
            "tools only": [call, result],
            "a bare call and its result": [
                ask,
                types.Part.from_function_call(name="look_up", args={}),
                types.Part.from_function_response(name="look_up", response={"result": 7}),
            ],
            "an unanswered call": [ask, call, ask],
            "a result too many": [ask, call, result, result],
            "a picture only": image,
            "a picture in a list": [image],
            "odd role": [said("critic", "Well."), ask],
            "system role": [said("system", "Be brief."), ask],
            "odd dict": [{"text": 7}],
            "odd dict in a content": [{"role": "user", "parts": [{"nothing": 1}]}, ask],
            "parts are no list": [{"role": "user", "parts": "What?"}],
            "a file as a dict": [{"file_uri": "https://files/1", "mime_type": "image/png"}, ask],
            "another SDK's": [{"role": "user", "content": ask}],
            "odd": [7, ask],
            "a tuple": (said("user", "Hello."), said("user", ask)),
            "a list of lists": [[ask], [ask]],
            "an odd list within": [[7], ask],
            "code": [
                said("user", ask),
                said("model", types.Part(executable_code={"code": "7", "language": "PYTHON"}), "Seven."),
                said("user", ask),
            ],
            "NUL": "my\0canary",
            "half an emoji": "my canary \ud83d",
            "long": "my canary " * 20_000,
        }

    def unknown(self, client, stream):
        make = client.models.generate_content_stream if stream else client.models.generate_content
        return lambda: make(model=MODEL, contents=7)

    def tool_turn(self, call, result):
        made = types.FunctionCall(id=call.id, name=call.name, args=dict(call.arguments))
        response = types.FunctionResponse(id=call.id, name=call.name, response={"output": result})
        return [
            said("model", types.Part(function_call=made)),
            said("user", types.Part(function_response=response)),
        ]


class Vertex(Gemini):
    """The same at Vertex AI, with httpx2 for asynchronous calls as well."""

    name = "google-genai generate_content, Vertex AI"
    noise = re.compile("an error occurred during closing of asynchronous generator")  # httpx2's, one by one

    def where(self):
        return {
            "enterprise": True,
            "project": "canaries",
            "location": "europe-west4",
            "credentials": Credentials(token="none"),
        }

    def transport(self, hook):
        return {"transport": httpx2.AsyncHTTPTransport(verify=TLS)}

    def variants(self):
        yield self.plain("usage", (32, 33), usage=True)
        yield self.plain("options of the request", (1,), options={"config": self.many_options()})
        yield self.plain("labels", (1,), STREAMS, options={"config": {"labels": {"a": "b"}}})
        yield from self.loops()
        yield from self.chats()
