"""Which turns and facts are looked at, and how well each matches by its words and by its meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memori_wrap.protocols import Query
from memori_wrap.retrieve.corpus import Corpus
from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.retrieve.question import Question
from memori_wrap.retrieve.search import WordSearch, top
from memori_wrap.retrieve.turns import Bools, Table
from memori_wrap.retrieve.vectors import CONTEXT, FACT, TURN, Near
from memori_wrap.types import StoredMessage, Vectors

ALL = 600
"""Up to so many turns are all looked at; of more, the best by words, meaning, facts and dates, and their neighbours."""
BEST = 250
"""How many of each."""


@dataclass(frozen=True, slots=True)
class Matches:
    """How well items match, one value each: words 0 to about 1, cosines with NaN for "no vector".

    ``turns`` and ``facts``: their numbers, ascending; ``rows``: the turns' columns.
    """

    turns: Ints
    rows: Table
    words: Floats
    context: Floats
    cosine: Floats
    context_cosine: Floats
    facts: Ints
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
    limit: int,
) -> Matches:
    """Finds what is worth a look. ``vector`` None: by words alone; ``recent``: the words of the last turns; ``limit``:
    so many items are wanted."""
    best = max(BEST, limit)
    near = corpus.vectors.nearest(vector, 2 * ALL, best) if vector is not None else None
    facts, fact_words = _facts(corpus, question, near, best)
    fact_cosine = _cosines(corpus, vector, near, FACT, facts, facts)
    search = WordSearch(corpus.lexical, question, recent)
    turns = worth = np.flatnonzero(keep)
    if len(turns) > ALL:
        scores = np.fmax(fact_words, np.nan_to_num(fact_cosine))
        linked = corpus.facts.lift(facts, scores)
        chosen = np.zeros(len(table), np.bool_)
        chosen[search.likely(keep, table, best)] = True
        chosen[linked[0][top(np.where(keep[linked[0]], linked[1], 0.0), best)]] = True
        if near is not None:
            chosen[near.of(TURN)] = chosen[near.of(CONTEXT)] = True
        for start, end in question.spans:
            chosen[np.flatnonzero(keep & (table.said >= start) & (table.said < end))[-best:]] = True
        worth = np.flatnonzero(chosen & keep)
        turns = _with_neighbours(worth, table, keep)
    words, context = search.shares(turns, table)
    cosine, context_cosine = (_cosines(corpus, vector, near, kind, turns, worth) for kind in (TURN, CONTEXT))
    return Matches(turns, table.take(turns), words, context, cosine, context_cosine, facts, fact_words, fact_cosine)


def _facts(corpus: Corpus, question: Question, near: Near | None, best: int) -> tuple[Ints, Floats]:
    """The facts worth a look, and how well their words match."""
    book = corpus.facts
    search = WordSearch(book.lexical, question)
    facts = np.arange(len(book))
    if len(facts) > ALL:
        chosen = np.zeros(len(facts), np.bool_)
        chosen[book.owners(search.likely(np.ones(len(book.lexical), np.bool_), None, best))] = True
        if near is not None:
            chosen[near.of(FACT)] = True
        facts = np.flatnonzero(chosen)
    return facts, search.shares(book.documents(facts))[0]


def _cosines(
    corpus: Corpus, vector: Vectors | None, near: Near | None, kind: int, numbers: Ints, exact: Ints
) -> Floats:
    if vector is None or near is None:
        return np.full(len(numbers), np.nan)
    return corpus.vectors.cosines(vector, near, kind, numbers, exact)


def _with_neighbours(turns: Ints, table: Table, keep: Bools) -> Ints:
    around = np.concatenate([turns, table.before[turns], table.after[turns]])
    around = np.unique(around[around >= 0])
    kept: Ints = around[keep[around]]
    return kept
