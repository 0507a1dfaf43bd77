"""LangChain's messages: what is said in them, and where the block goes. Pure, but for the merging of chunks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm.fields import get, items, numbers, text

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "tool"}
_HUMAN = ("human", "HumanMessageChunk")
_CALLS = frozenset({"tool_use", "tool_call", "tool_call_chunk", "invalid_tool_call", "function_call"})
"""Blocks that repeat what stands in ``tool_calls``."""
_KEPT = ("previous_response_id", "conversation")
_COUNTS = ("input_tokens", "output_tokens", "total_tokens")


def is_messages(given: Any) -> bool:
    """Whether it is a list of LangChain's messages."""
    return isinstance(given, (list, tuple)) and all(hasattr(m, "type") and hasattr(m, "content") for m in given)


def request(given: Iterable[Any], model: str | None = None, previous: str | None = None) -> Request:
    return Request(tuple(message(m) for m in given), model, previous)


def message(m: Any) -> Message:
    kind = text(m, "type").removesuffix("MessageChunk").lower()
    role = _ROLES.get(kind) or text(m, "role") or "assistant"
    content = get(m, "content")
    pieces: Sequence[Any] = [content] if isinstance(content, str) else content or ()
    said = "\n".join(piece for p in pieces if (piece := p if isinstance(p, str) else text(p, "text")))
    parts = [*_calls(m), *(part for p in pieces for part in _parts(p))]
    if role == "tool":
        parts.append(Part("tool_result", id=text(m, "tool_call_id") or None, name=text(m, "name") or None))
        return Message(role, said, None, tuple(parts))
    extra = get(m, "additional_kwargs")
    for field, part in (("refusal", "refusal"), ("reasoning_content", "reasoning")):
        if text(extra, field):
            parts.append(Part(part, text(extra, field)))
    return Message(role, said, text(m, "name") or None, tuple(parts))


def _calls(m: Any) -> Iterator[Part]:
    for call in (*items(m, "tool_calls"), *items(m, "invalid_tool_calls")):
        yield Part("tool_call", _json(get(call, "args")), text(call, "id") or None, text(call, "name") or None)


def _parts(piece: Any) -> Iterator[Part]:
    """What a block holds beside text."""
    kind = text(piece, "type")
    if not isinstance(piece, Mapping) or kind in _CALLS or (text(piece, "text") and kind != "reasoning"):
        return
    if kind in ("thinking", "reasoning"):
        given = text(piece, "thinking") or text(piece, "reasoning") or text(piece, "text")
        yield Part("reasoning", given or "\n".join(text(s, "text") for s in items(piece, "summary")))
    elif kind == "refusal":
        yield Part("refusal", text(piece, "refusal"))
    elif kind:
        yield Part(kind.removesuffix("_url"))


def _json(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False, default=str) if arguments is not None else ""


# ---------------------------------------------------------------- where the block goes


def inject(given: Sequence[Any], block: str, marker: Any = None) -> list[Any] | None:
    """A copy of the list with a copy of the last human message: the block before its text, behind its last
    prompt-cache marker; None where there is no such message, or a marker behind it.

    ``marker``: the one that the provider is to put at the end of the request. It is given to the last block of the
    caller's own in that message, and the block stands behind it.
    """
    messages = list(given)
    at = next((n for n in range(len(messages) - 1, -1, -1) if text(messages[n], "type") in _HUMAN), None)
    if at is None or any(_marked(m) for m in messages[at + 1 :]):
        return None
    content = messages[at].content
    if marker is not None:
        content = _with_marker(content, marker)
        if content is None:
            return None
    if not content or (isinstance(content, str) and not content.strip()):
        return None
    if isinstance(content, str):
        content = f"{block}\n\n{content}"
    else:
        place = _marked_in(content)
        content = [*content[:place], {"type": "text", "text": block}, *content[place:]]
    messages[at] = messages[at].model_copy(update={"content": content})
    return messages


