"""The wire format of Bedrock's Converse API, which Amazon Nova's own is as well. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm.fields import get, items, numbers, text

_USAGE = ("inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens", "cacheWriteInputTokens")


def request(body: Mapping[str, Any]) -> Request | None:
    """Where a stored prompt is called (its ARN stands for a model), its variables are what the caller says."""
    messages, variables = body.get("messages", ()), body.get("promptVariables") or {}
    if not isinstance(messages, (list, tuple)) or not isinstance(variables, Mapping):
        return None
    system = [_message("system", _blocks({"content": body.get("system")}))] if body.get("system") else []
    said = "\n".join(text(value, "text") for value in variables.values())
    asked = [Message("user", said)] if said else []
    found = (message for m in messages for message in _messages(m))
    return Request((*system, *asked, *found), text(body, "modelId") or None)


def inject(body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
    """Before the caller's text in the last message of the user that is more than tool results."""
    place = place_in(body)
    if place is None:
        return None
    at, before = place
    messages = list(body["messages"])
    content = messages[at]["content"]
    messages[at] = {**messages[at], "content": [*content[:before], {"text": block}, *content[before:]]}
    return {"messages": messages}


def place_in(body: Mapping[str, Any]) -> tuple[int, int] | None:
    """The message, and the number of its blocks that a memory block comes after.

    It comes after the last cache point, so that what is cached stays as it is, and after tool results, which come
    first. A tool loop goes on below the words of the user, and the block stays there, unless there are cache points
    below, too: then it stands behind the last of them, where the model takes words beside results.
    """
    messages = body.get("messages", ())
    users = [n for n, message in enumerate(messages) if get(message, "role") == "user" and _blocks(message)]
    at = next((n for n in reversed(users) if not _is_results(messages[n])), None)
    cached = max((n for n, m in enumerate(messages) if _has_cache_point(m)), default=0)
    if at is not None and at < cached:
        at = next((n for n in users if n >= cached), None) if "anthropic." in text(body, "modelId") else None
    if at is None:
        return None
    content = messages[at]["content"]
    least = max((n for n, b in enumerate(content, 1) if _has(b, "cachePoint", "toolResult")), default=0)
    worded = (n for n, b in enumerate(content) if n >= least and _has(b, "text", "guardContent"))
    return at, next(worded, least)


def _is_results(message: Any) -> bool:
    """Whether a message of the user only brings the results of tools."""
    return all(_has(b, "toolResult") or b.keys() == {"cachePoint"} for b in _blocks(message))


def _has_cache_point(message: Any) -> bool:
    return any(_has(b, "cachePoint") for b in _blocks(message))


def _blocks(message: Any) -> list[Any]:
    return [block for block in items(message, "content") if isinstance(block, Mapping)]


def _has(block: Any, *names: str) -> bool:
    return isinstance(block, Mapping) and any(name in block for name in names)


def reply(data: Any) -> Reply | None:
    message = get(get(data, "output"), "message")
    if not isinstance(message, Mapping):
        return None
    return Reply(
        messages=(_message(text(message, "role"), _blocks(message)),),
        usage=numbers(get(data, "usage"), *_USAGE),
        finish_reason=text(data, "stopReason") or None,
    )


# ---------------------------------------------------------------- messages


def _messages(m: Any) -> Iterator[Message]:
    """The results of tools stand in messages of the user, maybe before words of their own."""
    blocks = _blocks(m)
    results = [block["toolResult"] for block in blocks if "toolResult" in block]
    for result in results:
        yield Message("tool", _result(result), parts=(Part("tool_result", id=text(result, "toolUseId")),))
    if not results or not _is_results(m):
        yield _message(text(m, "role"), [block for block in blocks if "toolResult" not in block])


def _message(role: str, blocks: Sequence[Any]) -> Message:
    said = "\n".join(found for block in blocks if (found := _words(block)))
    parts = tuple(part for block in blocks for part in _parts(block))
    return Message(role or "assistant", said, parts=parts)


def _words(block: Any) -> str:
    """What a block says; ``guardContent`` are words that a guardrail looks at, ``citationsContent`` have sources."""
    if "guardContent" in block:
        return text(get(block["guardContent"], "text"), "text")
    if "citationsContent" in block:
        return "".join(text(piece, "text") for piece in items(block["citationsContent"], "content"))
    return text(block, "text")


def _parts(block: Any) -> Iterable[Part]:
    for kind, value in block.items():
        if kind == "toolUse":
            yield Part("tool_call", arguments(get(value, "input")), text(value, "toolUseId"), text(value, "name"))
        elif kind == "reasoningContent":
            yield Part("reasoning", text(get(value, "reasoningText"), "text"))
        elif kind not in _SILENT:
            yield Part(kind, name=text(value, "name") or None)


_SILENT = ("text", "citationsContent", "guardContent", "cachePoint")


def arguments(given: Any) -> str:
    """A tool call's arguments as JSON text, the same whether they came whole or in the pieces of a stream."""
    if isinstance(given, str):
        try:
            given = json.loads(given) if given else {}
        except ValueError:
            return str(given)  # a stream that was left in the middle of them
    return json.dumps(given, ensure_ascii=False, default=str)


def _result(value: Any) -> str:
    found = (
        _words(piece) if "json" not in piece else json.dumps(piece["json"], ensure_ascii=False, default=str)
        for piece in _blocks(value)
    )
    return "\n".join(piece for piece in found if piece)


# ---------------------------------------------------------------- streams


class Builder:
    """Gathers events, each a dict of one: ``{"contentBlockDelta": {...}}``."""

    def __init__(self) -> None:
        self._role = "assistant"
        self._blocks: dict[int, dict[str, list[str]]] = {}
        self._tools: dict[int, Any] = {}
        self._data: dict[str, Any] = {}

    def feed(self, chunk: Any) -> None:
        if (event := get(chunk, "contentBlockDelta")) is not None:
            self._add(event, get(event, "delta"))
        elif (event := get(chunk, "contentBlockStart")) is not None:
            self._tools[get(event, "contentBlockIndex") or 0] = get(get(event, "start"), "toolUse")
        elif (event := get(chunk, "messageStart")) is not None:
            self._role = text(event, "role") or self._role
        elif (event := get(chunk, "messageStop")) is not None:
            self._data["stopReason"] = get(event, "stopReason")
        elif (event := get(chunk, "metadata")) is not None:
            self._data["usage"] = get(event, "usage")

    def _add(self, event: Any, delta: Any) -> None:
        gathered = self._blocks.setdefault(get(event, "contentBlockIndex") or 0, {})
        for kind, piece in (
            ("text", text(delta, "text")),
            ("toolUse", text(get(delta, "toolUse"), "input")),
            ("reasoningContent", text(get(delta, "reasoningContent"), "text")),
        ):
            if piece:
                gathered.setdefault(kind, []).append(piece)

    def reply(self) -> Reply:
        content = [block for n in sorted({*self._blocks, *self._tools}) for block in self._joined(n)]
        found = reply({**self._data, "output": {"message": {"role": self._role, "content": content}}}) or Reply()
        return replace(found, complete=bool(found.finish_reason))

    def _joined(self, n: int) -> Iterable[dict[str, Any]]:
        whole = {kind: "".join(pieces) for kind, pieces in self._blocks.get(n, {}).items()}
        if self._tools.get(n) is not None:
            yield {"toolUse": {**self._tools[n], "input": whole.get("toolUse", "")}}
        if "reasoningContent" in whole:
            yield {"reasoningContent": {"reasoningText": {"text": whole["reasoningContent"]}}}
        if "text" in whole:
            yield {"text": whole["text"]}
