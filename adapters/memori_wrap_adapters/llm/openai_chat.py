"""The wire format of Chat Completions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm.fields import get, items, numbers, text


def request(body: Mapping[str, Any]) -> Request | None:
    messages = body.get("messages")
    if not isinstance(messages, (list, tuple)):
        return None
    return Request(tuple(_message(m) for m in messages), text(body, "model") or None)


def inject(body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
    """Before the caller's text in the last user message: late, for the prompt cache, and never a new message.

    Behind the last explicit breakpoint of that message; where one comes later, there is no place.
    """
    messages = list(body["messages"])
    at = next((i for i in range(len(messages) - 1, -1, -1) if get(messages[i], "role") == "user"), None)
    if at is None or not isinstance(messages[at], Mapping) or any(breakpoints(m) for m in messages[at + 1 :]):
        return None
    content = messages[at].get("content")
    if isinstance(content, str):
        content = f"{block}\n\n{content}"
    elif isinstance(content, list):
        place = breakpoints(messages[at])
        content = [*content[:place], {"type": "text", "text": block}, *content[place:]]
    else:
        return None
    messages[at] = {**messages[at], "content": content}
    return {"messages": messages}


def breakpoints(message: Any) -> int:
    """How many parts of a message stand before its last explicit prompt-cache breakpoint, that part included."""
    parts = items(message, "content")
    marked = (n for n, part in enumerate(parts, 1) if any(get(part, name) is not None for name in _MARKERS))
    return max(marked, default=0)


_MARKERS = ("prompt_cache_breakpoint", "cache_control")
"""OpenAI's own name, and that of Anthropic's, which some providers take in this format, too."""


def reply(data: Any) -> Reply | None:
    choices = items(data, "choices")
    if get(data, "choices") is None:
        return None
    reasons = [text(choice, "finish_reason") for choice in choices]
    return Reply(
        messages=tuple(_message(get(choice, "message")) for choice in choices),
        model=text(data, "model") or None,
        usage=numbers(get(data, "usage"), "prompt_tokens", "completion_tokens", "total_tokens"),
        finish_reason=next(iter(reasons), None),
        response_id=text(data, "id") or None,
    )


def _message(m: Any) -> Message:
    role = text(m, "role") or "assistant"
    parts = [
        Part("tool_call", text(f, "arguments") or text(f, "input"), text(call, "id"), text(f, "name"))
        for call in items(m, "tool_calls")
        for f in [get(call, "function") or get(call, "custom")]
    ]
    if role == "tool":
        parts.append(Part("tool_result", id=text(m, "tool_call_id")))
    for kind, field in (("refusal", "refusal"), ("reasoning", "reasoning_content"), ("reasoning", "reasoning")):
        if text(m, field):
            parts.append(Part(kind, text(m, field)))
    content = get(m, "content")
    if isinstance(content, str):
        said = content
    else:
        pieces = content if isinstance(content, (list, tuple)) else ()
        said = "\n".join(text(p, "text") for p in pieces if text(p, "text"))
        parts += [Part(text(p, "type").removesuffix("_url")) for p in pieces if not text(p, "text")]
    return Message(role, said, text(m, "name") or None, tuple(parts))


class Builder:
    """Gathers chunks: deltas by choice, and by tool call within a choice."""

    def __init__(self) -> None:
        self._choices: dict[int, dict[str, Any]] = {}
        self._data: dict[str, Any] = {}

    def feed(self, chunk: Any) -> None:
        for field in ("id", "model", "usage"):
            if (value := get(chunk, field)) is not None:
                self._data[field] = value
        for choice in items(chunk, "choices"):
            gathered = self._choices.setdefault(get(choice, "index") or 0, {"message": {"role": "assistant"}})
            if reason := text(choice, "finish_reason"):
                gathered["finish_reason"] = reason
            self._add(gathered["message"], get(choice, "delta"))

    @staticmethod
    def _add(message: dict[str, Any], delta: Any) -> None:
        if isinstance(delta, dict) and len(delta) == 1 and isinstance(piece := delta.get("content"), str):
            message.setdefault("content", []).append(piece)  # nearly every chunk of a stream
            return
        for field in _TEXTS:
            if piece := text(delta, field):
                message.setdefault(field, []).append(piece)
        for part in items(delta, "tool_calls"):
            calls = message.setdefault("tool_calls", {})
            call = calls.setdefault(get(part, "index") or 0, {"id": "", "function": {"name": "", "arguments": ""}})
            call["id"] = text(part, "id") or call["id"]
            for field in ("name", "arguments"):
                call["function"][field] += text(get(part, "function"), field)

    def reply(self) -> Reply:
        choices = [{**c, "message": _joined(c["message"])} for _, c in sorted(self._choices.items())]
        found = reply({**self._data, "choices": choices}) or Reply()
        is_complete = bool(choices) and all("finish_reason" in c for c in choices)
        return Reply(found.messages, found.model, found.usage, found.finish_reason, is_complete, found.response_id)


_TEXTS = ("content", "refusal", "reasoning_content", "reasoning")


def _joined(message: dict[str, Any]) -> dict[str, Any]:
    whole = {**message, **{field: "".join(message[field]) for field in _TEXTS if field in message}}
    calls = message.get("tool_calls")
    return {**whole, "tool_calls": [calls[i] for i in sorted(calls)]} if calls else whole
