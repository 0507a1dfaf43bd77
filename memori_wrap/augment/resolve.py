"""Same or changed? A fact's id is made of what it says, so that saying it again finds it."""

from __future__ import annotations

from functools import partial

from memori_wrap.augment.extract.grammar import closes
from memori_wrap.ids import fact_id
from memori_wrap.text import fold
from memori_wrap.types import Fact, ResolvedFact, StoredMessage, Triple


def key(triple: Triple, *, ends: bool = False) -> str:
    """The form in which two facts are the same: folded subject and object, in any script."""
    return f"{'-' if ends else ''}{fold(triple.subject)}|{triple.predicate}|{fold(triple.object)}"


def resolve(entity: str, message: StoredMessage, fact: Fact) -> ResolvedFact:
    """The fact as the store takes it: with its id, and with what it ends."""
    ends = partial(closes, fact.triple) if fact.ends else None
    return ResolvedFact(fact_id(entity, key(fact.triple, ends=fact.ends)), message.id, message.said_at, fact, ends)
