"""What a statement may hold: MySQL and MariaDB close the connection of a longer one, as if they had gone away."""

from __future__ import annotations

import json
from dataclasses import replace

from memori_wrap.store.session import Session
from memori_wrap.text import clean
from memori_wrap.types import Exchange, Message, Part

_ROOM = 64 * 1024
"""Of a packet, for the rest of the row."""
_ESCAPED = "\0\n\r\x1a'\"\\"
"""Characters that take two bytes in a statement instead of one."""


def statement_limit(session: Session) -> int | None:
    """The bytes of text that a row may have; None for no limit."""
    if session.engine.dialect.name not in ("mysql", "mariadb"):
        return None
    with session.read() as conn:
        return max(_ROOM, int(conn.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()) - _ROOM)


def fitted(exchange: Exchange, limit: int) -> Exchange:
    """The exchange with its texts cut to what fits; the cut is marked. The same text is always cut the same."""
    request = tuple(_fitted(m, limit) for m in exchange.request)
    reply = tuple(_fitted(m, limit) for m in exchange.reply)
    if all(a is b for a, b in zip((*request, *reply), (*exchange.request, *exchange.reply), strict=True)):
        return exchange
    return replace(exchange, request=request, reply=reply)


def _fitted(m: Message, limit: int) -> Message:
    if 8 * (len(m.text) + sum(len(p.text) for p in m.parts)) < limit:  # a character takes 7 bytes at most
        return m
    size = _bytes(m.text)
    parts = _bytes(json.dumps([p.text for p in m.parts])) if m.parts else 0
    if size + parts <= limit:
        return m
    room = limit // 2 if parts else limit
    text = m.text if size <= room else _cut(m.text, room)
    if m.parts:
        each = room // len(m.parts) // 8
        return replace(m, text=text, parts=tuple(Part(p.kind, clean(p.text, each), p.id, p.name) for p in m.parts))
    return replace(m, text=text)


def _cut(text: str, room: int) -> str:
    """The longest beginning, to within a sixteenth, that takes no more than ``room`` bytes."""
    keep = len(text)
    while _bytes(text[:keep]) > room - 100:
        keep -= max(1, keep // 16)
    return clean(text, keep)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace")) + sum(text.count(c) for c in _ESCAPED)
