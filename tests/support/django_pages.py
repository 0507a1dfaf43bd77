"""Django's pages for ``webpages.django_app``; it wants them in a module."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

if TYPE_CHECKING:
    from tests.support.webpages import Model


class Ask:
    model: Model


def sync(request: HttpRequest) -> HttpResponse:
    return HttpResponse(Ask.model.ask(request.GET["text"]))


async def asynchronous(request: HttpRequest) -> HttpResponse:
    """On a loop of its own under WSGI, which a kept asynchronous client would not survive."""
    return HttpResponse(await asyncio.to_thread(Ask.model.ask, request.GET["text"]))


async def native(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await Ask.model.aask(request.GET["text"]))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Ask.model.pieces(request.GET["text"]))


async def astream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Ask.model.apieces(request.GET["text"]))


urlpatterns = [
    path("sync", sync),
    path("async", asynchronous),
    path("native", native),
    path("stream", stream),
    path("astream", astream),
]
