"""How well the words of a question stand in the turns: alone, and together with the turn that each answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from memori_wrap.retrieve.lexical import Floats, Ints, LexicalIndex, saturation
from memori_wrap.retrieve.turns import Table

Words = Sequence[tuple[str, ...]]


class WordSearch:
    """One question's search in an index, with ``recent`` documents behind the indexed ones."""

    def __init__(self, index: LexicalIndex, recent: Sequence[Counter[str]] = ()) -> None:
        self._index, self._recent = index, recent
        added = np.array([sum(counts.values()) for counts in recent], np.float64)
        self._lengths = np.concatenate([index.lengths(), added]) if recent else index.lengths()
        documents = index.documents + len(recent)
        self._mean = (index.mean_length * index.documents + float(added.sum())) / max(documents, 1)

    def run(self, words: Words, table: Table | None = None) -> tuple[Floats, Floats]:
        """(alone, in context): for every document the share of the question's information that it has.

        About 1 where every word of the question stands once in a text of middling length, 0 where none does. In
        context: over the text of a turn that answers another one, together with that one (as ``table`` says).
        """
        alone, both = np.zeros(len(self._lengths)), np.zeros(len(self._lengths))
        counted = np.zeros(len(self._lengths))
        total = 0.0
        for spellings in words:
            documents, counts = self._match(spellings)
            if not len(documents):
                continue
            weight = self._index.idf(len(documents), len(self._recent))
            total += weight
            part = weight * saturation(counts, self._lengths[documents], self._mean)
            alone[documents] += part
            if table is not None:
                replies = np.unique(np.concatenate([documents, table.after[documents]]))
                replies = replies[replies >= 0]
                replies = replies[table.answers[replies]]
                before = table.before[replies]
                counted[documents] = counts
                pair = counted[replies] + counted[before]
                counted[documents] = 0
                lengths = self._lengths[replies] + self._lengths[before]
                both[replies] += weight * saturation(pair, lengths, 2 * self._mean)
        if total:
            alone /= total
            both /= total
        return alone, alone if table is None else np.where(table.answers, both, alone)

    def _match(self, spellings: tuple[str, ...]) -> tuple[Ints, Floats]:
        documents, counts = self._index.match(spellings)
        found = [(i, sum(counts[s] for s in spellings)) for i, counts in enumerate(self._recent, len(self._index))]
        found = [(document, count) for document, count in found if count]
        if found:
            documents = np.concatenate([documents, np.array([document for document, _ in found], np.int64)])
            counts = np.concatenate([counts, np.array([count for _, count in found], np.float64)])
        return documents, counts
