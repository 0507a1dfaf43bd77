"""Mistral's conversations, which the provider keeps: entries in, entries out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm.fields import get, items, numbers, text
from memori_wrap_adapters.llm.mistral_chat import Content, content_of, tool_call

_DELTAS = {"message.output.delta": "message.output", "function.call.delta": "function.call"}


def request(body: Mapping[str, Any]) -> Request | None:
    given = body.get("inputs")
    if isinstance(given, str):
        messages: tuple[Message, ...] = (Message("user", given),)
    elif isinstance(given, (list, tuple)):
        messages = tuple(_messages(given))
    elif given is None:
        messages = ()
    else:
        return None
    model = text(body, "model") or text(body, "agent_id") or None
    return Request(messages, model, text(body, "conversation_id") or None)


def inject(body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
    """Appended to ``instructions``: what stands in ``inputs`` would be kept, one block after the other.

    Only the request that starts a conversation has that field. An agent has instructions of its own, in whose
    place it would stand.
    """
    given = body.get("instructions")
    if body.get("conversation_id") or body.get("agent_id") or not isinstance(given or "", str):
        return None
    return {"instructions": f"{given}\n\n{block}" if given else block}


def reply(data: Any) -> Reply | None:
    if get(data, "outputs") is None:
        return None
    outputs = items(data, "outputs")
    return Reply(
        messages=tuple(_messages(outputs)),
        model=next((text(o, "model") for o in outputs if text(o, "model")), None),
        usage=numbers(get(data, "usage"), "prompt_tokens", "completion_tokens", "total_tokens"),
        response_id=text(data, "conversation_id") or None,
    )


def _messages(entries: Sequence[Any]) -> Iterator[Message]:
    for entry in entries:
        kind = text(entry, "type") or "message.input"
        if kind in ("message.input", "message.output"):
            role = text(entry, "role") or ("assistant" if kind == "message.output" else "user")
            said, parts = content_of(get(entry, "content"), "" if role == "assistant" else "\n")
            yield Message(role, said, None, tuple(parts))
        elif kind == "function.call":
            yield Message("assistant", "", None, (tool_call(entry, text(entry, "tool_call_id")),))
        elif kind == "function.result":
            result = Part("tool_result", id=text(entry, "tool_call_id") or None)
            yield Message("tool", text(entry, "result"), None, (result,))
        elif kind == "tool.execution":  # by the provider: its result is none of ours
            yield Message("assistant", "", None, (tool_call(entry, text(entry, "id")),))


class Builder:
    """Gathers events: pieces of entries by their place in the output."""

    def __init__(self) -> None:
        self._entries: dict[int, dict[str, Any]] = {}
        self._contents: dict[int, Content] = {}
        self._conversation = ""
        self._usage: Any = None
        self._is_done = False

    def feed(self, chunk: Any) -> None:
        kind, at = text(chunk, "type"), get(chunk, "output_index") or 0
        if kind == "conversation.response.started":
            self._conversation = text(chunk, "conversation_id")
        elif kind == "conversation.response.done":
            self._is_done, self._usage = True, get(chunk, "usage")
        elif kind in _DELTAS:
            entry = self._entries.setdefault(at, {"type": _DELTAS[kind], "arguments": ""})
            for field in ("name", "tool_call_id", "model", "role"):
                entry[field] = text(chunk, field) or entry.get(field)
            entry["arguments"] += text(chunk, "arguments")
            self._contents.setdefault(at, Content()).feed(get(chunk, "content"))
        elif kind == "tool.execution.started":
            called = {name: text(chunk, name) for name in ("id", "name", "arguments")}
            self._entries.setdefault(at, {"type": "tool.execution", **called})

    def reply(self) -> Reply:
        contents = {at: {"content": content.pieces} for at, content in self._contents.items()}
        outputs = [{**entry, **contents.get(at, {})} for at, entry in sorted(self._entries.items())]
        found = reply({"outputs": outputs, "usage": self._usage, "conversation_id": self._conversation}) or Reply()
        return Reply(found.messages, found.model, found.usage, None, self._is_done, found.response_id)
