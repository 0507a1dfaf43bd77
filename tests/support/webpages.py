"""The same pages in four frameworks: each asks the model in another place of a request's life."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import django
from django.conf import settings
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import StreamingResponse
from flask import Flask, request, stream_with_context
from flask import Response as FlaskResponse
from openai import AsyncOpenAI, OpenAI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.responses import StreamingResponse as Streaming
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from memori_wrap import Memori
from memori_wrap.testing.openai_server import FakeOpenAI


@dataclass(frozen=True)
class Model:
    """The four ways to ask it; every answer of the server has "Noted" in it."""

    mem: Memori
    client: OpenAI
    aclient: AsyncOpenAI

    def ask(self, text: str) -> str:
        answer = self.client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        return str(answer.choices[0].message.content)

    def pieces(self, text: str) -> Iterator[str]:
        yield "begun "  # what follows happens after the page's function has returned
        stream = self.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": text}], stream=True
        )
        for chunk in stream:
            yield chunk.choices[0].delta.content or "" if chunk.choices else ""

    async def aask(self, text: str) -> str:
        answer = await self.aclient.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        return str(answer.choices[0].message.content)

    async def apieces(self, text: str) -> AsyncIterator[str]:
        yield "begun "
        stream = await self.aclient.chat.completions.create(
            model="m", messages=[{"role": "user", "content": text}], stream=True
        )
        async for chunk in stream:
            yield chunk.choices[0].delta.content or "" if chunk.choices else ""


@contextmanager
def model_of(mem: Memori, server: FakeOpenAI, entity: Callable[[], str | None] | str | None) -> Iterator[Model]:
    """``entity``: what the clients are registered for, which no request may fall back to."""
    with OpenAI(base_url=server.base_url, api_key="x") as client:
        aclient = AsyncOpenAI(base_url=server.base_url, api_key="x")
        yield Model(mem, mem.register(client, entity=entity), mem.register(aclient, entity=entity))


def fastapi_app(model: Model) -> FastAPI:
    app = FastAPI()

    def later(text: str) -> Iterator[str]:
        yield model.ask(text)
        model.ask(text)

    async def alater(text: str) -> AsyncIterator[str]:
        yield await model.aask(text)
        await model.aask(text)

    @app.get("/sync")
    def sync(text: str) -> str:
        return model.ask(text)

    @app.get("/async")
    async def asynchronous(text: str) -> str:
        return await model.aask(text)

    @app.get("/stream")
    def stream(text: str) -> StreamingResponse:
        return StreamingResponse(model.pieces(text))

    @app.get("/astream")
    async def astream(text: str) -> StreamingResponse:
        return StreamingResponse(model.apieces(text))

    @app.get("/dependency")
    def dependency(text: str, answer: str = Depends(later)) -> str:
        return answer + model.ask(text)

    @app.get("/adependency")
    async def adependency(text: str, answer: str = Depends(alater)) -> str:
        return answer + await model.aask(text)

    @app.get("/background")
    async def background(text: str, tasks: BackgroundTasks) -> str:
        tasks.add_task(model.ask, text)
        tasks.add_task(model.aask, text)
        return "Noted for later"

    @app.get("/spread")
    async def spread(text: str) -> str:
        return "".join(await asyncio.gather(model.aask(text), asyncio.to_thread(model.ask, text)))

    return app


def starlette_app(model: Model) -> Starlette:
    def sync(request: Request) -> Response:
        return PlainTextResponse(model.ask(request.query_params["text"]))

    async def asynchronous(request: Request) -> Response:
        return PlainTextResponse(await model.aask(request.query_params["text"]))

    def stream(request: Request) -> Response:
        return Streaming(model.pieces(request.query_params["text"]))

    async def astream(request: Request) -> Response:
        text = request.query_params["text"]
        return Streaming(model.apieces(text), background=BackgroundTask(model.ask, text))

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            async for piece in model.apieces(text):
                await websocket.send_text(piece)

    pages = {"/sync": sync, "/async": asynchronous, "/stream": stream, "/astream": astream}
    return Starlette(routes=[*(Route(path, page) for path, page in pages.items()), WebSocketRoute("/socket", socket)])


def flask_app(model: Model) -> Flask:
    app = Flask(__name__)

    @app.get("/sync")
    def sync() -> str:
        return model.ask(request.args["text"])

    @app.get("/async")
    async def asynchronous() -> str:
        return await asyncio.to_thread(model.ask, request.args["text"])

    @app.get("/stream")
    def stream() -> FlaskResponse:
        return FlaskResponse(model.pieces(request.args["text"]))

    @app.get("/stream_in_context")
    def stream_in_context() -> FlaskResponse:
        def pieces() -> Iterator[str]:
            yield from model.pieces(request.args["text"])

        return FlaskResponse(stream_with_context(pieces()))

    @app.get("/closed")
    def closed() -> FlaskResponse:
        text = request.args["text"]
        response = FlaskResponse("Noted for later")
        response.call_on_close(lambda: model.ask(text))
        return response

    return app


def django_app(model: Model, kind: str, middleware: str | None = None) -> Any:
    """``kind``: "wsgi" or "asgi"; ``middleware``: a name in ``django_pages``.

    Django's settings are the process's: its pages ask whatever model came last.
    """
    from tests.support import django_pages

    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=django_pages.__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", MIDDLEWARE=[], LOGGING_CONFIG=None
        )
        django.setup()
    django_pages.Ask.model, django_pages.Ask.mem = model, model.mem
    from django.core.asgi import get_asgi_application
    from django.core.wsgi import get_wsgi_application
    from django.test.utils import override_settings

    with override_settings(MIDDLEWARE=[f"{django_pages.__name__}.{middleware}"] if middleware else []):
        return get_asgi_application() if kind == "asgi" else get_wsgi_application()
