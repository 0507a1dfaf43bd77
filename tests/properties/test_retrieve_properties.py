"""What holds for every memory and every question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memori_wrap.index.faiss import FaissIndex
from memori_wrap.index.flat import FlatIndex
from memori_wrap.protocols import Query, VectorIndex
from memori_wrap.retrieve import candidates
from memori_wrap.retrieve.hybrid import HybridRetriever
from memori_wrap.types import Delta, Recollection, StoredFact, StoredMessage, StoredVector
from tests.support.memories import START, asked, fact, turn, vectors

VOCABULARY = [
    *("boat", "boats", "tea", "Ann", "Bob", "painted", "what", "the", "when", "yesterday", "March 3"),
    *("我的", "记者", "上海", "книга", "Haus", "?", "😀", "\x00", "\ud800", "I", "you said", "2024-03-04"),
]
SAID = st.lists(st.sampled_from(VOCABULARY), max_size=12).map(" ".join) | st.text(max_size=40)
QUESTIONS = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=8).map(" ".join) | st.text(max_size=80)
MESSAGES = st.lists(
    st.builds(
        turn,
        st.just(""),
        SAID,
        role=st.sampled_from(["user", "assistant"]),
        speaker=st.sampled_from([None, "Ann", "Bob"]),
        conversation=st.sampled_from(["c1", "c2", "c3"]),
        days=st.integers(0, 5),
    ),
    max_size=25,
).map(lambda messages: [_named(message, f"m{i}") for i, message in enumerate(messages)])
EXAMPLES = settings(max_examples=80, deadline=None)


def _named(message: StoredMessage, id: str) -> StoredMessage:
    return turn(
        id,
        message.text,
        role=message.role,
        speaker=message.speaker,
        conversation=message.conversation,
        days=(message.said_at - START) / timedelta(days=1),
    )


def facts_of(messages: Sequence[StoredMessage]) -> list[StoredFact]:
    """One fact for every third message."""
    return [fact(f"f{m.id}", f"fact of {m.text}", m.id) for m in messages[::3]]


def built(
    messages: Sequence[StoredMessage],
    cuts: Sequence[int] = (),
    make_index: Callable[[], VectorIndex] = FlatIndex,
    late: bool = False,
) -> HybridRetriever:
    """A retriever that was told in deltas cut at ``cuts``; ``late``: each delta's vectors come with the next one."""
    retriever = HybridRetriever(make_index)
    waiting: list[StoredVector] = []
    before: list[StoredMessage] = []
    edges = [0, *sorted(cuts), len(messages)]
    for start, end in pairwise(edges):
        new, facts = messages[start:end], facts_of(messages)[-(-start // 3) : -(-end // 3)]
        everything = vectors(messages, facts)
        made = [v for v in everything if v.item in {m.id for m in new} | {f.id for f in facts}]
        given, waiting = (waiting, made) if late else (made, [])
        retriever.apply(Delta("alice", retriever.revision, retriever.revision + 1, new, facts, given))
        before += new
    retriever.apply(Delta("alice", retriever.revision, retriever.revision + 1, (), (), waiting))
    return retriever


def seen(found: Sequence[Recollection]) -> list[tuple[str, float]]:
    return [(item.id, round(item.score, 5)) for item in found]


@EXAMPLES
@given(MESSAGES, st.lists(st.integers(0, 25), max_size=4), QUESTIONS, st.booleans())
def test_incremental_equals_rebuilt(messages: list[StoredMessage], cuts: list[int], query: str, late: bool) -> None:
    parts = built(messages, [min(cut, len(messages)) for cut in cuts], late=late)
    whole = built(messages)
    for kinds in (None, frozenset({"fact", "turn"})):
        for model in (True, False):
            asks = Query(query, limit=50, kinds=kinds, now=START)
            assert seen(asked(parts, asks, model=model)) == seen(asked(whole, asks, model=model))


@EXAMPLES
@given(MESSAGES, QUESTIONS)
def test_flat_equals_faiss(messages: list[StoredMessage], query: str) -> None:
    flat, faiss = (asked(built(messages, make_index=index), query, model=True) for index in (FlatIndex, FaissIndex))
    assert dict(seen(flat)) == pytest.approx(dict(seen(faiss)), abs=1e-4)


@EXAMPLES
@given(MESSAGES, QUESTIONS, st.integers(1, 30), st.booleans(), st.sampled_from(["auto", "lexical", "dense"]))
def test_the_order_is_stable_and_explained(
    messages: list[StoredMessage], query: str, limit: int, model: bool, engine: str
) -> None:
    retriever = built(messages[:-3])
    asks = Query(query, limit=limit, engine=engine, now=START)
    found = asked(retriever, asks, *messages[-3:], model=model)
    assert seen(found) == seen(asked(retriever, asks, *messages[-3:], model=model))
    assert len(found) <= limit
    assert len({item.id for item in found}) == len(found)
    order = [(-round(item.score, 6), -item.said_at.timestamp(), item.id) for item in found]
    assert order == sorted(order)
    for item in found:
        assert sum(item.why.values()) == pytest.approx(item.score, abs=1e-6)
        assert item.sources
    everything = asked(retriever, Query(query, limit=100, engine=engine, now=START), *messages[-3:], model=model)
    assert seen(everything)[:limit] == seen(found)


@EXAMPLES
@given(MESSAGES, QUESTIONS, st.booleans())
def test_few_candidates_are_the_same_as_all(messages: list[StoredMessage], query: str, model: bool) -> None:
    """With the limits so low that candidates are chosen, the best is what it is when all are looked at."""
    retriever = built(messages)
    best = seen(asked(retriever, Query(query, limit=3), model=model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "ALL", 24)
        patch.setattr(candidates, "BEST", 24)
        assert {id for id, _ in seen(asked(retriever, Query(query, limit=3), model=model))} >= {
            id for id, _ in best[:1]
        }


@EXAMPLES
@given(st.text(), st.lists(st.text(max_size=30), max_size=5))
def test_any_text_is_taken(query: str, said: list[str]) -> None:
    messages = [turn(f"m{i}", text) for i, text in enumerate(said)]
    for model in (True, False):
        assert len(asked(built(messages), Query(query, limit=50), *messages, model=model)) <= len(messages)
