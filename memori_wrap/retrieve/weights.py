"""What each signal is worth. One configuration for every kind of talk; see docs/recall.md for its measurement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """A signal's contribution to a score is its weight times a value that is mostly between 0 and 1."""

    words: float = 0.2
    """The share of the question's words that the turn has, rare words counting more (BM25)."""
    context: float = 0.35
    """The same over the turn together with the one that it answers."""
    meaning: float = 0.15
    """The cosine of question and turn, or of the best passage of a long one; 1 means 0.6, a clear match."""
    meaning_context: float = 0.3
    """The same for the turn together with the one that it answers."""
    wide: float = 0.1
    """What is left of the two above where the question is in Chinese or the like, which the model cannot read."""
    after: float = 0.15
    """How well the reply to the turn matches."""
    before: float = 0.1
    """How well the turn matches that this one answers."""
    session: float = 0.25
    """The mean of the three best matches in the conversation."""
    speaker: float = 0.4
    """The question names the speaker."""
    lecture: float = 0.4
    """Off for a machine's long answer, unless the question asks what the machine has said."""
    date: float = 0.25
    """The question names the time at which the turn was said."""
    time_words: float = 0.07
    """The question is after a time, and the turn has words for one."""
    length: float = 0.05
    """Off per doubling of the tokens: what is shown shares a budget."""
    asks: float = 0.1
    """Off for a turn that ends in a question mark: it asks, it does not tell."""
    fact: float = 0.1
    """How well a fact matches that was read out of the turn."""
