"""Gemini's contents and responses: objects of the SDK, or dicts in snake or camel case. Pure.

A user's text, a model's calls and the results of tools may stand in one list as contents, as bare parts, as strings;
the SDK gathers bare parts that follow each other into one content, and so does ``turns``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from memori_wrap.types import Message, Part, Reply
from memori_wrap_adapters.llm.fields import get

_BLOCKED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "ESCALATION"})
_DATA = (
    "text",
    "inline_data",
    "file_data",
    "function_call",
    "function_response",
    "executable_code",
    "code_execution_result",
    "tool_call",
    "tool_response",
)
_USAGE = (
    "prompt_token_count",
    "candidates_token_count",
    "thoughts_token_count",
    "cached_content_token_count",
    "tool_use_prompt_token_count",
    "total_token_count",
)


def find(thing: Any, name: str) -> Any:
    """The field of an object, or of a dict that may have it in camel case."""
    value = get(thing, name)
    if value is None and thing is not None and isinstance(thing, Mapping):
        first, *rest = name.split("_")
        value = thing.get(first + "".join(map(str.capitalize, rest)))
    return value


def word(value: Any) -> str:
    """A string, or the value of an enumeration."""
    value = getattr(value, "value", value)
    return value if isinstance(value, str) else ""


def many(value: Any) -> Sequence[Any]:
    """The items of a list; none where it is no list."""
    return value if isinstance(value, (list, tuple)) else ()


# ---------------------------------------------------------------- the request


@dataclass(slots=True)
class Turn:
    """What is sent as one content. ``at``: where its first item stands in the list that was given."""

    role: str
    at: int = 0
    kind: Literal["content", "list", "run"] = "content"
    parts: list[Any] = field(default_factory=list)


def turns(contents: Any) -> list[Turn] | None:
    """The contents as they will be sent; None where their shape is unknown, also to the SDK: its error shows them."""
    found: list[Turn] = []
    for at, item in enumerate(contents if isinstance(contents, list) else [contents]):
        parts = find(item, "parts") if _is_content(item) else item if isinstance(item, list) else [item]
        if not isinstance(parts, (list, tuple, type(None))) or not all(map(_is_part, parts or ())):
            return None
        if isinstance(item, list):
            found.append(Turn("user", at, "list", list(item)))
        elif _is_content(item):
            found.append(Turn(word(find(item, "role")) or "user", at, "content", list(parts or ())))
        else:
            role = "model" if find(item, "function_call") is not None else "user"
            if not found or (found[-1].kind, found[-1].role) != ("run", role):
                found.append(Turn(role, at, "run"))
            found[-1].parts.append(item)
    return found


def _is_content(item: Any) -> bool:
    if isinstance(item, Mapping):
        return "parts" in item or "role" in item or not item
    return hasattr(item, "parts") and hasattr(item, "role")


def _is_part(item: Any) -> bool:
    if isinstance(item, Mapping):
        has_data = any(find(item, name) is not None for name in _DATA)
        return has_data and isinstance(find(item, "text"), (str, type(None)))
    is_file = hasattr(item, "uri") and hasattr(item, "mime_type")
    return isinstance(item, str) or is_file or hasattr(item, _DATA[0]) or type(item).__module__.startswith("PIL.")


def messages(given: Iterable[Turn]) -> tuple[Message, ...]:
    """Turns to messages. The model's that follow each other are one: a streamed answer comes back in pieces."""
    made: list[Message] = []
    for is_model, group in groupby(given, lambda turn: turn.role == "model"):
        if is_model:
            made.append(_assistant([part for turn in group for part in turn.parts]))
            continue
        calls = [part for part in made[-1].parts if part.kind == "tool_call"] if made else []
        for turn in group:
            made += _asked(turn.parts, calls)
    return tuple(made)


def _asked(parts: Sequence[Any], calls: list[Part]) -> Iterator[Message]:
    """Results of tools, then what the user says: they come in one content.

    A result need not say which call it answers (the SDK's own do not): it is the next of its name among ``calls``.
    """
    results = [response for part in parts if (response := find(part, "function_response")) is not None]
    for response in results:
        name, given = word(find(response, "name")), word(find(response, "id"))
        call = next((c for c in calls if (c.id == given if given else c.name == name)), None)
        if call is not None:
            calls.remove(call)
        part = Part("tool_result", id=given or (call.id if call else None), name=name or None)
        yield Message("tool", _result(find(response, "response")), None, (part,))
    said = [part for part in parts if find(part, "function_response") is None]
    if said or not results:
        texts = [text for part in said if (text := _text(part))]
        yield Message("user", "\n".join(texts), None, tuple(_others(said)))


def _result(response: Any) -> str:
    """What a function gave back: Google's convention, and the SDK's, is a dict of one entry."""
    if isinstance(response, Mapping) and len(response) == 1 and next(iter(response)) in ("output", "result"):
        response = next(iter(response.values()))
    return response if isinstance(response, str) else dump(response)


