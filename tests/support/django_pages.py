"""Django's pages for ``webpages.django_app``; it wants them in a module."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from memori_wrap import Memori
from memori_wrap.web.django import scope_middleware

if TYPE_CHECKING:
    from tests.support.webpages import Model


class Ask:
    model: Model
    mem: Memori


def user_of(request: HttpRequest) -> str | None:
    return request.headers.get("x-user")


async def auser_of(request: HttpRequest) -> str | None:
    await asyncio.sleep(0)
    return user_of(request)


def scoped(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return scope_middleware(Ask.mem, user_of)(get_response)


def ascoped(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return scope_middleware(Ask.mem, auser_of)(get_response)


for made in (scoped, ascoped):
    made.sync_capable = made.async_capable = True  # type: ignore[attr-defined]


def sync(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Ask.model.ask(request.GET["text"]))


async def asynchronous(request: HttpRequest) -> HttpResponse:
    """On a loop of its own under WSGI, which a kept asynchronous client would not survive."""
    return HttpResponse(await asyncio.to_thread(Ask.model.ask, request.GET["text"]))


def closed(request: HttpRequest) -> HttpResponse:
    text = request.GET["text"]
    response = HttpResponse("Noted for later")
    response._resource_closers.append(lambda: Ask.model.ask(text))
    return response


async def native(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await Ask.model.aask(request.GET["text"]))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Ask.model.pieces(request.GET["text"]))


async def astream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Ask.model.apieces(request.GET["text"]))


urlpatterns = [
    path("sync", sync),
    path("closed", closed),
    path("async", asynchronous),
    path("native", native),
    path("stream", stream),
    path("astream", astream),
]
