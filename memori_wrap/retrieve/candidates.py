"""Which turns and facts are looked at, and how well each matches by its words and by its meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memori_wrap.protocols import Query
from memori_wrap.retrieve.corpus import Corpus
from memori_wrap.retrieve.facts import lift
from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.retrieve.question import Question
from memori_wrap.retrieve.search import WordSearch
from memori_wrap.retrieve.turns import Bools, Table
from memori_wrap.retrieve.vectors import CONTEXT, FACT, TURN
from memori_wrap.types import StoredMessage, Vectors

ALL = 600
"""Up to so many turns are all looked at; of more, the best by words, meaning, facts and dates, and their neighbours."""
BEST = 250
"""How many of each."""


@dataclass(frozen=True, slots=True)
class Matches:
    """How well items match, one value each: words 0 to about 1, cosines with NaN for "no vector".

    ``turns``: their numbers, ascending, and ``rows`` their columns; the facts are all there.
    """

    turns: Ints
    rows: Table
    words: Floats
    context: Floats
    cosine: Floats
    context_cosine: Floats
    fact_words: Floats
    fact_cosine: Floats


def allowed(corpus: Corpus, query: Query, table: Table, recent: Sequence[StoredMessage]) -> Bools:
    """The turns that the query does not exclude by time, process or session."""
    keep = np.ones(len(table), np.bool_)
    if query.since is not None:
        keep &= table.said >= query.since.timestamp()
    if query.until is not None:
        keep &= table.said <= query.until.timestamp()
    if query.process is not None or query.session is not None:
        stored = len(table) - len(recent)
        fits = np.array([_fits(query, *place) for place in corpus.turns.places], np.bool_)
        keep[:stored] &= fits[table.conversation[:stored]]
        keep[stored:] &= [_fits(query, message.process, message.session) for message in recent]
    return keep


def _fits(query: Query, process: str | None, session: str | None) -> bool:
    return query.process in (None, process) and query.session in (None, session)


def gather(
    corpus: Corpus,
    question: Question,
    table: Table,
    keep: Bools,
    vector: Vectors | None,
    recent: Sequence[Counter[str]],
) -> Matches:
    """Finds what is worth a look. ``vector`` None: by words alone; ``recent``: the words of the last turns."""
    words, context = WordSearch(corpus.lexical, recent).run(question, table)
    fact_words = corpus.facts.by_fact(WordSearch(corpus.facts.lexical).run(question)[0])
    counts = {TURN: len(table), CONTEXT: len(table), FACT: len(corpus.facts)}
    cosines = {kind: np.full(count, np.nan) for kind, count in counts.items()}
    if vector is not None:
        cosines = corpus.vectors.nearest(vector, 2 * ALL, 2 * BEST, counts)
    turns = worth = np.flatnonzero(keep)
    if len(turns) > ALL:
        worth = _worth(corpus, question, table, keep, words + context, cosines, fact_words)
        turns = _with_neighbours(worth, table, keep)
    if vector is not None:
        for kind in (TURN, CONTEXT):
            corpus.vectors.fill(vector, kind, worth, cosines[kind])
            corpus.vectors.call_far(kind, turns, cosines[kind])
        facts = top(fact_words, BEST)
        corpus.vectors.fill(vector, FACT, facts, cosines[FACT])
        corpus.vectors.call_far(FACT, np.arange(len(corpus.facts)), cosines[FACT])
    return Matches(
        turns,
        table.take(turns),
        words[turns],
        context[turns],
        cosines[TURN][turns],
        cosines[CONTEXT][turns],
        fact_words,
        cosines[FACT],
    )


def top(scores: Floats, count: int) -> Ints:
    """The positions of the ``count`` highest scores above 0."""
    best = np.argpartition(-scores, count)[:count] if len(scores) > count else np.arange(len(scores))
    found: Ints = best[scores[best] > 0]
    return found


def _worth(
    corpus: Corpus,
    question: Question,
    table: Table,
    keep: Bools,
    by_words: Floats,
    cosines: dict[int, Floats],
    fact_words: Floats,
) -> Ints:
    """The turns with the best words, meaning, facts or dates."""
    chosen = ~np.isnan(cosines[TURN]) | ~np.isnan(cosines[CONTEXT])
    chosen[top(np.where(keep, by_words, 0.0), BEST)] = True
    facts = np.fmax(fact_words, np.nan_to_num(cosines[FACT]))
    chosen[top(np.where(keep, lift(facts, *corpus.facts.links(), len(table)), 0.0), BEST)] = True
    for start, end in question.spans:
        chosen[np.flatnonzero(keep & (table.said >= start) & (table.said < end))[-BEST:]] = True
    return np.flatnonzero(chosen & keep)


def _with_neighbours(turns: Ints, table: Table, keep: Bools) -> Ints:
    around = np.concatenate([turns, table.before[turns], table.after[turns]])
    around = np.unique(around[around >= 0])
    kept: Ints = around[keep[around]]
    return kept
