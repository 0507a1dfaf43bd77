"""The ASGI middleware on a real server: errors, disconnects, WebSockets, the lifespan, what runs after the reply."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.background import BackgroundTask
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from memori_wrap import Memori
from memori_wrap.types import Scope
from memori_wrap.web.asgi import ScopeMiddleware, header
from tests.support.webload import on_uvicorn


@pytest.fixture(scope="module")
def mem() -> Iterator[Memori]:
    with Memori("memory://", entity="owner", embedder="none", extractor="none") as mem:
        yield mem


class Pages:
    """Each page says, or notes down, whose it is."""

    def __init__(self, mem: Memori) -> None:
        self.mem = mem
        self.seen: list[Scope | None] = []
        self.is_over = threading.Event()
        routes = [Route("/whose", self.whose), Route("/endless", self.endless), Route("/later", self.later)]
        self.app = Starlette(routes=[*routes, WebSocketRoute("/socket", self.socket)], lifespan=self.lifespan)

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        self.seen.append(self.mem._scopes.current())
        yield

    def text(self) -> str:
        scope = self.mem._scopes.current()
        return f"{scope.entity} {scope.process} {scope.session}" if scope else str(self.mem._scopes.is_nobodys())

    async def whose(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(self.text())

    async def later(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("soon", background=BackgroundTask(self.note))

    def note(self) -> None:
        self.seen.append(self.mem._scopes.current())
        self.is_over.set()

    async def endless(self, request: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"more\n"
                    await asyncio.sleep(0.001)
            finally:
                self.note()

        return StreamingResponse(pieces())

    async def socket(self, websocket: WebSocket) -> None:
        await websocket.accept()
        async for _ in websocket.iter_text():
            await websocket.send_text(self.text())


async def user(scope: Any) -> str | None:
    """Asynchronous, as one that asks a database would be."""
    await asyncio.sleep(0)
    found = header(scope, "X-User")
    if found == "error":
        raise LookupError(found)
    return found


@pytest.fixture
def pages(mem: Memori) -> Pages:
    return Pages(mem)


@pytest.fixture
def port(pages: Pages) -> Iterator[int]:
    pages.app.add_middleware(
        ScopeMiddleware, memory=pages.mem, entity=user, process="bot", session=lambda scope: header(scope, "x-session")
    )
    with on_uvicorn(pages.app) as port:
        yield port


def get(port: int, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse()


def test_requests(port: int, pages: Pages) -> None:
    assert get(port, "/whose", x_user="alice", x_session="s").read() == b"alice bot s"
    assert get(port, "/whose").read() == b"True", "nobody's, though the memory has a default"
    for bad in ("error", "x" * 101):
        answer = get(port, "/whose", x_user=bad)
        assert (answer.status, answer.read()) == (500, b"Internal Server Error")
    assert get(port, "/whose", x_user="bob").read() == b"bob bot None"
    assert pages.seen == [None], "the lifespan is nobody's request"


def test_a_background_task_is_the_requests(port: int, pages: Pages) -> None:
    assert get(port, "/later", x_user="alice").read() == b"soon"
    assert pages.is_over.wait(60)
    assert pages.seen[-1] == Scope("alice", "bot")


def test_a_client_that_goes_away(port: int, pages: Pages) -> None:
    """What the stream does as it ends is still that user's, and the next one has the next scope."""
    answer = get(port, "/endless", x_user="alice")
    assert answer.readline() == b"more\n"
    answer.close()
    assert pages.is_over.wait(60)
    assert pages.seen[-1] == Scope("alice", "bot")
    assert get(port, "/whose", x_user="bob").read() == b"bob bot None"


def test_websockets(port: int) -> None:
    with (
        connect(f"ws://127.0.0.1:{port}/socket", additional_headers={"x-user": "alice"}) as one,
        connect(f"ws://127.0.0.1:{port}/socket", additional_headers={"x-user": "bob"}) as two,
        connect(f"ws://127.0.0.1:{port}/socket") as three,
    ):
        for _ in range(2):
            for socket, whose in ((one, "alice bot None"), (two, "bob bot None"), (three, "True")):
                socket.send("whose?")
                assert socket.recv(60) == whose
    with (
        pytest.raises(InvalidStatus, match="500"),
        connect(f"ws://127.0.0.1:{port}/socket", additional_headers={"x-user": "error"}),
    ):
        pass


def test_the_user_that_starlette_has_authenticated(pages: Pages) -> None:
    class Backend(AuthenticationBackend):
        async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
            token = conn.headers.get("authorization")
            return (AuthCredentials(), SimpleUser(token)) if token else None

    def authenticated(scope: Any) -> str | None:
        return scope["user"].display_name if scope["user"].is_authenticated else None

    pages.app.add_middleware(ScopeMiddleware, memory=pages.mem, entity=authenticated)
    pages.app.add_middleware(AuthenticationMiddleware, backend=Backend())  # added last, it comes first
    with on_uvicorn(pages.app) as port:
        assert get(port, "/whose", authorization="alice").read() == b"alice None None"
        assert get(port, "/whose").read() == b"True"


def test_header() -> None:
    scope = {"headers": [(b"x-user", b"alice"), (b"cookie", b"a=b"), (b"x-user", b"bob")]}
    assert header(scope, "X-User") == "alice,bob", "neither of them"
    assert header(scope, "cookie") == "a=b"
    assert header({}, "x-user") is None
