"""What every ``Embedder`` has to do, as tests to inherit.

    class TestMyEmbedder(EmbedderSuite):
        @pytest.fixture(scope="class")
        @classmethod
        def make_embedder(cls):
            return MyEmbedder

``make_embedder`` is called without arguments and gives an embedder that is not loaded yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import pytest

from memori_wrap.protocols import Embedder
from memori_wrap.types import Vectors

T = TypeVar("T")

MakeEmbedder = Callable[[], Embedder]

TEXTS = (
    "She drinks green tea every morning before work.",
    "The train to Lisbon leaves at nine.",
    "她每天早上喝绿茶，然后去医院上班。",
    "Größe, façade, naïve: a sentence with accents, and somewhat longer than the others that stand beside it here.",
    "yes",
    "def f(x): return x ** 2  # code",
)
ODD = (
    "",
    " \n\t ",
    "\0",
    "a\0b",
    "\ud800 a lone surrogate",
    "🎉🎊👩‍👩‍👧",
    "مرحبا بالعالم",
    "e\u0301\u0301\u0301",
    "x" * 5_000,
    "中" * 3_000,
    "word " * 20_000,
)
"""Any text is taken: what users paste is not chosen."""


class EmbedderSuite:
    """Inherit and give the fixture ``make_embedder``."""

    tolerance = 1e-4
    """How far a number of a row may be from that of the same text in another batch."""

    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> MakeEmbedder:
        raise NotImplementedError("give a fixture make_embedder that returns a factory of embedders")

    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls, make_embedder: MakeEmbedder) -> Iterator[Embedder]:
        made = make_embedder()
        made.load()
        yield made
        close(made)

    def test_says_what_it_is(self, embedder: Embedder) -> None:
        assert isinstance(embedder.model, str)
        assert embedder.model
        assert embedder.dimension > 0

    def test_gives_a_row_of_length_1_per_text(self, embedder: Embedder) -> None:
        check_rows(embedder.embed(TEXTS), len(TEXTS), embedder.dimension)

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        check_rows(embedder.embed([]), 0, embedder.dimension)

    def test_takes_any_text(self, embedder: Embedder) -> None:
        check_rows(embedder.embed(ODD), len(ODD), embedder.dimension)
        for text in ODD[:5]:
            check_rows(embedder.embed([text]), 1, embedder.dimension)

    def test_rows_are_in_the_order_of_the_texts(self, embedder: Embedder) -> None:
        forward, backward = embedder.embed(TEXTS), embedder.embed(TEXTS[::-1])
        np.testing.assert_allclose(forward, backward[::-1], atol=self.tolerance)
        assert len({row.tobytes() for row in np.round(forward, 2)}) == len(TEXTS), "different texts, different rows"

    def test_a_row_does_not_depend_on_its_batch(self, embedder: Embedder) -> None:
        texts = [*TEXTS, *ODD[:6], "a long one " * 60]
        single = np.concatenate([embedder.embed([text]) for text in texts])
        np.testing.assert_allclose(embedder.embed(texts), single, atol=self.tolerance)

    def test_takes_many_texts(self, embedder: Embedder) -> None:
        texts = [f"{text} {n}" for n in range(50) for text in TEXTS[:3]]
        rows = embedder.embed(texts)
        check_rows(rows, len(texts), embedder.dimension)
        np.testing.assert_allclose(rows[-2:], embedder.embed(texts[-2:]), atol=self.tolerance)

    def test_equal_texts_are_nearest(self, embedder: Embedder) -> None:
        rows = embedder.embed([*TEXTS, *TEXTS])
        scores = rows[: len(TEXTS)] @ rows[len(TEXTS) :].T
        assert list(scores.argmax(axis=1)) == list(range(len(TEXTS)))

    def test_rows_belong_to_the_caller(self, embedder: Embedder) -> None:
        rows = embedder.embed(TEXTS)
        kept = rows.copy()
        rows[:] = 0
        np.testing.assert_allclose(embedder.embed(TEXTS), kept, atol=self.tolerance)

    def test_a_question_has_a_row_of_its_kind(self, embedder: Embedder) -> None:
        """Only where it tells questions from documents."""
        embed_query: Callable[[str], Vectors] | None = getattr(embedder, "embed_query", None)
        for text in ("what does she drink?", *ODD[:5]) if embed_query is not None else ():
            check_rows(embed_query(text)[None], 1, embedder.dimension)  # type: ignore[misc]

    def test_serves_threads(self, embedder: Embedder) -> None:
        asked = [[f"{text} {n}" for text in TEXTS[: 1 + n % 4]] for n in range(8)]
        got = together([partial(embedder.embed, texts) for texts in asked])
        for texts, rows in zip(asked, got, strict=True):
            np.testing.assert_allclose(rows, embedder.embed(texts), atol=self.tolerance)

    def test_loads_once_and_gives_the_same_everywhere(self, make_embedder: MakeEmbedder, embedder: Embedder) -> None:
        other = make_embedder()
        together([other.load] * 3)
        other.load()
        assert (other.model, other.dimension) == (embedder.model, embedder.dimension)
        np.testing.assert_allclose(other.embed(TEXTS), embedder.embed(TEXTS), atol=self.tolerance)
        close(other)


def check_rows(rows: Vectors, count: int, dimension: int) -> None:
    """Shape (count, dimension), float32, finite, each of length 1."""
    assert isinstance(rows, np.ndarray)
    assert rows.shape == (count, dimension)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-4)


def close(embedder: Embedder) -> None:
    """Lets go of its process or connections, where it has any."""
    getattr(embedder, "close", lambda: None)()


def together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What each call returns, all made at the same time; the first exception is raised."""
    results: dict[int, T] = {}
    errors: list[BaseException] = []
    start = threading.Barrier(len(calls))

    def run(i: int, call: Callable[[], T]) -> None:
        start.wait()
        try:
            results[i] = call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[i] for i in range(len(calls))]
