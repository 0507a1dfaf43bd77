"""Mistral's wire format: chat and agents, fill-in-the-middle, kept conversations, errors. Pure functions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from itertools import zip_longest
from typing import Any

from memori_wrap.testing.openai_wire import DONE, content_text, encode, new_id, tokens, words
from memori_wrap.testing.script import Scripted, ToolCall

Entry = dict[str, Any]
_ROLES = ("system", "user", "assistant", "tool")
_ERRORS: Mapping[int, tuple[str, str, str]] = {
    400: ("invalid_request_error", "3051", "Invalid request."),
    401: ("invalid_request_error", "1000", "Unauthorized"),
    403: ("invalid_request_error", "1100", "Forbidden"),
    404: ("invalid_request_error", "1500", "Not found."),
    429: ("rate_limited", "1300", "Rate limit exceeded"),
}


# ---------------------------------------------------------------- reading


def texts(body: Any) -> list[str]:
    """The texts of a request, one per message or entry; ``instructions`` come first."""
    if not isinstance(body, Mapping):
        return []
    found = [body["instructions"]] if isinstance(body.get("instructions"), str) else []
    found += [content_text(message.get("content")) for message in body.get("messages") or ()]
    for field in ("prompt", "suffix"):
        if isinstance(body.get(field), str):
            found.append(body[field])
    given = body.get("inputs") if "inputs" in body else body.get("input")
    for entry in [given] if isinstance(given, str) else given or ():
        found.append(entry if isinstance(entry, str) else content_text(entry.get("content") or entry.get("result")))
    return found


def objection(body: Any) -> str | None:
    """Why Mistral would answer a chat request with status 400; None where it would not."""
    if not isinstance(body, Mapping):
        return "Invalid JSON."
    messages = body.get("messages")
    if not messages:
        return "Expected at least one message."
    asked: list[str] = []
    before = ""
    for message in messages:
        role = message.get("role")
        if role not in _ROLES:
            return f"Unexpected role '{role}'"
        if role == "tool":
            if message.get("tool_call_id") not in asked:
                return f"Unexpected tool call id {message.get('tool_call_id')} in tool results"
            asked.remove(message["tool_call_id"])
        elif asked:
            return "Not the same number of function calls and responses"
        elif role == "user" and before == "tool":
            return "Unexpected role 'user' after role 'tool'"
        elif role == "assistant" and not message.get("content") and not message.get("tool_calls"):
            return "Assistant message must have either content or tool_calls, but not none."
        asked += [call.get("id") for call in message.get("tool_calls") or ()]
        before = role
    if asked:
        return "Not the same number of function calls and responses"
    last = messages[-1]
    if last["role"] == "assistant" and not last.get("prefix"):
        return "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"
    return None


# ---------------------------------------------------------------- errors


def error_body(status: int, message: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The body of an error answer; what is not given is as Mistral words it for that status."""
    kind, usual_code, usual = _ERRORS.get(status, ("internal_server_error", "3000", "Service unavailable."))
    return {
        "object": "error",
        "message": message or usual,
        "type": kind,
        "param": None,
        "code": code or usual_code,
        "raw_status_code": status,
    }


def unprocessable(*where: str, said: str = "Field required") -> dict[str, Any]:
    """The body of an answer with status 422: a field that is missing, or of the wrong type."""
    return {"detail": [{"type": "missing", "loc": ["body", *where], "msg": said, "input": None}]}


# ---------------------------------------------------------------- chat


def _call(call: ToolCall, index: int) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.json}
    return {"id": call.id or new_id("", 9), "type": "function", "function": function, "index": index}


def thinking(text: str) -> dict[str, Any]:
    """A chunk of what a reasoning model thinks."""
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def usage(body: Mapping[str, Any], choices: Sequence[Scripted], inherited: Sequence[Entry] = ()) -> dict[str, Any]:
    """The token counts of an answer."""
    asked = tokens(*texts(body), *texts({"inputs": inherited}))
    said = sum(tokens(c.text, c.refusal, c.reasoning, *(call.json for call in c.tool_calls)) for c in choices)
    return {"prompt_tokens": asked, "total_tokens": asked + said, "completion_tokens": said}


