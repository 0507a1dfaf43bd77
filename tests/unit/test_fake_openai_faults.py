"""The fake server's faults, its record and its process, seen through the bare, real SDK."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import openai
import pytest

from memori_wrap.testing.openai_server import FakeOpenAI, Scripted, spawn

HELLO = [{"role": "user", "content": "I live in Oslo."}]
TEXT = "Oslo is  lovely\nin May, she said. "


@pytest.fixture
def server():
    with FakeOpenAI(TEXT) as running:
        yield running


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as made:
        yield made


def chat(client, **more):
    return client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, **more)


def respond(client, **more):
    return client.responses.create(model="gpt-4o-mini", input="I live in Oslo.", **more)


def said(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("call", [chat, respond])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, openai.BadRequestError, None),
        (401, openai.AuthenticationError, "invalid_api_key"),
        (429, openai.RateLimitError, "rate_limit_exceeded"),
        (500, openai.InternalServerError, None),
    ],
)
def test_statuses(server, client, call, stream, status, kind, code):
    server.script(Scripted(status=status), Scripted(status=status, message="My words", code="mine"))
    with pytest.raises(kind) as raised:
        call(client, stream=stream)
    assert raised.value.code == code
    assert raised.value.request_id.startswith("req_")
    with pytest.raises(kind, match="My words") as raised:
        call(client, stream=stream)
    assert raised.value.code == "mine"


def test_retry_after_is_obeyed(server, client):
    server.script(Scripted(status=429, retry_after=0.05), Scripted(status=500, retry_after=0.05), "third time lucky")
    assert chat(client.with_options(max_retries=2)).choices[0].message.content == "third time lucky"
    times = [received.at for received in server.requests]
    assert len(times) == 3
    assert all(b - a >= 0.05 for a, b in itertools.pairwise(times))


def test_full_context_window():
    with (
        FakeOpenAI(context_tokens=100) as server,
        openai.OpenAI(base_url=server.base_url, api_key="none") as client,
    ):
        chat(client)
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x" * 500}])
    assert refused.value.code == "context_length_exceeded"


@pytest.mark.parametrize("fault", [Scripted(cut_after=3), Scripted(cut_after=3, reset=True), Scripted(cut_bytes=2500)])
@pytest.mark.parametrize("call", [chat, respond])
def test_cut_stream(server, client, call, fault):
    server.script(fault)
    got = []
    with pytest.raises(openai.APIConnectionError):
        got.extend(call(client, stream=True))
    assert got if fault.cut_after is None else len(got) == 3


@pytest.mark.parametrize(
    "fault", [Scripted(reset=True), Scripted(cut_after=0), Scripted(cut_bytes=20), Scripted(cut_bytes=20, reset=True)]
)
def test_cut_plain_answer(server, client, fault):
    server.script(fault)
    with pytest.raises(openai.APIConnectionError):
        chat(client)
    assert chat(client).choices[0].message.content == TEXT


@pytest.mark.parametrize("call", [chat, respond])
def test_error_event_in_a_stream(server, client, call):
    server.script(Scripted(error_after=3, message="Overloaded, sorry."))
    got = []
    with pytest.raises(openai.APIError, match="Overloaded") as raised:
        got.extend(call(client, stream=True))
    assert len(got) == 3
    assert not isinstance(raised.value, openai.APIConnectionError)


def test_bodies_that_are_no_answer(server, client):
    server.script(Scripted(body="{nope"), Scripted(body=b""), Scripted(status=502, body="<html>Bad gateway</html>"))
    with pytest.raises(json.JSONDecodeError):
        chat(client)
    with pytest.raises(json.JSONDecodeError):
        chat(client)
    with pytest.raises(openai.InternalServerError) as raised:
        chat(client)
    assert raised.value.body == "<html>Bad gateway</html>"


def test_delay_and_timeout(server, client):
    server.script(Scripted(delay=0.1), Scripted(delay=30))
    begun = time.monotonic()
    chat(client)
    assert time.monotonic() - begun >= 0.1
    with pytest.raises(openai.APITimeoutError):
        chat(client, timeout=0.1)
    server.wait_disconnects(1)


@pytest.mark.parametrize("call", [chat, respond])
def test_the_first_chunk_arrives_while_the_second_is_held(server, client, call):
    hold = threading.Event()
    server.script(Scripted(hold=hold, hold_after=2))
    stream = call(client, stream=True)
    iterator = iter(stream)
    first = [next(iterator), next(iterator)]
    threading.Timer(0.1, hold.set).start()
    assert not hold.is_set()
    rest = list(iterator)
    assert hold.is_set()
    assert first
    assert rest


def test_slow_stream_and_a_client_that_leaves(server, client):
    server.script(Scripted(chunk_delay=0.02), Scripted(chunk_delay=10), Scripted(hold=threading.Event()))
    begun = time.monotonic()
    assert said(chat(client, stream=True)) == TEXT
    assert time.monotonic() - begun > 0.1
    assert server.disconnects == 0
    for left in (1, 2):
        with chat(client, stream=True) as stream:
            next(iter(stream))
        server.wait_disconnects(left)
    client.close()
    server.wait_idle()
    assert server.connections == 0


def test_connections_are_kept_alive(server, client):
    for _ in range(5):
        chat(client)
        list(respond(client, stream=True))
        with pytest.raises(openai.NotFoundError):
            client.models.delete("x")
    assert server.accepted == server.connections == 1
    for _ in range(5):
        list(chat(client, stream=True))  # the SDK hangs up at "[DONE]", without reading the end of the transfer
    client.close()
    server.wait_idle()
    assert server.disconnects == 0


def test_faults_of_other_endpoints_have_a_script_of_their_own(server, client):
    server.script(Scripted(status=500), to="embeddings")
    assert chat(client).choices[0].message.content == TEXT
    with pytest.raises(openai.InternalServerError):
        client.embeddings.create(model="e", input="x")


def test_waiting_in_vain_and_forgetting(server, client):
    chat(client)
    with pytest.raises(TimeoutError, match="2 requests"):
        server.wait(2, timeout=0.05)
    server.script("never").forget()
    assert server.requests == []
    assert chat(client).choices[0].message.content == TEXT


# ---------------------------------------------------------------- the process


def test_closing_lets_waiting_clients_go_and_is_quick():
    server = FakeOpenAI(Scripted("x", hold=threading.Event()))
    failed: list[Exception] = []

    def call() -> None:
        with openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as client:
            try:
                chat(client)
            except openai.APIConnectionError as error:
                failed.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    server.wait(1)
    begun = time.monotonic()
    server.close()
    server.close()
    thread.join(5)
    assert failed
    assert time.monotonic() - begun < 1
    assert server.disconnects == 0, "it was the server that left"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_garbage_and_half_requests_make_no_noise(server, client, capfd):
    for sent in (
        b"\x16\x03\x01\x02 nonsense\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99\r\n\r\n{",
    ):
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(sent)
    head = b"POST /v1/models HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunked = head + b'3\r\n{"a\r\n4\r\n": 1\r\n1\r\n}\r\n0\r\n\r\n'
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(chunked)
        assert sock.makefile("rb").read().startswith(b"HTTP/1.1 404")
    assert server.last.body == {"a": 1}
    with chat(client, stream=True):
        pass
    client.close()
    server.wait_idle()
    assert capfd.readouterr() == ("", "")


def test_a_process_of_its_own():
    with spawn("--reply", "from afar") as base_url, openai.OpenAI(base_url=base_url, api_key="none") as client:
        assert chat(client).choices[0].message.content == "from afar"
        assert said(chat(client, stream=True)) == "from afar"


def test_its_process_ends_on_sigterm_and_loads_no_sdk():
    code = "import sys, memori_wrap.testing.openai_server as s; assert 'openai' not in sys.modules; s.main()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert b"base_url" in process.stdout.readline()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stderr.read() == b""
