"""A server that speaks Anthropic's wire format, for tests and demos.

    with FakeAnthropic("Noted.") as server:
        client = anthropic.Anthropic(base_url=server.base_url, api_key="none")

It calls no model: it says what it is told to, else it echoes. Bedrock's and Vertex's ways to reach a model are
understood, too.
"""

from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from memori_wrap.testing import anthropic_rules as rules
from memori_wrap.testing import anthropic_wire as wire
from memori_wrap.testing import bedrock_frames
from memori_wrap.testing.anthropic_wire import Content
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.openai_wire import encode, new_id, tokens
from memori_wrap.testing.script import Received, Replier, Scripted, ToolCall
from memori_wrap.testing.server import LoopbackServer

__all__ = ["Content", "FakeAnthropic", "Received", "Scripted", "ToolCall"]

MODELS = ("claude-sonnet-5", "claude-haiku-5")
THREADS = "message-threads-2026-08-12"
_BEDROCK = re.compile(r"/model/([^/]+)/invoke(-with-response-stream)?$")
_VERTEX = re.compile(r"/publishers/anthropic/models/([^/:]+):(streamR|r)awPredict$")


class FakeAnthropic(LoopbackServer):
    """Messages with their threads, token counts, batches, models and files on a loopback port.

    ``context_tokens``: a longer request gets the error of a full context window.
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
        self._kept: dict[str, list[Mapping[str, Any]]] = {}
        self._inherited: list[tuple[Received, list[Mapping[str, Any]]]] = []
        super().__init__(reply, port=port, compress=compress, record=record)
        self.base_url = self.origin

    def inherited(self, received: Received | None = None) -> list[Mapping[str, Any]]:
        """The messages that a request (the newest, if none is given) took over from its thread."""
        wanted = received or self.last
        return next((messages for request, messages in self._inherited if request is wanted), [])

    def kept(self, message_id: str) -> list[Mapping[str, Any]]:
        """The messages of a thread up to this reply."""
        return list(self._kept.get(message_id, ()))

    # ------------------------------------------------------------ the wire

    def texts_of(self, received: Received) -> list[str]:
        """The texts of the messages; that of ``system`` comes first."""
        return wire.texts(received.body)

    def respond(self, received: Received) -> Answer:
        """Routes by the end of the path, which is led by what a platform puts before it."""
        method, path, body = received.method, received.path, received.body
        if method == "POST" and (found := _BEDROCK.search(path)):
            return self._platform(received, found.group(1), is_stream=bool(found.group(2)), frames=True)
        if method == "POST" and (found := _VERTEX.search(path)):
            if found.group(1) == "count-tokens":
                return self._count(received)
            return self._platform(received, found.group(1), is_stream=found.group(2) == "streamR", frames=False)
        if method == "POST" and path.endswith("/v1/messages"):
            return self._messages(received, body)
        if method == "POST" and path.endswith("/v1/messages/count_tokens"):
            return self._count(received)
        if method == "POST" and path.endswith("/v1/messages/batches"):
            return self._other(received, "batches", wire.batch(body["requests"]))
        if method == "GET" and path.endswith("/v1/models"):
            return self._other(received, "models", wire.page([wire.model(name) for name in MODELS]))
        if method == "GET" and path.endswith("/v1/files"):
            return self._other(received, "files", wire.page([wire.FILE]))
        return self._override(received, Scripted(status=404, message=f"Not found: {method} {path}"))

    def broken_reply(self, error: Exception) -> Answer:
        """A status 500 that says what the scripted function raised, and that it is not to be tried again."""
        body = wire.error_body(500, f"the scripted reply raised {error!r}")
        return Answer(encode(body), status=500, headers={"x-should-retry": "false"})

    def _platform(self, received: Received, model: str, *, is_stream: bool, frames: bool) -> Answer:
        body = received.body
        if not isinstance(body, Mapping) or "anthropic_version" not in body:
            return self._refused(received, "anthropic_version: Field required")
        if "model" in body or (frames and "stream" in body):
            return self._refused(received, "model, stream: Extra inputs are not permitted")
        body = {**body, "model": urllib.parse.unquote(model), "stream": is_stream}
        return self._messages(received, body, frames=frames)

    def _messages(self, received: Received, body: Any, *, frames: bool = False) -> Answer:
        kept, refused = self._thread(received, body)
        if refused is not None:
            return refused
        if objection := rules.objection(body, kept) or self._too_long(body):
            return self._refused(received, objection)
        script = self.scripted(received)
        if script.is_override:
            return self._override(received, script)
        whole = wire.message(body, script)
        if self.record:
            self._inherited.append((received, kept))
        if body.get("thread"):
            said = {"role": "assistant", "content": whole["content"]}
            self._kept[whole["id"]] = [*kept, *body["messages"], said]
        if not body.get("stream"):
            return Answer(encode(whole), headers=self._headers(script), script=script)
        events: list[Mapping[str, Any]] = [*wire.events(whole)]
        if script.error_after is not None:
            events = [*events[: script.error_after], wire.error_event(script)]
        chunks = [_framed(event) if frames else wire.event(event) for event in events]
        media = bedrock_frames.MEDIA if frames else "text/event-stream; charset=utf-8"
        return Answer(chunks=chunks, media=media, headers=self._headers(script), script=script)

    def _thread(self, received: Received, body: Any) -> tuple[list[Mapping[str, Any]], Answer | None]:
        """What the thread holds, or why there is none."""
        thread = body.get("thread") if isinstance(body, Mapping) else None
        if thread is None:
            return [], None
        if THREADS not in received.headers.get("anthropic-beta", ""):
            return [], self._refused(received, "thread: Extra inputs are not permitted")
        if thread.get("type") == "create":
            return [], None
        if body.get("system") is not None or body.get("tools") is not None:
            return [], self._refused(received, "system, tools: the thread has its own")
        previous = thread.get("previous_message_id")
        if previous not in self._kept:
            error = wire.error_body(404, "thread not found", details={"error_code": "thread_not_found"})
            return [], Answer(encode(error), status=404, headers=self._headers(Scripted()))
        return self.kept(previous), None

    def _count(self, received: Received) -> Answer:
        return self._other(received, "count", {"input_tokens": tokens(*self.texts_of(received))})

    # ------------------------------------------------------------ answers

    def _other(self, received: Received, name: str, body: Mapping[str, Any]) -> Answer:
        script = self.scripted(received, to=name)
        if script.is_override:
            return self._override(received, script)
        return Answer(encode(body), headers=self._headers(script), script=script)

    def _override(self, received: Received, script: Scripted) -> Answer:
        status = script.status or 200
        if script.body is None:
            body = encode(wire.error_body(status, script.message, script.code))
        else:
            body = script.body.encode() if isinstance(script.body, str) else script.body
        headers = self._headers(script)
        if script.retry_after is not None:
            headers["retry-after"] = f"{script.retry_after:g}"
        return Answer(body, status=status, headers=headers, script=script)

    def _refused(self, received: Received, objection: str) -> Answer:
        return self._override(received, Scripted(status=400, message=objection))

    def _too_long(self, body: Mapping[str, Any]) -> str | None:
        limit, used = self._context_tokens, tokens(*wire.texts(body))
        return f"prompt is too long: {used} tokens > {limit} maximum" if limit is not None and used > limit else None

    @staticmethod
    def _headers(script: Scripted) -> dict[str, str]:
        return {"request-id": new_id("req_"), "anthropic-organization-id": "org-fake", **script.headers}


def _framed(event: Mapping[str, Any]) -> bytes:
    if event["type"] == "error":
        return bedrock_frames.exception("modelStreamErrorException", {"message": event["error"]["message"]})
    return bedrock_frames.event("chunk", {"bytes": base64.b64encode(encode(event)).decode()})
