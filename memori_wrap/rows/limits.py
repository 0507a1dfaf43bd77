"""What a row may hold, where a database has a limit: texts are cut to it, and the cut is marked. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

from memori_wrap.text import clean
from memori_wrap.types import Exchange, Message, Part


def fitted(exchange: Exchange, limit: int, escaped: str = "") -> Exchange:
    """The exchange with its texts cut to what fits; the cut is marked. The same text is always cut the same.

    ``limit``: bytes of UTF-8 of one message's texts; ``escaped``: characters that take a byte more than they have.
    """
    request = tuple(_fitted(m, limit, escaped) for m in exchange.request)
    reply = tuple(_fitted(m, limit, escaped) for m in exchange.reply)
    if all(a is b for a, b in zip((*request, *reply), (*exchange.request, *exchange.reply), strict=True)):
        return exchange
    return replace(exchange, request=request, reply=reply)


def _fitted(m: Message, limit: int, escaped: str) -> Message:
    if 8 * (len(m.text) + sum(len(p.text) for p in m.parts)) < limit:  # a character takes 7 bytes at most
        return m
    size = _bytes(m.text, escaped)
    parts = _bytes(json.dumps([p.text for p in m.parts]), escaped) if m.parts else 0
    if size + parts <= limit:
        return m
    room = limit // 2 if parts else limit
    text = m.text if size <= room else _cut(m.text, room, escaped)
    if m.parts:
        each = room // len(m.parts) // 8
        return replace(m, text=text, parts=tuple(Part(p.kind, clean(p.text, each), p.id, p.name) for p in m.parts))
    return replace(m, text=text)


def _cut(text: str, room: int, escaped: str) -> str:
    """The longest beginning, to within a sixteenth, that takes no more than ``room`` bytes."""
    keep = len(text)
    while _bytes(text[:keep], escaped) > room - 100:
        keep -= max(1, keep // 16)
    return clean(text, keep)


def _bytes(text: str, escaped: str) -> int:
    return len(text.encode("utf-8", "replace")) + sum(text.count(c) for c in escaped)
