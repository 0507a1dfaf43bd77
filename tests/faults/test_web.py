"""Twenty users at once on each web framework: nobody's memory reaches another (T01-T06), through real servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from memori_wrap import Memori
from memori_wrap.testing.openai_server import FakeOpenAI, Scripted
from memori_wrap.web import asgi, wsgi
from tests.support import webpages
from tests.support.webload import NOBODY, drive, found, get, interleaved, line, on_uvicorn, on_wsgiref
from tests.support.webpages import Model, model_of

Make = Callable[[Model], Any]
Serve = Callable[[Any], AbstractContextManager[int]]

BOTH = ("/sync", "/async", "/stream")
ASGI: dict[str, tuple[Make, tuple[str, ...]]] = {
    "fastapi": (
        webpages.fastapi_app,
        (*BOTH, "/astream", "/dependency", "/adependency", "/background", "/spread"),
    ),
    "starlette": (webpages.starlette_app, (*BOTH, "/astream")),
    "django": (lambda model: webpages.django_app(model, "asgi"), (*BOTH, "/native", "/astream", "/closed")),
    "django's own": (lambda model: webpages.django_app(model, "asgi", "ascoped"), (*BOTH, "/native", "/astream")),
}
WSGI: dict[str, tuple[Make, tuple[str, ...]]] = {
    "flask": (webpages.flask_app, (*BOTH, "/stream_in_context", "/closed")),
    "django": (lambda model: webpages.django_app(model, "wsgi"), (*BOTH, "/closed")),
    "django's own": (lambda model: webpages.django_app(model, "wsgi", "scoped"), (*BOTH, "/closed")),
}


def asgi_scope(app: Any, mem: Memori) -> Any:
    """As users write it: Starlette's and FastAPI's own way, or around the application."""
    named = {"memory": mem, "entity": lambda scope: asgi.header(scope, "x-user")}
    if not hasattr(app, "add_middleware"):
        return asgi.ScopeMiddleware(app, **named)
    app.add_middleware(asgi.ScopeMiddleware, **named)
    return app


def wsgi_scope(app: Any, mem: Memori) -> Any:
    return wsgi.ScopeMiddleware(app, memory=mem, entity=lambda environ: wsgi.header(environ, "x-user"))


def own_scope(app: Any, mem: Memori) -> Any:
    """Django's own middleware is in the application already."""
    return app


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(Scripted("Noted for you.", delay=0.005, chunk_delay=0.001)) as server:
        yield server


@pytest.fixture
def mem(tmp_path) -> Iterator[Memori]:
    settings = {"recall_budget": 60, "capture_budget": 60}  # a busy machine must not make it look safer than it is
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder="none", extractor="none", settings=settings) as mem:
        yield mem


def check(mem: Memori, server: FakeOpenAI, framework: str, kind: str, each: int) -> None:
    """The clients are registered for somebody, too: a request of nobody must not become the owner's."""
    make, paths = (ASGI if kind == "asgi" else WSGI)[framework]
    serve, around = (on_uvicorn, asgi_scope) if kind == "asgi" else (on_wsgiref, wsgi_scope)
    if framework == "django's own":
        around = own_scope
    with model_of(mem, server, "owner") as model:
        model.ask(line("owner", 0))
        with serve(around(make(model), mem)) as port:
            drive(port, paths, each)
            one = [get(port, path, NOBODY, line(NOBODY, 0)) for path in paths]
    assert [status for status, _ in one] == [200] * len(paths)
    result = found(mem, server)
    assert result.crossed == 0
    assert result.carried >= 20 * (each - 1) // 2, f"the control: memories did reach their own users: {result}"
    assert all(len(mem._parts.store.load(str(n), 0, None).messages) >= 2 * each for n in range(20)), "all captured"
    print(f"{framework} ({kind}): {result}")


EVERY = [*((framework, "asgi") for framework in ASGI), *((framework, "wsgi") for framework in WSGI)]


@pytest.mark.parametrize(("framework", "kind"), [("fastapi", "asgi"), ("django", "asgi"), ("flask", "wsgi")])
def test_20_users_at_once(mem: Memori, server: FakeOpenAI, framework: str, kind: str) -> None:
    check(mem, server, framework, kind, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("framework", "kind"), EVERY)
def test_20_users_for_longer(mem: Memori, server: FakeOpenAI, framework: str, kind: str) -> None:
    check(mem, server, framework, kind, 24)


def test_bodies_in_turn_on_one_thread(mem: Memori, server: FakeOpenAI) -> None:
    with model_of(mem, server, None) as model:
        interleaved(wsgi_scope(streaming_app(model), mem), 2)
    result = found(mem, server)
    assert (result.crossed, result.carried) == (0, 20)


def streaming_app(model: Model) -> Any:
    """Plain WSGI that asks while its body is read."""
    from urllib.parse import parse_qs

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        return (piece.encode() or b" " for piece in model.pieces(parse_qs(environ["QUERY_STRING"])["text"][0]))

    return app


# ---------------------------------------------------------------- the controls: what a user might write instead


class Planted:
    """A scope kept as programs without this library keep it; the clients are registered for ``whose``."""

    def __init__(self) -> None:
        self.here: Any = type("Shared", (), {})()

    def whose(self) -> str | None:
        return getattr(self.here, "user", None)


def test_planted_module_variable_crosses_on_asgi(mem: Memori, server: FakeOpenAI) -> None:
    planted = Planted()

    def around(app: Any) -> Any:
        async def middleware(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                planted.here.user = asgi.header(scope, "x-user")
            await app(scope, receive, send)

        return middleware

    with model_of(mem, server, planted.whose) as model, on_uvicorn(around(webpages.starlette_app(model))) as port:
        drive(port, BOTH, 3)
    assert found(mem, server).crossed > 0


def test_planted_thread_local_that_stays_crosses_on_wsgi(mem: Memori, server: FakeOpenAI) -> None:
    """A thread that served somebody serves a request without a name."""
    planted = Planted()
    planted.here = threading.local()

    def around(app: Any) -> Any:
        def middleware(environ: Any, start_response: Any) -> Any:
            if user := wsgi.header(environ, "x-user"):
                planted.here.user = user
            return app(environ, start_response)

        return middleware

    with model_of(mem, server, planted.whose) as model, on_wsgiref(around(webpages.flask_app(model))) as port:
        drive(port, ("/sync", "/stream"), 3)
    assert found(mem, server).crossed > 0


def test_planted_scope_across_the_yield_crosses(mem: Memori, server: FakeOpenAI) -> None:
    """What a generator as middleware does: the scope stays on the thread while others' bodies are read."""

    def around(app: Any) -> Any:
        def middleware(environ: Any, start_response: Any) -> Iterator[bytes]:
            with mem.scope(wsgi.header(environ, "x-user") or NOBODY):
                yield from app(environ, start_response)

        return middleware

    with model_of(mem, server, None) as model:
        interleaved(around(streaming_app(model)), 2)
    assert found(mem, server).crossed > 0
