"""The scope of each request as a middleware of Django's own, where Django is to say who the user is.

    # mysite/memory.py; "mysite.memory.scoped" stands in MIDDLEWARE, below AuthenticationMiddleware
    async def user_of(request):          # under WSGI: def, and request.user
        user = await request.auser()
        return str(user.pk) if user.is_authenticated else None

    scoped = scope_middleware(mem, user_of)

Django is not imported: its middleware are plain functions.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any

from memori_wrap.context import PiecewiseScope
from memori_wrap.memory import Memori
from memori_wrap.web.wsgi import Pieces

GetResponse = Callable[[Any], Any]
Asked = Callable[[Any], Awaitable[str | None] | str | None]

# how asgiref marks its wrappers, too
_is_async = inspect.iscoroutinefunction if sys.version_info >= (3, 12) else asyncio.iscoroutinefunction


def scope_middleware(
    memory: Memori, entity: Asked, *, process: str | None = None
) -> Callable[[GetResponse], GetResponse]:
    """A middleware, synchronous and asynchronous, under which each request is that of ``entity(request)``.

    None: nobody's, and it goes without a memory. The scope is in force in the view, in each piece of a streamed body
    and in the response's ``close``. An exception of ``entity``, which under ASGI may be asynchronous, or the
    ``ScopeError`` of an impossible id, is Django's to answer; the view does not run then.
    """

    def middleware(get_response: GetResponse) -> GetResponse:
        if _is_async(get_response):

            async def aserve(request: Any) -> Any:
                named: Any = entity(request)
                scope = memory.piecewise(await named if inspect.isawaitable(named) else named, process)
                with scope:
                    response = await get_response(request)
                return _held(response, scope)

            return aserve

        def serve(request: Any) -> Any:
            named: Any = entity(request)
            scope = memory.piecewise(named, process)
            with scope:
                response = get_response(request)
            return _held(response, scope)

        return serve

    made: Any = middleware
    made.sync_capable = made.async_capable = True
    return middleware


def _held(response: Any, scope: PiecewiseScope) -> Any:
    """The same response, what is left of it to run within the scope. A file is left to the server."""
    close: Callable[[], object] = response.close

    def closing() -> None:
        with scope:
            close()

    response.close = closing
    if getattr(response, "streaming", False) and getattr(response, "file_to_stream", None) is None:
        pieces = response.streaming_content
        response.streaming_content = _AsyncPieces(pieces, scope) if response.is_async else Pieces(pieces, scope)
    return response


class _AsyncPieces:
    """``Pieces`` of an asynchronous body."""

    def __init__(self, body: AsyncIterable[bytes], scope: PiecewiseScope) -> None:
        self._pieces, self._scope = aiter(body), scope

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        with self._scope:
            return await anext(self._pieces)
