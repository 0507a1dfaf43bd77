"""The bodies of Bedrock's InvokeModel: JSON in the format of the model's vendor. Pure.

A format reads and changes the body of a request, and reads that of a reply, or its chunks one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from memori_wrap.protocols import ReplyBuilder
from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm import anthropic_messages, bedrock_converse, openai_chat
from memori_wrap_adapters.llm.bedrock_converse import arguments
from memori_wrap_adapters.llm.bedrock_prompts import turns
from memori_wrap_adapters.llm.fields import get, items, numbers, text


class Format(Protocol):
    """A module of pure functions, or an object that stands for one."""

    @property
    def Builder(self) -> Callable[[], ReplyBuilder]: ...  # noqa: N802 (a class)

    def request(self, body: Mapping[str, Any], /) -> Request | None: ...

    def inject(self, body: Mapping[str, Any], block: str, /) -> dict[str, Any] | None:
        """The fields of the body that change, with their new values."""
        ...

    def reply(self, data: Any, /) -> Reply | None: ...


class Unknown:
    """A conversation with a model that nobody here knows: it goes through untouched."""

    def request(self, _: Mapping[str, Any]) -> Request | None:
        return None

    def inject(self, *_: Any) -> None:
        return None

    def reply(self, _: Any) -> None:
        return None

    Builder = openai_chat.Builder


# ---------------------------------------------------------------- chat format, as several vendors have it


class _Chat:
    """Mistral says ``stop_reason``, and ``message`` in a stream as well."""

    def request(self, body: Mapping[str, Any]) -> Request | None:
        return openai_chat.request(body)

    def inject(self, body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
        return openai_chat.inject(body, block)

    def reply(self, data: Any) -> Reply | None:
        found = openai_chat.reply(_plain(data))
        return found and unwrapped(found)

    class Builder(openai_chat.Builder):
        def feed(self, chunk: Any) -> None:
            super().feed(_plain(chunk))

        def reply(self) -> Reply:
            return unwrapped(super().reply())


def _plain(data: Any) -> Any:
    choices = items(data, "choices")
    if not any(isinstance(c, Mapping) and ("stop_reason" in c or "message" in c) for c in choices):
        return data
    return {**data, "choices": [_plain_choice(choice) for choice in choices]}


def _plain_choice(choice: Any) -> dict[str, Any]:
    said = get(choice, "message") or get(choice, "delta") or {}
    reason = text(choice, "finish_reason") or text(choice, "stop_reason")
    return {"index": get(choice, "index") or 0, "message": said, "delta": said, "finish_reason": reason}


_TAGGED = re.compile(r"\s*<(reasoning|think)>(.*?)(?:</\1>\s*|\Z)", re.DOTALL)


def unwrapped(found: Reply) -> Reply:
    """gpt-oss and DeepSeek put their reasoning between tags before the answer."""
    return replace(found, messages=tuple(_unwrapped(m) for m in found.messages))


def _unwrapped(message: Message) -> Message:
    match = _TAGGED.match(message.text)
    if match is None:
        return message
    thought = Part("reasoning", match[2].strip())
    return replace(message, text=message.text[match.end() :], parts=(thought, *message.parts))


# ---------------------------------------------------------------- one text that the model goes on from


class _Prompt:
    """Meta, Mistral and DeepSeek, each with its template; Amazon Titan. ``field`` is that of the prompt."""

    def __init__(self, field: str) -> None:
        self._field = field

    def request(self, body: Mapping[str, Any]) -> Request | None:
        return Request(tuple(Message(turn.role, turn.text) for turn in turns(body[self._field])))

    def inject(self, body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
        prompt = body[self._field]
        start = next((turn.start for turn in reversed(turns(prompt)) if turn.role == "user"), None)
        return None if start is None else {self._field: f"{prompt[:start]}{block}\n\n{prompt[start:]}"}

    def reply(self, data: Any) -> Reply | None:
        builder = self.Builder()
        builder.feed(data)
        return replace(builder.reply(), complete=True) if builder.is_known else None

    class Builder:
        """Gathers chunks; a whole answer has the form of a single one."""

        def __init__(self) -> None:
            self.is_known = False
            self._texts: dict[int, list[str]] = {}
            self._reason: str | None = None
            self._usage: dict[str, int] = {}

        def feed(self, chunk: Any) -> None:
            for n, piece in enumerate(_continued(chunk)):
                self.is_known = True
                said = text(piece, "text") or text(piece, "generation") or text(piece, "outputText")
                self._texts.setdefault(get(piece, "index") or n, []).append(said)
                self._reason = text(piece, "stop_reason") or text(piece, "completionReason") or self._reason
                self._usage |= numbers(piece, "tokenCount", "totalOutputTextTokenCount")
            names = "prompt_token_count", "generation_token_count", "inputTextTokenCount"
            self._usage |= numbers(chunk, *names)

        def reply(self) -> Reply:
            said = tuple(Message("assistant", "".join(pieces)) for _, pieces in sorted(self._texts.items()))
            found = Reply(said, usage=self._usage, finish_reason=self._reason, complete=self._reason is not None)
            return unwrapped(found)


def _continued(data: Any) -> Iterable[Any]:
    if get(data, "generation") is not None or get(data, "outputText") is not None:
        return [data]
    return items(data, "outputs") or items(data, "choices") or items(data, "results")


# ---------------------------------------------------------------- Cohere


class _Cohere:
    """The reply repeats the message in its ``chat_history``, for the next request to send again: so the block goes
    where nothing is repeated, into the preamble."""

    def request(self, body: Mapping[str, Any]) -> Request | None:
        history = [
            Message(_ROLES.get(text(m, "role"), "user"), text(m, "message"), parts=_cohere_calls(m))
            for m in items(body, "chat_history")
        ]
        given = [Message("user", body["message"])] if body["message"] or not items(body, "tool_results") else []
        results = tuple(
            Part("tool_result", arguments(get(r, "outputs")), name=text(get(r, "call"), "name"))
            for r in items(body, "tool_results")
        )
        return Request((*history, *given, *([Message("tool", "", parts=results)] if results else [])))

    def inject(self, body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
        preamble = body.get("preamble")
        return {"preamble": f"{preamble}\n\n{block}" if preamble else block}

    def reply(self, data: Any) -> Reply | None:
        if get(data, "text") is None:
            return None
        tokens = get(get(data, "meta"), "billed_units")
        return Reply(
            messages=(Message("assistant", text(data, "text"), parts=_cohere_calls(data)),),
            usage=numbers(tokens, "input_tokens", "output_tokens"),
            finish_reason=text(data, "finish_reason") or None,
            response_id=text(data, "response_id") or None,
        )

    class Builder:
        def __init__(self) -> None:
            self._texts: list[str] = []
            self._end: Any = None

        def feed(self, chunk: Any) -> None:
            if text(chunk, "event_type") == "text-generation":
                self._texts.append(text(chunk, "text"))
            elif text(chunk, "event_type") == "stream-end":
                self._end = get(chunk, "response") or {"text": "", "finish_reason": get(chunk, "finish_reason")}

        def reply(self) -> Reply:
            said = "".join(self._texts)
            found = _COHERE.reply(self._end) or Reply((Message("assistant", said),))
            message = replace(found.messages[0], text=found.messages[0].text or said)
            return replace(found, messages=(message,), complete=self._end is not None)


_ROLES = {"CHATBOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}


def _cohere_calls(message: Any) -> tuple[Part, ...]:
    """A call has no id here."""
    return tuple(
        Part("tool_call", arguments(get(call, "parameters")), name=text(call, "name"))
        for call in items(message, "tool_calls")
    )


# ---------------------------------------------------------------- who has which

_CHAT, _PROMPT, _TITAN, _COHERE, _UNKNOWN = _Chat(), _Prompt("prompt"), _Prompt("inputText"), _Cohere(), Unknown()
_CHATTING = frozenset(
    ("ai21", "deepseek", "google", "minimax", "mistral", "moonshot", "nvidia", "openai", "qwen", "writer", "zai")
)
_PROMPTED = frozenset(("deepseek", "meta", "mistral"))
_MODEL = re.compile(
    rf"(?:^|[./:])({'|'.join(sorted({'amazon', 'anthropic', 'cohere', 'meta', *_CHATTING}))})\.([\w-]+)"
)


def format_of(model: str, body: Any) -> Format | None:
    """The format of a body; None for one that is no conversation: embeddings, images, a ranking.

    ``model`` may be an id, with or without the prefix of regions, or the ARN of whatever stands for one. Where an ARN
    does not tell, some bodies do.
    """
    if not isinstance(body, Mapping):
        return None
    vendor, name = next(reversed(_MODEL.findall(model)), ("", ""))
    has_messages = "messages" in body
    if has_messages and (vendor == "anthropic" or (not vendor and "anthropic_version" in body)):
        return anthropic_messages
    if has_messages and (name.startswith("nova") or (not vendor and body.get("schemaVersion") == "messages-v1")):
        return bedrock_converse
    if vendor == "amazon" and name.startswith("titan-t") and isinstance(body.get("inputText"), str):
        return _TITAN
    if vendor == "cohere" and isinstance(body.get("message"), str):
        return _COHERE
    if vendor in _CHATTING and has_messages:
        return _CHAT
    if vendor in _PROMPTED and isinstance(body.get("prompt"), str):
        return _PROMPT
    return _UNKNOWN if has_messages else None
