"""Ollama's wire format: chat, generate, embeddings, models, errors; streams are lines of JSON. Pure functions."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from memori_wrap.testing.openai_wire import encode, new_id, tokens, words
from memori_wrap.testing.script import Scripted, ToolCall

_PIECE = re.compile(r"\s+|[^\s]+")
_TIMES = {"total_duration": 9_000_000, "load_duration": 1_000_000}
_KINDS: Mapping[type, str] = {
    str: "string",
    bool: "bool",
    dict: "object",
    list: "array",
    int: "number",
    float: "number",
}


# ---------------------------------------------------------------- reading


def texts(body: Any) -> list[str]:
    """The texts of a request, one per message; that for the system first where it has a field of its own."""
    if not isinstance(body, Mapping):
        return []
    found = [body["system"]] if isinstance(body.get("system"), str) else []
    found += [str(message.get("content") or "") for message in body.get("messages") or ()]
    if isinstance(body.get("prompt"), str):
        found.append(body["prompt"])
    given = body.get("input")
    return found + ([given] if isinstance(given, str) else [str(text) for text in given or ()])


def context_of(text: str) -> list[int]:
    """The tokens that a text is kept as: here one for each word and each space."""
    return [zlib.crc32(piece.encode("utf-8", "replace")) % 128_000 for piece in _PIECE.findall(text)]


def _mismatch(value: object, kind: str, field: str, wanted: str) -> str:
    kind_of: type = type(value)
    given = _KINDS.get(kind_of, "value")
    return f"json: cannot unmarshal {given} into Go struct field {kind}.{field} of type {wanted}"


def objection(body: Any, kind: str) -> str | None:
    """Why Ollama would answer with status 400; None where it would not. ``kind``: "ChatRequest", "GenerateRequest"."""
    if not isinstance(body, Mapping):
        return "missing request body"
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "model is required"
    for field in ("prompt", "suffix", "system", "template"):
        if not isinstance(body.get(field) or "", str):
            return _mismatch(body[field], kind, field, "string")
    if body.get("raw") and (body.get("template") or body.get("system") or body.get("context")):
        return "raw mode does not support template, system, or context"
    if not all(isinstance(token, int) for token in body.get("context") or ()):
        return _mismatch("", kind, "context", "int")
    if objected := _bad_image(body.get("images")):
        return objected
    for message in body.get("messages") or ():
        if not isinstance(message, Mapping):
            return _mismatch(message, kind, "messages", "api.Message")
        for field in ("role", "content", "thinking", "tool_name"):
            if not isinstance(message.get(field) or "", str):
                return _mismatch(message[field], kind, f"messages.{field}", "string")
        for call in message.get("tool_calls") or ():
            arguments = call["function"].get("arguments") or {}
            if not isinstance(arguments, Mapping):
                return _mismatch(
                    arguments, kind, "messages.tool_calls.function.arguments", "api.ToolCallFunctionArguments"
                )
        if objected := _bad_image(message.get("images")):
            return objected
    return None


def _bad_image(images: Sequence[str] | None) -> str | None:
    for image in images or ():
        try:
            base64.b64decode(image, validate=True)
        except (binascii.Error, TypeError, ValueError):
            return "illegal base64 data at input byte 0"
    return None


def is_load(body: Mapping[str, Any]) -> bool:
    """Whether a request only loads the model into memory, or out of it: it says nothing."""
    return not body.get("messages") and not body.get("prompt")


# ---------------------------------------------------------------- answers


def error_body(status: int, message: str | None = None) -> dict[str, Any]:
    """The body of an error answer, and an error in a stream."""
    usual = {
        401: "unauthorized",
        404: "model 'fake' not found",
        429: "you have reached your usage limit",
        503: "server busy, please try again.  maximum pending requests exceeded",
    }
    return {"error": message or usual.get(status, "an error was encountered while running the model")}


def _envelope(body: Mapping[str, Any]) -> dict[str, Any]:
    now = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    return {"model": body["model"], "created_at": now}


def _call(index: int, call: ToolCall) -> dict[str, Any]:
    try:
        arguments = json.loads(call.json)
    except ValueError:
        arguments = {}
    function = {"index": index, "name": call.name, "arguments": arguments if isinstance(arguments, dict) else {}}
    return {"id": call.id or new_id("call_", 8), "function": function}


def _end(body: Mapping[str, Any], script: Scripted) -> dict[str, Any]:
    said = tokens(script.text, script.refusal, script.reasoning, *(call.json for call in script.tool_calls))
    reason = script.finish_reason if script.finish_reason not in (None, "tool_calls") else "stop"
    counts = {"prompt_eval_count": tokens(*texts(body)) + len(body.get("context") or ()), "eval_count": said}
    return {"done": True, "done_reason": reason, **_TIMES, **counts}


def loaded(body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a request that says nothing."""
    said: dict[str, Any] = {"message": {"role": "assistant", "content": ""}} if "messages" in body else {"response": ""}
    return {**_envelope(body), **said, "done": True, "done_reason": "unload" if body.get("keep_alive") == 0 else "load"}


