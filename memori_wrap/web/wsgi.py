"""The scope of each request for WSGI applications: Flask, Django's wsgi.py and others.

    app.wsgi_app = ScopeMiddleware(app.wsgi_app, memory=mem, entity=lambda environ: header(environ, "x-user"))
    application = ScopeMiddleware(get_wsgi_application(), memory=mem, entity=user_of)

No framework is imported: this is the protocol alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from memori_wrap.context import PiecewiseScope
from memori_wrap.memory import Memori

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Asked = Callable[[Environ], str | None]


def header(environ: Environ, name: str) -> str | None:
    """A request header as the client sent it, or None."""
    key = name.upper().replace("-", "_")
    found: str | None = environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
    return found


class ScopeMiddleware:
    """``entity`` says whose each request is; None: nobody's, and it goes without a memory.

    The scope is in force while the application is called, while it makes each piece of its body, and while it closes
    that; never in between, when the thread is the server's. An exception of ``entity``, or the ``ScopeError`` of an
    impossible id, goes to the server, which answers 500; nothing of the application runs then. ``process``,
    ``session``: a name, or a function like ``entity``.
    """

    def __init__(
        self,
        app: Wsgi,
        memory: Memori,
        entity: Asked,
        *,
        process: Asked | str | None = None,
        session: Asked | str | None = None,
    ) -> None:
        self._app, self._memory = app, memory
        self._entity, self._process, self._session = entity, process, session

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        scope = self._scope_of(environ)
        with scope:
            body = self._app(environ, start_response)
        return body if _is_ready(body, environ) else Pieces(body, scope)

    def _scope_of(self, environ: Environ) -> PiecewiseScope:
        entity = self._entity(environ)
        if entity is None:
            return self._memory.piecewise(None)
        return self._memory.piecewise(entity, _answer(self._process, environ), _answer(self._session, environ))


def _answer(asked: Asked | str | None, environ: Environ) -> str | None:
    return asked(environ) if callable(asked) else asked


def _is_ready(body: Iterable[bytes], environ: Environ) -> bool:
    """Whether no code of the application is left to run; servers look for these very types (length, sendfile)."""
    wrapper = environ.get("wsgi.file_wrapper")
    return type(body) in (list, tuple) or (isinstance(wrapper, type) and isinstance(body, wrapper))


class Pieces:
    """A body in pieces, each made within the scope, as is its end."""

    def __init__(self, body: Iterable[bytes], scope: PiecewiseScope) -> None:
        self._body, self._scope = body, scope
        self._pieces: Iterator[bytes] | None = None

    def __iter__(self) -> Pieces:
        return self

    def __next__(self) -> bytes:
        with self._scope:
            if self._pieces is None:
                self._pieces = iter(self._body)
            return next(self._pieces)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            with self._scope:
                close()
