"""Where the block goes in a request of Pydantic AI. Nothing here changes what it is given.

Mostly it is a dynamic instruction part: never in the history, behind the static instructions and their prompt-cache
marker. But instructions stand before the messages: where a marker stands in those, or is going to be set there, the
block comes behind it, into a copy of the last prompt of the user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from memori_wrap_adapters.llm.fields import get, items, text

_KEPT = ("openai_previous_response_id", "openai_conversation_id")
"""Settings by which the provider keeps the conversation, and would keep the block."""


def instructions(messages: Sequence[Any], parameters: Any, block: str) -> list[Any]:
    """The instruction parts with the block, as the last one."""
    from pydantic_ai.messages import InstructionPart

    given = parameters.instruction_parts
    if given is None:
        given = [InstructionPart(content=said) for said in _recorded(messages)]
    return [*given, InstructionPart(content=block, dynamic=True)]


def _recorded(messages: Sequence[Any]) -> list[str]:
    """Where a request names no instructions (``pydantic_ai.direct``), models send those of the history's last one; of
    the one before, where that has but results of tools."""
    requests = [m for m in messages if text(m, "kind") == "request"][-2:][::-1]
    for request in requests:
        if said := text(request, "instructions"):
            return [said]
        if not all(text(p, "part_kind").startswith(("tool-", "retry-")) for p in items(request, "parts")):
            break
    return []


# ---------------------------------------------------------------- prompt caches


def marks_messages(messages: Sequence[Any], settings: Mapping[str, Any]) -> bool:
    """Whether a prompt-cache marker stands in the messages, or is going to be set there."""
    return _automatic(settings) is not None or any(_behind(p) for m in messages for p in items(m, "parts"))


def in_prompt(messages: Sequence[Any], settings: Mapping[str, Any], block: str) -> dict[str, Any] | None:
    """The arguments that change; None where there is no place for the block.

    A marker that would be set automatically, behind the block, is set by us on the caller's own last words instead.
    """
    from pydantic_ai.messages import CachePoint

    found = _last_prompt(messages)
    if found is None or any(settings.get(name) for name in _KEPT):
        return None
    at, place = found
    request, prompt = messages[at], messages[at].parts[place]
    content: list[Any] = [prompt.content] if isinstance(prompt.content, str) else list(prompt.content)
    automatic, behind = _automatic(settings), _behind(prompt)
    if automatic is not None and content and behind < len(content):
        content.append(CachePoint(ttl="1h" if automatic[1] in ("1h", "12h") else "5m"))
        behind = len(content)
    parts = list(request.parts)
    parts[place] = replace(prompt, content=[*content[:behind], block, *content[behind:]])
    changes: dict[str, Any] = {"messages": [*messages[:at], replace(request, parts=parts), *messages[at + 1 :]]}
    return changes | ({"model_settings": {**settings, **automatic[0]}} if automatic is not None else {})


def _last_prompt(messages: Sequence[Any]) -> tuple[int, int] | None:
    for at in range(len(messages) - 1, -1, -1):
        parts = items(messages[at], "parts")
        for place in range(len(parts) - 1, -1, -1):
            if text(parts[place], "part_kind") == "user-prompt":
                return at, place
    return None


def _behind(part: Any) -> int:
    """How many items of a prompt stand before its last marker, that one included."""
    content = items(part, "content") if text(part, "part_kind") == "user-prompt" else ()
    return max((n for n, item in enumerate(content, 1) if text(item, "kind") == "cache-point"), default=0)


def _automatic(settings: Mapping[str, Any]) -> tuple[dict[str, Any], Any] | None:
    """The settings that switch off markers set automatically in messages, and how long those hold; None where no such
    marker is asked for."""
    own = [name for name in settings if name.split("_", 1)[-1].startswith("cache")]
    for name in own:
        if settings[name] and (name.endswith("_cache_messages") or name == "anthropic_cache"):
            return {name: False}, settings[name]
    unified = settings.get("cache")
    if not unified or any(name != "cache" for name in own):
        return None
    retention = get(unified, "retention") if isinstance(unified, Mapping) else unified
    if isinstance(unified, Mapping) and unified.get("messages") is False:
        return None
    prefix = {"messages": False} | ({"retention": retention} if isinstance(retention, str) else {})
    return {"cache": prefix}, retention
