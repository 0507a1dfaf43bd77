"""The wire format of Anthropic's Messages API: what is said. Pure. Where the block goes: ``anthropic_cache``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm.anthropic_cache import inject
from memori_wrap_adapters.llm.fields import get, items, numbers, text

__all__ = ["Builder", "inject", "reply", "request"]

_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")


def request(body: Mapping[str, Any]) -> Request | None:
    given = get(body, "messages")
    if not isinstance(given, (list, tuple)):
        return None
    messages = [message for m in given for message in _messages(m)]
    if get(body, "system") is not None:
        messages.insert(0, _message("system", get(body, "system")))
    previous = text(get(body, "thread"), "previous_message_id") or None
    return Request(tuple(messages), text(body, "model") or None, previous)


def _messages(m: Any) -> Iterator[Message]:
    """The results of tools stand in messages of the user, maybe before words of their own."""
    role, content = text(m, "role") or "assistant", get(m, "content")
    if role != "user" or not isinstance(content, (list, tuple)):
        yield _message(role, content)
        return
    results = [piece for piece in content if text(piece, "type") == "tool_result"]
    rest = [piece for piece in content if text(piece, "type") != "tool_result"]
    for piece in results:
        yield _message("tool", get(piece, "content"), Part("tool_result", id=text(piece, "tool_use_id")))
    if rest or not results:
        yield _message("user" if not results or any(text(p, "text") for p in rest) else "tool", rest)


def _message(role: str, content: Any, *parts: Part) -> Message:
    if isinstance(content, str):
        return Message(role, content, None, parts)
    pieces: Sequence[Any] = content if isinstance(content, (list, tuple)) else ()
    found = (part for piece in pieces if text(piece, "type") != "text" for part in _parts(piece))
    return Message(role, _said(role, pieces), None, (*parts, *found))


def _said(role: str, pieces: Sequence[Any]) -> str:
    """Blocks of text by lines; but a model's that follow on each other are one text, which citations have split."""
    runs: list[str] = []
    follows = False
    for piece in pieces:
        is_text = text(piece, "type") == "text"
        if is_text and follows and role == "assistant":
            runs[-1] += text(piece, "text")
        elif is_text:
            runs.append(text(piece, "text"))
        follows = is_text
    return "\n".join(run for run in runs if run)


def _parts(piece: Any) -> Iterator[Part]:
    kind = text(piece, "type")
    if kind in _CALLS:
        yield Part("tool_call", _json(get(piece, "input")), text(piece, "id"), text(piece, "name"))
    elif kind == "thinking":
        yield Part("reasoning", text(piece, "thinking"))
    elif kind.endswith("tool_result"):  # of a tool that the provider runs
        yield Part("tool_result", id=text(piece, "tool_use_id"), name=kind)
    elif kind:
        yield Part(kind)


def _json(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given, default=str, ensure_ascii=False)


def reply(data: Any) -> Reply | None:
    content = get(data, "content")
    if not isinstance(content, (list, tuple)):
        return None
    refused = get(data, "stop_reason") == "refusal"
    refusal = [Part("refusal", text(get(data, "stop_details"), "explanation"))] if refused else []
    return Reply(
        messages=(_message("assistant", content, *refusal),),
        model=text(data, "model") or None,
        usage=numbers(get(data, "usage"), *_COUNTS),
        finish_reason=text(data, "stop_reason") or None,
        response_id=text(data, "id") or None,
    )


_COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class Builder:
    """Gathers events: the message as it begins, its blocks by index, its end."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._deltas: dict[tuple[int, str], list[str]] = {}

    def feed(self, chunk: Any) -> None:
        kind = get(chunk, "type")
        if kind == "content_block_delta":
            delta = get(chunk, "delta")
            field = _DELTAS.get(get(delta, "type"))
            if field is not None:
                self._deltas.setdefault((get(chunk, "index") or 0, field), []).append(text(delta, field))
        elif kind == "content_block_start":
            self._blocks[get(chunk, "index") or 0] = _fields(get(chunk, "content_block"), *_BLOCK)
        elif kind == "message_start":
            self._message = _fields(get(chunk, "message"), "id", "model", "content", "usage")
        elif kind == "message_delta":
            self._message.update(_fields(get(chunk, "delta"), "stop_reason", "stop_details"))
            counts = numbers(get(chunk, "usage"), *_COUNTS)
            self._message["usage"] = numbers(self._message.get("usage"), *_COUNTS) | counts

    def reply(self) -> Reply:
        content = [*items(self._message, "content"), *(self._block(at) for at in sorted(self._blocks))]
        found = reply({**self._message, "content": content}) or Reply()
        messages = found.messages if content or found.finish_reason == "refusal" else ()
        is_complete = found.finish_reason is not None
        return Reply(messages, found.model, found.usage, found.finish_reason, is_complete, found.response_id)

    def _block(self, at: int) -> dict[str, Any]:
        block = dict(self._blocks[at])
        for field in ("text", "thinking"):
            if gathered := self._deltas.get((at, field)):
                block[field] = (block.get(field) or "") + "".join(gathered)
        if gathered := self._deltas.get((at, "partial_json")):
            given = "".join(gathered)
            try:
                block["input"] = json.loads(given)
            except ValueError:
                block["input"] = given  # cut in its middle
        return block


_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
_BLOCK = ("type", "id", "name", "tool_use_id", "text", "thinking", "input")


def _fields(thing: Any, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := get(thing, name)) is not None}