def dump(value: Any) -> str:
    """As JSON; what has no JSON is written as it prints."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(part: Any) -> str:
    return part if isinstance(part, str) else word(find(part, "text"))


def _assistant(parts: Sequence[Any]) -> Message:
    """What the model said, joined as the SDK's own ``text`` is."""
    said = [part for part in parts if find(part, "thought") is not True]
    return Message("assistant", "".join(map(_text, said)), None, tuple(_others(parts)))


def _others(parts: Iterable[Any]) -> Iterator[Part]:
    """All but the text. The pieces of a thought that follow each other are one."""
    thought = ""
    for part in parts:
        if find(part, "thought") is True:
            thought += _text(part)
            continue
        if (made := _other(part)) is not None:
            if thought:
                yield Part("reasoning", thought)
            thought = ""
            yield made
    if thought:
        yield Part("reasoning", thought)


def _other(part: Any) -> Part | None:
    if _text(part) or isinstance(part, str):
        return None
    if (call := find(part, "function_call") or find(part, "tool_call")) is not None:
        name = word(find(call, "name")) or word(find(call, "tool_type"))
        return Part("tool_call", dump(find(call, "args") or {}), word(find(call, "id")) or None, name)
    if (response := find(part, "tool_response")) is not None:
        return Part("tool_result", dump(find(response, "response")), word(find(response, "id")) or None)
    if (code := find(part, "executable_code")) is not None:
        return Part("executable_code", word(find(code, "code")), None, word(find(code, "language")) or None)
    if (output := find(part, "code_execution_result")) is not None:
        return Part("code_execution_result", word(find(output, "output")))
    data = find(part, "inline_data") or find(part, "file_data")
    kind = word(find(part if data is None else data, "mime_type")).partition("/")[0]
    if kind or data is not None or hasattr(part, "save"):
        return Part(kind if kind in ("image", "audio", "video", "text") else "image" if not kind else "file")
    return None


# ---------------------------------------------------------------- the block


def inject(contents: Any, block: str) -> Any | None:
    """A copy with the block before the user's text in the last turn of the user; None where there is none.

    Late, for the prompt cache, and never a content of its own, which could part a call from its result.
    """
    last = next((t for t in reversed(turns(contents) or ()) if t.role != "model" and _is_asked(t)), None)
    if last is None:
        return None
    place = next((n for n, part in enumerate(last.parts) if _text(part)), len(last.parts))
    if not isinstance(contents, list):
        if last.kind == "content":
            return _with_part(contents, last.parts, place, block)
        return [block, contents] if place == 0 else [contents, block]
    given = list(contents)
    if last.kind == "run":
        given.insert(last.at + place, block)
    elif last.kind == "list":
        given[last.at] = [*last.parts[:place], block, *last.parts[place:]]
    else:
        changed = _with_part(given[last.at], last.parts, place, block)
        if changed is None:
            return None
        given[last.at] = changed
    return given


def _is_asked(turn: Turn) -> bool:
    """Whether the user says anything in it, and not only his tools."""
    return any(find(part, "function_response") is None for part in turn.parts)


def _with_part(content: Any, parts: Sequence[Any], place: int, block: str) -> Any | None:
    if isinstance(content, Mapping):
        return {**content, "parts": [*parts[:place], {"text": block}, *parts[place:]]}
    if not hasattr(content, "model_copy"):
        return None
    from google.genai.types import Part as GooglePart

    return content.model_copy(update={"parts": [*parts[:place], GooglePart(text=block), *parts[place:]]})


def without(content: Any, block: str) -> Any:
    """A content of the SDK as it would be without the block; the same object where it has none."""
    kept = [part for part in many(content.parts) if _text(part) != block]
    return content.model_copy(update={"parts": kept}) if len(kept) < len(many(content.parts)) else content


# ---------------------------------------------------------------- the response


def history(data: Any, asked: int) -> list[Turn]:
    """What the SDK's own tool loop has added to the ``asked`` contents of the request."""
    return turns(list(many(find(data, "automatic_function_calling_history")))[asked:]) or []


