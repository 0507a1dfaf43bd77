"""A server that speaks Mistral's wire format: for tests and demos.

    with FakeMistral("Noted.") as server:
        client = mistralai.client.Mistral(api_key="none", server_url=server.base_url)

It calls no model: it says what it is told to, else it echoes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memori_wrap.testing import mistral_wire as wire
from memori_wrap.testing import openai_responses as responses
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.openai_wire import encode, new_id, tokens
from memori_wrap.testing.script import Received, Replier, Scripted, ToolCall
from memori_wrap.testing.server import LoopbackServer

__all__ = ["FakeMistral", "Received", "Scripted", "ToolCall"]

MODELS = ("mistral-small-latest", "magistral-medium-latest", "mistral-embed")
_CHAT = ("/chat/completions", "/agents/completions", "/fim/completions", "awPredict")
"""What the paths of chat end with; the last is Google's ``:rawPredict`` and ``:streamRawPredict``."""


class FakeMistral(LoopbackServer):
    """Chat, agents, fill-in-the-middle, conversations, Responses, embeddings and models on a loopback port.

    Azure's and Google's paths are understood too. ``context_tokens``: a longer chat gets the error of a full window.
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
        self._kept: dict[str, list[wire.Entry]] = {}
        self._settings: dict[str, dict[str, Any]] = {}
        self._inherited: list[tuple[Received, list[wire.Entry]]] = []
        super().__init__(reply, port=port, compress=compress, record=record)
        self.base_url = self.origin

    def inherited(self, received: Received | None = None) -> list[wire.Entry]:
        """What a request (the newest, if none is given) took over from the kept conversation."""
        wanted = received or self.last
        return next((entries for request, entries in self._inherited if request is wanted), [])

    def kept(self, conversation: str) -> list[wire.Entry]:
        """The entries kept under the id of a conversation."""
        return list(self._kept.get(conversation, ()))

    def texts_of(self, received: Received) -> list[str]:
        """The texts of a request, one per message or entry; ``instructions`` come first."""
        return wire.texts(received.body)

    def respond(self, received: Received) -> Answer:
        """Routes by the end of the path, so that the paths of the clouds are answered as well."""
        path = received.path
        if received.method == "POST" and path.endswith(_CHAT):
            return self._chat(received)
        if "/conversations" in path:
            return self._conversations(received)
        if received.method == "POST" and path.endswith("/responses"):
            return self._responses(received)
        script = self.scripted(received, to=path.rpartition("/")[2])
        if script.is_override:
            return self._override(script)
        if path.endswith("/embeddings"):
            return self._plain(wire.embeddings(received.body), script)
        if path.endswith("/models"):
            return self._plain({"object": "list", "data": [wire.model(name) for name in MODELS]}, script)
        return self._override(Scripted(status=404, message="no Route matched with those values"))

    def broken_reply(self, error: Exception) -> Answer:
        """A status 500 that says what the scripted function raised."""
        return self._override(Scripted(status=500, message=f"the scripted reply raised {error!r}"))

    # ------------------------------------------------------------ chat

    def _chat(self, received: Received) -> Answer:
        body = received.body
        is_prompt = isinstance(body, Mapping) and "prompt" in body
        objection = None if is_prompt else wire.objection(body)
        if objection := objection or self._too_long(received):
            return self._override(Scripted(status=400, message=objection))
        script = self.scripted(received)
        if script.is_override:
            return self._override(script)
        if not body.get("stream"):
            return self._plain(wire.chat(body, script), script)
        return self._streamed(wire.chat_events(body, script), script, wire.chat_error_event(script))

    def _too_long(self, received: Received) -> str | None:
        limit, used = self._context_tokens, tokens(*self.texts_of(received))
        if limit is None or used <= limit:
            return None
        return (
            f"Prompt contains {used} tokens and 0 draft tokens, too large for model with {limit} maximum context length"
        )

    # ------------------------------------------------------------ conversations

    def _conversations(self, received: Received) -> Answer:
        name = received.path.partition("/conversations")[2].strip("/").partition("/")[0]
        if received.method == "GET":
            return self._read(received, name)
        if received.method == "DELETE":
            self._kept.pop(name, None)
            return Answer(status=204)
        return self._converse(received, name)

    def _read(self, received: Received, name: str) -> Answer:
        if not name:
            return self._plain([])
        if name not in self._kept:
            return self._override(Scripted(status=404, message="Conversation not found."))
        entries = {"object": "conversation.history", "conversation_id": name, "entries": self.kept(name)}
        return self._plain(entries)

    def _converse(self, received: Received, name: str) -> Answer:
        body = received.body
        if not isinstance(body, Mapping) or (not name and not body.get("inputs")):
            return self._unprocessable("inputs")
        if not name and not body.get("model") and not body.get("agent_id"):
            return self._override(Scripted(status=400, message="Either model or agent_id must be provided."))
        if name and "instructions" in body:
            return self._unprocessable("instructions", said="Extra inputs are not permitted")
        if name and name not in self._kept:
            return self._override(Scripted(status=404, message="Conversation not found."))
        script = self.scripted(received)
        if script.is_override:
            return self._override(script)
        inherited = self._up_to(self.kept(name), body.get("from_entry_id"))
        if self.record:
            self._inherited.append((received, inherited))
        who = self._settings.setdefault(name, {}) if name else {k: body.get(k) for k in ("model", "agent_id")}
        conversation = name if name and "from_entry_id" not in body else new_id("conv_", 24)
        outputs = wire.output_entries({**body, **who}, script)
        if body.get("store", True) is not False:
            self._kept[conversation] = [*inherited, *wire.input_entries(body), *outputs]
            self._settings[conversation] = who
        whole = wire.conversation(conversation, outputs, wire.usage(body, [script], inherited))
        if not body.get("stream"):
            return self._plain(whole, script)
        return self._streamed(wire.conversation_events(whole), script, wire.conversation_error_event(script))

    @staticmethod
    def _up_to(entries: list[wire.Entry], last: str | None) -> list[wire.Entry]:
        """The conversation up to an entry, where it is restarted from there."""
        at = next((i for i, entry in enumerate(entries) if entry["id"] == last), len(entries) - 1)
        return entries[: at + 1]

    # ------------------------------------------------------------ Responses

    def _responses(self, received: Received) -> Answer:
        body = received.body
        if objection := responses.objection(body):
            return self._override(Scripted(status=400, message=objection[0]))
        script = self.scripted(received)
        if script.is_override:
            return self._override(script)
        whole = responses.response(body, script)
        if not body.get("stream"):
            return self._plain(whole, script)
        error = responses.error_event(script, script.error_after or 0)
        return self._streamed(responses.events(whole), script, error)

    # ------------------------------------------------------------ answers

    @staticmethod
    def _plain(body: Any, script: Scripted | None = None) -> Answer:
        script = script or Scripted()
        return Answer(encode(body), headers=script.headers, script=script)

    @staticmethod
    def _streamed(events: list[bytes], script: Scripted, error: bytes) -> Answer:
        if script.error_after is not None:
            events = [*events[: script.error_after], error]
        return Answer(chunks=events, media="text/event-stream; charset=utf-8", headers=script.headers, script=script)

    @staticmethod
    def _unprocessable(*where: str, said: str = "Field required") -> Answer:
        return Answer(encode(wire.unprocessable(*where, said=said)), status=422)

    @staticmethod
    def _override(script: Scripted) -> Answer:
        status = script.status or 200
        if script.body is None:
            body = encode(wire.error_body(status, script.message, script.code))
        else:
            body = script.body.encode() if isinstance(script.body, str) else script.body
        headers = dict(script.headers)
        if script.retry_after is not None:
            headers["retry-after"] = f"{script.retry_after:g}"
        return Answer(body, status=status, headers=headers, script=script)
