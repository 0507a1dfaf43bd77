"""The scope of each request for ASGI applications: FastAPI, Starlette, Django's asgi.py and others.

    app.add_middleware(ScopeMiddleware, memory=mem, entity=lambda scope: header(scope, "x-user"))
    application = ScopeMiddleware(get_asgi_application(), memory=mem, entity=user_of)

No framework is imported: this is the protocol alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from inspect import isawaitable
from typing import Any

from memori_wrap.context import PiecewiseScope
from memori_wrap.memory import Memori

Connection = MutableMapping[str, Any]
"""ASGI's ``scope``: ``type``, ``path``, ``headers`` and, where other middleware put it there, ``user``, ``session``."""
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Connection, Receive, Send], Awaitable[None]]
Asked = Callable[[Connection], Awaitable[str | None] | str | None]
"""Called with ASGI's ``scope``, on the event loop: what blocks belongs into an async function."""


def header(scope: Connection, name: str) -> str | None:
    """A request header as the client sent it, or None. One that was sent twice is joined with commas, as in WSGI."""
    wanted = name.lower().encode("latin-1")
    found = [value for key, value in scope.get("headers", ()) if key.lower() == wanted]
    return b",".join(found).decode("latin-1") if found else None


class ScopeMiddleware:
    """``entity`` says whose each request and each WebSocket is; None: nobody's, and it goes without a memory.

    The scope holds until the application is done with the connection: a streamed body, its background tasks and the
    exits of dependencies are within, and so is what is left to do when the client has gone. Threads and tasks that a
    framework begins meanwhile inherit it. An exception of ``entity``, or the ``ScopeError`` of an impossible id, is
    the request's; nothing of the application runs then. ``process``, ``session``: a name, or a function like
    ``entity``.
    """

    def __init__(
        self,
        app: Asgi,
        memory: Memori,
        entity: Asked,
        *,
        process: Asked | str | None = None,
        session: Asked | str | None = None,
    ) -> None:
        self._app, self._memory = app, memory
        self._entity, self._process, self._session = entity, process, session

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):  # lifespan, and whatever else is nobody's request
            await self._app(scope, receive, send)
            return
        with await self._scope_of(scope):
            await self._app(scope, receive, send)

    async def _scope_of(self, scope: Connection) -> PiecewiseScope:
        entity = await _answer(self._entity, scope)
        if entity is None:
            return self._memory.piecewise(None)
        process, session = await _answer(self._process, scope), await _answer(self._session, scope)
        return self._memory.piecewise(entity, process, session)


async def _answer(asked: Asked | str | None, scope: Connection) -> str | None:
    answer = asked(scope) if callable(asked) else asked
    return await answer if isawaitable(answer) else answer
