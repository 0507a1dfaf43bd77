"""The wire format of Bedrock's Converse API: what it refuses, whole answers, streams, errors. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from memori_wrap.testing import bedrock_frames as frames
from memori_wrap.testing.openai_wire import new_id, pieces, tokens, words
from memori_wrap.testing.script import Scripted, ToolCall

MAX_CACHE_POINTS = 4
_MIXING = ("anthropic.", "amazon.nova")
"""Whose models take words beside tool results in one message."""
_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("ValidationException", "The provided request is not valid"),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "Could not resolve the foundation model from the provided model identifier."),
    408: ("ModelTimeoutException", "Model has timed out in processing the request. Try your request again."),
    424: ("ModelErrorException", "The system encountered an unexpected error during processing. Try again."),
    429: ("ThrottlingException", "Too many tokens, please wait before trying again."),
    500: ("InternalServerException", "The system encountered an unexpected error during processing. Try again."),
    503: ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}
_STREAM_ERRORS = (
    "internalServerException",
    "modelStreamErrorException",
    "validationException",
    "throttlingException",
    "modelTimeoutException",
    "serviceUnavailableException",
)
_FINISH = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "content_filtered"}


# ---------------------------------------------------------------- reading


def texts(body: Any) -> list[str]:
    """The texts of a request: those for the system, then one for each message."""
    if not isinstance(body, Mapping):
        return []
    found = [block["text"] for block in body.get("system") or () if "text" in block]
    return found + ["\n".join(_texts(message.get("content") or ())) for message in body.get("messages") or ()]


def _texts(content: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for block in content:
        if "text" in block:
            yield str(block["text"])
        elif "toolResult" in block:
            yield from _texts(block["toolResult"].get("content") or ())
        elif "json" in block:
            yield json.dumps(block["json"])


def objection(body: Any, model: str) -> str | None:
    """Why Bedrock would answer a Converse request with a ``ValidationException``; None where it would not."""
    if not isinstance(body, Mapping):
        return "Malformed input request, please reformat your input and try again."
    messages: Any = body.get("messages")
    if ":prompt/" in model and not messages:
        return None
    if not messages:
        return "1 validation error detected: Value null at 'messages' failed to satisfy constraint: must not be null"
    if messages[0]["role"] != "user":
        return "A conversation must start with a user message."
    asked: Sequence[str] = ()
    for n, message in enumerate(messages):
        if n and message["role"] == messages[n - 1]["role"]:
            found = f'found multiple "{message["role"]}" roles in a row'
            return f'messages: roles must alternate between "user" and "assistant", but {found}'
        if objected := _content_objection(message.get("content") or (), f"messages.{n}.content", asked, model):
            return objected
        asked = [b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b]
    return _whole_objection(body)


def _content_objection(content: Sequence[Mapping[str, Any]], at: str, asked: Sequence[str], model: str) -> str | None:
    if not content:
        return f"The content field in the Message object at {at.removesuffix('.content')} is empty."
    for n, block in enumerate(content):
        if "text" in block and not block["text"].strip():
            return f"The text field in the ContentBlock object at {at}.{n} is blank."
    answered = [b["toolResult"]["toolUseId"] for b in content if "toolResult" in b]
    if set(answered) - set(asked) or len(answered) > len(asked):
        return f"The number of toolResult blocks at {at} exceeds the number of toolUse blocks of previous turn."
    if set(asked) - set(answered):
        found = f"{', '.join(asked)}, but found: {', '.join(answered)}"
        return f"Expected toolResult blocks at {at} for the following Ids: {found}"
    kinds = [next(iter(block)) for block in content if "cachePoint" not in block]
    if "toolResult" in kinds and set(kinds) != {"toolResult"}:
        if not any(name in model for name in _MIXING):
            return "Conversation blocks and tool result blocks cannot be provided in the same turn."
        if kinds.index("toolResult") or "toolResult" in kinds[len(answered) :]:
            return f"{at}: `toolResult` blocks must come before all other blocks."
    if "document" in kinds and "text" not in kinds:
        return f"A text block is required beside the documents at {at}."
    return None


def _whole_objection(body: Mapping[str, Any]) -> str | None:
    content = [block for message in body["messages"] for block in message["content"]]
    if any("toolUse" in block or "toolResult" in block for block in content) and not body.get("toolConfig"):
        return "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    marked = [*content, *(body.get("system") or ()), *((body.get("toolConfig") or {}).get("tools") or ())]
    found = sum("cachePoint" in block for block in marked)
    if found > MAX_CACHE_POINTS:
        return f"A maximum of {MAX_CACHE_POINTS} blocks with cache_control may be provided. Found {found}."
    return None


# ---------------------------------------------------------------- errors


def error_of(status: int, message: str | None = None, code: str | None = None) -> tuple[str, dict[str, Any]]:
    """The type of an error, which stands in a header, and its body."""
    kind, usual = _ERRORS.get(status, ("UnknownOperationException", "The request cannot be processed."))
    return code or kind, {"message": message or usual}


def error_frame(script: Scripted) -> bytes:
    """The frame with which a stream ends that cannot go on."""
    message = script.message or "The model stream could not be processed."
    code = script.code or "modelStreamErrorException"
    if code not in _STREAM_ERRORS:
        return frames.error(code, message)
    details = {"originalStatusCode": 500, "originalMessage": message} if code == "modelStreamErrorException" else {}
    return frames.exception(code, {"message": message, **details})


# ---------------------------------------------------------------- answers


def finish(script: Scripted) -> str:
    """The stop reason, in Bedrock's words; those that are Bedrock's already are kept."""
    if script.refusal and script.finish_reason is None:
        return "guardrail_intervened"
    return _FINISH.get(script.finish, script.finish)


def _usage(body: Any, script: Scripted) -> dict[str, int]:
    asked = tokens(*texts(body))
    said = tokens(script.text, script.refusal, script.reasoning, *(call.json for call in script.tool_calls))
    return {
        "inputTokens": asked,
        "outputTokens": said,
        "totalTokens": asked + said,
        "cacheReadInputTokens": 0,
        "cacheWriteInputTokens": 0,
    }


def _tool_use(call: ToolCall) -> dict[str, Any]:
    return {"toolUseId": call.id or new_id("tooluse_", 22), "name": call.name}


def arguments(call: ToolCall) -> Any:
    """A tool call's arguments as an object."""
    try:
        return json.loads(call.json)
    except ValueError:
        return {}


