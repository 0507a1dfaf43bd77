"""What every ``VectorIndex`` has to do, as tests to inherit.

    class TestMyIndex(VectorIndexSuite):
        @pytest.fixture
        def make_index(self):
            return MyIndex

``make_index`` is called without arguments and gives an empty index. An approximate index sets ``exact = False``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from memori_wrap.protocols import VectorIndex
from memori_wrap.types import Vectors

DIMENSION = 48
MakeIndex = Callable[[], VectorIndex]


def unit_vectors(count: int, seed: int = 0, dimension: int = DIMENSION) -> Vectors:
    """Random vectors of length 1, shape (count, dimension); equal for equal arguments."""
    drawn = np.random.default_rng(seed).normal(size=(count, dimension))
    vectors: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return vectors


def expected(keys: Sequence[int], vectors: Vectors, query: Vectors, k: int) -> list[int]:
    """The ``k`` best keys by brute force."""
    scores = np.round(vectors.astype(np.float64) @ query.astype(np.float64), 5)
    return [keys[i] for i in np.lexsort((np.array(keys), -scores))[:k]]


class VectorIndexSuite:
    """Inherit and give the fixture ``make_index``."""

    exact = True
    """Whether the very nearest are promised; else 98 % of the nearest 50."""

    @pytest.fixture
    def make_index(self) -> MakeIndex:
        raise NotImplementedError("give a fixture make_index that returns a factory of empty indexes")

    def test_is_a_vector_index(self, make_index: MakeIndex) -> None:
        assert isinstance(make_index(), VectorIndex)

    def test_an_empty_index_answers_with_nothing(self, make_index: MakeIndex) -> None:
        index = make_index()
        keys, scores = index.search(unit_vectors(1)[0], 5)
        assert (len(index), list(keys), list(scores)) == (0, [], [])
        assert list(index.scores(unit_vectors(1)[0], [])) == []

    def test_adding_nothing_changes_nothing(self, make_index: MakeIndex) -> None:
        index = make_index()
        index.add([], np.empty((0, DIMENSION), np.float32))
        index.remove([])
        assert len(index) == 0

    def test_finds_the_nearest_best_first(self, make_index: MakeIndex) -> None:
        index, vectors, keys = make_index(), unit_vectors(500), list(range(7, 3507, 7))
        index.add(keys, vectors)
        assert len(index) == 500
        shared = 0
        for query in unit_vectors(10, seed=1):
            found, scores = index.search(query, 50)
            best = expected(keys, vectors, query, 50)
            shared += len(set(found) & set(best))
            assert list(scores) == sorted(scores, reverse=True)
            assert scores == pytest.approx([float(vectors[keys.index(key)] @ query) for key in found], abs=1e-4)
            if self.exact:
                assert list(found) == best
        assert shared >= (500 if self.exact else 490)

    def test_gives_fewer_where_there_are_fewer(self, make_index: MakeIndex) -> None:
        index = make_index()
        index.add([3, 1], unit_vectors(2))
        assert sorted(index.search(unit_vectors(1, seed=2)[0], 10)[0]) == [1, 3]
        assert list(index.search(unit_vectors(1, seed=2)[0], 0)[0]) == []

    def test_equal_scores_come_by_key(self, make_index: MakeIndex) -> None:
        index, vector = make_index(), unit_vectors(1)
        index.add([9, 2, 30, 5, 1, 77], np.repeat(vector, 6, axis=0))
        assert list(index.search(vector[0], 6)[0]) == [1, 2, 5, 9, 30, 77]
        if self.exact:
            assert list(index.search(vector[0], 3)[0]) == [1, 2, 5]

    def test_a_key_that_comes_again_is_replaced(self, make_index: MakeIndex) -> None:
        index, vectors = make_index(), unit_vectors(3)
        index.add([1, 2], vectors[:2])
        index.add([1], vectors[2:])
        assert len(index) == 2
        assert index.scores(vectors[2], [1])[0] == pytest.approx(1.0, abs=1e-4)
        assert next(iter(index.search(vectors[2], 1)[0])) == 1

    def test_of_a_key_given_twice_the_last_counts(self, make_index: MakeIndex) -> None:
        index, vectors = make_index(), unit_vectors(2)
        index.add([4, 4], vectors)
        assert len(index) == 1
        assert index.scores(vectors[1], [4])[0] == pytest.approx(1.0, abs=1e-4)

    def test_what_is_removed_is_not_found(self, make_index: MakeIndex) -> None:
        index, vectors = make_index(), unit_vectors(60)
        index.add(range(60), vectors)
        index.remove([*range(0, 60, 3), 1000])
        assert len(index) == 40
        found, _ = index.search(vectors[0], 60)
        assert sorted(found) == [key for key in range(60) if key % 3]
        index.add([0], vectors[:1])
        assert next(iter(index.search(vectors[0], 1)[0])) == 0

    def test_scores_come_in_the_order_asked(self, make_index: MakeIndex) -> None:
        index, vectors = make_index(), unit_vectors(20)
        index.add(range(20), vectors)
        keys = [11, 3, 3, 19]
        assert index.scores(vectors[5], keys) == pytest.approx([float(vectors[k] @ vectors[5]) for k in keys], abs=1e-4)

    def test_an_unknown_key_has_no_score(self, make_index: MakeIndex) -> None:
        index = make_index()
        index.add([1], unit_vectors(1))
        with pytest.raises(KeyError):
            index.scores(unit_vectors(1)[0], [2])

    def test_another_dimension_is_refused(self, make_index: MakeIndex) -> None:
        index = make_index()
        index.add([1], unit_vectors(1))
        with pytest.raises(ValueError, match=str(DIMENSION)):
            index.add([2], unit_vectors(1, dimension=DIMENSION + 1))

    def test_as_many_keys_as_vectors(self, make_index: MakeIndex) -> None:
        with pytest.raises(ValueError, match="2"):
            make_index().add([1, 2], unit_vectors(1))

    def test_added_in_parts_or_at_once_is_the_same(self, make_index: MakeIndex) -> None:
        whole, parts, vectors = make_index(), make_index(), unit_vectors(90)
        whole.add(range(90), vectors)
        for start in (0, 1, 40):
            end = {0: 1, 1: 40, 40: 90}[start]
            parts.add(range(start, end), vectors[start:end])
        query = unit_vectors(1, seed=3)[0]
        if self.exact:
            assert list(whole.search(query, 90)[0]) == list(parts.search(query, 90)[0])
        assert sorted(whole.search(query, 90)[0]) == sorted(parts.search(query, 90)[0])
