"""The bodies of Bedrock's InvokeModel: each vendor has a format of its own. Pure functions.

``vendor_of`` tells whose a request is; a ``Vendor`` reads it and makes whole answers and the parts of a stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from memori_wrap.testing import bedrock_wire as converse
from memori_wrap.testing import openai_wire as chat
from memori_wrap.testing.openai_wire import new_id, pieces, tokens, words
from memori_wrap.testing.script import Scripted

Body = Mapping[str, Any]
_MALFORMED = "Malformed input request: #: {}, please reformat your input and try again."


@dataclass(frozen=True)
class Vendor:
    """One format. ``parts`` are the JSON objects of a stream's chunks."""

    texts: Callable[[Body], list[str]]
    objection: Callable[[Body], str | None]
    whole: Callable[[Body, Scripted], dict[str, Any]]
    parts: Callable[[Body, Scripted], Iterator[dict[str, Any]]]


def vendor_of(model: str, body: Any) -> Vendor | None:
    """The format of a request; None where no model of this server takes it."""
    if not isinstance(body, Mapping):
        return None
    names = [vendor or amazon for vendor, amazon in _NAMES.findall(model)]
    if not names:
        return _ANTHROPIC if "anthropic_version" in body else None  # the profile of an application does not tell
    if names[-1] in _PROMPTED and "prompt" in body:
        return _PROMPTED[names[-1]]
    return _VENDORS.get(names[-1])


def _said(script: Scripted) -> str:
    return script.refusal or script.text or ""


def _counts(texts: list[str], script: Scripted) -> tuple[int, int]:
    return tokens(*texts), tokens(script.text, script.refusal, script.reasoning, *(c.json for c in script.tool_calls))


# ---------------------------------------------------------------- Anthropic

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def _anthropic_texts(body: Body) -> list[str]:
    system = body.get("system")
    found = [chat.content_text(system)] if system else []
    return found + [chat.content_text(m.get("content")) for m in body.get("messages") or ()]


def _anthropic_objection(body: Body) -> str | None:
    for field in ("anthropic_version", "max_tokens", "messages"):
        if not body.get(field):
            return _MALFORMED.format(f"required key [{field}] not found")
    if "model" in body or "stream" in body:
        return _MALFORMED.format("extraneous key [model] is not permitted")
    asked: set[str] = set()
    marked = 0
    for n, message in enumerate(body["messages"]):
        if message["role"] not in ("user", "assistant"):
            return f'messages: Unexpected role "{message["role"]}".'
        blocks = message["content"] if isinstance(message["content"], list) else []
        answered = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
        if set(answered) != asked or [b["type"] for b in blocks[: len(answered)]] != ["tool_result"] * len(answered):
            return f"messages.{n}: `tool_use` ids were found without `tool_result` blocks immediately after"
        if any(b["type"] == "text" and not b["text"] for b in blocks):
            return "messages: text content blocks must be non-empty"
        marked += sum("cache_control" in b for b in blocks)
        asked = {b["id"] for b in blocks if b["type"] == "tool_use"}
    return "A maximum of 4 blocks with cache_control may be provided." if marked > 4 else None


def _anthropic_blocks(script: Scripted) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if script.reasoning:
        found.append({"type": "thinking", "thinking": script.reasoning, "signature": "c2lnbmVk"})
    if _said(script):
        found.append({"type": "text", "text": _said(script)})
    for call in script.tool_calls:
        found.append(
            {"type": "tool_use", "id": call.id or new_id("toolu_bdrk_"), "name": call.name, "input": call.json}
        )
    return found


def _anthropic_message(body: Body, script: Scripted) -> dict[str, Any]:
    asked, said = _counts(_anthropic_texts(body), script)
    reason = _REASONS.get(script.finish, script.finish)
    return {
        "id": new_id("msg_bdrk_"),
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": _anthropic_blocks(script),
        "stop_reason": "refusal" if script.refusal else reason,
        "stop_sequence": None,
        "usage": {"input_tokens": asked, "output_tokens": said},
    }


