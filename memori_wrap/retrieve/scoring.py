"""From matches to scores: every signal times its weight, kept apart so that a score can be explained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memori_wrap.retrieve import signals
from memori_wrap.retrieve.candidates import Matches
from memori_wrap.retrieve.dates import nearness
from memori_wrap.retrieve.facts import lift
from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.retrieve.question import Question
from memori_wrap.retrieve.turns import Bools
from memori_wrap.retrieve.weights import Weights

Parts = dict[str, Floats]
"""Signal -> its part of the score of each item."""


def base(words: Floats, context: Floats, cosine: Floats, context_cosine: Floats, wide: float, w: Weights) -> Parts:
    """The match itself: a weighted mean of what is known of words and meaning.

    An item without a vector is judged by its words, a question without words by its meaning: the missing weight
    goes to what is there, so that nobody gains or loses by it.
    """
    trust = 1.0 - wide * (1.0 - w.wide)
    has = ~np.isnan(cosine)
    values = {
        "words": (w.words, words),
        "context": (w.context, context),
        "meaning": (w.meaning * trust * has, np.nan_to_num(signals.meaning(cosine))),
        "meaning in context": (
            w.meaning_context * trust * has,
            np.nan_to_num(signals.meaning(np.where(np.isnan(context_cosine), cosine, context_cosine))),
        ),
    }
    known = sum(weight for weight, _ in values.values())
    full = w.words + w.context + w.meaning + w.meaning_context
    return {name: full * weight / np.maximum(known, 1e-9) * value for name, (weight, value) in values.items()}


def total(parts: Parts) -> Floats:
    """The scores: the sum of their parts."""
    return np.sum(list(parts.values()), axis=0)


def score_turns(matches: Matches, question: Question, fact: Floats, links: tuple[Ints, Ints], w: Weights) -> Parts:
    """The parts of the score of every turn looked at. ``fact``: the match of each fact; ``links``: see ``Facts``."""
    rows = matches.rows
    parts = base(matches.words, matches.context, matches.cosine, matches.context_cosine, question.wide, w)
    match = total(parts)
    count = int(matches.turns[-1]) + 1 if len(matches.turns) else 0
    inside = links[1] < count
    lifted = lift(fact, links[0][inside], links[1][inside], count)[matches.turns]
    return parts | {
        "reply": w.after * signals.after(match, rows),
        "question before": w.before * signals.before(match, rows),
        "session": w.session * signals.session(match, rows.conversation),
        "speaker": w.speaker * signals.speaker(rows.speaker, question.speakers),
        "own words": w.own_words * signals.own_words(rows.person, question.addressed),
        "date": w.date * nearness(rows.said, list(question.spans)),
        "fact": w.fact * lifted,
        "length": -w.length * signals.length(rows.tokens),
        "asks": -w.asks * signals.asks(rows.asks, rows.tokens),
    }


def found(matches: Matches, question: Question, parts: Parts) -> Bools:
    """The turns that have something of the question themselves: a word, a vector, its date, a fact."""
    here = (matches.words > 0) | (matches.context > 0) | ~np.isnan(matches.cosine) | (parts["fact"] > 0)
    for start, end in question.spans:
        here |= (matches.rows.said >= start) & (matches.rows.said < end)
    return here


def best(scores: Floats, said: Floats, ids: Sequence[str], keep: Bools, limit: int) -> list[int]:
    """The positions of the ``limit`` best kept items: by score, then the latest, then by id."""
    rounded = np.round(scores, 6)
    kept = np.flatnonzero(keep)
    order = kept[np.lexsort((-said[kept], -rounded[kept]))]
    if len(order) > limit:
        last = order[limit - 1]
        ties = np.flatnonzero((rounded[order] == rounded[last]) & (said[order] == said[last]))
        order = order[: max(limit, int(ties[-1]) + 1)]
    return sorted(order.tolist(), key=lambda i: (-rounded[i], -said[i], ids[i]))[:limit]
