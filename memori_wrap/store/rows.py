"""Records to rows and back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from memori_wrap.store.align import digest_of
from memori_wrap.store.tables import conversation, fact, graph, message
from memori_wrap.types import Message, Part, StoredFact, StoredMessage, StoredVector, Triple, Vectors

MESSAGES = sa.select(message, conversation.c.process_id, conversation.c.session_id).join_from(
    message,
    conversation,
    sa.and_(message.c.entity_id == conversation.c.entity_id, message.c.conversation_id == conversation.c.id),
)
FACTS = sa.select(fact, graph.c.subject, graph.c.predicate, graph.c.object).join_from(
    fact, graph, sa.and_(fact.c.entity_id == graph.c.entity_id, fact.c.id == graph.c.fact_id)
)


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


def stored_message(row: sa.RowMapping) -> StoredMessage:
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


def stored_fact(row: sa.RowMapping, sources: Sequence[str]) -> StoredFact:
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


def vector_bytes(vector: Vectors) -> bytes:
    return np.asarray(vector, dtype="<f4").tobytes()


def stored_vector(row: sa.RowMapping) -> StoredVector:
    return StoredVector(row["item_id"], np.frombuffer(row["vector"], dtype="<f4"), row["variant"])
