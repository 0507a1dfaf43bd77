"""The indexes that are shipped, under the suite that is shipped for others."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

import pytest

from memori_wrap.index.faiss import FaissIndex
from memori_wrap.index.flat import FlatIndex
from memori_wrap.testing.index_suite import DIMENSION, MakeIndex, VectorIndexSuite
from memori_wrap.types import Vectors
from memori_wrap_adapters.indexes.milvus import Milvus
from memori_wrap_adapters.indexes.pgvector import Pgvector


@pytest.fixture(scope="module")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milvus]:
    database = Milvus(str(tmp_path_factory.mktemp("milvus") / "vectors.db"))
    yield database
    database.close()


class TestFlatIndex(VectorIndexSuite):
    @pytest.fixture
    def make_index(self) -> MakeIndex:
        return FlatIndex


class TestFaissIndex(VectorIndexSuite):
    @pytest.fixture
    def make_index(self) -> MakeIndex:
        return FaissIndex


class Tended(FaissIndex):
    """With a graph from the first vectors on, which is brought up at once."""

    def __init__(self) -> None:
        super().__init__(graph_from=20)

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        super().add(keys, vectors)
        while self.is_behind:
            self.tend()


class TestFaissGraph(VectorIndexSuite):
    exact = False

    @pytest.fixture
    def make_index(self) -> MakeIndex:
        return Tended


class TestPgvector(VectorIndexSuite):
    @pytest.fixture
    def make_index(self, pgvector_url: str) -> Iterator[MakeIndex]:
        database = Pgvector(pgvector_url)
        yield lambda: database.open(secrets.token_hex(16), "m", DIMENSION)
        database.close()


class TestPgvectorHnsw(VectorIndexSuite):
    exact = False

    @pytest.fixture
    def make_index(self, pgvector_url: str) -> Iterator[MakeIndex]:
        database = Pgvector(pgvector_url, hnsw=True)
        yield lambda: database.open(secrets.token_hex(16), "m", DIMENSION)
        database.close()


class TestMilvus(VectorIndexSuite):
    """Embedded: Milvus Lite in this process."""

    @pytest.fixture
    def make_index(self, milvus: Milvus) -> MakeIndex:
        return lambda: milvus.open(secrets.token_hex(16), "m", DIMENSION)
