"""The WSGI middleware by itself: when the scope is in force, and what of a body it leaves alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

from memori_wrap import Memori, ScopeError, carry
from memori_wrap.types import Scope
from memori_wrap.web.wsgi import ScopeMiddleware, header

NAMED = {"HTTP_X_USER": "alice", "CONTENT_TYPE": "text/plain"}


@pytest.fixture(scope="module")
def mem() -> Iterator[Memori]:
    with Memori("memory://", entity="owner", embedder="none", extractor="none") as mem:
        yield mem


def user(environ: dict[str, Any]) -> str | None:
    return header(environ, "X-User")


def started(*_: Any) -> None: ...


def test_each_step_is_within_and_nothing_between(mem: Memori) -> None:
    seen: list[Scope | None] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            seen.append(mem._scopes.current())
            yield b"1"
            seen.append(mem._scopes.current())
            yield b"2"

        def close(self) -> None:
            seen.append(mem._scopes.current())

    def app(environ: dict[str, Any], start_response: Any) -> Body:
        seen.append(mem._scopes.current())
        return Body()

    around = ScopeMiddleware(app, mem, user, process="bot", session=lambda environ: environ["SESSION"])
    body: Any = around({**NAMED, "SESSION": "s1"}, started)
    for piece in body:
        assert (piece, mem._scopes.current(), mem._scopes.is_nobodys()) in ((b"1", None, False), (b"2", None, False))
    body.close()
    assert seen == [Scope("alice", "bot", "s1")] * 4


def test_a_scope_that_the_body_names_is_its_own_across_the_pieces(mem: Memori) -> None:
    """As in a generator anywhere else; and the server, or another body, never sees it."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[Scope | None]:
        with mem.scope("inner"):
            yield mem._scopes.current()
            yield mem._scopes.current()
        yield mem._scopes.current()

    body = iter(ScopeMiddleware(app, mem, user)(NAMED, started))  # type: ignore[arg-type]
    seen = []
    for _ in range(3):
        seen.append(next(body))
        assert mem._scopes.current() is None
    assert seen == [Scope("inner"), Scope("inner"), Scope("alice")]


def test_nobody_is_not_the_default(mem: Memori) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with pytest.raises(ScopeError):
            mem.recall("anything")
        with pytest.raises(ScopeError):
            carry(mem.recall)("anything")
        with mem.scope("bob"):  # whoever is named inside is served
            assert not mem.recall("anything")
        return [b"ok"]

    mem.recall("the control: outside of a request the default is asked")
    assert ScopeMiddleware(app, mem, user)({}, started) == [b"ok"]
    mem.recall("and it is the default again")


def test_an_error_of_entity_is_the_requests_and_the_application_does_not_run(mem: Memori) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise AssertionError("it ran")

    with mem.scope("before"):
        with pytest.raises(KeyError):
            ScopeMiddleware(app, mem, lambda environ: environ["HTTP_MISSING"])({}, started)
        with pytest.raises(ScopeError, match="at most 100"):
            ScopeMiddleware(app, mem, user)({"HTTP_X_USER": "x" * 101}, started)
        assert mem._scopes.current() == Scope("before")


def test_an_error_of_the_application_leaves_nothing(mem: Memori) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        yield b"1"
        raise ValueError

    body = iter(ScopeMiddleware(app, mem, user)(NAMED, started))
    next(body)
    with pytest.raises(ValueError):  # noqa: PT011
        next(body)
    assert mem._scopes.current() is None


def test_bodies_that_servers_look_for_stay_what_they_are(mem: Memori) -> None:
    file = FileWrapper(io.BytesIO(b"file"))
    for body in ([b"a"], (b"a",), file):
        around = ScopeMiddleware(lambda environ, start_response, body=body: body, mem, user)  # type: ignore[misc]
        assert around({**NAMED, "wsgi.file_wrapper": FileWrapper}, started) is body


def test_it_speaks_wsgi(mem: Memori) -> None:
    """Between two validators of the standard library."""
    from wsgiref.util import setup_testing_defaults

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("content-type", "text/plain")])
        yield b"one"
        yield b"two"

    environ: dict[str, Any] = {"HTTP_X_USER": "alice", "QUERY_STRING": ""}
    setup_testing_defaults(environ)
    body: Any = validator(ScopeMiddleware(validator(app), mem, user))(environ, lambda *_: lambda text: None)
    assert list(body) == [b"one", b"two"]
    body.close()


def test_header() -> None:
    assert header(NAMED, "x-user") == "alice"
    assert header(NAMED, "Content-Type") == "text/plain"
    assert header(NAMED, "cookie") is None


def test_the_user_in_flasks_signed_session(mem: Memori) -> None:
    from flask import Flask, session

    app = Flask(__name__)
    app.secret_key = "k"

    def user_of(environ: dict[str, Any]) -> str | None:
        found = app.session_interface.open_session(app, app.request_class(environ))
        return found.get("user") if found else None

    @app.get("/login")
    def login() -> str:
        session["user"] = "alice"
        return "in"

    @app.get("/whose")
    def whose() -> str:
        return str(mem._scopes.current())

    app.wsgi_app = ScopeMiddleware(app.wsgi_app, mem, user_of)  # type: ignore[method-assign]
    with app.test_client() as client:
        assert client.get("/whose").text == "None"
        client.get("/login")
        assert client.get("/whose").text == str(Scope("alice"))
        client.set_cookie("session", "forged")
        assert client.get("/whose").text == "None"