def reply(data: Any, asked: int = 0) -> Reply | None:
    """The reply in a response, or in its JSON; None where it is neither an answer nor a refusal."""
    candidates, feedback = many(find(data, "candidates")), find(data, "prompt_feedback")
    if not candidates and feedback is None:
        body = word(find(find(data, "sdk_http_response"), "body"))  # the caller wants the response as it came
        return reply(_json(body)) if body else None
    reasons = [word(find(candidate, "finish_reason")) for candidate in candidates]
    blocked = word(find(feedback, "block_reason"))
    said = [_candidate(candidate) for candidate in candidates]
    if blocked:
        refusal = word(find(feedback, "block_reason_message")) or blocked
        said.append(Message("assistant", "", None, (Part("refusal", refusal),)))
    return Reply(
        messages=(*messages(history(data, asked)), *said),
        model=word(find(data, "model_version")) or None,
        usage=_usage(find(data, "usage_metadata")),
        finish_reason=next(filter(None, reasons), None) or blocked or None,
        complete=bool(blocked) or (bool(reasons) and all(reasons) and "CONTINUATION" not in reasons),
        response_id=word(find(data, "response_id")) or None,
    )


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _usage(usage: Any) -> dict[str, int]:
    return {name: value for name in _USAGE if isinstance(value := find(usage, name), int)}


def _candidate(candidate: Any) -> Message:
    made = _assistant(many(find(find(candidate, "content"), "parts")))
    reason = word(find(candidate, "finish_reason"))
    if reason not in _BLOCKED:
        return made
    refusal = Part("refusal", word(find(candidate, "finish_message")) or reason)
    return Message(made.role, made.text, None, (*made.parts, refusal))


class Builder:
    """Gathers chunks: parts by candidate. Once the SDK has called a function, each chunk carries the calls so far.

    A chunk is read when it comes, and nothing of it is kept that its owner can change: to keep the objects and read
    them later would take no less of the reader's time, and more memory.
    """

    def __init__(self, asked: int = 0) -> None:
        self._asked = asked
        self._seen = 0
        self._data: dict[str, Any] = {}
        self._candidates: dict[int, dict[str, Any]] = {}

    def feed(self, chunk: Any) -> None:
        given = _fields(chunk)
        so_far = many(given.get("automatic_function_calling_history"))
        if len(so_far) != self._seen:  # what was gathered stands there now
            self._candidates = {}
            self._data["automatic_function_calling_history"] = list(so_far)
            self._seen = len(so_far)
        for name in ("response_id", "model_version"):
            if (value := given.get(name)) is not None:
                self._data[name] = value
        for name in ("usage_metadata", "prompt_feedback"):
            if (value := given.get(name)) is not None:
                self._data[name] = dict(_fields(value))
        for candidate in many(given.get("candidates")):
            said = _fields(candidate)
            gathered = self._candidates.setdefault(said.get("index") or 0, {"content": {"parts": []}})
            for part in many(_fields(said.get("content")).get("parts")):
                _add(gathered["content"]["parts"], part)
            for name in ("finish_reason", "finish_message"):
                if (value := said.get(name)) is not None:
                    gathered[name] = value

    def reply(self) -> Reply:
        gathered = [_joined(self._candidates[index]) for index in sorted(self._candidates)]
        found = reply({**self._data, "candidates": gathered}, self._asked)
        return found or Reply(messages(history(self._data, self._asked)), complete=False)


def _fields(thing: Any) -> dict[str, Any]:
    """The fields of an object of the SDK: many are asked for of each chunk, which ``find`` would take long for."""
    found: dict[str, Any] = getattr(thing, "__dict__", _NONE)
    return found


_NONE: dict[str, Any] = {}


def _add(parts: list[Any], part: Any) -> None:
    """Gathers a part; texts of one kind that follow each other as a list of pieces.

    Vertex AI may send a call's arguments in pieces, each under its path, until one says that no more come.
    """
    given = _fields(part)
    if said := given.get("text"):  # nearly every part of a stream
        is_thought = given.get("thought") is True
        if not parts or parts[-1].get("pieces") is None or parts[-1]["thought"] is not is_thought:
            parts.append({"pieces": [], "thought": is_thought})
        parts[-1]["pieces"].append(said)
        return
    part = part.model_dump(exclude_none=True, warnings=False)
    call = find(part, "function_call")
    is_open = bool(parts) and parts[-1].get("is_open")
    if call is None or not (is_open or find(call, "will_continue")):
        parts.append(part)
        return
    if not is_open:
        parts.append({"function_call": {"args": {}, "id": find(call, "id"), "name": find(call, "name")}})
    parts[-1]["is_open"] = bool(find(call, "will_continue"))
    args = parts[-1]["function_call"]["args"]
    args.update(find(call, "args") or {})
    for piece in many(find(call, "partial_args")):
        path = word(find(piece, "json_path")).removeprefix("$.")
        values = (find(piece, f"{kind}_value") for kind in ("string", "number", "bool"))
        value = next((value for value in values if value is not None), None)
        is_more = isinstance(value, str) and isinstance(args.get(path), str)
        args[path] = args[path] + value if is_more else value


def _joined(candidate: dict[str, Any]) -> dict[str, Any]:
    parts = [
        {"text": "".join(part["pieces"]), "thought": part["thought"]} if "pieces" in part else part
        for part in candidate["content"]["parts"]
    ]
    return {**candidate, "content": {"parts": parts}}
