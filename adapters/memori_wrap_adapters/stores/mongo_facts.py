"""Facts and vectors: a fact said again counts, one that ended gets its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from memori_wrap.rows.records import (
    fact_row,
    graph_row,
    mention_row,
    said_again,
    stored_fact,
    stored_vector,
    vector_row,
)
from memori_wrap.types import ResolvedFact, StoredFact, StoredVector, Triple
from memori_wrap_adapters.stores.mongo_commits import Change, View
from memori_wrap_adapters.stores.mongo_documents import (
    EMBEDDING,
    FACT,
    MENTION,
    Document,
    to_document,
    to_row,
    triple_of,
)


def write_facts(view: View, change: Change, found: Sequence[ResolvedFact]) -> None:
    """Adds to the commit what the facts change."""
    if not found:
        return
    name, revision, now = view.head.name, view.head.last + 1, datetime.now(timezone.utc)
    # one that ends others has to see them all
    known = _rows(view, None if any(f.ends for f in found) else {f.id for f in found})
    cited = _cited(view, found)
    changed: set[str] = set()
    for f in found:
        is_cited = (f.id, f.message) in cited
        if f.id not in known:
            known[f.id] = fact_row(name, revision, f, now) | triple_of(graph_row(name, f))
            changed.add(f.id)
        elif not is_cited:
            known[f.id] |= said_again(known[f.id], revision, f.said_at)
            changed.add(f.id)
        if not is_cited:
            cited.add((f.id, f.message))
            change.add(MENTION, to_document(mention_row(name, f)))
        changed |= _end(known, revision, f)
    for id in sorted(changed):
        change.add(FACT, to_document(known[id]))


def _rows(view: View, ids: Iterable[str] | None) -> dict[str, Document]:
    """Facts as rows that are joined with their triples; all where no ids are given."""
    found = view.find(FACT) if ids is None else view.among(FACT, "id", ids)
    return {f["id"]: {**to_row(f), **triple_of(f)} for f in found if "subject" in f}


def _cited(view: View, found: Sequence[ResolvedFact]) -> set[tuple[str, str]]:
    messages = {"$in": sorted({f.message for f in found})}
    there = view.among(MENTION, "fact_id", {f.id for f in found}, "fact_id", "message_id", message_id=messages)
    return {(m["fact_id"], m["message_id"]) for m in there}


def _end(known: Mapping[str, Document], revision: int, found: ResolvedFact) -> set[str]:
    """Closes the facts that this one ends, so far as they were last said before it."""
    if found.ends is None:
        return set()
    ended = {
        id
        for id, row in known.items()
        if row["valid_to"] is None
        and row["last_seen"] <= found.said_at
        and id != found.id
        and found.ends(Triple(row["subject"], row["predicate"], row["object"]))
    }
    for id in ended:
        known[id].update(valid_to=found.said_at, revision=revision)
    return ended


def facts(view: View, since: int) -> list[StoredFact]:
    """What is new or changed after a revision, with the messages that state it, oldest first."""
    whole = {"revision": {"$gt": since}, "subject": {"$exists": True}}
    found = sorted(view.find(FACT, whole), key=lambda f: (f["said_at"], f["id"]))
    sources: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for m in view.among(MENTION, "fact_id", [f["id"] for f in found], "fact_id", "message_id", "said_at"):
        sources[m["fact_id"]].append((m["said_at"], m["message_id"]))
    rows = [{**to_row(f), **triple_of(f)} for f in found]
    return [stored_fact(row, [id for _, id in sorted(sources[row["id"]])]) for row in rows]


def write_vectors(view: View, change: Change, model: str, found: Sequence[StoredVector]) -> None:
    """A vector that is there already is left: equal text and model give an equal vector."""
    fields = ("item_id", "variant")
    there = view.among(EMBEDDING, "item_id", {v.item for v in found}, *fields, model=model)
    known = {(v["item_id"], v["variant"]) for v in there}
    new = {(v.item, v.variant): v for v in found if (v.item, v.variant) not in known}
    for v in new.values():
        change.add(EMBEDDING, to_document(vector_row(view.head.name, view.head.last + 1, model, v)))


def vectors(view: View, where: Mapping[str, Any]) -> list[StoredVector]:
    found = sorted(view.find(EMBEDDING, where), key=lambda v: (v["revision"], v["item_id"], v["variant"]))
    return [stored_vector(v) for v in found]
