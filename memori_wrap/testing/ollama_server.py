"""A server that speaks Ollama's own wire format: for tests and demos.

    with FakeOllama("Noted.") as server:
        client = ollama.Client(server.base_url)

It runs no model: it says what it is told to, else it echoes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memori_wrap.testing import ollama_wire as wire
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.openai_wire import encode, tokens
from memori_wrap.testing.script import Received, Replier, Scripted, ToolCall
from memori_wrap.testing.server import LoopbackServer

__all__ = ["FakeOllama", "Received", "Scripted", "ToolCall"]

MODELS = ("llama3.2:latest", "qwen3:8b", "nomic-embed-text:latest")
_PROGRESS = ("/api/pull", "/api/push", "/api/create")
_SILENT = ("/api/copy", "/api/delete")


class FakeOllama(LoopbackServer):
    """Chat, generate, embeddings and the care of models on a loopback port. Web search and fetch as well.

    ``context_tokens``: a longer chat that forbids to truncate gets Ollama's error; one that does not is truncated
    there without a word, which nobody can see from outside.
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
        self._contexts: dict[tuple[int, ...], str] = {}
        super().__init__(reply, port=port, compress=compress, record=record)
        self.base_url = self.origin

    def kept(self, context: Sequence[int]) -> str:
        """The text that a ``context``, as an answer of the generate API carries it, stands for."""
        return self._contexts.get(tuple(context), "")

    def texts_of(self, received: Received) -> list[str]:
        """The texts of a request, one per message, ``system`` first."""
        return wire.texts(received.body)

    def respond(self, received: Received) -> Answer:
        """Routes by method and path."""
        path = received.path
        if path == "/api/chat":
            return self._chat(received)
        if path == "/api/generate":
            return self._generate(received)
        script = self.scripted(received, to=path.rpartition("/")[2])
        if script.is_override:
            return self._override(script)
        if path in ("/api/embed", "/api/embeddings"):
            return self._plain(wire.embeddings(received.body), script)
        if path in _PROGRESS:
            steps = wire.progress()
            return self._streamed(wire.lines(steps), script) if self._streams(received) else self._plain(steps[-1])
        if path in _SILENT:
            return Answer(script=script)
        found = self._others(path, received)
        return self._plain(found, script) if found is not None else Answer(b"404 page not found", status=404)

    def broken_reply(self, error: Exception) -> Answer:
        """A status 500 that says what the scripted function raised."""
        return self._override(Scripted(status=500, message=f"the scripted reply raised {error!r}"))

    def _others(self, path: str, received: Received) -> dict[str, Any] | None:
        if path in ("/api/tags", "/api/ps"):
            return {"models": [wire.model(name) for name in MODELS]}
        if path == "/api/show":
            shown = {"template": "{{ .Prompt }}", "details": wire.model("")["details"], "model_info": {}}
            return {**shown, "capabilities": ["completion"]}
        if path == "/api/version":
            return {"version": "0.20.0"}
        if path == "/api/web_search":
            return {"results": [{"title": "Canaries", "url": "http://127.0.0.1/", "content": "They sing."}]}
        if path == "/api/web_fetch":
            return {"title": "Canaries", "content": "They sing.", "links": []}
        return None

    def _chat(self, received: Received) -> Answer:
        body = received.body
        if objection := wire.objection(body, "ChatRequest") or self._too_long(received):
            return self._override(Scripted(status=400, message=objection))
        if wire.is_load(body):
            return self._plain(wire.loaded({**body, "messages": []}))
        script = self.scripted(received)
        if script.is_override:
            return self._override(script)
        if not self._streams(received):
            return self._plain(wire.chat(body, script), script)
        return self._streamed(wire.chat_lines(body, script), script)

    def _generate(self, received: Received) -> Answer:
        body = received.body
        if objection := wire.objection(body, "GenerateRequest") or self._too_long(received):
            return self._override(Scripted(status=400, message=objection))
        if wire.is_load(body):
            return self._plain(wire.loaded(body))
        script = self.scripted(received)
        if script.is_override:
            return self._override(script)
        context = None if body.get("raw") else self._keep(body, script)
        if not self._streams(received):
            return self._plain(wire.generated(body, script, context), script)
        return self._streamed(wire.generated_lines(body, script, context), script)

    def _keep(self, body: Mapping[str, Any], script: Scripted) -> list[int]:
        """The whole conversation as tokens: what was kept before, what was asked, what is said."""
        system = body.get("system") or ""
        kept = f"{self.kept(body.get('context') or ())}{system}\n{body['prompt']}\n{wire.said(script)}\n"
        context = wire.context_of(kept)
        self._contexts[tuple(context)] = kept
        return context

    # ------------------------------------------------------------ answers

    @staticmethod
    def _streams(received: Received) -> bool:
        """Ollama streams unless it is told not to."""
        return bool(received.body.get("stream", True))

    @staticmethod
    def _plain(body: Mapping[str, Any], script: Scripted | None = None) -> Answer:
        script = script or Scripted()
        return Answer(encode(body), media="application/json; charset=utf-8", headers=script.headers, script=script)

    @staticmethod
    def _streamed(lines: list[bytes], script: Scripted) -> Answer:
        if script.error_after is not None:
            lines = [*lines[: script.error_after], *wire.lines([wire.error_body(500, script.message)])]
        return Answer(chunks=lines, media="application/x-ndjson", headers=script.headers, script=script)

    @staticmethod
    def _override(script: Scripted) -> Answer:
        status = script.status or 200
        if script.body is None:
            body = encode(wire.error_body(status, script.message))
        else:
            body = script.body.encode() if isinstance(script.body, str) else script.body
        headers = dict(script.headers)
        if script.retry_after is not None:
            headers["retry-after"] = f"{script.retry_after:g}"
        return Answer(body, status=status, media="application/json; charset=utf-8", headers=headers, script=script)

    def _too_long(self, received: Received) -> str | None:
        limit = self._context_tokens
        if limit is None or received.body.get("truncate", True):
            return None
        return "the input length exceeds the context length" if tokens(*self.texts_of(received)) > limit else None
