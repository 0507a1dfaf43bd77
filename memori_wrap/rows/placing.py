"""Exchanges into a conversation: what is new in them, and its place behind the tail. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from memori_wrap.ids import message_id
from memori_wrap.rows.align import digest_of, is_storable, new_messages
from memori_wrap.types import Exchange, Message, Origin, StoredMessage

SLACK = 20
"""Stored messages that a request is aligned with, beyond twice its own length: attempts, what was trimmed."""

Key = tuple[str, str]
"""A conversation's process and session, '' where none was named."""


class Room:
    """A conversation while a transaction adds to it: what it ends with, as (role, digest), and the next free place."""

    def __init__(self, id: str, tail: list[tuple[str, str]], position: int) -> None:
        self.id, self.tail, self.position = id, tail, position

    def place(self, e: Exchange, known: Callable[[set[str]], Iterable[str]]) -> list[StoredMessage]:
        """The messages of an exchange that are new, with their places.

        ``known`` tells which of some digests the entity has anywhere.
        """
        asked = [(n, m) for n, m in enumerate(e.request) if is_storable(m)]
        replied = [(n, m) for n, m in enumerate(e.reply, len(e.request)) if is_storable(m)]
        kept: Sequence[tuple[int, Origin]] = [(i, "live") for i in range(len(asked))]
        if e.resent and len(asked) > 1:
            marks = [(m.role, digest_of(m)) for _, m in asked]
            there = set(known({mark for _, mark in marks}))
            kept = new_messages(self.tail, marks, frozenset(there) | {mark for _, mark in self.tail})
        made = [self._add(e, *asked[i], origin) for i, origin in kept]
        return made + [self._add(e, n, m, "live") for n, m in replied]

    def _add(self, e: Exchange, n: int, m: Message, origin: Origin) -> StoredMessage:
        stored = StoredMessage(
            id=message_id(e.id, n),
            conversation=self.id,
            exchange=e.id,
            position=self.position,
            role=m.role,
            text=m.text,
            said_at=m.said_at or e.said_at,
            speaker=m.speaker,
            parts=m.parts,
            origin=origin,
            process=e.scope.process,
            session=e.scope.session,
        )
        self.tail.append((m.role, digest_of(m)))
        self.position += 1
        return stored


def key_of(e: Exchange) -> Key:
    return e.scope.process or "", e.scope.session or ""


def tails(exchanges: Iterable[Exchange]) -> dict[Key, int]:
    """For each conversation, how many of its last messages are wanted to place the exchanges behind."""
    longest: dict[Key, int] = defaultdict(int)
    for e in exchanges:
        longest[key_of(e)] = max(longest[key_of(e)], len(e.request) if e.resent else 0)
    # a request of one message has nothing to align: its place is all that it needs
    return {key: 2 * length + SLACK if length > 1 else 1 for key, length in longest.items()}


def conversation_row(entity: str, id: str, key: Key, now: datetime) -> dict[str, Any]:
    return {"entity_id": entity, "id": id, "process_id": key[0], "session_id": key[1], "created_at": now}


def renamed(row: dict[str, Any]) -> dict[str, Any]:
    """A conversation's row from elsewhere, where another conversation has its name here."""
    return row | {"session_id": f"{row['session_id'][:60]}#{row['id']}"}


def exchange_row(e: Exchange, room: str) -> dict[str, Any]:
    return {
        "entity_id": e.scope.entity,
        "id": e.id,
        "conversation_id": room,
        "provider": (e.provider or "")[:100] or None,
        "model": (e.model or "")[:200] or None,
        "usage": dict(e.usage) or None,
        "finish_reason": (e.finish_reason or "")[:100] or None,
        "complete": e.complete,
        "said_at": e.said_at,
    }


def job_row(e: Exchange, room: str, now: datetime) -> dict[str, Any]:
    row = {"entity_id": e.scope.entity, "exchange_id": e.id, "conversation_id": room, "created_at": now}
    return {**row, "heartbeat": 0, "attempts": 0, "dead": False}
