"""OpenAI's wire format, except Responses: chat completions, embeddings, models, errors. Pure functions."""

from __future__ import annotations

import base64
import json
import random
import re
import string
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from memori_wrap.testing.script import Scripted, ToolCall

FINGERPRINT = "fp_memori_wrap"
DONE = b"data: [DONE]\n\n"
_WORDS = re.compile(r"\s*\S+|\s+$")
_ALPHABET = string.ascii_letters + string.digits
_ERRORS: Mapping[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-fake."),
    403: (
        "invalid_request_error",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: ("invalid_request_error", None, "Invalid URL"),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
}
SERVER_ERROR = "The server had an error while processing your request. Sorry about that!"


def new_id(prefix: str, length: int = 24) -> str:
    """An id as OpenAI makes them: unique, nothing to be read from it."""
    return prefix + "".join(random.choices(_ALPHABET, k=length))


def encode(value: Any) -> bytes:
    """Compact JSON in UTF-8; a text with lone surrogates, which UTF-8 cannot say, is escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def words(text: str) -> list[str]:
    """A text in the pieces that a stream sends: words with the space before them. Joined they are the text."""
    return _WORDS.findall(text)


def pieces(text: str, size: int = 8) -> list[str]:
    """Tool arguments in the pieces that a stream sends."""
    return [text[i : i + size] for i in range(0, len(text), size)]


def tokens(*texts: str | None) -> int:
    """About how many tokens: deterministic, and large for large texts."""
    return sum((len(text) + 3) // 4 for text in texts if text)


# ---------------------------------------------------------------- reading


def content_text(content: Any) -> str:
    """The text of a message's content: a string, or the text parts of a list, joined by newlines."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    found = (part if isinstance(part, str) else part.get("text") or part.get("refusal") for part in content)
    return "\n".join(text for text in found if isinstance(text, str))


def texts(body: Any) -> list[str]:
    """The texts of a chat, Responses or embeddings request, one per message; ``instructions`` come first."""
    if not isinstance(body, Mapping):
        return []
    instructions = body.get("instructions")
    found = [instructions] if isinstance(instructions, str) else []
    found += [content_text(message.get("content")) for message in body.get("messages") or ()]
    found += _prompt(body)
    given = body.get("input")
    for item in [given] if isinstance(given, str) else given or ():
        found.append(_item_text(item))
    return found


def _item_text(item: Any) -> str:
    return content_text(item.get("content") or item.get("output")) if isinstance(item, Mapping) else str(item)


def _unanswered(calls: Iterable[str], at: int) -> tuple[str, str | None, str | None]:
    text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
    return f"{text} 'tool_call_id'. Unanswered: {', '.join(sorted(calls))}", f"messages.[{at}].role", None


def objection(body: Any) -> tuple[str, str | None, str | None] | None:
    """Why OpenAI would answer a chat request with status 400: (message, param, code); None where it would not."""
    if not isinstance(body, Mapping):
        return "We could not parse the JSON body of your request.", None, None
    if not isinstance(body.get("model"), str):
        return "you must provide a model parameter", None, None
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "Missing required parameter: 'messages'.", "messages", "missing_required_parameter"
    asked: set[str] = set()
    for i, message in enumerate(messages):
        if not isinstance(message, Mapping) or "role" not in message:
            return (
                f"Missing required parameter: 'messages[{i}].role'.",
                f"messages[{i}].role",
                "missing_required_parameter",
            )
        if message["role"] == "tool":
            if message.get("tool_call_id") not in asked:
                text = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
                return f"Invalid parameter: {text}", f"messages.[{i}].role", None
            asked.discard(message["tool_call_id"])
        elif asked:
            return _unanswered(asked, i)
        asked |= {call["id"] for call in message.get("tool_calls") or ()}
    return _unanswered(asked, len(messages)) if asked else None


# ---------------------------------------------------------------- errors


def error_body(
    status: int, message: str | None = None, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """The body of an error answer; what is not given is as OpenAI words it for that status."""
    kind, usual_code, usual = _ERRORS.get(status, ("server_error", None, SERVER_ERROR))
    return {"error": {"message": message or usual, "type": kind, "param": param, "code": code or usual_code}}


def chat_error_event(script: Scripted) -> bytes:
    """The event with which a chat stream reports that it cannot go on."""
    return b"data: " + encode(error_body(500, script.message, script.code)) + b"\n\n"


# ---------------------------------------------------------------- chat completions


def _call(call: ToolCall, arguments: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id or new_id("call_"), "type": "function", "function": function}


def chat_usage(body: Mapping[str, Any], choices: Sequence[Scripted]) -> dict[str, Any]:
    """The usage of a chat completion."""
    asked = tokens(*texts(body)) + 3 * len(body["messages"])
    thought = sum(tokens(choice.reasoning) for choice in choices)
    said = sum(tokens(c.text, c.refusal, *(call.json for call in c.tool_calls)) for c in choices) + thought
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _envelope(body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        "id": new_id("chatcmpl-", 29),
        "object": kind,
        "created": int(time.time()),
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def chat(body: Mapping[str, Any], script: Scripted) -> dict[str, Any]:
    """A chat completion."""
    choices = script.alternatives(body.get("n") or 1)
    return {
        **_envelope(body, "chat.completion"),
        "choices": [_choice(i, choice) for i, choice in enumerate(choices)],
        "usage": chat_usage(body, choices),
    }


def _choice(index: int, script: Scripted) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": script.text,
        "refusal": script.refusal,
        "annotations": [],
    }
    if script.tool_calls:
        message["tool_calls"] = [_call(call, call.json) for call in script.tool_calls]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": script.finish}


def chat_events(body: Mapping[str, Any], script: Scripted) -> list[bytes]:
    """The events of a streamed chat completion; the choices of ``n > 1`` take turns, as OpenAI's do."""
    choices = script.alternatives(body.get("n") or 1)
    with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    shared: dict[str, Any] = _envelope(body, "chat.completion.chunk")
    tail = {"usage": None} if with_usage else {}
    rows = zip_longest(*(_deltas(i, choice) for i, choice in enumerate(choices)))
    parts = [part for row in rows for part in row if part is not None]
    chunks = [{**shared, "choices": [part], **tail} for part in parts]
    if with_usage:
        chunks.append({**shared, "choices": [], "usage": chat_usage(body, choices)})
    return [b"data: " + encode(chunk) + b"\n\n" for chunk in chunks] + [DONE]


def _deltas(index: int, script: Scripted) -> Iterable[dict[str, Any]]:
    def part(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}

    silent = script.text is None and bool(script.tool_calls)
    yield part({"role": "assistant", "content": None if silent else "", "refusal": None})
    for text in words(script.refusal or ""):
        yield part({"refusal": text})
    for text in words(script.text or ""):
        yield part({"content": text})
    for i, call in enumerate(script.tool_calls):
        yield part({"tool_calls": [{"index": i, **_call(call, "")}]})
        for text in pieces(call.json):
            yield part({"tool_calls": [{"index": i, "function": {"arguments": text}}]})
    yield part({}, script.finish)


# ---------------------------------------------------------------- old completions


def _prompt(body: Mapping[str, Any]) -> list[str]:
    given = body.get("prompt")
    return [given] if isinstance(given, str) else [str(text) for text in given or ()]


def completion(body: Mapping[str, Any], script: Scripted) -> dict[str, Any]:
    """A completion of the old kind."""
    choices = script.alternatives(body.get("n") or 1)
    asked, said = tokens(*_prompt(body)), tokens(*(choice.text for choice in choices))
    return {
        **_envelope(body, "text_completion"),
        "choices": [_continued(i, choice.text or "", choice.finish) for i, choice in enumerate(choices)],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def completion_events(body: Mapping[str, Any], script: Scripted) -> list[bytes]:
    """The events of a streamed completion of the old kind."""
    shared = _envelope(body, "text_completion")
    parts = [
        _continued(i, text, finish)
        for i, choice in enumerate(script.alternatives(body.get("n") or 1))
        for text, finish in [*((word, None) for word in words(choice.text or "")), ("", choice.finish)]
    ]
    return [b"data: " + encode({**shared, "choices": [part]}) + b"\n\n" for part in parts] + [DONE]


def _continued(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


# ---------------------------------------------------------------- embeddings, models

EMBEDDED_TOKENS = 8192
EMBEDDED_TEXTS = 2048


def embeddings_objection(body: Any, limit: int) -> str | None:
    """Why a request for embeddings is refused: no text, an empty one, too many, or one above ``limit`` tokens."""
    if not isinstance(body, Mapping) or not body.get("input"):
        return "Missing required parameter: 'input'."
    given = body["input"]
    if isinstance(given, str) or isinstance(given[0], int):
        return None
    if len(given) > EMBEDDED_TEXTS:
        return f"Invalid 'input': array too long. Expected an array with maximum length {EMBEDDED_TEXTS}."
    if not all(given):
        return "Invalid 'input': input cannot be an empty string."
    longest = max(tokens(str(item)) for item in given)
    if longest > limit:
        return f"This model's maximum context length is {limit} tokens, however you requested {longest} tokens."
    return None


def embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Embeddings by ``HashEmbedder``, of 1536 dimensions unless asked otherwise; as floats or in base64."""
    from memori_wrap.testing.embedders import HashEmbedder

    given = body["input"]
    whole = isinstance(given, str) or (bool(given) and isinstance(given[0], int))  # one text, or one text's tokens
    asked = [str(item) for item in ([given] if whole else given)]
    vectors = HashEmbedder(body.get("dimensions") or 1536).embed(asked).tolist()
    packed = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": i, "embedding": _packed(vector) if packed else vector}
        for i, vector in enumerate(vectors)
    ]
    used = tokens(*asked)
    return {
        "object": "list",
        "data": data,
        "model": body["model"],
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def model(name: str) -> dict[str, Any]:
    """One entry of the list of models."""
    return {"id": name, "object": "model", "created": 1700000000, "owned_by": "system"}
