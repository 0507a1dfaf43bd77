"""How the suite drives Google's SDK: the client, and what its APIs share."""

from __future__ import annotations

import base64
import re
import ssl

import httpx2
from google import genai
from google.genai import models, types
from pydantic import BaseModel

from memori_wrap.testing.google_server import FakeGoogle, Scripted, ToolCall
from memori_wrap.testing.provider.shapes import SHAPES, drain, settle
from memori_wrap.testing.provider_suite import ASYNC_STREAM, SYNC, Dialect, Variant

TLS = ssl.create_default_context()  # one for all: a context takes longer than a test
MODEL = "gemini-3.8-flash"
PNG = base64.b64decode("iVBORw0KGgo=")
CALL = ToolCall("look_up", {"of": "canary"}, id="call_1")


class Noted(BaseModel):
    thing: str
    number: int


NOTED = Noted(thing="canary", number=7).model_dump_json()


def look_up(of: str) -> str:
    """Looks something up."""
    return f"Found the {of}."


class Google(Dialect):
    """The Gemini API: an httpx2 client, and an aiohttp session where it is asynchronous."""

    everyday = (SYNC, ASYNC_STREAM)

    is_lazy = True
    shares_parts = True
    retried = (Scripted(status=500), Scripted(status=429), Scripted(status=503))
    ignored = frozenset(
        {
            *(
                "content-length",
                "Content-Length",
                "response_id",
                "responseId",
                "continuation_token",
                "continuationToken",
            ),
            *("created", "updated", "elapsed"),
        }
    )
    echoed = frozenset(
        {
            *("prompt_token_count", "total_token_count", "prompt_tokens_details"),
            *("promptTokenCount", "totalTokenCount", "promptTokensDetails"),
            *("total_input_tokens", "total_tokens", "initial_input_tokens"),
        }
    )
    volatile = re.compile(
        r'(\bv1_(?=\w{28})|"(?:responseId|created|updated)":"|(?:received|expected|of) (?=\d))[\w:.+-]+'
    )

    def server(self, reply):
        return FakeGoogle(reply)

    def where(self):
        return {"api_key": "none"}

    def client(self, server, *, is_async, retries=0, timeout=None, hook=None):
        async def before_async(_):
            await settle(hook())

        hooks = {"event_hooks": {"request": [lambda _: hook()]}} if hook else {}
        hooks_async = {"event_hooks": {"request": [before_async]}} if hook else {}
        options = {
            "base_url": server.base_url,
            "client_args": {"verify": TLS, **hooks},
            "async_client_args": {"verify": TLS, "ssl": TLS, **hooks_async, **self.transport(hook)},
            "retry_options": {"attempts": retries + 1, "initial_delay": 0.01, "jitter": 0, "exp_base": 1},
        }
        if timeout is not None:
            options["timeout"] = int(timeout * 1000)
        made = genai.Client(http_options=types.HttpOptions(**options), **self.where())
        return made.aio if is_async else made

    def transport(self, hook):
        """An asynchronous client of httpx2 is taken where there is a transport: aiohttp calls nobody back."""
        return {"transport": httpx2.AsyncHTTPTransport(verify=TLS)} if hook else {}

    async def shut(self, client):
        await settle(client.aclose() if isinstance(client, genai.client.AsyncClient) else client.close())

    def hooked(self, client):
        return self._owner(client), "generate_content"

    def hooked_stream(self, client):
        return self._owner(client), "generate_content_stream"

    def _owner(self, client):
        return models.AsyncModels if isinstance(client, genai.client.AsyncClient) else models.Models

    def releases(self, shape):
        return not shape.is_async  # a response and its iterator hold each other: the collector closes them

    def receiver(self, client):
        return client.models

    async def close(self, stream):
        await settle(stream.aclose() if hasattr(stream, "aclose") else stream.close())

    def plain(self, name, items, shapes=SHAPES, *, options=None, **more):
        """The plain call with further options."""

        async def run(client, messages, shape):
            result = await settle(self.method(client)(messages, stream=shape.is_stream, **(options or {})))
            return await drain(result) if shape.is_stream else result

        return Variant(name, items, run, shapes, **more)

    def others(self, client):
        call = {"model": MODEL, "contents": "What is my canary called?"}
        return {
            "embeddings": lambda: client.models.embed_content(**call),
            "tokens": lambda: client.models.count_tokens(**call),
            "models": lambda: self._models(client),
            "an interaction": lambda: client.interactions.get("nothing"),
            "no interaction": lambda: client.interactions.delete("nothing"),
            "not there": lambda: client.models.get(model="nothing"),
            "caches": lambda: client.caches.create(model=MODEL, config={"contents": "My canary is called Lumen-7."}),
            "batches": lambda: client.batches.create(model=MODEL, src=[{"contents": "What is my canary called?"}]),
        }

    async def _models(self, client):
        return await drain(await settle(client.models.list()))
