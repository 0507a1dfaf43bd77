"""OpenAI's Responses wire format: the response object and the sequence of events that streams it. Pure functions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from memori_wrap.testing.openai_wire import SERVER_ERROR, encode, error_body, new_id, pieces, texts, tokens, words
from memori_wrap.testing.script import Scripted

Item = dict[str, Any]
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_FAILED = "failed"


def objection(body: Any) -> tuple[str, str | None, str | None] | None:
    """Why OpenAI would answer with status 400: (message, param, code); None where it would not."""
    if not isinstance(body, Mapping):
        return "We could not parse the JSON body of your request.", None, None
    if not isinstance(body.get("model"), str) and not body.get("prompt"):
        return "Missing required parameter: 'model'.", "model", "missing_required_parameter"
    if not any(body.get(name) for name in ("input", "previous_response_id", "conversation", "prompt")):
        text = "One of 'input' or 'previous_response_id' or 'prompt' or 'conversation_id' must be provided."
        return text, "input", "missing_required_parameter"
    if body.get("previous_response_id") and body.get("conversation"):
        text = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'."
        return text, None, "mutually_exclusive_parameters"
    return None


def input_items(body: Mapping[str, Any]) -> list[Item]:
    """The input of a request as the items that OpenAI keeps of it. Instructions are not among them."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return [dict(item) for item in given or ()]


def conversation_id(body: Mapping[str, Any]) -> str | None:
    """The id of the conversation that a request names, plainly or as an object."""
    named = body.get("conversation")
    return named.get("id") if isinstance(named, Mapping) else named


def output_items(script: Scripted) -> list[Item]:
    """Reasoning, the message, function calls: in the order in which OpenAI sends them."""
    items: list[Item] = []
    if script.reasoning:
        summary = [{"type": "summary_text", "text": script.reasoning}]
        items.append({"id": new_id("rs_", 50), "type": "reasoning", "summary": summary})
    if script.text is not None or script.refusal:
        items.append(_message(script))
    items += [
        {
            "id": new_id("fc_", 50),
            "type": "function_call",
            "status": "completed",
            "arguments": call.json,
            "call_id": call.id or new_id("call_"),
            "name": call.name,
        }
        for call in script.tool_calls
    ]
    return items


def _message(script: Scripted) -> Item:
    content: list[Item] = []
    if script.text is not None:
        content.append({"type": "output_text", "annotations": [], "logprobs": [], "text": script.text})
    if script.refusal:
        content.append({"type": "refusal", "refusal": script.refusal})
    status = "incomplete" if script.finish_reason in (*_INCOMPLETE, _FAILED) else "completed"
    return {"id": new_id("msg_", 50), "type": "message", "status": status, "content": content, "role": "assistant"}


def _usage(body: Mapping[str, Any], script: Scripted, inherited: Sequence[Item]) -> dict[str, Any]:
    asked = tokens(*texts(body), *texts({"input": inherited}))
    thought = tokens(script.reasoning)
    said = tokens(script.text, script.refusal, *(call.json for call in script.tool_calls)) + thought
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": asked + said,
    }


def response(body: Mapping[str, Any], script: Scripted, inherited: Sequence[Item] = ()) -> dict[str, Any]:
    """A finished response. ``inherited``: the items of the conversation that it continues."""
    reason = _INCOMPLETE.get(script.finish_reason or "")
    conversation = conversation_id(body)
    failed = script.finish_reason == _FAILED
    status = _FAILED if failed else "incomplete" if reason else "completed"
    error = {"code": script.code or "server_error", "message": script.message or SERVER_ERROR}
    now = int(time.time())
    return {
        "id": new_id("resp_", 50),
        "object": "response",
        "created_at": now,
        "status": status,
        "background": False,
        "completed_at": now if status == "completed" else None,
        "conversation": {"id": conversation} if conversation else None,
        "error": error if failed else None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": body.get("model") or "gpt-fake",
        "output": output_items(script),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None, **(body.get("reasoning") or {})},
        "safety_identifier": None,
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_logprobs": 0,
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "usage": _usage(body, script, inherited),
        "user": None,
        "metadata": body.get("metadata") or {},
    }


# ---------------------------------------------------------------- the stream


def events(whole: Mapping[str, Any]) -> list[bytes]:
    """The events that build up a finished response, in OpenAI's order and with its sequence numbers."""
    started = {**whole, "status": "in_progress", "completed_at": None, "output": [], "usage": None}
    started |= {"error": None, "incomplete_details": None}
    made: list[Item] = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
    ]
    for index, item in enumerate(whole["output"]):
        made += _item_events(index, item)
    made.append({"type": f"response.{whole['status']}", "response": whole})
    return [_event({**event, "sequence_number": i}) for i, event in enumerate(made)]


def error_event(script: Scripted, sequence: int) -> bytes:
    """The event with which a Responses stream reports that it cannot go on."""
    return _event({"type": "error", **error_body(500, script.message, script.code), "sequence_number": sequence})


def _event(event: Mapping[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), encode(event))


def _item_events(index: int, item: Item) -> list[Item]:
    begun = {**item, **({"status": "in_progress"} if "status" in item else {})}
    inner: list[Item] = []
    if item["type"] == "message":
        begun["content"] = []
        for i, part in enumerate(item["content"]):
            inner += _part_events(part, {"item_id": item["id"], "output_index": index, "content_index": i})
    elif item["type"] == "reasoning":
        begun["summary"] = []
        for i, part in enumerate(item["summary"]):
            inner += _summary_events(part, {"item_id": item["id"], "output_index": index, "summary_index": i})
    else:
        begun["arguments"] = ""
        inner = _argument_events(item, {"item_id": item["id"], "output_index": index})
    return [
        {"type": "response.output_item.added", "output_index": index, "item": begun},
        *inner,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def _part_events(part: Item, where: Item) -> list[Item]:
    if part["type"] == "refusal":
        name, field, extra = "response.refusal", "refusal", Item()
    else:
        name, field, extra = "response.output_text", "text", Item(logprobs=[])
    return [
        {"type": "response.content_part.added", **where, "part": {**part, field: ""}},
        *({"type": f"{name}.delta", **where, "delta": piece, **extra} for piece in words(part[field])),
        {"type": f"{name}.done", **where, field: part[field], **extra},
        {"type": "response.content_part.done", **where, "part": part},
    ]


def _summary_events(part: Item, where: Item) -> list[Item]:
    name = "response.reasoning_summary_text"
    return [
        {"type": "response.reasoning_summary_part.added", **where, "part": {**part, "text": ""}},
        *({"type": f"{name}.delta", **where, "delta": piece} for piece in words(part["text"])),
        {"type": f"{name}.done", **where, "text": part["text"]},
        {"type": "response.reasoning_summary_part.done", **where, "part": part},
    ]


def _argument_events(item: Item, where: Item) -> list[Item]:
    name = "response.function_call_arguments"
    return [
        *({"type": f"{name}.delta", **where, "delta": piece} for piece in pieces(item["arguments"])),
        {"type": f"{name}.done", **where, "name": item["name"], "arguments": item["arguments"]},
    ]
