"""Pydantic AI's messages, to ours. Pure; parts are told by their ``part_kind``, so nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from memori_wrap.types import Message, Part, Reply
from memori_wrap_adapters.frameworks.blocks import without
from memori_wrap_adapters.llm.fields import get, items, numbers, text

_FRAME = re.compile(r"(?:^|\n)<pyai:(\w+)>\n.*\n</pyai:\1>\s*\Z", re.DOTALL)


def messages(given: Sequence[Any]) -> tuple[Message, ...]:
    """A history: what was said in it, one message a part of a request, one a response."""
    return tuple(made for message in given for made in _messages(message))


def _messages(message: Any) -> Iterator[Message]:
    if text(message, "kind") == "response":
        yield _response(message)
        return
    for part in items(message, "parts"):
        made = _requested(part)
        if made is not None:
            yield made


def _requested(part: Any) -> Message | None:
    kind = text(part, "part_kind")
    if kind == "user-prompt":
        said, others = _content(get(part, "content"))
        # the framework puts its own words into the user's mouth: notes, of a class of its own, and feedback on an
        # answer, which ends with an element of its own
        is_framework = type(part).__name__.startswith("_") or _FRAME.search(said) is not None
        return Message("system" if is_framework else "user", said, None, others)
    if kind == "system-prompt":
        return Message("system", text(part, "content"))
    if kind in ("retry-prompt", "retry-feedback"):
        tool = text(part, "tool_name")
        said = str(part.model_response())
        return Message("tool", said, None, (_result(part),)) if tool else Message("system", said)
    if "tool_call_id" in dir(part):  # tool-return, and what else answers a call
        return Message("tool", without(str(part.model_response_str())), None, (_result(part),))
    return None


def _result(part: Any) -> Part:
    return Part("tool_result", "", text(part, "tool_call_id") or None, text(part, "tool_name") or None)


def _content(content: Any) -> tuple[str, tuple[Part, ...]]:
    if isinstance(content, str):
        return content, ()
    given = content if isinstance(content, (list, tuple)) else ()
    texts = [item if isinstance(item, str) else text(item, "content") for item in given]
    others = (text(item, "kind") for item, said in zip(given, texts, strict=True) if not said)
    return "\n".join(filter(None, texts)), tuple(Part(kind) for kind in others if kind not in ("", "cache-point"))


def _response(response: Any) -> Message:
    said: list[str] = []
    parts: list[Part] = []
    for part in items(response, "parts"):
        kind = text(part, "part_kind")
        if kind == "text":
            said.append(text(part, "content"))
        elif kind == "thinking":
            parts.append(Part("reasoning", text(part, "content"), text(part, "id") or None))
        elif kind.endswith("-call"):
            parts.append(Part("tool_call", _arguments(part), text(part, "tool_call_id"), text(part, "tool_name")))
        elif kind.endswith("-return"):
            parts.append(_result(part))
        else:
            parts.append(Part(kind))
    return Message("assistant", "".join(said), None, tuple(parts))


def _arguments(part: Any) -> str:
    given = get(part, "args")
    try:
        return given if isinstance(given, str) else str(part.args_as_json_str())
    except ValueError:  # of a stream that was cut in the middle of them
        return ""


def reply(response: Any) -> Reply | None:
    """A ``ModelResponse``; None for anything else."""
    if text(response, "kind") != "response":
        return None
    has_said = bool(items(response, "parts"))
    return Reply(
        messages=(_response(response),) if has_said else (),
        model=text(response, "model_name") or None,
        usage=numbers(get(response, "usage"), "input_tokens", "output_tokens", "total_tokens"),
        finish_reason=text(response, "finish_reason") or None,
        complete=(text(response, "state") or "complete") == "complete",
        response_id=text(response, "provider_response_id") or None,
    )
