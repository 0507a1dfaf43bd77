"""The wire format of the Responses API. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm.fields import get, items, numbers, text
from memori_wrap_adapters.llm.openai_chat import breakpoints

_FINAL = ("response.completed", "response.incomplete", "response.failed")


def request(body: Mapping[str, Any]) -> Request | None:
    given = body.get("input")
    if isinstance(given, str):
        messages: tuple[Message, ...] = (Message("user", given),)
    elif isinstance(given, (list, tuple)):
        messages = tuple(_messages(given))
    elif given is None:
        messages = ()
    else:
        return None
    return Request(messages, text(body, "model") or None, text(body, "previous_response_id") or None)


def inject(body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
    """Appended to ``instructions``, which the next response does not inherit; ``input`` would be stored.

    The instructions come before everything, so they cannot change where the input has explicit prompt-cache
    breakpoints: the block then stands in the last user message, behind its breakpoint, if nothing is stored.
    """
    input_items = body.get("input")
    if isinstance(input_items, (list, tuple)) and any(map(breakpoints, input_items)):
        is_kept = body.get("store") is not False or body.get("previous_response_id") or body.get("conversation")
        return None if is_kept else behind_breakpoints(input_items, block)
    given = body.get("instructions")
    if given is not None and not isinstance(given, str):
        return None
    return {"instructions": f"{given}\n\n{block}" if given else block}


def behind_breakpoints(given: Sequence[Any], block: str) -> dict[str, Any] | None:
    """The changed ``input``: the block in the last user message, behind its last prompt-cache breakpoint."""
    at = next((i for i in range(len(given) - 1, -1, -1) if text(given[i], "role") == "user"), None)
    if at is None or not isinstance(given[at], Mapping) or any(map(breakpoints, given[at + 1 :])):
        return None
    content = given[at].get("content")
    parts: Sequence[Any] = [{"type": "input_text", "text": content}] if isinstance(content, str) else content or ()
    place = breakpoints(given[at])
    made = [*parts[:place], {"type": "input_text", "text": block}, *parts[place:]]
    return {"input": [*given[:at], {**given[at], "content": made}, *given[at + 1 :]]}


def reply(data: Any) -> Reply | None:
    if get(data, "output") is None:
        return None
    status = text(data, "status")
    return Reply(
        messages=tuple(_messages(items(data, "output"))),
        model=text(data, "model") or None,
        usage=numbers(get(data, "usage"), "input_tokens", "output_tokens", "total_tokens"),
        finish_reason=text(get(data, "incomplete_details"), "reason") or status or None,
        complete=status not in ("failed", "cancelled", "in_progress", "queued"),
        response_id=text(data, "id") or None,
    )


def _messages(given: Sequence[Any]) -> Iterator[Message]:
    """Items to messages; reasoning goes to the item that it led to."""
    thoughts: list[Part] = []
    for item in given:
        kind = text(item, "type") or "message"
        if kind == "reasoning":
            thoughts += [Part("reasoning", text(s, "text"), text(item, "id")) for s in items(item, "summary")]
            continue
        made = _message(item, kind)
        if made is not None:
            yield Message(made.role, made.text, made.speaker, (*thoughts, *made.parts))
            thoughts = []


def _message(item: Any, kind: str) -> Message | None:
    if kind == "message":
        content = get(item, "content")
        pieces = content if isinstance(content, (list, tuple)) else ()
        said = content if isinstance(content, str) else "\n".join(text(p, "text") for p in pieces if text(p, "text"))
        parts = [_part(p) for p in pieces if not text(p, "text")]
        return Message(text(item, "role") or "assistant", said, None, tuple(parts))
    call = text(item, "call_id") or text(item, "id")
    if kind.endswith("_call_output"):
        output = get(item, "output")
        said = output if isinstance(output, str) else json.dumps(output, default=str, ensure_ascii=False)
        return Message("tool", said, None, (Part("tool_result", id=call),))
    if kind.endswith("_call"):
        name = text(item, "name") or kind
        return Message("assistant", "", None, (Part("tool_call", text(item, "arguments"), call, name),))
    return None


def _part(piece: Any) -> Part:
    kind = text(piece, "type")
    return Part("refusal", text(piece, "refusal")) if kind == "refusal" else Part(kind.removeprefix("input_"))


class Builder:
    """Gathers events. The final one carries the whole response; before it there are items and text deltas."""

    def __init__(self) -> None:
        self._final: Reply | None = None
        self._begun: Any = None
        self._done: dict[int, Any] = {}
        self._texts: dict[int, str] = {}

    def feed(self, chunk: Any) -> None:
        kind, at = text(chunk, "type"), get(chunk, "output_index") or 0
        if kind in _FINAL:
            self._final = reply(get(chunk, "response"))
        elif kind == "response.created":
            self._begun = get(chunk, "response")
        elif kind == "response.output_item.done":
            self._done[at] = get(chunk, "item")
        elif kind in ("response.output_text.delta", "response.refusal.delta"):
            self._texts[at] = self._texts.get(at, "") + text(chunk, "delta")

    def reply(self) -> Reply:
        if self._final is not None:
            return self._final
        given = {at: {"role": "assistant", "content": said} for at, said in self._texts.items()} | self._done
        return Reply(
            messages=tuple(_messages([given[at] for at in sorted(given)])),
            model=text(self._begun, "model") or None,
            complete=False,
            response_id=text(self._begun, "id") or None,
        )
