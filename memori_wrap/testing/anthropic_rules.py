"""What Anthropic's Messages API refuses, as far as it matters to who builds requests. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

MAX_MARKERS = 4
ROLES = ("user", "assistant", "system")
BLOCKS = (
    *("text", "image", "document", "search_result", "container_upload", "tool_result"),
    *("thinking", "redacted_thinking", "tool_use", "server_tool_use", "mcp_tool_use", "mcp_tool_result"),
    *("web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result", "advisor_tool_result"),
    *("bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result"),
    *("compaction", "fallback", "tool_addition", "tool_removal"),
)
_UNANSWERED = "`tool_use` ids were found without `tool_result` blocks immediately after"
_CANNOT_BE_MARKED = ("thinking", "redacted_thinking")

Block = Mapping[str, Any]


def signature(thinking: str) -> str:
    """The proof that a thought was the model's, which must come back with it."""
    return hashlib.sha256(thinking.encode("utf-8", "surrogatepass")).hexdigest()


def blocks(content: Any) -> list[Block]:
    """A message's content as blocks; a string stands for one block of text."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, Mapping)] if isinstance(content, list) else []


def objection(body: Any, kept: Sequence[Mapping[str, Any]] = ()) -> str | None:
    """Why a request would be answered with status 400; None where it would not.

    ``kept``: the messages of the thread that the request continues.
    """
    if not isinstance(body, Mapping):
        return "The request body is not valid JSON"
    for field, kind in {"model": str, "max_tokens": int, "messages": list}.items():
        if field not in body:
            return f"{field}: Field required"
        if not isinstance(body[field], kind):
            return f"{field}: Input should be a valid {'list' if kind is list else kind.__name__}"
    return (
        _about_system(body.get("system"))
        or _about_messages(body["messages"], [*kept, *body["messages"]])
        or _about_pairs([*kept, *body["messages"]])
        or _about_markers(body)
    )


def _about_system(system: Any) -> str | None:
    if system is None or isinstance(system, str):
        return None
    if not isinstance(system, list):
        return "system: Input should be a valid list"
    return next((found for n, block in enumerate(system) if (found := _about_text(f"system.{n}", block))), None)


def _about_text(place: str, block: Any) -> str | None:
    if not isinstance(block, Mapping) or block.get("type") not in BLOCKS:
        return f"{place}: Input tag '{block.get('type') if isinstance(block, Mapping) else block}' found is unknown"
    if block["type"] != "text":
        return None
    if not isinstance(block.get("text"), str):
        return f"{place}.text.text: Field required"
    return None if block["text"].strip() else f"{place}: text content blocks must contain non-whitespace text"


def _about_messages(messages: Sequence[Any], everything: Sequence[Any]) -> str | None:
    if not everything:
        return "messages: at least one message is required"
    for n, message in enumerate(messages):
        if not isinstance(message, Mapping):
            return f"messages.{n}: Input should be a valid dictionary"
        if found := _about_message(f"messages.{n}", message, is_last=n == len(messages) - 1):
            return found
    return None if everything[0]["role"] != "assistant" else 'messages: first message must use the "user" role'


def _about_message(place: str, message: Mapping[str, Any], *, is_last: bool) -> str | None:
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        return f"{place}.role: Input should be {', '.join(map(repr, ROLES))}"
    if not isinstance(content, (str, list)):
        return f"{place}.content: Input should be a valid string or list"
    if not content:
        is_allowed = role == "assistant" and is_last
        return None if is_allowed else f"{place}: all messages must have non-empty content"
    for n, block in enumerate([{"type": "text", "text": content}] if isinstance(content, str) else content):
        if found := _about_text(f"{place}.content.{n}", block) or _about_thought(f"{place}.content.{n}", block):
            return found
    last = blocks(content)[-1]
    if is_last and role == "assistant" and last.get("text", "") != last.get("text", "").rstrip():
        return "messages: final assistant content cannot end with trailing whitespace"
    return None


def _about_thought(place: str, block: Block) -> str | None:
    if block["type"] == "thinking" and block.get("signature") != signature(block.get("thinking", "")):
        return f"{place}: Invalid `signature` in `thinking` block"
    return None


def _about_pairs(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Each call of a tool is answered at once, and nothing comes before the answers."""
    asked: set[str] = set()
    for n, (role, content) in enumerate(_turns(messages)):
        answered = [block.get("tool_use_id", "") for block in content if block["type"] == "tool_result"]
        if role == "user":
            if unknown := sorted(set(answered) - asked):
                return f"messages.{n}: unexpected `tool_use_id` found in `tool_result` blocks: {', '.join(unknown)}"
            first = {block.get("tool_use_id") for block in content[: len(answered)]}
            if missing := sorted((asked | set(answered)) - first):
                return f"messages.{n}: {_UNANSWERED}: {', '.join(missing)}"
        asked = {block.get("id", "") for block in content if role == "assistant" and block["type"] == "tool_use"}
    if asked:
        return f"{_UNANSWERED}: {', '.join(sorted(asked))}"
    return None


def _turns(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Block]]]:
    """Messages of one role that follow on each other are one turn; those of the system take no turn."""
    turns: list[tuple[str, list[Block]]] = []
    for message in messages:
        if message["role"] == "system":
            continue
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks(message["content"]))
        else:
            turns.append((message["role"], blocks(message["content"])))
    return turns


# ---------------------------------------------------------------- the prompt cache


def prompt(body: Mapping[str, Any]) -> Iterator[Block]:
    """All blocks of a request in the order in which they are cached: tools, system, messages."""
    yield from body.get("tools") or ()
    yield from blocks(body.get("system"))
    for message in body.get("messages") or ():
        yield from blocks(message["content"])


def _markers(block: Block) -> list[Mapping[str, Any]]:
    found = [block["cache_control"]] if block.get("cache_control") is not None else []
    inner = block.get("content")
    return [*(m for b in (blocks(inner) if isinstance(inner, list) else ()) for m in _markers(b)), *found]


def _ttl(marker: Mapping[str, Any]) -> str:
    return str(marker.get("ttl") or "5m")


def _about_markers(body: Mapping[str, Any]) -> str | None:
    everything = list(prompt(body))
    markers = [marker for block in everything for marker in _markers(block)]
    automatic = body.get("cache_control")
    for marker in [*markers, *([automatic] if automatic is not None else ())]:
        if not isinstance(marker, Mapping) or marker.get("type") != "ephemeral" or _ttl(marker) not in ("5m", "1h"):
            return "cache_control: Input should be {'type': 'ephemeral'} with a ttl of '5m' or '1h'"
    if any(block.get("type") in _CANNOT_BE_MARKED and _markers(block) for block in everything):
        return "cache_control cannot be set for thinking blocks"
    if len(markers) > MAX_MARKERS:
        return f"A maximum of {MAX_MARKERS} blocks with cache_control may be provided. Found {len(markers)}."
    if automatic is not None:
        own = _markers(everything[-1])[-1:]
        if own and _ttl(own[0]) != _ttl(automatic):
            return "cache_control: the last block has a marker with another ttl"
        if not own and len(markers) == MAX_MARKERS:
            return f"cache_control: {MAX_MARKERS} blocks have a marker already"
        markers = markers if own else [*markers, automatic]
    if any(_ttl(a) == "5m" and _ttl(b) == "1h" for a, b in pairwise(markers)):
        return "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block"
    return None
