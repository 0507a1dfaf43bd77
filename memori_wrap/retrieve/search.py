"""How well the words of a question stand in the turns: alone, and together with the turn that each answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from memori_wrap.retrieve.lexical import Floats, Ints, LexicalIndex, saturation
from memori_wrap.retrieve.question import Question
from memori_wrap.retrieve.turns import Table


class WordSearch:
    """One question's search in an index, with ``recent`` documents behind the indexed ones."""

    def __init__(self, index: LexicalIndex, recent: Sequence[Counter[str]] = ()) -> None:
        self._index, self._recent = index, recent
        added = np.array([sum(counts.values()) for counts in recent], np.float64)
        self._lengths = np.concatenate([index.lengths(), added]) if recent else index.lengths()
        documents = index.documents + len(recent)
        self._mean = (index.mean_length * index.documents + float(added.sum())) / max(documents, 1)

    def run(self, question: Question, table: Table | None = None) -> tuple[Floats, Floats]:
        """(alone, in context): for every document the share of the question's information that it has.

        About 1 where every word of the question stands once in a text of middling length, 0 where none does. In
        context: over the text of a turn that answers another one, together with that one (as ``table`` says).
        Of a question of several sentences it is the mean of the share of all and of the best sentence's: a turn
        answers one of two questions, and what is said around a question is not asked for.
        """
        shape = (2, 1 + len(question.sentences), len(self._lengths))
        shares = np.zeros(shape)
        counted = np.zeros(len(self._lengths))
        totals = np.zeros(shape[1])
        for word, spellings in enumerate(question.words):
            documents, counts = self._match(spellings)
            if not len(documents):
                continue
            weight = self._index.idf(len(documents), len(self._recent))
            parts = [(0, documents, weight * saturation(counts, self._lengths[documents], self._mean))]
            if table is not None:
                counted[documents] = counts
                after = table.after[documents]
                after = after[after >= 0]
                replies = np.concatenate([documents, after[counted[after] == 0]])
                replies = replies[table.answers[replies]]
                before = table.before[replies]
                pair = counted[replies] + counted[before]
                counted[documents] = 0
                lengths = self._lengths[replies] + self._lengths[before]
                parts.append((1, replies, weight * saturation(pair, lengths, 2 * self._mean)))
            for at in (0, *(i for i, sentence in enumerate(question.sentences, 1) if word in sentence)):
                totals[at] += weight
                for kind, where, part in parts:
                    shares[kind, at][where] += part
        least = totals[1:].max(initial=0.0) / 4  # a greeting is a sentence too: it must not weigh like the question
        totals[1:] = np.maximum(totals[1:], least)
        shares /= np.maximum(totals, 1e-9)[:, None]
        whole = shares[:, 0] if len(question.sentences) == 0 else (shares[:, 0] + shares[:, 1:].max(axis=1)) / 2
        alone, both = whole
        return alone, alone if table is None else np.where(table.answers, both, alone)

    def _match(self, spellings: tuple[str, ...]) -> tuple[Ints, Floats]:
        documents, counts = self._index.match(spellings)
        found = [(i, sum(counts[s] for s in spellings)) for i, counts in enumerate(self._recent, len(self._index))]
        found = [(document, count) for document, count in found if count]
        if found:
            documents = np.concatenate([documents, np.array([document for document, _ in found], np.int64)])
            counts = np.concatenate([counts, np.array([count for _, count in found], np.float64)])
        return documents, counts
