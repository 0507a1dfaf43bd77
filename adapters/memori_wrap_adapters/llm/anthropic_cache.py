"""Where the block goes in a request to Anthropic's Messages API, with regard to its prompt cache. Pure.

A prompt (tools, system, messages) is cached up to each block that has a ``cache_control`` marker, by its exact bytes.
The block is not in the next turn's request any more, so no marker may stand behind it: else what was written to the
cache would never be read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memori_wrap_adapters.llm.fields import get, items, text
from memori_wrap_adapters.llm.stainless import REMOVED

MAX_MARKERS = 4
INNER = ("content", "source", "tool", "definition", "tool_references")
"""The fields of a block in which others stand; a tool's ``input`` is data."""
_CAN_BE_MARKED = ("text", "image", "document", "tool_result", "search_result", "container_upload")


def inject(body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
    """A text in the last turn of the user, behind its last marker.

    A tool loop goes on below that turn, and the text stays where it is, unless there are markers below it, too: then
    it stands behind the last of them, in a message with the tools' results, and those come first. In a conversation
    that Anthropic keeps it is said once, when that begins.
    """
    messages = list(items(body, "messages"))
    changes: dict[str, Any] = {}
    if get(get(body, "thread"), "previous_message_id") is not None or not messages:
        return None
    if (automatic := get(body, "cache_control")) is not None:
        last = _marked_last(body, messages[-1], automatic)
        if last is None:
            return None
        messages[-1], changes["cache_control"] = last, REMOVED
    at = _place(messages)
    made = _with_block(messages[at], block) if at is not None else None
    if at is None or made is None:
        return None
    messages[at] = made
    return {**changes, "messages": messages}


def _place(messages: Sequence[Any]) -> int | None:
    """The message for the block."""
    marked = max((n for n, message in enumerate(messages) if _is_marked(message)), default=0)
    users = [n for n, message in enumerate(messages) if get(message, "role") == "user"]
    asked = max((n for n in users if not _is_results(messages[n])), default=None)
    if asked is None or asked >= marked:
        return asked
    return next((n for n in users if n >= marked), None)


def _is_results(message: Any) -> bool:
    """Whether there are results of tools in it, and no words."""
    kinds = {text(piece, "type") for piece in items(message, "content")}
    return "tool_result" in kinds and "text" not in kinds


def _is_marked(thing: Any) -> bool:
    """Whether a message, block or tool has a marker, itself or anywhere inside."""
    return _markers(thing) > 0


def _markers(thing: Any) -> int:
    if isinstance(thing, (list, tuple)):
        return sum(map(_markers, thing))
    if thing is None or isinstance(thing, (str, bytes)):
        return 0
    return (get(thing, "cache_control") is not None) + sum(_markers(get(thing, name)) for name in INNER)


def _with_block(message: Any, block: str) -> dict[str, Any] | None:
    content = get(message, "content")
    if not isinstance(message, Mapping) or not content:
        return None
    if isinstance(content, str):
        return {**message, "content": f"{block}\n\n{content}"} if content.strip() else None
    if not isinstance(content, (list, tuple)):
        return None
    before = (n for n, piece in enumerate(content, 1) if _is_marked(piece) or text(piece, "type") == "tool_result")
    place = max(before, default=0)
    return {**message, "content": [*content[:place], {"type": "text", "text": block}, *content[place:]]}


def _marked_last(body: Mapping[str, Any], message: Any, marker: Any) -> dict[str, Any] | None:
    """The last message with the marker that Anthropic would put there by itself: on its last block.

    None where it would be put elsewhere, or refused.
    """
    content = get(message, "content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(message, Mapping) or get(message, "role") != "user" or not isinstance(marker, Mapping):
        return None
    if not isinstance(content, (list, tuple)) or not content:
        return None
    last = content[-1]
    kind = text(last, "type")
    if (
        not isinstance(last, Mapping)
        or kind not in _CAN_BE_MARKED
        or (kind == "text" and not text(last, "text").strip())
    ):
        return None
    own = get(last, "cache_control")
    if own is None:
        if sum(_markers(get(body, name)) for name in ("tools", "system", "messages")) >= MAX_MARKERS:
            return None
        last = {**last, "cache_control": dict(marker)}
    elif (get(own, "ttl") or "5m") != (get(marker, "ttl") or "5m"):
        return None
    return {**message, "content": [*content[:-1], last]}
