"""How the suite drives OpenAI's SDK: Chat Completions and Responses."""

from __future__ import annotations

import json
import re
from functools import partial

import openai
from pydantic import BaseModel

from memori_wrap.testing.openai_server import FakeOpenAI, Scripted, ToolCall
from memori_wrap.testing.provider.shapes import PLAIN, SHAPES, STREAMS, drain, settle, take, within
from memori_wrap.testing.provider_suite import REPLY, Dialect, Variant

MODEL = "gpt-4o-mini"
PNG = "data:image/png;base64,iVBORw0KGgo="
CALL = ToolCall("look_up", {"of": "canary"}, id="call_1")


class Noted(BaseModel):
    thing: str
    number: int


NOTED = Noted(thing="canary", number=7).model_dump_json()
SCHEMA = {"type": "object", "properties": {"thing": {"type": "string"}, "number": {"type": "integer"}},
          "required": ["thing", "number"], "additionalProperties": False}


class _OpenAI(Dialect):
    ignored = frozenset({"created", "created_at", "completed_at", "openai-processing-ms", "content-length", "elapsed"})
    echoed = frozenset({"prompt_tokens", "input_tokens", "total_tokens"})
    volatile = re.compile(
        r'\b(chatcmpl-|resp_|msg_|call_|req_|rs_|fc_)[A-Za-z0-9]{20,}|("(?:created|created_at|completed_at)":)\d+'
    )

    def server(self, reply):
        return FakeOpenAI(reply)

    def client(self, server, *, is_async, retries=0, timeout=None, hook=None):
        options = {"base_url": server.base_url, "api_key": "none", "max_retries": retries}
        if timeout is not None:
            options["timeout"] = timeout
        if hook is not None:
            options["http_client"] = self._hooked(is_async, hook)
        return (openai.AsyncOpenAI if is_async else openai.OpenAI)(**options)

    def _hooked(self, is_async, hook):
        async def before_async(_):
            await settle(hook())

        before = before_async if is_async else lambda _: hook()
        kind = openai.DefaultAsyncHttpx2Client if is_async else openai.DefaultHttpx2Client
        return kind(event_hooks={"request": [before]})

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
