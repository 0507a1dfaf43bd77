"""An incremental BM25 index (S. Robertson, H. Zaragoza: The Probabilistic Relevance Framework, 2009).

The inverse document frequency is Lucene's, ``log(1 + (n - df + 0.5) / (df + 0.5))``: positive also for a word that
stands in every document, so that a memory of one single turn answers too.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from memori_wrap.retrieve.columns import Column

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

K1 = 0.9
B = 0.75
_TERM_BYTES = 300
"""About what a term costs beside its postings: dictionary slots, the string, the heads of two arrays."""


def saturation(count: Floats, length: Floats, mean: float) -> Floats:
    """BM25's weight of ``count`` occurrences in a text of ``length`` terms: 0 to ``K1 + 1``."""
    return count * (K1 + 1) / (count + K1 * (1 - B + B * length / max(mean, 1.0)))


class LexicalIndex:
    """Documents are numbered 0, 1, 2 ... in the order of ``add``."""

    def __init__(self) -> None:
        self._documents: dict[str, array[int]] = {}
        self._counts: dict[str, array[int]] = {}
        self._lengths = Column(np.float64)
        self._total = 0
        self._alive = 0
        self._postings = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, counts: Mapping[str, int]) -> int:
        """Adds a document, given as the occurrences of its terms; returns its number."""
        number = len(self._lengths)
        for term, count in counts.items():
            documents = self._documents.get(term)
            if documents is None:
                documents = self._documents[term] = array("i")
                self._counts[term] = array("H")
            documents.append(number)
            self._counts[term].append(min(count, 65535))
        length = sum(counts.values())
        self._lengths.append(length)
        self._total += length
        self._alive += 1
        self._postings += len(counts)
        return number

    def remove(self, number: int, terms: Iterable[str]) -> None:
        """Takes a document out again; ``terms`` are those that it was added with. Its number is not used again."""
        for term in set(terms):
            documents = self._documents[term]
            at = documents.index(number)
            del documents[at]
            del self._counts[term][at]
            if not documents:
                del self._documents[term], self._counts[term]
            self._postings -= 1
        self._total -= int(self._lengths.view()[number])
        self._lengths[number] = 0
        self._alive -= 1

    @property
    def documents(self) -> int:
        """Documents that have not been removed."""
        return self._alive

    @property
    def mean_length(self) -> float:
        """Terms per document."""
        return self._total / max(self._alive, 1)

    def match(self, alternatives: Sequence[str]) -> tuple[Ints, Floats]:
        """(documents, occurrences) of a word that is spelt in any of the ``alternatives``, documents ascending."""
        found = [term for term in alternatives if term in self._documents]
        if not found:
            return np.empty(0, np.int64), np.empty(0)
        documents: Ints = np.concatenate([np.array(self._documents[term], np.int64) for term in found])
        counts: Floats = np.concatenate([np.array(self._counts[term], np.float64) for term in found])
        if len(found) > 1:
            documents, where = np.unique(documents, return_inverse=True)
            counts = np.bincount(where, counts).astype(np.float64)
        return documents, counts

    def idf(self, frequency: int, more: int = 0) -> float:
        """The weight of a word in ``frequency`` of the documents, ``more`` of which are not in the index."""
        return math.log1p((self._alive + more - frequency + 0.5) / (frequency + 0.5))

    def lengths(self) -> Floats:
        """Terms of each document, shape (len(self),)."""
        lengths: Floats = self._lengths.view()
        return lengths

    def nbytes(self) -> int:
        return len(self._documents) * _TERM_BYTES + self._postings * 6 + self._lengths.nbytes
