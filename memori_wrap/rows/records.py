"""Records to rows and back. A row is a mapping of the columns in ``store.tables``, whatever database it lies in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from memori_wrap.rows.align import digest_of
from memori_wrap.types import Message, Part, ResolvedFact, StoredFact, StoredMessage, StoredVector, Triple, Vectors


def message_row(m: StoredMessage, entity: str, now: datetime, revision: int) -> dict[str, Any]:
    return {
        "entity_id": entity,
        "id": m.id,
        "conversation_id": m.conversation,
        "exchange_id": m.exchange,
        "position": m.position,
        "role": m.role[:40],
        "speaker": m.speaker,
        "text": m.text,
        "parts": [[p.kind, p.text, p.id, p.name] for p in m.parts] or None,
        "origin": m.origin,
        "digest": digest_of(Message(m.role, m.text, m.speaker, m.parts)),
        "said_at": m.said_at,
        "created_at": now,
        "revision": revision,
    }


def stored_message(row: Mapping[Any, Any]) -> StoredMessage:
    """``row`` is joined with its conversation's ``process_id`` and ``session_id``."""
    return StoredMessage(
        id=row["id"],
        conversation=row["conversation_id"],
        exchange=row["exchange_id"],
        position=row["position"],
        role=row["role"],
        text=row["text"],
        said_at=row["said_at"],
        speaker=row["speaker"],
        parts=tuple(Part(*p) for p in row["parts"] or ()),
        origin=row["origin"],
        process=row["process_id"] or None,
        session=row["session_id"] or None,
    )


def fact_row(entity: str, revision: int, found: ResolvedFact, now: datetime) -> dict[str, Any]:
    """A fact that is said for the first time."""
    return {
        "entity_id": entity,
        "id": found.id,
        "text": found.fact.text,
        "category": found.fact.category,
        "rule": found.fact.rule,
        "confidence": found.fact.confidence,
        "mentions": 1,
        "said_at": found.said_at,
        "last_seen": found.said_at,
        "valid_from": found.said_at,
        "valid_to": None,
        "created_at": now,
        "revision": revision,
    }


def graph_row(entity: str, found: ResolvedFact) -> dict[str, Any]:
    t = found.fact.triple
    return {
        "entity_id": entity,
        "fact_id": found.id,
        "subject": t.subject,
        "predicate": t.predicate[:100],
        "object": t.object,
    }


def mention_row(entity: str, found: ResolvedFact) -> dict[str, Any]:
    said = {"entity_id": entity, "fact_id": found.id, "message_id": found.message, "said_at": found.said_at}
    return {**said, "quote": found.fact.quote}


def said_again(known: Mapping[Any, Any], revision: int, said_at: datetime) -> dict[str, Any]:
    """What changes in the row of a fact that another message states, too."""
    changes: dict[str, Any] = {
        "mentions": known["mentions"] + 1,
        "said_at": min(known["said_at"], said_at),
        "last_seen": max(known["last_seen"], said_at),
        "revision": revision,
    }
    if known["valid_to"] is not None and said_at > known["valid_to"]:
        changes |= {"valid_from": said_at, "valid_to": None}  # it holds again
    return changes


def stored_fact(row: Mapping[Any, Any], sources: Sequence[str]) -> StoredFact:
    """``row`` is joined with its row of the graph."""
    return StoredFact(
        id=row["id"],
        text=row["text"],
        triple=Triple(row["subject"], row["predicate"], row["object"]),
        category=row["category"],
        rule=row["rule"],
        mentions=row["mentions"],
        sources=tuple(sources),
        said_at=row["said_at"],
        last_seen=row["last_seen"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        confidence=row["confidence"],
    )


def vector_row(entity: str, revision: int, model: str, v: StoredVector) -> dict[str, Any]:
    return {
        "entity_id": entity,
        "item_id": v.item,
        "variant": v.variant,
        "model": model,
        "dimension": len(v.vector),
        "vector": vector_bytes(v.vector),
        "revision": revision,
    }


def vector_bytes(vector: Vectors) -> bytes:
    return np.asarray(vector, dtype="<f4").tobytes()


def stored_vector(row: Mapping[Any, Any]) -> StoredVector:
    return StoredVector(row["item_id"], np.frombuffer(row["vector"], dtype="<f4"), row["variant"])
