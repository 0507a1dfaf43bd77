"""The facts of one entity: searched by their own words, and keys to the turns that state them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from memori_wrap.retrieve import words
from memori_wrap.retrieve.columns import Column
from memori_wrap.retrieve.lexical import Floats, Ints, LexicalIndex
from memori_wrap.retrieve.turns import Bools
from memori_wrap.types import StoredFact


class Facts:
    """Facts are numbered in the order of arrival and keep their number when they come again."""

    def __init__(self) -> None:
        self.facts: list[StoredFact] = []
        self.number: dict[str, int] = {}
        self.lexical = LexicalIndex()
        self._terms: list[list[str]] = []
        self._document = Column(np.int64)
        self._owner = Column(np.int64)
        self.said = Column(np.float64)
        self.ends = Column(np.float64)
        """When each was said and until when it holds, in seconds since 1970."""
        self._linked: set[tuple[int, str]] = set()
        self._link_fact = Column(np.int64)
        self._link_turn = Column(np.int64)
        self._waiting: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self.facts)

    def put(self, fact: StoredFact, turns: dict[str, int]) -> int:
        """Adds a fact, or replaces the one of the same id; returns its number. ``turns``: number by message id."""
        number = self.number.get(fact.id)
        if number is None:
            number = self.number[fact.id] = len(self.facts)
            self.facts.append(fact)
            self._terms.append([])
            self._document.append(-1)
            self.said.append(0.0)
            self.ends.append(np.inf)
            self._index(number, fact)
        else:
            changed = self.facts[number].text != fact.text
            self.facts[number] = fact
            if changed:
                self.lexical.remove(int(self._document.view()[number]), self._terms[number])
                self._index(number, fact)
        self.said[number] = fact.said_at.timestamp()
        self.ends[number] = fact.valid_to.timestamp() if fact.valid_to else np.inf
        for source in fact.sources:
            if (number, source) not in self._linked:
                self._linked.add((number, source))
                if source in turns:
                    self._link(number, turns[source])
                else:
                    self._waiting.setdefault(source, []).append(number)
        return number

    def arrived(self, message: str, turn: int) -> None:
        """A message that facts may have been waiting for is here as ``turn``."""
        for number in self._waiting.pop(message, ()):
            self._link(number, turn)

    def is_linked(self, numbers: Ints) -> Bools:
        """Whether a turn is remembered that states it."""
        linked = np.zeros(len(self), np.bool_)
        linked[self._link_fact.view()] = True
        found: Bools = linked[numbers]
        return found

    def documents(self, numbers: Ints) -> Ints:
        """The documents of ``lexical`` that facts are searched by."""
        found: Ints = self._document.view()[numbers]
        return found

    def owners(self, documents: Ints) -> Ints:
        """The facts that documents of ``lexical`` are of."""
        found: Ints = self._owner.view()[documents]
        return found

    def lift(self, numbers: Ints, scores: Floats) -> tuple[Ints, Floats]:
        """(turns, ascending; values): the best score among the facts ``numbers`` that rest on each turn, above 0."""
        by_fact = np.zeros(len(self))
        by_fact[numbers] = scores
        values = by_fact[self._link_fact.view()]
        linked = np.flatnonzero(values > 0)
        turns, values = self._link_turn.view()[linked], values[linked]
        order = np.lexsort((-values, turns))
        turns, values = turns[order], values[order]
        is_first = np.r_[True, turns[1:] != turns[:-1]][: len(turns)]
        return turns[is_first], values[is_first]

    def nbytes(self) -> int:
        return self.lexical.nbytes() + 900 * len(self.facts) + self._link_fact.nbytes * 2

    def _index(self, number: int, fact: StoredFact) -> None:
        counts = Counter(words.terms_of(fact.text))
        self._terms[number] = list(counts)
        self._document[number] = self.lexical.add(counts)
        self._owner.append(number)

    def _link(self, number: int, turn: int) -> None:
        self._link_fact.append(number)
        self._link_turn.append(turn)
