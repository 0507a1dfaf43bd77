"""From matches to scores: every signal times its weight, kept apart so that a score can be explained."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from memori_wrap.retrieve import signals
from memori_wrap.retrieve.candidates import Matches
from memori_wrap.retrieve.dates import nearness
from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.retrieve.question import Question
from memori_wrap.retrieve.turns import Bools
from memori_wrap.retrieve.weights import Weights

Parts = dict[str, Floats]
"""Signal -> its part of the score of each item."""


def base(
    words: Floats, context: Floats, cosine: Floats, context_cosine: Floats, question: Question, w: Weights
) -> Parts:
    """The match itself: a weighted mean of what is known of words and meaning.

    An item without a vector is judged by its words, a question without words by its meaning: the missing weight
    goes to what is there, so that nothing gains or loses by it.
    """
    trust = 1.0 - question.wide * (1.0 - w.wide)
    asked = 1.0 if question.words else 0.0
    has = np.where(np.isnan(cosine), 0.0, trust)
    near = np.nan_to_num(signals.meaning(cosine))
    near_context = np.nan_to_num(signals.meaning(np.where(np.isnan(context_cosine), cosine, context_cosine)))
    known = asked * (w.words + w.context) + has * (w.meaning + w.meaning_context)
    share = (w.words + w.context + w.meaning + w.meaning_context) / np.maximum(known, 1e-9)
    return {
        "words": share * w.words * words,
        "context": share * w.context * context,
        "meaning": share * has * w.meaning * near,
        "meaning in context": share * has * w.meaning_context * near_context,
    }


def total(parts: Parts) -> Floats:
    """The scores: the sum of their parts."""
    scores: Floats = np.sum(list(parts.values()), axis=0)
    return scores


def score_turns(matches: Matches, question: Question, lifted: tuple[Ints, Floats], w: Weights) -> Parts:
    """The parts of the score of every turn looked at. ``lifted``: what facts give to turns, see ``Facts.lift``."""
    rows = matches.rows
    parts = base(matches.words, matches.context, matches.cosine, matches.context_cosine, question, w)
    match = total(parts)
    fact = np.zeros(len(matches.turns))
    place = np.searchsorted(matches.turns, lifted[0])
    there = place < len(matches.turns)
    there[there] = matches.turns[place[there]] == lifted[0][there]
    fact[place[there]] = lifted[1][there]
    return parts | {
        "reply": w.after * signals.after(match, rows),
        "question before": w.before * signals.before(match, rows),
        "session": w.session * signals.session(match, rows.conversation),
        "speaker": w.speaker * signals.speaker(rows.speaker, question.speakers),
        "long answer": -w.lecture * signals.lecture(rows.lectures, question.addressed),
        "date": w.date * nearness(rows.said, list(question.spans)),
        "time words": w.time_words * signals.time_words(rows.tells_time, question.asks_time),
        "fact": w.fact * fact,
        "length": -w.length * signals.length(rows.tokens),
        "asks": -w.asks * signals.asks(rows.asks, rows.tokens),
    }


def found(matches: Matches, question: Question, parts: Parts) -> Bools:
    """The turns that have something of the question themselves: a word, a vector, its date, a fact."""
    here = (matches.words > 0) | (matches.context > 0) | ~np.isnan(matches.cosine) | (parts["fact"] > 0)
    for start, end in question.spans:
        here |= (matches.rows.said >= start) & (matches.rows.said < end)
    return here


def best(scores: Floats, said: Floats, ids: Callable[[int], str], keep: Bools, limit: int) -> list[int]:
    """The positions of the ``limit`` best kept items: by score, then the latest, then by id."""
    rounded = np.round(scores, 6)
    kept = np.flatnonzero(keep)
    order = kept[np.lexsort((-said[kept], -rounded[kept]))]
    if len(order) > limit:
        last = order[limit - 1]
        ties = np.flatnonzero((rounded[order] == rounded[last]) & (said[order] == said[last]))
        order = order[: max(limit, int(ties[-1]) + 1)]
    return sorted(order.tolist(), key=lambda i: (-rounded[i], -said[i], ids(i)))[:limit]
