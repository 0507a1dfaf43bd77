"""Mistral's chat format, which its agents share: content is a text or a list of chunks, thinking among them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm.fields import get, items, numbers, text


def request(body: Mapping[str, Any]) -> Request | None:
    messages = body.get("messages")
    if not isinstance(messages, (list, tuple)):
        return None
    return Request(tuple(message(m) for m in messages), text(body, "model") or text(body, "agent_id") or None)


def inject(body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
    """Before the caller's text in the last user message: late, for the prompt cache, and never a new message."""
    messages = list(body["messages"])
    at = next((i for i in range(len(messages) - 1, -1, -1) if get(messages[i], "role") == "user"), None)
    if at is None:
        return None
    content = get(messages[at], "content")
    if isinstance(content, str):
        content = f"{block}\n\n{content}"
    elif isinstance(content, list):
        content = [{"type": "text", "text": block}, *content]
    else:
        return None
    messages[at] = _with_content(messages[at], content)
    return {"messages": messages}


def _with_content(given: Any, content: Any) -> Any:
    """A copy of a message: a dict, or an object of the SDK, which is made anew for its chunks to become objects too."""
    if isinstance(given, Mapping):
        return {**given, "content": content}
    fields = {name: getattr(given, name) for name in given.model_fields_set}
    return type(given).model_validate({**fields, "content": content})


def reply(data: Any) -> Reply | None:
    if get(data, "choices") is None:
        return None
    choices = items(data, "choices")
    # a choice may hold several messages, in the place of one
    said = [m for choice in choices for m in ([get(choice, "message")] if get(choice, "message") else ())]
    said += [m for choice in choices for m in items(choice, "messages") if not get(choice, "message")]
    reasons = [text(choice, "finish_reason") for choice in choices]
    return Reply(
        messages=tuple(message(m) for m in said),
        model=text(data, "model") or None,
        usage=numbers(get(data, "usage"), "prompt_tokens", "completion_tokens", "total_tokens"),
        finish_reason=next(iter(reasons), None),
        complete="error" not in reasons,
        response_id=text(data, "id") or None,
    )


def message(m: Any) -> Message:
    """A message of a request or of an answer."""
    role = text(m, "role") or "assistant"
    parts = [tool_call(get(call, "function"), text(call, "id")) for call in items(m, "tool_calls")]
    if role == "tool":
        parts.append(Part("tool_result", id=text(m, "tool_call_id") or None, name=text(m, "name") or None))
    said, others = content_of(get(m, "content"), "" if role == "assistant" else "\n")
    return Message(role, said, None, (*parts, *others))


def tool_call(function: Any, call_id: str) -> Part:
    """A call of a tool. The SDK says "null" where there is no id."""
    arguments = get(function, "arguments")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False, default=str)
    return Part("tool_call", written, call_id if call_id != "null" else None, text(function, "name"))


def content_of(content: Any, between: str) -> tuple[str, list[Part]]:
    """The text of a content and its other parts. What a model says comes in pieces of one text."""
    if isinstance(content, str):
        return content, []
    pieces: Sequence[Any] = content if isinstance(content, (list, tuple)) else ()
    said = between.join(text(p, "text") for p in pieces if text(p, "type") in ("text", "") and text(p, "text"))
    return said, [part(p) for p in pieces if text(p, "type") not in ("text", "")]


def part(piece: Any) -> Part:
    """A chunk that is no text."""
    kind = text(piece, "type")
    if kind == "thinking":
        return Part("reasoning", "".join(text(p, "text") for p in items(piece, "thinking")))
    return Part(kind.removesuffix("_url").removeprefix("input_"))


class Builder:
    """Gathers chunks: deltas by choice, and by tool call within a choice."""

    def __init__(self) -> None:
        self._choices: dict[int, dict[str, Any]] = {}
        self._data: dict[str, Any] = {}

    def feed(self, chunk: Any) -> None:
        for field in ("id", "model", "usage"):
            if get(chunk, field) is not None:
                self._data[field] = get(chunk, field)
        for choice in items(chunk, "choices"):
            gathered = self._choices.setdefault(get(choice, "index") or 0, {"content": Content(), "tool_calls": {}})
            if text(choice, "finish_reason"):
                gathered["finish_reason"] = text(choice, "finish_reason")
            delta = get(choice, "delta")
            gathered["content"].feed(get(delta, "content"))
            for piece in items(delta, "tool_calls"):
                self._call(gathered["tool_calls"], piece)

    @staticmethod
    def _call(calls: dict[int, dict[str, Any]], piece: Any) -> None:
        made = calls.setdefault(get(piece, "index") or 0, {"id": "", "function": {"name": "", "arguments": ""}})
        made["id"] = text(piece, "id") or made["id"]
        function, arguments = made["function"], get(get(piece, "function"), "arguments")
        function["name"] += text(get(piece, "function"), "name")
        if isinstance(arguments, str):
            function["arguments"] = f"{function['arguments'] or ''}{arguments}"
        elif arguments is not None:
            function["arguments"] = arguments

    def reply(self) -> Reply:
        gathered = [choice for _, choice in sorted(self._choices.items())]
        choices = [
            {**c, "message": {"content": c["content"].pieces, "tool_calls": list(c["tool_calls"].values())}}
            for c in gathered
        ]
        is_complete = bool(gathered) and all("finish_reason" in c for c in gathered)
        found = reply({**self._data, "choices": choices}) or Reply()
        return replace(found, complete=is_complete and found.complete)


class Content:
    """Gathers the pieces of a content: neighbours of one kind are one chunk."""

    def __init__(self) -> None:
        self.pieces: list[dict[str, Any]] = []

    def feed(self, content: Any) -> None:
        """Takes a text, a chunk or a list of chunks."""
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        for piece in content if isinstance(content, (list, tuple)) else [content]:
            kind = text(piece, "type")
            if kind == "text":
                self._last(kind, "text")["text"] += text(piece, "text")
            elif kind == "thinking":
                said = "".join(text(p, "text") for p in items(piece, "thinking"))
                self._last(kind, "thinking")["thinking"][0]["text"] += said
            elif kind:
                self.pieces.append({"type": kind})

    def _last(self, kind: str, field: str) -> dict[str, Any]:
        if not self.pieces or self.pieces[-1]["type"] != kind:
            self.pieces.append({"type": kind, field: "" if kind == "text" else [{"type": "text", "text": ""}]})
        return self.pieces[-1]
