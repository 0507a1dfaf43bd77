"""The wire format of Gemini's ``generateContent`` and what stands beside it. Pure functions."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from typing import Any

from memori_wrap.testing.openai_wire import encode, new_id, tokens, words
from memori_wrap.testing.script import Scripted, ToolCall

SIGNATURE = base64.b64encode(b"what the model thought").decode()
"""The signature of a thought, which a request that repeats the tool call has to carry."""

_FINISH = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."),
    500: ("INTERNAL", "An internal error has occurred. Please retry or report."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
}
_REQUEST = frozenset(
    [
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "safetySettings",
        "generationConfig",
        "cachedContent",
        "labels",
        "modelArmorConfig",
        "serviceTier",
        "store",
        "continuationToken",
        "model",
    ]
)
_DATA = frozenset(
    [
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    ]
)
_PART = _DATA | frozenset(["thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"])
_ROLES = ("user", "model", "function")


def error_body(status: int, message: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The body of an error answer, and an error in a stream; ``code`` is Google's word for it."""
    usual_code, usual = _ERRORS.get(status, ("UNKNOWN", "Unknown error."))
    return {"error": {"code": status, "message": message or usual, "status": code or usual_code}}


def events(chunks: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """Chunks as a stream sends them."""
    return [b"data: " + encode(chunk) + b"\r\n\r\n" for chunk in chunks]


# ---------------------------------------------------------------- reading


def _parts(content: Any) -> list[Any]:
    parts = content.get("parts") if isinstance(content, Mapping) else None
    return parts if isinstance(parts, list) else []


def _text(content: Any) -> str:
    found = [part.get("text") for part in _parts(content) if isinstance(part, Mapping)]
    return "\n".join(text for text in found if isinstance(text, str))


def texts(body: Any) -> list[str]:
    """The texts of a request, one per content, the system instruction first."""
    if not isinstance(body, Mapping):
        return []
    system = [_text(body["systemInstruction"])] if body.get("systemInstruction") else []
    return [*system, *(_text(content) for content in body.get("contents") or ())]


def objection(body: Any) -> str | None:
    """Why Gemini would answer a request with status 400; None where it would not."""
    if not isinstance(body, Mapping):
        return "Invalid JSON payload received. Unexpected end of string."
    if unknown := next((name for name in body if name not in _REQUEST), None):
        return f'Invalid JSON payload received. Unknown name "{unknown}": Cannot find field.'
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        return "* GenerateContentRequest.contents: contents is not specified\n"
    if body.get("cachedContent") and any(body.get(f) for f in ("systemInstruction", "tools", "toolConfig")):
        return (
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
            "tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request."
        )
    return next((found for i, c in enumerate(contents) if (found := _bad_content(i, c))), None) or _bad_turns(contents)


def _bad_content(at: int, content: Any) -> str | None:
    if not isinstance(content, Mapping) or content.get("role", "user") not in _ROLES:
        return "Please use a valid role: user, model."
    if not _parts(content):
        return f"* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty.\n"
    for n, part in enumerate(_parts(content)):
        place = f"contents[{at}].parts[{n}]"
        if unknown := next((name for name in part if name not in _PART), None):
            return f"Invalid JSON payload received. Unknown name \"{unknown}\" at '{place}': Cannot find field."
        if sum(name in _DATA for name in part) != 1:
            return (
                f"* GenerateContentRequest.{place}.data: required oneof field 'data' must have one initialized field\n"
            )
    return None


def _bad_turns(contents: Sequence[Any]) -> str | None:
    """Calls and results come in turns of as many parts, with nothing between them."""
    calls = 0
    for is_model, turn in groupby(contents, lambda content: content.get("role") == "model"):
        parts = [part for content in turn for part in content["parts"]]
        if is_model:
            calls = sum("functionCall" in part for part in parts)
            continue
        results = sum("functionResponse" in part for part in parts)
        if bool(results) != bool(calls):
            return "Please ensure that function response turn comes immediately after a function call turn."
        if results != calls:
            return _UNEQUAL
        calls = 0
    return None


_UNEQUAL = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the "
    "function call turn."
)


def unsigned(body: Mapping[str, Any], signed: Iterable[str]) -> str | None:
    """The objection to a request that repeats a call without the signature that came with it."""
    for content in body["contents"]:
        for part in _parts(content):
            call = part.get("functionCall")
            if call and call.get("id") in set(signed) and "thoughtSignature" not in part:
                return f"Function call `{call['name']}` is missing a thought_signature in functionCall parts."
    return None


# ---------------------------------------------------------------- answers