def chat(body: Mapping[str, Any], script: Scripted) -> dict[str, Any]:
    """A whole answer of the chat API."""
    message: dict[str, Any] = {"role": "assistant", "content": said(script)}
    if script.reasoning:
        message["thinking"] = script.reasoning
    if script.tool_calls:
        message["tool_calls"] = [_call(i, call) for i, call in enumerate(script.tool_calls)]
    return {**_envelope(body), "message": message, **_end(body, script)}


def chat_lines(body: Mapping[str, Any], script: Scripted) -> list[bytes]:
    """The same as a stream. Tool calls come whole, each in a line of its own."""
    deltas: list[dict[str, Any]] = [{"content": "", "thinking": text} for text in words(script.reasoning or "")]
    deltas += [{"content": text} for text in words(said(script))]
    deltas += [{"content": "", "tool_calls": [_call(i, call)]} for i, call in enumerate(script.tool_calls)]
    steps = [{"message": {"role": "assistant", **delta}, "done": False} for delta in deltas]
    last = {"message": {"role": "assistant", "content": ""}, **_end(body, script)}
    return lines({**_envelope(body), **step} for step in [*steps, last])


def generated(body: Mapping[str, Any], script: Scripted, context: Sequence[int] | None) -> dict[str, Any]:
    """A whole answer of the generate API; ``context`` is what the next request may go on from."""
    thought = {"thinking": script.reasoning} if script.reasoning else {}
    kept = {"context": context} if context is not None else {}
    return {**_envelope(body), "response": said(script), **thought, **_end(body, script), **kept}


def generated_lines(body: Mapping[str, Any], script: Scripted, context: Sequence[int] | None) -> list[bytes]:
    """The same as a stream."""
    steps: list[dict[str, Any]] = [{"response": "", "thinking": text} for text in words(script.reasoning or "")]
    steps += [{"response": text} for text in words(said(script))]
    kept = {"context": context} if context is not None else {}
    return lines(
        {**_envelope(body), **step} for step in [*({**s, "done": False} for s in steps), last_line(body, script) | kept]
    )


def last_line(body: Mapping[str, Any], script: Scripted) -> dict[str, Any]:
    """The end of a generated stream."""
    return {"response": "", **_end(body, script)}


def said(script: Scripted) -> str:
    """The text of an answer; a refusal is one like any other."""
    return script.text or script.refusal or ""


def lines(values: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """Newline-delimited JSON."""
    return [encode(value) + b"\n" for value in values]


def progress() -> list[dict[str, Any]]:
    """What ``pull``, ``push`` and ``create`` tell while they work."""
    layer = {"digest": "sha256:6a0746a1ec1a", "total": 2048, "completed": 2048}
    return [{"status": "pulling manifest"}, {"status": "pulling 6a0746a1ec1a", **layer}, {"status": "success"}]


def embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Embeddings by ``HashEmbedder``, of 384 dimensions unless asked otherwise."""
    from memori_wrap.testing.embedders import HashEmbedder

    embedder, asked = HashEmbedder(body.get("dimensions") or 384), texts(body)
    if "prompt" in body:
        return {"embedding": embedder.embed(asked[:1]).tolist()[0]}
    counts = {"prompt_eval_count": tokens(*asked)}
    return {"model": body["model"], "embeddings": embedder.embed(asked).tolist(), **_TIMES, **counts}


def model(name: str) -> dict[str, Any]:
    """One entry of the list of models."""
    details = {"parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"]}
    details |= {"parameter_size": "3.2B", "quantization_level": "Q4_K_M"}
    when = "2026-01-01T00:00:00Z"
    return {
        "model": name,
        "name": name,
        "modified_at": when,
        "size": 2048,
        "digest": "a80c4f17acd5",
        "details": details,
    }
