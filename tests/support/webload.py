"""Real servers on loopback, twenty users at once, and whether anybody's canary reached another."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import uvicorn

from memori_wrap import Memori
from memori_wrap.testing.openai_server import FakeOpenAI

USERS = tuple(str(n) for n in range(20))
NOBODY = "nobody"
"""Sends no name, and must get no memory."""


@contextmanager
def on_uvicorn(app: Any) -> Iterator[int]:
    """The port."""
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="auto", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "uvicorn did not start"
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


class _Pool(WSGIServer):
    """The standard library's WSGI server on a few threads that serve one request after the other."""

    request_queue_size = 64

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.threads = ThreadPoolExecutor(8)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.threads.submit(self._serve, request, client_address)

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...

    def get_stderr(self) -> Any:
        import io

        return io.StringIO()


@contextmanager
def on_wsgiref(app: Any) -> Iterator[int]:
    with _Pool(("127.0.0.1", 0), _Quiet) as server:
        server.set_app(app)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
            server.threads.shutdown()


def line(user: str, n: int) -> str:
    return f"Note number {n}: canary-{user} is mine. I am user {user} ."


def get(port: int, path: str, user: str, text: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", f"{path}?text={quote(text)}", headers={} if user == NOBODY else {"x-user": user})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def drive(port: int, paths: Sequence[str], each: int, nobodies: int = 4) -> None:
    """``each`` requests of every user, all users at once, each at another page; some name nobody in between."""
    at = [*USERS, *[NOBODY] * nobodies]
    gate = threading.Barrier(len(at))

    def visit(number: int) -> None:
        gate.wait()
        for n in range(each):
            path = paths[(number + n) % len(paths)]
            status, body = get(port, path, at[number], line(at[number], n))
            assert (status, "Noted" in body) == (200, True), (path, status, body)

    with ThreadPoolExecutor(len(at)) as pool:
        list(pool.map(visit, range(len(at))))


def interleaved(app: Callable[..., Any], each: int) -> None:
    """A WSGI server of one thread that writes on every body in turn, as servers on an event loop do."""

    def environ(user: str, n: int) -> dict[str, Any]:
        named = {} if user == NOBODY else {"HTTP_X_USER": user}
        return {"REQUEST_METHOD": "GET", "QUERY_STRING": f"text={quote(line(user, n))}", **named}

    for n in range(each):
        bodies = [app(environ(user, n), lambda *_: None) for user in (*USERS, NOBODY)]
        steps = [iter(body) for body in bodies]
        while steps:
            steps = [step for step in steps if next(step, None) is not None]
        for body in bodies:
            body.close()


@dataclass(frozen=True)
class Found:
    crossed: int
    """Canaries in a prompt or in the rows of somebody else."""
    carried: int
    """Prompts with a memory in them."""
    prompts: int
    """All of them."""


def found(mem: Memori, server: FakeOpenAI) -> Found:
    assert mem.flush(30)
    texts = ["\n".join(server.texts(n)) for n in range(len(server.requests))]
    crossed = sum(len(_canaries(text) - {_owner(text)}) for text in texts)
    for user in (*USERS, "owner"):
        messages = mem._parts.store.load(user, 0, None).messages
        crossed += sum(len(_canaries(m.text) - {user}) for m in messages)
    return Found(crossed, sum("<memory-" in text for text in texts), len(texts))


def _owner(text: str) -> str:
    return text.rsplit("I am user ", 1)[1].split(" ", 1)[0]


def _canaries(text: str) -> set[str]:
    """Whose canaries are in a text; what nobody says is his own affair, not a memory."""
    words = text.replace('"', " ").split()
    return {word.split("-", 1)[1] for word in words if word.startswith("canary-")}