def finish_of(script: Scripted) -> str:
    """Why it ended, in Gemini's words."""
    return _FINISH.get(script.finish, script.finish)


def said_parts(script: Scripted) -> list[dict[str, Any]]:
    """All that the model says, whole."""
    parts: list[dict[str, Any]] = []
    if script.reasoning:
        parts.append({"text": script.reasoning, "thought": True})
    if script.text:
        parts.append({"text": script.text})
    return parts + [_call(call, n, script) for n, call in enumerate(script.tool_calls)]


def _call(call: ToolCall, at: int, script: Scripted) -> dict[str, Any]:
    try:
        arguments = json.loads(call.json)
    except ValueError:
        arguments = {}
    part = {"functionCall": {"id": call.id or new_id("", 8), "name": call.name, "args": arguments}}
    return {**part, "thoughtSignature": SIGNATURE} if script.reasoning and not at else part


def _usage(body: Mapping[str, Any], choices: Sequence[Scripted]) -> dict[str, Any]:
    asked = tokens(*texts(body)) + len(body["contents"])
    said = sum(tokens(c.text, *(call.json for call in c.tool_calls)) for c in choices)
    thought = sum(tokens(c.reasoning) for c in choices)
    counts: dict[str, Any] = {"promptTokenCount": asked}
    if said:
        counts["candidatesTokenCount"] = said
    counts["totalTokenCount"] = asked + said + thought
    counts["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": asked}]
    return {**counts, "thoughtsTokenCount": thought} if thought else counts


def _envelope(body: Mapping[str, Any], model: str, choices: Sequence[Scripted]) -> dict[str, Any]:
    return {"usageMetadata": _usage(body, choices), "modelVersion": model, "responseId": new_id("", 22)}


def _blocked(script: Scripted) -> dict[str, Any]:
    reason = {"blockReason": script.code or "PROHIBITED_CONTENT"}
    return {"promptFeedback": {**reason, "blockReasonMessage": script.refusal} if script.refusal else reason}


def choices_of(body: Mapping[str, Any], script: Scripted) -> list[Scripted]:
    """The candidates, as many as the request asks for."""
    return script.alternatives((body.get("generationConfig") or {}).get("candidateCount") or 1)


def _candidate(index: int, script: Scripted, parts: list[dict[str, Any]], *, is_last: bool = True) -> dict[str, Any]:
    made: dict[str, Any] = {"content": {"parts": parts, "role": "model"}} if parts else {"content": {"role": "model"}}
    if is_last:
        made["finishReason"] = finish_of(script)
        if script.message:
            made["finishMessage"] = script.message
        if made["finishReason"] == "CONTINUATION":
            made["continuationToken"] = base64.b64encode(f"after {script.text}".encode()).decode()
    return {**made, "index": index}


def answer(body: Mapping[str, Any], model: str, script: Scripted) -> dict[str, Any]:
    """A whole answer."""
    choices = choices_of(body, script)
    if script.refusal is not None:
        return {**_blocked(script), **_envelope(body, model, [])}
    found = [_candidate(i, choice, said_parts(choice)) for i, choice in enumerate(choices)]
    return {"candidates": found, **_envelope(body, model, choices)}


def chunks(body: Mapping[str, Any], model: str, script: Scripted) -> list[dict[str, Any]]:
    """The same in pieces; the last one of each candidate says why it ended. Calls come whole."""
    choices = choices_of(body, script)
    shared = _envelope(body, model, choices)
    if script.refusal is not None:
        return [{**_blocked(script), **_envelope(body, model, [])}]
    rows = zip_longest(*(list(_pieces(i, choice)) for i, choice in enumerate(choices)))
    return [{"candidates": [part], **shared} for row in rows for part in row if part is not None]


def _pieces(index: int, script: Scripted) -> Iterator[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"text": text, "thought": True} for text in words(script.reasoning or "")]
    parts += [{"text": text} for text in words(script.text or "")]
    parts += [_call(call, n, script) for n, call in enumerate(script.tool_calls)]
    for part in parts:
        yield _candidate(index, script, [part], is_last=False)
    yield _candidate(index, script, [{"text": ""}])


# ---------------------------------------------------------------- beside it


def embedding(text: str, size: int) -> dict[str, Any]:
    """One embedding, by ``HashEmbedder``."""
    from memori_wrap.testing.embedders import HashEmbedder

    return {"values": HashEmbedder(size).embed([text]).tolist()[0]}


def model(name: str) -> dict[str, Any]:
    """One entry of the list of models."""
    limits = {"inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536}
    return {"name": f"models/{name}", "version": "001", "displayName": name, **limits}
