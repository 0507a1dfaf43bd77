"""A server that speaks OpenAI's wire format: for tests, demos and benchmarks, in this process or in one of its own.

    with FakeOpenAI("Noted.") as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="none")

    with spawn() as base_url: ...          # python -m memori_wrap.testing.openai_server

It calls no model: it says what it is told to, else it echoes.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from memori_wrap.testing import openai_responses as responses
from memori_wrap.testing import openai_wire as wire
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.script import Received, Replier, Scripted, ToolCall
from memori_wrap.testing.server import LoopbackServer

__all__ = ["FakeOpenAI", "Received", "Scripted", "ToolCall", "main", "spawn"]

MODELS = ("gpt-4o-mini", "gpt-5", "text-embedding-3-small")


class FakeOpenAI(LoopbackServer):
    """Chat Completions, Responses, old Completions, Embeddings and Models on a loopback port; Azure's paths, too.

    ``context_tokens``: a longer request gets the error of a full context window. ``compress``: plain JSON is sent
    with gzip to clients that take it, as the real server does.
    """

    def __init__(
        self,
        reply: Replier | None = None,
        *,
        port: int = 0,
        compress: bool = True,
        record: bool = True,
        context_tokens: int | None = None,
    ) -> None:
        self._context_tokens = context_tokens
        self._kept: dict[str, list[responses.Item]] = {}
        self._inherited: list[tuple[Received, list[responses.Item]]] = []
        super().__init__(reply, port=port, compress=compress, record=record)
        self.base_url = f"{self.origin}/v1"

    def inherited(self, received: Received | None = None) -> list[responses.Item]:
        """What a Responses request (the newest, if none is given) took over from the kept conversation."""
        wanted = received or self.last
        return next((items for request, items in self._inherited if request is wanted), [])

    def kept(self, conversation: str) -> list[responses.Item]:
        """The items kept under the id of a response or conversation: what the next request would inherit."""
        return list(self._kept.get(conversation, ()))

    # ------------------------------------------------------------ the wire

    def texts_of(self, received: Received) -> list[str]:
        """The message texts; a Responses request's ``instructions`` come first."""
        return wire.texts(received.body)

    def respond(self, received: Received) -> Answer:
        """Routes by the end of the path, so that ``/openai/deployments/x/chat/completions`` is answered as well."""
        path = received.path
        if received.method == "POST" and path.endswith("/chat/completions"):
            return self._chat(received)
        if received.method == "POST" and path.endswith("/completions"):
            return self._completions(received)
        if received.method == "POST" and path.endswith("/responses"):
            return self._responses(received)
        if received.method == "POST" and path.endswith("/embeddings"):
            return self._embeddings(received)
        if received.method == "GET" and path.endswith("/models"):
            return self._models(received)
        return self._error(received, 404, f"Invalid URL ({received.method} {path})")

    def broken_reply(self, error: Exception) -> Answer:
        """A status 500 that says what the scripted function raised, and that it is not to be tried again."""
        body = wire.error_body(500, f"the scripted reply raised {error!r}")
        return Answer(wire.encode(body), status=500, headers={"x-should-retry": "false"})

    def _chat(self, received: Received) -> Answer:
        if objection := wire.objection(received.body) or self._too_long(received):
            return self._refused(received, objection)
        script = self.scripted(received)
        body = received.body
        if script.is_override:
            return self._override(received, script)
        if not body.get("stream"):
            return self._plain(received, wire.chat(body, script), script)
        return self._streamed(received, wire.chat_events(body, script), script, wire.chat_error_event(script))

    def _completions(self, received: Received) -> Answer:
        body = received.body
        if not isinstance(body, Mapping) or not body.get("prompt"):
            return self._error(received, 400, "Missing required parameter: 'prompt'.")
        script = self.scripted(received)
        if script.is_override:
            return self._override(received, script)
        if not body.get("stream"):
            return self._plain(received, wire.completion(body, script), script)
        return self._streamed(received, wire.completion_events(body, script), script, wire.chat_error_event(script))

    def _responses(self, received: Received) -> Answer:
        body = received.body
        if objection := responses.objection(body) or self._unknown_previous(body) or self._too_long(received):
            return self._refused(received, objection)
        script = self.scripted(received)
        if script.is_override:
            return self._override(received, script)
        conversation = responses.conversation_id(body)
        inherited = self.kept(body.get("previous_response_id") or conversation or "")
        if self.record:
            self._inherited.append((received, inherited))
        whole = responses.response(body, script, inherited)
        everything = [*inherited, *responses.input_items(body), *whole["output"]]
        if conversation:
            self._kept[conversation] = everything
        elif body.get("store", True) is not False:
            self._kept[whole["id"]] = everything
        if not body.get("stream"):
            return self._plain(received, whole, script)
        events = responses.events(whole)
        error = responses.error_event(script, script.error_after or 0)
        return self._streamed(received, events, script, error)

    def _embeddings(self, received: Received) -> Answer:
        script = self.scripted(received, to="embeddings")
        if script.is_override:
            return self._override(received, script)
        if objection := wire.embeddings_objection(received.body, self._context_tokens or wire.EMBEDDED_TOKENS):
            return self._error(received, 400, objection)
        return self._plain(received, wire.embeddings(received.body), script)

    def _models(self, received: Received) -> Answer:
        script = self.scripted(received, to="models")
        if script.is_override:
            return self._override(received, script)
        return self._plain(received, {"object": "list", "data": [wire.model(name) for name in MODELS]}, script)

    # ------------------------------------------------------------ answers

    def _plain(self, received: Received, body: Mapping[str, Any], script: Scripted) -> Answer:
        return Answer(wire.encode(body), headers=self._headers(received, script), script=script)

    def _streamed(self, received: Received, events: list[bytes], script: Scripted, error: bytes) -> Answer:
        if script.error_after is not None:
            events = [*events[: script.error_after], error]
        headers = self._headers(received, script)
        return Answer(chunks=events, media="text/event-stream; charset=utf-8", headers=headers, script=script)

    def _override(self, received: Received, script: Scripted) -> Answer:
        status = script.status or 200
        if script.body is None:
            body = wire.encode(wire.error_body(status, script.message, script.code))
        else:
            body = script.body.encode() if isinstance(script.body, str) else script.body
        headers = self._headers(received, script)
        if script.retry_after is not None:
            headers["retry-after"] = f"{script.retry_after:g}"
        return Answer(body, status=status, headers=headers, script=script)

    def _error(self, received: Received, status: int, message: str) -> Answer:
        return self._override(received, Scripted(status=status, message=message))

    def _refused(self, received: Received, objection: tuple[str, str | None, str | None]) -> Answer:
        message, param, code = objection
        body = wire.encode(wire.error_body(400, message, code, param))
        return Answer(body, status=400, headers=self._headers(received, Scripted()))

    def _too_long(self, received: Received) -> tuple[str, str | None, str | None] | None:
        limit = self._context_tokens
        used = wire.tokens(*self.texts_of(received)) if limit is not None else 0
        if limit is None or used <= limit:
            return None
        text = (
            f"This model's maximum context length is {limit} tokens. However, your messages resulted in {used} tokens."
        )
        return text, "messages", "context_length_exceeded"

    def _unknown_previous(self, body: Mapping[str, Any]) -> tuple[str, str | None, str | None] | None:
        previous = body.get("previous_response_id")
        if not previous or previous in self._kept:
            return None
        text = f"Previous response with id '{previous}' not found."
        return text, "previous_response_id", "previous_response_not_found"

    @staticmethod
    def _headers(received: Received, script: Scripted) -> dict[str, str]:
        return {
            "x-request-id": wire.new_id("req_", 32),
            "openai-organization": "org-fake",
            "openai-processing-ms": str(round((time.monotonic() - received.at) * 1000)),
            "openai-version": "2020-10-01",
            **script.headers,
        }


def _leave(*_: object) -> None:
    sys.exit(0)


def main() -> None:
    """Serves until stdin closes or SIGTERM comes; the one line on stdout says where."""
    parser = argparse.ArgumentParser(prog="python -m memori_wrap.testing.openai_server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--reply", help="what it always answers (default: an echo)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before the headers of an answer")
    parser.add_argument("--chunk-delay", type=float, default=0.0, help="seconds between the chunks of a stream")
    options = parser.parse_args()
    reply = Scripted(options.reply, delay=options.delay, chunk_delay=options.chunk_delay)
    signal.signal(signal.SIGTERM, _leave)
    with FakeOpenAI(reply, port=options.port, record=False) as server:
        sys.stdout.write(json.dumps({"base_url": server.base_url}) + "\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            sys.stdin.buffer.read()


@contextmanager
def spawn(*arguments: str) -> Generator[str, None, None]:
    """Runs the server in a process of its own, so that it takes no time of the interpreter under measurement."""
    command = [sys.executable, "-m", "memori_wrap.testing.openai_server", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["base_url"]
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    main()