def _anthropic_whole(body: Body, script: Scripted) -> dict[str, Any]:
    message = _anthropic_message(body, script)
    for block in message["content"]:
        if block["type"] == "tool_use":
            block["input"] = json.loads(block["input"])
    return message


def _anthropic_parts(body: Body, script: Scripted) -> Iterator[dict[str, Any]]:
    message = _anthropic_message(body, script)
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    used = message["usage"]
    empty = {**message, "content": [], "stop_reason": None, "usage": {**used, "output_tokens": 1}}
    yield {"type": "message_start", "message": empty}
    for n, block in enumerate(message["content"]):
        start, deltas = _anthropic_deltas(block)
        yield {"type": "content_block_start", "index": n, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": n, "delta": delta}
        yield {"type": "content_block_stop", "index": n}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": used["output_tokens"]}}
    yield {"type": "message_stop"}


def _anthropic_deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if block["type"] == "text":
        return {"type": "text", "text": ""}, [{"type": "text_delta", "text": t} for t in words(block["text"])]
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": t} for t in words(block["thinking"])]
        start = {"type": "thinking", "thinking": "", "signature": ""}
        return start, [*deltas, {"type": "signature_delta", "signature": block["signature"]}]
    deltas = [{"type": "input_json_delta", "partial_json": t} for t in pieces(block["input"])]
    return {**block, "input": {}}, deltas


# ---------------------------------------------------------------- Amazon


def _nova_parts(body: Body, script: Scripted) -> Iterator[dict[str, Any]]:
    return ({kind: payload} for kind, payload in converse.events(body, script))


def _titan_parts(body: Body, script: Scripted) -> Iterator[dict[str, Any]]:
    asked, said = _counts([body["inputText"]], script)
    pieces_ = words(_said(script))
    for n, text in enumerate(pieces_):
        is_last = n == len(pieces_) - 1
        yield {
            "outputText": text,
            "index": 0,
            "totalOutputTextTokenCount": said if is_last else None,
            "completionReason": _titan_reason(script) if is_last else None,
            "inputTextTokenCount": asked if not n else None,
        }


def _titan_reason(script: Scripted) -> str:
    return {"stop": "FINISH", "length": "LENGTH", "content_filter": "CONTENT_FILTERED"}.get(script.finish, "FINISH")


def _titan_whole(body: Body, script: Scripted) -> dict[str, Any]:
    asked, said = _counts([body["inputText"]], script)
    result = {"tokenCount": said, "outputText": _said(script), "completionReason": _titan_reason(script)}
    return {"inputTextTokenCount": asked, "results": [result]}


# ---------------------------------------------------------------- prompts


def _llama(text: str, reason: str | None, asked: int | None, said: int) -> dict[str, Any]:
    counts = {"prompt_token_count": asked, "generation_token_count": said}
    return {"generation": text, **counts, "stop_reason": reason}


def _mistral(text: str, reason: str | None, *_: int | None) -> dict[str, Any]:
    return {"outputs": [{"text": text, "stop_reason": reason}]}


def _deepseek(text: str, reason: str | None, *_: int | None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, "stop_reason": reason}]}


def _prompted(one: Callable[[str, str | None, int | None, int], dict[str, Any]]) -> Vendor:
    """A format that goes on from a prompt; ``one`` makes an answer, or a part of it."""

    def whole(body: Body, script: Scripted) -> dict[str, Any]:
        return one(_said(script), script.finish, *_counts([body["prompt"]], script))

    def parts(body: Body, script: Scripted) -> Iterator[dict[str, Any]]:
        asked, said = _counts([body["prompt"]], script)
        for n, text in enumerate(words(_said(script))):
            yield one(text, None, None if n else asked, n + 1)
        yield one("", script.finish, None, said)

    return Vendor(lambda body: [body["prompt"]], lambda body: _missing(body, "prompt"), whole, parts)


def _missing(body: Body, field: str) -> str | None:
    if isinstance(body.get(field), str):
        return None
    return _MALFORMED.format(f"required key [{field}] not found")


# ---------------------------------------------------------------- Cohere


