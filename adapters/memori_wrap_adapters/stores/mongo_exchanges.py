"""Exchanges into an entity, and messages out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from memori_wrap.ids import new_id
from memori_wrap.rows.placing import Key, Room, conversation_row, exchange_row, job_row, key_of, tails
from memori_wrap.rows.records import message_row, stored_message
from memori_wrap.types import Delta, Exchange, StoredMessage
from memori_wrap_adapters.stores.mongo_commits import Change, View
from memori_wrap_adapters.stores.mongo_documents import (
    CONVERSATION,
    EXCHANGE,
    MESSAGE,
    Document,
    job_of,
    to_document,
    to_row,
)


def capture(view: View, exchanges: Mapping[str, Exchange]) -> tuple[Change | None, Delta | None]:
    """What writes the exchanges that are not there yet, each with its job; None where all of them are."""
    name, revision = view.head.name, view.head.last + 1
    known = {found["id"] for found in view.among(EXCHANGE, "id", exchanges, "id")}
    new = [e for id, e in exchanges.items() if id not in known and id > view.head.floor]
    if not new:
        return None, None
    now = datetime.now(timezone.utc)
    change = Change()
    rooms = {key: _room(view, key, wanted, now, change) for key, wanted in tails(new).items()}
    stored: list[StoredMessage] = []
    for e in new:
        room = rooms[key_of(e)]
        messages = room.place(e, lambda marks: _known(view, marks))
        is_work = any(m.origin == "live" for m in messages)
        job = job_of(job_row(e, room.id, now)) if is_work else None
        change.add(EXCHANGE, {**to_document(exchange_row(e, room.id)), "job": job})
        stored += messages
    for m in stored:
        change.add(MESSAGE, to_document(message_row(m, name, now, revision)))
    return change, Delta(name, revision - 1, revision, tuple(stored))


def _room(view: View, key: Key, wanted: int, now: datetime, change: Change) -> Room:
    process, session = key
    found = next(view.find(CONVERSATION, {"process_id": process, "session_id": session}, "id"), None)
    if found is None:
        made = conversation_row(view.head.name, new_id(), key, now)
        change.add(CONVERSATION, to_document(made))
        return Room(made["id"], [], 0)
    tail = view.find(MESSAGE, {"conversation_id": found["id"]}, "role", "digest", "position")
    rows = list(tail.sort("position", -1).limit(wanted))
    last = [(row["role"], row["digest"]) for row in reversed(rows)]
    return Room(found["id"], last, rows[0]["position"] + 1 if rows else 0)


def _known(view: View, marks: Iterable[str]) -> set[str]:
    return {found["digest"] for found in view.among(MESSAGE, "digest", marks, "digest")}


def messages(view: View, where: Mapping[str, Any]) -> list[StoredMessage]:
    """With the names of their conversations, in the order of the conversation."""
    found = sorted(view.find(MESSAGE, where), key=lambda m: (m["revision"], m["conversation_id"], m["position"]))
    return joined(view, found)


def joined(view: View, found: Sequence[Document]) -> list[StoredMessage]:
    """Messages as records, with the process and the session of their conversations."""
    fields = ("id", "process_id", "session_id")
    rooms = {r["id"]: r for r in view.among(CONVERSATION, "id", {m["conversation_id"] for m in found}, *fields)}
    names = ("process_id", "session_id")
    return [
        stored_message({**to_row(m), **{name: rooms[m["conversation_id"]][name] for name in names}})
        for m in found
        if m["conversation_id"] in rooms
    ]