def content(script: Scripted) -> list[dict[str, Any]]:
    """The blocks of a message."""
    blocks: list[dict[str, Any]] = []
    if script.reasoning:
        thought = {"text": script.reasoning, "signature": "c2lnbmVk"}
        blocks.append({"reasoningContent": {"reasoningText": thought}})
    if said := script.refusal or script.text:
        blocks.append({"text": said})
    blocks += [{"toolUse": {**_tool_use(call), "input": arguments(call)}} for call in script.tool_calls]
    return blocks


def whole(body: Any, script: Scripted) -> dict[str, Any]:
    """A whole answer."""
    return {
        "output": {"message": {"role": "assistant", "content": content(script)}},
        "stopReason": finish(script),
        "usage": _usage(body, script),
        "metrics": {"latencyMs": 7},
    }


def events(body: Any, script: Scripted) -> list[tuple[str, dict[str, Any]]]:
    """The same as the events of a stream: (type, payload)."""
    found: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": "assistant"})]
    for n, (start, deltas) in enumerate(_blocks(script)):
        if start is not None:
            found.append(("contentBlockStart", {"start": start, "contentBlockIndex": n}))
        found += [("contentBlockDelta", {"delta": delta, "contentBlockIndex": n}) for delta in deltas]
        found.append(("contentBlockStop", {"contentBlockIndex": n}))
    found.append(("messageStop", {"stopReason": finish(script)}))
    found.append(("metadata", {"usage": _usage(body, script), "metrics": {"latencyMs": 7}}))
    return found


def _blocks(script: Scripted) -> Iterator[tuple[dict[str, Any] | None, list[dict[str, Any]]]]:
    if script.reasoning:
        thoughts = [{"reasoningContent": {"text": text}} for text in words(script.reasoning)]
        yield None, [*thoughts, {"reasoningContent": {"signature": "c2lnbmVk"}}]
    if said := script.refusal or script.text:
        yield None, [{"text": text} for text in words(said)]
    for call in script.tool_calls:
        yield {"toolUse": _tool_use(call)}, [{"toolUse": {"input": text}} for text in pieces(call.json)]
