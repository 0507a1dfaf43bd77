"""Rows as documents: the collections, their keys and indexes, and what BSON lacks.

A collection holds what a table holds elsewhere (``memori_wrap.store.tables``), and a document its row, but for two
that have no life of their own: a job is a part of its exchange, a triple of the graph a part of its fact. BSON's dates
stop at the millisecond, so a time is the number of microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

from pymongo import ASCENDING, IndexModel

Document: TypeAlias = dict[str, Any]

PREFIX = "memori_wrap_"
CONVERSATION, EXCHANGE, MESSAGE = "conversation", "exchange", "conversation_message"
FACT, MENTION, EMBEDDING = "entity_fact", "entity_fact_mention", "embedding"
JOB, GRAPH = "augmentation_job", "knowledge_graph"
HEAD, PART, REMOVAL, SECRET = "entity", "commit_part", "removal", "secret"
"""An entity's head and what is about to be written, see ``mongo_commits``; what was removed; the fence's key."""

KEYS: Mapping[str, tuple[str, ...]] = {
    CONVERSATION: ("id",),
    EXCHANGE: ("id",),
    MESSAGE: ("id",),
    FACT: ("id",),
    MENTION: ("fact_id", "message_id"),
    EMBEDDING: ("item_id", "variant", "model"),
}
"""What names a document among those of its entity: the primary keys of the tables."""
_FOUND_BY: Mapping[str, tuple[tuple[str, ...], ...]] = {
    CONVERSATION: (("process_id", "session_id"),),
    EXCHANGE: (),
    MESSAGE: (("revision",), ("exchange_id",), ("digest",), ("conversation_id", "position"), ("said_at",)),
    FACT: (("revision",),),
    MENTION: (("message_id",),),
    EMBEDDING: (("revision",),),
}
_TIMES = frozenset({"said_at", "created_at", "last_seen", "valid_from", "valid_to", "not_before"})
_TRIPLE = ("subject", "predicate", "object")
_OWN = frozenset({"_id", "entity_id", "version", "job", *_TRIPLE})
"""Fields that are no columns."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def indexes() -> Iterable[tuple[str, list[IndexModel]]]:
    """The indexes of each collection. All but the queue's are led by the entity."""
    for name, key in KEYS.items():
        made = [_index("entity_id", *key, unique=True), *(_index("entity_id", *path) for path in _FOUND_BY[name])]
        if name == EXCHANGE:
            open_ = {"job.dead": {"$exists": True}}
            made.append(_index("job.dead", "entity_id", "id", partialFilterExpression=open_))
            made.append(_index("job.lease", sparse=True))
        yield name, made
    yield HEAD, [_index("pending.id", sparse=True)]
    yield PART, [_index("entity_id", "commit", "n", unique=True)]


def _index(*fields: str, **options: Any) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in fields], **options)


def to_document(row: Mapping[str, Any]) -> Document:
    """A row's columns, without those of its key and its entity, as they are stored."""
    return {name: _stored(name, value) for name, value in row.items() if name != "entity_id"}


def to_row(document: Mapping[str, Any]) -> Document:
    """The columns of a row, without the entity."""
    return {name: _read(name, value) for name, value in document.items() if name not in _OWN}


def job_row(exchange: Mapping[str, Any]) -> Document:
    """The job in an exchange, as the row of a table of its own."""
    names = {
        "entity_id": exchange["entity_id"],
        "exchange_id": exchange["id"],
        "conversation_id": exchange["conversation_id"],
    }
    return names | {name: _read(name, value) for name, value in exchange["job"].items()}


def job_of(row: Mapping[str, Any]) -> Document:
    """The row of a job as the part of its exchange."""
    blank: Document = {"lease": None, "not_before": None, "reason": None}
    columns = {name: _stored(name, v) for name, v in row.items() if name not in _NAMES_OF_A_JOB}
    return blank | columns


_NAMES_OF_A_JOB = frozenset({"entity_id", "exchange_id", "conversation_id"})


def graph_row(fact: Mapping[str, Any]) -> Document:
    return {"fact_id": fact["id"], **{name: fact[name] for name in _TRIPLE}}


def triple_of(row: Mapping[str, Any]) -> Document:
    return {name: row[name] for name in _TRIPLE}


def moment(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at.astimezone(timezone.utc) - _EPOCH) // _MICROSECOND


def _stored(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if name == "usage" and value is not None:
        return [[key, count] for key, count in value.items()]  # a key may have a dot in it
    return bytes(value) if isinstance(value, memoryview) else value


def _read(name: str, value: Any) -> Any:
    if name in _TIMES and value is not None:
        return _EPOCH + value * _MICROSECOND
    if name == "usage" and value is not None:
        return dict(value)
    return value
