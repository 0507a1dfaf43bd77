"""The indexes that are shipped, under the suite that is shipped for others."""

from __future__ import annotations

import pytest

from memori_wrap.index.faiss import FaissIndex
from memori_wrap.index.flat import FlatIndex
from memori_wrap.testing.index_suite import MakeIndex, VectorIndexSuite


class TestFlatIndex(VectorIndexSuite):
    @pytest.fixture
    def make_index(self) -> MakeIndex:
        return FlatIndex


class TestFaissIndex(VectorIndexSuite):
    @pytest.fixture
    def make_index(self) -> MakeIndex:
        return FaissIndex