def instruct(model: Any, settings: Mapping[str, Any], block: str) -> dict[str, Any] | None:
    """A copy of a call's settings with the block among its instructions, where the provider keeps the conversation:
    what is said in a message would be said for good. None where it does not."""
    more = get(model, "model_kwargs")
    is_kept = any(get(settings, name) is not None or get(more, name) is not None for name in _KEPT)
    if not is_kept and get(model, "use_previous_response_id") is not True:
        return None
    given = get(settings, "instructions") or get(more, "instructions")
    return {**settings, "instructions": f"{given}\n\n{block}" if given else block}


def _marked(m: Any) -> bool:
    return _marked_in(get(m, "content")) > 0


def _marked_in(content: Any) -> int:
    """How many blocks stand before the last marked one, that included."""
    pieces = content if isinstance(content, (list, tuple)) else ()
    return max((n for n, piece in enumerate(pieces, 1) if _has_marker(piece)), default=0)


def _has_marker(piece: Any) -> bool:
    names = ("cache_control", "cachePoint", "prompt_cache_breakpoint")
    return any(get(piece, name) is not None or get(get(piece, "extras"), name) is not None for name in names)


def _with_marker(content: Any, marker: Any) -> list[Any] | None:
    pieces = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    last = {"type": "text", "text": pieces[-1]} if pieces and isinstance(pieces[-1], str) else (pieces or [None])[-1]
    if not isinstance(last, Mapping) or (text(last, "type") == "text" and not text(last, "text").strip()):
        return None
    return [*pieces[:-1], last if _has_marker(last) else {**last, "cache_control": marker}]


# ---------------------------------------------------------------- replies


def reply(generations: Iterable[Any]) -> Reply:
    """What is said in generations: the alternatives of one answer."""
    given = [(get(g, "message"), get(g, "generation_info") or {}) for g in generations]
    info: dict[str, Any] = {}
    for m, about in given[:1]:
        info = {**about, **(get(m, "response_metadata") or {})}
    usage = [numbers(get(m, "usage_metadata"), *_COUNTS) for m, _ in given]
    return Reply(
        messages=tuple(message(m) for m, _ in given),
        model=text(info, "model_name") or text(info, "model") or None,
        usage=next((counts for counts in usage if counts), {}),
        finish_reason=next((text(info, field) for field in _REASONS if text(info, field)), None),
        response_id=text(info, "id") or None,
    )


_REASONS = ("finish_reason", "stop_reason", "done_reason", "stopReason", "status")


class Builder:
    """Gathers a model's chunks, which LangChain itself can add up."""

    def __init__(self) -> None:
        self._chunks: list[Any] = []
        self.is_over = False
        """There are no more: not every model gives a reason for its end."""

    def feed(self, chunk: Any) -> None:
        self._chunks.append(chunk)

    def reply(self) -> Reply:
        from langchain_core.outputs.chat_generation import merge_chat_generation_chunks

        merged = merge_chat_generation_chunks(list(self._chunks))
        return _ended(reply([merged]) if merged is not None else Reply(), is_over=self.is_over)


class EventBuilder:
    """Gathers the events that some models make of their answer themselves."""

    def __init__(self) -> None:
        from langchain_core.language_models.chat_model_stream import ChatModelStream

        self._stream: Any = ChatModelStream()
        self.is_over = False

    def feed(self, chunk: Any) -> None:
        self._stream.dispatch(chunk)
        self.is_over = get(chunk, "event") == "message-finish"

    def reply(self) -> Reply:
        if self._stream.output_message is None and self._stream.has_events and not self._stream.done:
            self._stream.dispatch({"event": "message-finish"})
        made = self._stream.output_message
        return _ended(reply([{"message": made}]) if made is not None else Reply(), is_over=self.is_over)


def _ended(found: Reply, *, is_over: bool) -> Reply:
    is_complete = found.finish_reason is not None or is_over
    messages = tuple(m for m in found.messages if m.text or m.parts or is_complete)
    return Reply(messages, found.model, found.usage, found.finish_reason, is_complete, found.response_id)
