"""How well the words of a question stand in the turns: alone, and together with the turn that each answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from memori_wrap.retrieve.lexical import Floats, Ints, LexicalIndex, saturation
from memori_wrap.retrieve.question import Question
from memori_wrap.retrieve.turns import Bools, Table

POSTINGS = 20_000
"""Occurrences that are read to find what is worth a look, rare words first; one word at least."""


class WordSearch:
    """One question's search in an index, with ``recent`` documents behind the indexed ones."""

    def __init__(self, index: LexicalIndex, question: Question, recent: Sequence[Counter[str]] = ()) -> None:
        self._question = question
        added = np.array([sum(counts.values()) for counts in recent], np.float64)
        self._lengths = np.concatenate([index.lengths(), added]) if recent else index.lengths()
        documents = index.documents + len(recent)
        self._mean = (index.mean_length * index.documents + float(added.sum())) / max(documents, 1)
        self._found = [_match(index, recent, spellings) for spellings in question.words]
        self._weights = [index.idf(len(documents), len(recent)) for documents, _ in self._found]

    def likely(self, keep: Bools, table: Table | None, count: int) -> Ints:
        """About the best ``count`` of the documents in ``keep``, by their rarer words and those of their neighbours."""
        worth = np.zeros(len(self._lengths))
        read = 0
        for word in sorted(range(len(self._found)), key=lambda word: len(self._found[word][0])):
            documents, counts = self._found[word]
            read += len(documents)
            if read > POSTINGS and read > len(documents):
                break
            part = self._weights[word] * saturation(counts, self._lengths[documents], self._mean)
            worth[documents] += part
            if table is not None:
                after = table.after[documents]
                replied = (after >= 0) & table.answers[after]
                worth[after[replied]] += part[replied] / 2
        worth[~keep] = 0.0
        return top(worth, count)

    def shares(self, documents: Ints, table: Table | None = None) -> tuple[Floats, Floats]:
        """(alone, in context): for each of ``documents`` the share of the question's information that it has.

        About 1 where every word of the question stands once in a text of middling length, 0 where none does. In
        context: over the text of a turn that answers another one, together with that one (as ``table`` says).
        Of a question of several sentences it is the mean of the share of all and of the best sentence's: a turn
        answers one of two questions, and what is said around a question is not asked for.
        """
        sentences = self._question.sentences
        replies = np.flatnonzero(table.answers[documents]) if table is not None else np.empty(0, np.int64)
        before = table.before[documents[replies]] if table is not None else replies
        lengths = self._lengths[documents]
        both = lengths[replies] + self._lengths[before]
        shares = np.zeros((2, 1 + len(sentences), len(documents)))
        totals = np.zeros(1 + len(sentences))
        counted = np.zeros(len(self._lengths))
        for word, ((found, counts), weight) in enumerate(zip(self._found, self._weights, strict=True)):
            if not len(found):
                continue
            counted[found] = counts
            here, there = counted[documents], counted[before]
            counted[found] = 0
            alone = weight * saturation(here, lengths, self._mean)
            context = alone.copy()
            context[replies] = weight * saturation(here[replies] + there, both, 2 * self._mean)
            for at in (0, *(i for i, sentence in enumerate(sentences, 1) if word in sentence)):
                totals[at] += weight
                shares[0, at] += alone
                shares[1, at] += context
        least = totals[1:].max(initial=0.0) / 4  # a greeting is a sentence too: it must not weigh like the question
        totals[1:] = np.maximum(totals[1:], least)
        shares /= np.maximum(totals, 1e-9)[:, None]
        whole = shares[:, 0] if not sentences else (shares[:, 0] + shares[:, 1:].max(axis=1)) / 2
        return whole[0], whole[1]


def top(scores: Floats, count: int) -> Ints:
    """The positions of about the ``count`` highest scores above 0, ascending."""
    found = np.flatnonzero(scores > 0)
    if len(found) > count:
        found = found[np.argpartition(-scores[found], count)[:count]]
        found.sort()
    return found


def _match(index: LexicalIndex, recent: Sequence[Counter[str]], spellings: tuple[str, ...]) -> tuple[Ints, Floats]:
    documents, counts = index.match(spellings)
    found = [(i, sum(counts[s] for s in spellings)) for i, counts in enumerate(recent, len(index))]
    found = [(document, count) for document, count in found if count]
    if found:
        documents = np.concatenate([documents, np.array([document for document, _ in found], np.int64)])
        counts = np.concatenate([counts, np.array([count for _, count in found], np.float64)])
    return documents, counts