def _envelope(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    model = body.get("model") or body.get("agent_id") or "mistral-fake"
    return {"id": new_id("", 32).lower(), "object": kind, "created": int(time.time()), "model": model}


def _content(script: Scripted) -> Any:
    """A text, or, with thinking before it, chunks."""
    said = script.text if script.text is not None else script.refusal
    if script.reasoning:
        return [thinking(script.reasoning), *([{"type": "text", "text": said}] if said else ())]
    return said if said is not None else ""


def chat(body: Mapping[str, Any], script: Scripted) -> dict[str, Any]:
    """A chat completion."""
    choices = script.alternatives(body.get("n") or 1)
    made = [
        {
            "index": i,
            "finish_reason": choice.finish,
            "message": {
                "role": "assistant",
                "tool_calls": [_call(call, n) for n, call in enumerate(choice.tool_calls)] or None,
                "content": _content(choice),
            },
        }
        for i, choice in enumerate(choices)
    ]
    return {**_envelope(body, "chat.completion"), "usage": usage(body, choices), "choices": made}


def chat_events(body: Mapping[str, Any], script: Scripted) -> list[bytes]:
    """The events of a streamed chat completion. Tool calls come whole, in the last one, with the usage."""
    choices = script.alternatives(body.get("n") or 1)
    shared = _envelope(body, "chat.completion.chunk")
    rows = zip_longest(*(_deltas(i, choice) for i, choice in enumerate(choices)))
    chunks = [{**shared, "choices": [part]} for row in rows for part in row if part is not None]
    chunks[-1] = {**chunks[-1], "usage": usage(body, choices)}
    return [*(b"data: " + encode(chunk) + b"\n\n" for chunk in chunks), DONE]


def _deltas(index: int, script: Scripted) -> Iterable[dict[str, Any]]:
    def part(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"index": index, "delta": delta, "finish_reason": finish}

    yield part({"role": "assistant", "content": ""})
    for text in words(script.reasoning or ""):
        yield part({"content": [thinking(text)]})
    for text in words(script.text or script.refusal or ""):
        yield part({"content": text})
    calls = [_call(call, n) for n, call in enumerate(script.tool_calls)]
    yield part({"content": "", **({"tool_calls": calls} if calls else {})}, script.finish)


def chat_error_event(script: Scripted) -> bytes:
    """The event with which a chat stream reports that it cannot go on."""
    return b"data: " + encode(error_body(500, script.message, script.code)) + b"\n\n"


# ---------------------------------------------------------------- conversations


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def input_entries(body: Mapping[str, Any]) -> list[Entry]:
    """The inputs of a request as the entries that Mistral keeps of it. Instructions are not among them."""
    given = body.get("inputs")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    usual = {"object": "entry", "type": "message.input"}
    return [{**usual, **entry, "id": new_id("msg_", 24)} for entry in given or ()]


def output_entries(body: Mapping[str, Any], script: Scripted) -> list[Entry]:
    """The message, then function calls."""
    who = {"model": body.get("model"), "agent_id": body.get("agent_id")}
    shared = {"object": "entry", "created_at": _now(), "completed_at": _now(), **who}
    made: list[Entry] = []
    if not script.is_silent and (script.text is not None or script.refusal or script.reasoning):
        message = {"type": "message.output", "role": "assistant", "content": _content(script)}
        made.append({**shared, **message, "id": new_id("msg_", 24)})
    for call in script.tool_calls:
        called = {"type": "function.call", "tool_call_id": call.id or new_id("", 9), "name": call.name}
        made.append({**shared, **called, "arguments": call.json, "id": new_id("fc_", 24)})
    return made


def conversation(name: str, outputs: Sequence[Entry], used: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer."""
    return {"object": "conversation.response", "conversation_id": name, "outputs": outputs, "usage": used}


def conversation_events(whole: Mapping[str, Any]) -> list[bytes]:
    """The same as a stream."""
    made: list[Entry] = [{"type": "conversation.response.started", "conversation_id": whole["conversation_id"]}]
    for at, entry in enumerate(whole["outputs"]):
        where = {name: entry[name] for name in ("id", "model", "agent_id")} | {"output_index": at}
        if entry["type"] == "function.call":
            called = {name: entry[name] for name in ("name", "tool_call_id", "arguments")}
            made.append({"type": "function.call.delta", **where, **called})
            continue
        for n, piece in enumerate(_pieces(entry["content"])):
            delta = {"role": "assistant", "content": piece, "content_index": n if isinstance(piece, dict) else 0}
            made.append({"type": "message.output.delta", **where, **delta})
    made.append({"type": "conversation.response.done", "usage": whole["usage"]})
    return [_event(event) for event in made]


def _pieces(content: Any) -> list[Any]:
    if isinstance(content, str):
        return list(words(content)) or [""]
    return [p for chunk in content for p in ([chunk] if chunk["type"] != "text" else words(chunk["text"]))]


def conversation_error_event(script: Scripted) -> bytes:
    """The event with which a conversation's stream reports that it cannot go on."""
    code = int(script.code) if script.code and script.code.isdigit() else 3000
    said = script.message or "Service unavailable."
    return _event({"type": "conversation.response.error", "message": said, "code": code})


def _event(event: Mapping[str, Any]) -> bytes:
    named = {**event, "created_at": _now()}
    return b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), encode(named))


# ---------------------------------------------------------------- others


def embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Embeddings by ``HashEmbedder``, of 1024 dimensions."""
    from memori_wrap.testing.embedders import HashEmbedder

    given = body.get("input") or ""
    asked = [given] if isinstance(given, str) else list(given)
    vectors = HashEmbedder(1024).embed(asked).tolist()
    data = [{"object": "embedding", "embedding": vector, "index": i} for i, vector in enumerate(vectors)]
    used = {"prompt_tokens": tokens(*asked), "total_tokens": tokens(*asked), "completion_tokens": 0}
    return {**_envelope(body, "list"), "data": data, "usage": used}


def model(name: str) -> dict[str, Any]:
    """One entry of the list of models."""
    able = {"completion_chat": True, "completion_fim": False, "function_calling": True, "vision": False}
    made = {"id": name, "object": "model", "type": "base", "created": 1700000000, "owned_by": "mistralai"}
    return {**made, "capabilities": able, "max_context_length": 32768}