def _cohere_whole(body: Body, script: Scripted) -> dict[str, Any]:
    calls = [{"name": c.name, "parameters": converse.arguments(c)} for c in script.tool_calls]
    history = [*(body.get("chat_history") or ()), {"role": "USER", "message": body["message"]}]
    found = {
        "response_id": new_id("", 32),
        "generation_id": new_id("", 32),
        "text": _said(script),
        "finish_reason": {"length": "MAX_TOKENS"}.get(script.finish, "COMPLETE"),
        "chat_history": [*history, {"role": "CHATBOT", "message": _said(script)}],
    }
    return {**found, "tool_calls": calls} if calls else found


def _cohere_parts(body: Body, script: Scripted) -> Iterator[dict[str, Any]]:
    for text in words(_said(script)):
        yield {"is_finished": False, "event_type": "text-generation", "text": text}
    response = _cohere_whole(body, script)
    if calls := response.get("tool_calls"):
        yield {"is_finished": False, "event_type": "tool-calls-generation", "tool_calls": calls}
    end = {"is_finished": True, "event_type": "stream-end", "finish_reason": response["finish_reason"]}
    yield {**end, "response": response}


def _cohere_texts(body: Body) -> list[str]:
    found = [str(turn["message"]) for turn in body.get("chat_history") or ()]
    return [*([body["preamble"]] if body.get("preamble") else []), *found, str(body.get("message"))]


# ---------------------------------------------------------------- chat format


def _chat_body(body: Body) -> dict[str, Any]:
    return {**body, "model": body.get("model") or "fake"}


def _chat_objection(body: Body) -> str | None:
    objected = chat.objection(_chat_body(body))
    return objected[0] if objected else None


def _chat_parts(body: Body, script: Scripted) -> Iterator[dict[str, Any]]:
    for event in chat.chat_events(_chat_body(body), script)[:-1]:
        yield json.loads(event.removeprefix(b"data: "))


def _mistral_chat(body: Body, script: Scripted) -> dict[str, Any]:
    (choice,) = chat.chat(_chat_body(body), script)["choices"]
    return {"choices": [{"index": 0, "message": choice["message"], "stop_reason": choice["finish_reason"]}]}


def _mistral_chat_parts(body: Body, script: Scripted) -> Iterator[dict[str, Any]]:
    for part in _chat_parts(body, script):
        for choice in part["choices"]:
            message = {k: v for k, v in choice["delta"].items() if k != "refusal"}
            yield {"choices": [{"index": 0, "message": message, "stop_reason": choice["finish_reason"]}]}


# ---------------------------------------------------------------- who has which

_ANTHROPIC = Vendor(_anthropic_texts, _anthropic_objection, _anthropic_whole, _anthropic_parts)
_CHAT = Vendor(chat.texts, _chat_objection, lambda body, script: chat.chat(_chat_body(body), script), _chat_parts)
_VENDORS = {
    "anthropic": _ANTHROPIC,
    "nova": Vendor(converse.texts, lambda body: converse.objection(body, "amazon.nova"), converse.whole, _nova_parts),
    "titan-text": Vendor(
        lambda body: [body["inputText"]], lambda body: _missing(body, "inputText"), _titan_whole, _titan_parts
    ),
    "meta": _prompted(_llama),
    "mistral": Vendor(chat.texts, _chat_objection, _mistral_chat, _mistral_chat_parts),
    "cohere": Vendor(_cohere_texts, lambda body: _missing(body, "message"), _cohere_whole, _cohere_parts),
    **dict.fromkeys(("ai21", "deepseek", "openai", "qwen", "moonshot", "minimax", "zai", "nvidia", "google"), _CHAT),
}
_PROMPTED = {"mistral": _prompted(_mistral), "deepseek": _prompted(_deepseek)}
_NAMES = re.compile(
    r"(?:^|[./:])(anthropic|ai21|cohere|deepseek|google|meta|minimax|mistral|moonshot|nvidia|openai|qwen|zai)\."
    r"|(?:^|[./:])amazon\.(nova|titan-text)"
)
