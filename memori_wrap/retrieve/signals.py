"""The signals: pure functions from columns to one value a turn, mostly between 0 and 1."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.retrieve.texts import SHORT_TOKENS
from memori_wrap.retrieve.turns import Bools, Table

CLEAR_COSINE = 0.6
"""The cosine of a question and a text that says just that: the unit of meaning, so that it compares with words."""
SESSION_BEST = 3


def meaning(cosine: Floats) -> Floats:
    """Cosines in units of a clear match; NaN (no vector) stays."""
    return np.maximum(cosine, 0.0) / CLEAR_COSINE


def after(match: Floats, table: Table) -> Floats:
    """The match of the reply to each turn."""
    next_ = table.after
    ok = (next_ >= 0) & table.answers[next_]
    return np.where(ok, match[next_], 0.0)


def before(match: Floats, table: Table) -> Floats:
    """The match of the turn that each one answers."""
    return np.where(table.answers, match[table.before], 0.0)


def session(match: Floats, conversation: Ints) -> Floats:
    """The mean of the three best matches in each turn's conversation (a missing third counts as 0)."""
    order = np.lexsort((-match, conversation))
    sorted_ = conversation[order]
    starts = np.flatnonzero(np.r_[True, sorted_[1:] != sorted_[:-1]])
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    best = order[place < SESSION_BEST]
    means = np.bincount(conversation[best], match[best]) / SESSION_BEST
    return means[conversation]


def speaker(speakers: Ints, named: Iterable[int]) -> Floats:
    """1 for the turns of the speakers that the question names."""
    return np.isin(speakers, list(named)).astype(np.float64)


def time_words(telling: Bools, asked: bool) -> Floats:
    """1 for turns with words for a time, where the question is after one."""
    return (telling & asked).astype(np.float64)


def lecture(lectures: Bools, addressed: bool) -> Floats:
    """1 for a machine's long answers: who asks has told it, the machine repeats and explains.

    Where the question asks what the machine has said, 0 for all.
    """
    return np.zeros(len(lectures)) if addressed else lectures.astype(np.float64)


def length(tokens: Floats) -> Floats:
    """Doublings of the tokens over ``SHORT_TOKENS``: what is shown shares a budget."""
    return np.log2(np.maximum(tokens, SHORT_TOKENS) / SHORT_TOKENS)


def asks(asking: Bools, tokens: Floats) -> Floats:
    """1 for a turn that asks and, being short, tells nothing; people state much inside long questions."""
    return (asking & (tokens < SHORT_TOKENS)).astype(np.float64)
