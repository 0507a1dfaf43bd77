"""The indexes that are shipped, under the suite that is shipped for others."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from memori_wrap.index.faiss import FaissIndex
from memori_wrap.index.flat import FlatIndex
from memori_wrap.testing.index_suite import DIMENSION, MakeIndex, VectorIndexSuite
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
