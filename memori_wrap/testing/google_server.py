"""A server that speaks Google's wire formats, Gemini and Interactions: for tests and demos.

    with FakeGoogle("Noted.") as server:
        client = genai.Client(api_key="none", http_options={"base_url": server.base_url})

It calls no model: it says what it is told to, else it echoes. The paths of Vertex AI are understood too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from memori_wrap.testing import google_interactions as interactions
from memori_wrap.testing import google_wire as wire
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.openai_wire import encode, tokens
from memori_wrap.testing.script import Received, Replier, Scripted, ToolCall
from memori_wrap.testing.server import LoopbackServer

__all__ = ["FakeGoogle", "Received", "Scripted", "ToolCall"]

MODELS = ("gemini-3.8-flash", "gemini-3.8-pro", "gemini-embedding-001")
_CALL = re.compile(r"/(?:models|tunedModels|endpoints)/([^/:]+):(\w+)$")
_KEPT = re.compile(r"/interactions/([^/]+)$")


class FakeGoogle(LoopbackServer):
    """Generated content, tokens, embeddings, models and interactions on a loopback port.

    ``context_tokens``: a longer request gets Gemini's error for a prompt that is too long. ``echo``: an interaction
    repeats the system instruction that it was asked with.
    """

    def __init__(
        self,
        reply: Replier | None = None,
        *,
        port: int = 0,
        compress: bool = True,
        record: bool = True,
        context_tokens: int | None = None,
        echo: bool = False,
    ) -> None:
        self._echo = echo
        self._context_tokens = context_tokens
        self._signed: set[str] = set()
        self._continued: set[str] = set()
        self._whole: dict[str, dict[str, Any]] = {}
        self._steps: dict[str, list[interactions.Step]] = {}
        self._inherited: list[tuple[Received, list[interactions.Step]]] = []
        super().__init__(reply, port=port, compress=compress, record=record)
        self.base_url = self.origin

    def kept(self, interaction: str) -> list[interactions.Step]:
        """The steps kept under the id of an interaction: what the next one would inherit."""
        return list(self._steps.get(interaction, ()))

    def inherited(self, received: Received | None = None) -> list[interactions.Step]:
        """What an interaction's request (the newest, if none is given) took over from the one before it."""
        wanted = received or self.last
        return next((steps for request, steps in self._inherited if request is wanted), [])

    # ------------------------------------------------------------ the wire

    def texts_of(self, received: Received) -> list[str]:
        """The texts of a request, the system instruction first."""
        if received.path.endswith("/interactions"):
            return interactions.texts(received.body)
        return wire.texts(received.body)

    def respond(self, received: Received) -> Answer:
        """Routes by the end of the path."""
        call = _CALL.search(received.path)
        if call is not None and received.method == "POST":
            return self._called(received, *call.groups())
        if received.path.endswith("/interactions") and received.method == "POST":
            return self._interact(received)
        if (kept := _KEPT.search(received.path)) is not None:
            return self._again(received, kept[1])
        if received.path.endswith("/models"):
            return self._plain({"models": [wire.model(name) for name in MODELS]}, self.scripted(received, to="models"))
        return self._refused(404, f"The requested URL {received.path} was not found on this server.")

    def broken_reply(self, error: Exception) -> Answer:
        """A status 400, which no client tries again, that says what the scripted function raised."""
        return self._refused(400, f"the scripted reply raised {error!r}")

    def _called(self, received: Received, model: str, what: str) -> Answer:
        body = received.body
        if what in ("generateContent", "streamGenerateContent"):
            return self._generate(received, model, is_stream=what.startswith("stream"))
        script = self.scripted(received, to=what)
        if script.is_override:
            return self._override(script)
        if what == "countTokens":
            return self._plain({"totalTokens": tokens(*wire.texts(body))}, script)
        if what == "batchEmbedContents":
            found = [self._embedded(request) for request in body["requests"]]
            return self._plain({"embeddings": found}, script)
        if what == "embedContent":
            return self._plain({"embedding": self._embedded(body)}, script)
        return self._refused(404, f"models/{model} is not found for {what}.")

    @staticmethod
    def _embedded(request: Mapping[str, Any]) -> dict[str, Any]:
        said = "\n".join(wire.texts({"contents": [request["content"]]}))
        return wire.embedding(said, request.get("outputDimensionality") or 768)

    # ------------------------------------------------------------ generated content

    def _generate(self, received: Received, model: str, *, is_stream: bool) -> Answer:
        body = received.body
        if objection := wire.objection(body) or wire.unsigned(body, self._signed) or self._too_long(received):
            return self._refused(400, objection)
        if (token := body.get("continuationToken")) is not None and token not in self._continued:
            return self._refused(400, "The continuation token is invalid.")
        script = self.scripted(received)
        if script.is_override:
            return self._override(script)
        made = wire.chunks(body, model, script) if is_stream else [wire.answer(body, model, script)]
        self._remember(made)
        if not is_stream:
            return self._plain(made[0], script)
        sent = wire.events(made)
        if script.error_after is not None:
            failed = wire.error_body(503, script.message, script.code)
            sent = [*sent[: script.error_after], *wire.events([failed])]
        return self._streamed(sent, script)

    def _remember(self, made: Sequence[Mapping[str, Any]]) -> None:
        """Signatures and tokens, which have to come back."""
        for chunk in made:
            for candidate in chunk.get("candidates", ()):
                self._continued.add(candidate.get("continuationToken", ""))
                for part in candidate["content"].get("parts", ()):
                    if "functionCall" in part and "thoughtSignature" in part:
                        self._signed.add(part["functionCall"]["id"])

    # ------------------------------------------------------------ interactions

    def _interact(self, received: Received) -> Answer:
        body = received.body
        previous = body.get("previous_interaction_id") if isinstance(body, Mapping) else None
        if previous and previous not in self._steps:
            return self._refused(404, f"Interaction {previous} was not found.", interactions.error_body)
        inherited = self.kept(previous) if previous else []
        if objection := interactions.objection(body, inherited) or self._too_long(received):
            return self._refused(400, objection, interactions.error_body)
        if (token := body.get("continuation_token")) is not None and token not in self._continued:
            return self._refused(400, "The continuation token is invalid.", interactions.error_body)
        script = self.scripted(received)
        if script.is_override:
            return self._override(script, interactions.error_body)
        if self.record:
            self._inherited.append((received, inherited))
        whole = interactions.interaction(body, script, inherited)
        if self._echo and "system_instruction" in body:
            whole["system_instruction"] = body["system_instruction"]
        self._continued.add(whole.get("continuation_token", ""))
        if body.get("store") is not False:
            self._whole[whole["id"]] = whole
            self._steps[whole["id"]] = [*inherited, *interactions.input_steps(body), *whole["steps"]]
        if not body.get("stream"):
            return self._plain(whole, script)
        sent = interactions.events(whole)
        if script.error_after is not None:
            sent = [*sent[: script.error_after], interactions.error_event(script), interactions.DONE]
        return self._streamed(sent, script)

    def _again(self, received: Received, interaction: str) -> Answer:
        """Gets, cancels or deletes a kept interaction."""
        whole = self._whole.get(interaction)
        if whole is None:
            return self._refused(404, f"Interaction {interaction} was not found.", interactions.error_body)
        if received.method == "DELETE":
            del self._whole[interaction], self._steps[interaction]
            whole = {}
        return self._plain(whole, Scripted())

    # ------------------------------------------------------------ answers

    @staticmethod
    def _plain(body: Mapping[str, Any], script: Scripted) -> Answer:
        if script.is_override:
            return FakeGoogle._override(script)
        return Answer(encode(body), media="application/json; charset=UTF-8", headers=script.headers, script=script)

    @staticmethod
    def _streamed(sent: list[bytes], script: Scripted) -> Answer:
        return Answer(chunks=sent, media="text/event-stream", headers=script.headers, script=script)

    @staticmethod
    def _override(script: Scripted, error: Any = wire.error_body) -> Answer:
        status = script.status or 200
        if script.body is None:
            body = encode(error(status, script.message, script.code))
        else:
            body = script.body.encode() if isinstance(script.body, str) else script.body
        headers = dict(script.headers)
        if script.retry_after is not None:
            headers["retry-after"] = f"{script.retry_after:g}"
        return Answer(body, status=status, media="application/json; charset=UTF-8", headers=headers, script=script)

    @staticmethod
    def _refused(status: int, message: str, error: Any = wire.error_body) -> Answer:
        return Answer(encode(error(status, message)), status=status, media="application/json; charset=UTF-8")

    def _too_long(self, received: Received) -> str | None:
        limit = self._context_tokens
        used = tokens(*self.texts_of(received)) if limit is not None else 0
        if limit is None or used <= limit:
            return None
        return f"The input token count ({used}) exceeds the maximum number of tokens allowed ({limit})."
