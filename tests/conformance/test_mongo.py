"""The store suite on MongoDB, and what is peculiar to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from memori_wrap.protocols import Store
from memori_wrap.testing.store_suite import StoreSuite
from memori_wrap_adapters.stores.mongo import MongoStore, open_store
from tests.support.mongo import fresh_mongodb, mongodb_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongodb_server(tmp_path_factory.mktemp("mongodb")) as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    with fresh_mongodb(server) as made:
        yield made


class TestMongodb(StoreSuite):
    @pytest.fixture
    def another(self, url: str) -> Callable[[], Store]:
        return lambda: open_store(url)

    @pytest.fixture
    def store(self, another: Callable[[], Store]) -> Iterator[Store]:
        store = another()
        yield store
        store.close()

    def holding(self, store: Store, entity: str) -> AbstractContextManager[object]:
        @contextmanager
        def held() -> Iterator[None]:
            """A commit is decided and not carried out."""
            assert isinstance(store, MongoStore)
            yield

        return held()
