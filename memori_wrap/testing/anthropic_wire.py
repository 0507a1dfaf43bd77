"""Anthropic's wire format: messages, their events, errors, and the lists around them. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memori_wrap.testing.anthropic_rules import Block, blocks, signature
from memori_wrap.testing.openai_wire import encode, new_id, pieces, tokens, words
from memori_wrap.testing.script import Scripted

_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("invalid_request_error", "Invalid request."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your rate limit."),
    504: ("timeout_error", "Request timed out."),
    529: ("overloaded_error", "Overloaded"),
}
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
"""The words of the chat format, which scripts use, in Anthropic's."""


@dataclass(frozen=True, slots=True)
class Content(Scripted):
    """An answer of these very blocks: server tools, citations, redacted thoughts."""

    content: Sequence[Block] = ()

    @property
    def is_silent(self) -> bool:
        """Never: the blocks are what it says."""
        return not self.content


def texts(body: Any) -> list[str]:
    """The texts of a request, one per message; ``system`` comes first."""
    if not isinstance(body, Mapping):
        return []
    found = [_text(body["system"])] if body.get("system") else []
    return found + [_text(message.get("content")) for message in body.get("messages") or ()]


def _text(content: Any) -> str:
    found = (b.get("text") or (_text(b["content"]) if b.get("content") else "") for b in blocks(content))
    return "\n".join(text for text in found if isinstance(text, str) and text)


# ---------------------------------------------------------------- errors


def error_body(
    status: int, message: str | None = None, code: str | None = None, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The body of an error answer; what is not given is as Anthropic words it for that status."""
    kind, usual = _ERRORS.get(status, ("api_error", "Internal server error"))
    error = {"type": code or kind, "message": message or usual} | ({"details": details} if details else {})
    return {"type": "error", "error": error, "request_id": new_id("req_")}


def event(data: Mapping[str, Any]) -> bytes:
    """One event of a stream."""
    return b"event: " + str(data["type"]).encode() + b"\ndata: " + encode(data) + b"\n\n"


def error_event(script: Scripted) -> dict[str, Any]:
    """The event with which a stream reports that it cannot go on."""
    error = {"type": script.code or "overloaded_error", "message": script.message or "Overloaded"}
    return {"type": "error", "error": error}


# ---------------------------------------------------------------- messages


def stop_reason(script: Scripted) -> str:
    """Why the model stopped."""
    if script.refusal is not None:
        return "refusal"
    return _REASONS.get(script.finish, script.finish)


def content(script: Scripted) -> list[Block]:
    """The blocks of an answer."""
    if isinstance(script, Content):
        return list(script.content)
    made: list[Block] = []
    if script.reasoning:
        proof = signature(script.reasoning)
        made.append({"type": "thinking", "thinking": script.reasoning, "signature": proof})
    if script.text is not None:
        made.append({"type": "text", "text": script.text, "citations": None})
    for call in script.tool_calls:
        given = json.loads(call.json)
        made.append({"type": "tool_use", "id": call.id or new_id("toolu_"), "name": call.name, "input": given})
    return made


def message(body: Mapping[str, Any], script: Scripted) -> dict[str, Any]:
    """A whole answer."""
    made = content(script)
    details = {"type": "refusal", "category": None, "explanation": script.refusal}
    return {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": made,
        "stop_reason": stop_reason(script),
        "stop_sequence": None,
        "stop_details": details if script.refusal is not None else None,
        "usage": {**_asked(body), "output_tokens": tokens(*(json.dumps(block) for block in made))},
    }


def _asked(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "input_tokens": tokens(*texts(body)),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "service_tier": "standard",
    }


def events(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same answer in the events of a stream."""
    end = {name: whole[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    begun = {**whole, "content": [], **dict.fromkeys(end), "usage": {**whole["usage"], "output_tokens": 1}}
    made: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    for at, block in enumerate(whole["content"]):
        start, deltas = _split(block)
        made.append({"type": "content_block_start", "index": at, "content_block": start})
        if not at:
            made.append({"type": "ping"})
        made += [{"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas]
        made.append({"type": "content_block_stop", "index": at})
    counts = {"output_tokens": whole["usage"]["output_tokens"]}
    return [*made, {"type": "message_delta", "delta": end, "usage": counts}, {"type": "message_stop"}]


def _split(block: Block) -> tuple[Block, Iterator[Block]]:
    """A block as it begins, and what is then added to it."""
    kind = block["type"]
    if kind == "text":
        return {**block, "text": "", "citations": None}, _text_deltas(block)
    if kind == "thinking":
        return {**block, "thinking": "", "signature": ""}, _thought_deltas(block)
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        parts = pieces(json.dumps(block["input"]))
        return {**block, "input": {}}, ({"type": "input_json_delta", "partial_json": part} for part in ["", *parts])
    return block, iter(())


def _text_deltas(block: Block) -> Iterator[Block]:
    for word in words(block["text"]):
        yield {"type": "text_delta", "text": word}
    for citation in block.get("citations") or ():
        yield {"type": "citations_delta", "citation": citation}


def _thought_deltas(block: Block) -> Iterator[Block]:
    for word in words(block["thinking"]):
        yield {"type": "thinking_delta", "thinking": word}
    yield {"type": "signature_delta", "signature": block["signature"]}


# ---------------------------------------------------------------- other calls


def model(name: str) -> dict[str, Any]:
    """One entry of the list of models."""
    return {"type": "model", "id": name, "display_name": name.title(), "created_at": "2026-01-01T00:00:00Z"}


def page(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A list of which this is all."""
    ids = [entry["id"] for entry in entries]
    first, last = (ids[0], ids[-1]) if ids else (None, None)
    return {"data": list(entries), "has_more": False, "first_id": first, "last_id": last}


def batch(requests: Sequence[Any]) -> dict[str, Any]:
    """A batch that has just begun."""
    counts = {"processing": len(requests), "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    return {
        "id": new_id("msgbatch_"),
        "type": "message_batch",
        "processing_status": "in_progress",
        "request_counts": counts,
        "created_at": "2026-01-01T00:00:00Z",
        "expires_at": "2026-01-02T00:00:00Z",
        "ended_at": None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": None,
    }


FILE: Mapping[str, Any] = {
    "id": "file_1",
    "type": "file",
    "filename": "notes.txt",
    "mime_type": "text/plain",
    "size_bytes": 7,
    "created_at": "2026-01-01T00:00:00Z",
    "downloadable": False,
}
"""The one file that there is."""
