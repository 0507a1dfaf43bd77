"""What a retriever knows of its entity: turns, their words, facts and vectors, kept up to date delta by delta."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from memori_wrap.protocols import VectorIndex
from memori_wrap.retrieve import words
from memori_wrap.retrieve.facts import Facts
from memori_wrap.retrieve.lexical import LexicalIndex
from memori_wrap.retrieve.shared import SharedVectors
from memori_wrap.retrieve.turns import Turns
from memori_wrap.retrieve.vectors import FACT, ItemVectors, kind_of_turn
from memori_wrap.text import tokens
from memori_wrap.types import Delta, StoredFact, StoredMessage, StoredVector
from memori_wrap.vectordb import SharedIndex

CHUNK = 700
"""Characters that are read before others may run: about 0.2 ms."""
BATCH = 16
"""Vectors or facts that are taken in before others may run."""


class Corpus:
    """``breathe`` is called between pieces of work of well under 0.5 ms, ``on_fault`` with what a shared index raises.

    ``prune``: what a shared index has and the first delta has not is removed from it; right where the delta is read
    after this was made.
    """

    def __init__(
        self,
        make_index: Callable[[], VectorIndex],
        breathe: Callable[[], None],
        on_fault: Callable[[Exception], None],
        *,
        prune: bool,
    ) -> None:
        self.turns = Turns()
        self.lexical = LexicalIndex()
        self.facts = Facts()
        index = make_index()
        self.vectors = SharedVectors(index, breathe, on_fault) if isinstance(index, SharedIndex) else ItemVectors(index)
        self._prune = prune
        self._breathe = breathe
        self._languages: Counter[str] = Counter()
        self._early: dict[str, list[StoredVector]] = {}
        self._read = 0
        self._characters = 0

    def apply(self, delta: Delta) -> None:
        """Takes in what is new; a message that is known already is passed over."""
        for message in delta.messages:
            if message.id not in self.turns.number:
                self._message(message)
        for start in range(0, len(delta.facts), BATCH):
            self._facts(delta.facts[start : start + BATCH])
        if isinstance(self.vectors, SharedVectors):
            self.vectors.adopt(self._find, delta.revision, prune=self._prune)
        early = [vector for item in [*self._early] if self._known(item) for vector in self._early.pop(item)]
        self._vectors(early)
        self._vectors(delta.vectors)
        self.vectors.settle(delta.revision, complete=not self._early)

    def languages(self) -> list[str]:
        """The languages of at least a twentieth of the turns."""
        least = sum(self._languages.values()) / 20
        return sorted(language for language, count in self._languages.items() if count >= least)

    def nbytes(self) -> int:
        parts = self.turns.nbytes() + self.lexical.nbytes() + self.facts.nbytes() + self.vectors.nbytes()
        return parts + self._characters

    def _message(self, message: StoredMessage) -> None:
        counts: Counter[str] = Counter()
        language = words.DEFAULT_LANGUAGE
        cost = 0.0
        for i, chunk in enumerate(chunks(message.text)):
            spoken = words.split(chunk)
            if not i:
                language = words.language_of(spoken)
            counts.update(words.terms(spoken, language))
            cost += tokens(chunk)
            self._spent(len(chunk))
        self._languages[language] += 1
        self._characters += len(message.text)
        number = self.turns.add(message, cost)
        self.lexical.add(counts)
        self.facts.arrived(message.id, number)

    def _facts(self, facts: Sequence[StoredFact]) -> None:
        for fact in facts:
            self.facts.put(fact, self.turns.number)
            self._spent(len(fact.text))

    def _vectors(self, vectors: Sequence[StoredVector]) -> None:
        for start in range(0, len(vectors), BATCH):
            batch: list[tuple[int, int, StoredVector]] = []
            for vector in vectors[start : start + BATCH]:
                place = self._find(vector.item, vector.variant)
                if place is not None:
                    batch.append((*place, vector))
                else:
                    self._early.setdefault(vector.item, []).append(vector)
            self.vectors.add(batch)
            self._breathe()

    def _find(self, item: str, variant: str) -> tuple[int, int] | None:
        """Kind and number of what a vector of this name embeds."""
        if item in self.turns.number:
            return kind_of_turn(variant), self.turns.number[item]
        if item in self.facts.number:
            return FACT, self.facts.number[item]
        return None

    def _known(self, item: str) -> bool:
        return item in self.turns.number or item in self.facts.number

    def _spent(self, characters: int) -> None:
        self._read += characters + 100
        if self._read >= CHUNK:
            self._read = 0
            self._breathe()


def chunks(text: str) -> Iterator[str]:
    """``text`` in pieces of at most ``CHUNK`` characters, cut at a blank where there is one; at least one piece."""
    start = 0
    while len(text) - start > CHUNK:
        at = text.rfind(" ", start + CHUNK // 2, start + CHUNK) + 1 or start + CHUNK
        yield text[start:at]
        start = at
    yield text[start:]
