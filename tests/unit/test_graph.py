"""The graph beside the vectors: built behind the answers, of removed ones free, close to the exact neighbours."""

from __future__ import annotations

import time

import numpy as np
import pytest

from memori_wrap import Memori
from memori_wrap.index import faiss as indexed
from memori_wrap.index.faiss import FaissIndex
from memori_wrap.index.flat import FlatIndex
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.index_suite import unit_vectors

COUNT, DIMENSION = 3000, 32


def filled(graph_from: int = 100) -> tuple[FaissIndex, FlatIndex]:
    vectors = unit_vectors(COUNT, dimension=DIMENSION)
    both = FaissIndex(graph_from), FlatIndex()
    for index in both:
        index.add(range(COUNT), vectors)
    return both


def tended(index: FaissIndex) -> FaissIndex:
    while index.is_behind:
        index.tend()
    return index


def shared(index: FaissIndex, flat: FlatIndex, k: int = 50) -> float:
    """The part of the exact neighbours that is found, over some questions."""
    questions = unit_vectors(20, seed=5, dimension=DIMENSION)
    found = [len({*index.search(q, k)[0]} & {*flat.search(q, k)[0]}) for q in questions]
    return sum(found) / (k * len(questions))


def asked(index: FaissIndex) -> bool:
    """Whether the graph answers."""
    return index._graph is not None and len(index._waiting) <= indexed.TAIL


def test_until_it_is_there_answers_are_exact() -> None:
    index, flat = filled()
    assert index.is_behind
    for _ in range(3):
        index.tend()
    assert not asked(index)
    assert shared(index, flat) == 1.0


def test_it_finds_the_neighbours() -> None:
    index, flat = filled()
    assert shared(tended(index), flat) >= 0.98
    assert asked(index)
    question = unit_vectors(1, seed=9, dimension=DIMENSION)[0]
    assert index.search(question, 0) == ([], [])
    keys, scores = index.search(question, 10)
    assert list(scores) == list(flat.scores(question, keys)) == sorted(scores, reverse=True)


def test_a_search_of_the_graph_alone_is_seen_by_this_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the graph finds nothing, and the part of the neighbours that is found falls."""
    index, flat = filled()
    tended(index)
    monkeypatch.setattr(index._graph, "search", lambda query, k: np.arange(k))
    assert shared(index, flat) < 0.5


def test_what_came_since_is_found_at_once() -> None:
    index, _ = filled()
    new = unit_vectors(200, seed=7, dimension=DIMENSION)
    tended(index).add(range(COUNT, COUNT + 200), new)
    assert index.is_behind
    assert asked(index)
    assert [index.search(v, 1)[0][0] for v in new] == list(range(COUNT, COUNT + 200))


def test_what_was_removed_or_replaced_is_not_found() -> None:
    index, flat = filled()
    tended(index)
    gone, moved = range(0, 400), range(400, 500)
    for each in (index, flat):
        each.remove(gone)
        each.add(moved, unit_vectors(100, seed=11, dimension=DIMENSION))
    for vector in unit_vectors(COUNT, dimension=DIMENSION)[:500:10]:
        keys, _ = index.search(vector, 20)
        assert len(keys) == 20
        assert not set(keys) & set(gone)
    assert shared(index, flat) >= 0.95
    assert shared(tended(index), flat) >= 0.98


def test_many_removed_ones_make_it_anew() -> None:
    index, flat = filled()
    before = tended(index)._graph
    for each in (index, flat):
        each.remove(range(0, COUNT, 2))
        each.add([COUNT], unit_vectors(1, seed=3, dimension=DIMENSION))
    assert shared(tended(index), flat) >= 0.98
    assert index._graph is not before
    assert index._graph is not None
    assert index._graph.dead == 0


def test_a_memory_builds_it_in_the_background() -> None:
    made: list[FaissIndex] = []

    def make() -> FaissIndex:
        made.append(FaissIndex(graph_from=40))
        return made[-1]

    with Memori("memory://", embedder=HashEmbedder(), index=make) as memory:
        memory.warm()
        memory.add(
            [{"role": "user", "content": f"The box number {n} holds {n} apples."} for n in range(120)], entity="ann"
        )
        memory.flush()
        assert "number 77" in memory.recall("which box is number 77?", entity="ann")[0].text
        deadline = time.monotonic() + 30
        while not any(asked(index) and not index.is_behind for index in made):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert "number 93" in memory.recall("which box is number 93?", entity="ann")[0].text
