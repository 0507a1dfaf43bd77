"""The parts of a memory, put together: store, model, retrievers, writer, pool."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from memori_wrap import plugins
from memori_wrap.augment.pipeline import Pipeline
from memori_wrap.augment.pool import Pool
from memori_wrap.background import Courtesy
from memori_wrap.capture.journal import Journal
from memori_wrap.capture.writer import Writer
from memori_wrap.counts import Counts
from memori_wrap.embedding import Model
from memori_wrap.errors import ConfigurationError
from memori_wrap.ids import digest
from memori_wrap.protocols import Embedder, Extractor, RetrieverFactory, Store, VectorIndex
from memori_wrap.retrieve.cache import RetrieverCache
from memori_wrap.retrieve.hybrid import HybridRetriever
from memori_wrap.retrieve.texts import embedding_texts
from memori_wrap.settings import Settings
from memori_wrap.types import Delta, Exchange

IndexFactory = Callable[[], VectorIndex]


GRACE = 0.5
"""Seconds for threads to leave native code, whatever the deadline."""


class Parts:
    """Opens the database; starts no thread and loads no model before ``start``."""

    def __init__(
        self,
        conn: object,
        settings: Settings,
        *,
        embedder: Embedder | str | None = None,
        extractor: Extractor | str | None = None,
        index: IndexFactory | None = None,
        retriever: RetrieverFactory | None = None,
    ) -> None:
        self.counts, self.courtesy = Counts(), Courtesy()
        self.store, journal = _store(settings.database if conn is None else conn, settings)
        self.key = self.store.key()
        self.model = Model(_embedder(embedder or settings.embedder, self.counts), self.counts, self.courtesy)
        make_retriever = retriever or (lambda: HybridRetriever(index or _index, breathe=self.courtesy.breathe))
        self.cache = RetrieverCache(self.store, make_retriever, self.model, self.counts, settings.cache_bytes)
        self.model.on_ready = self.cache.refresh
        pipeline = Pipeline(_extractor(extractor or settings.extractor), self.model, embedding_texts, self.courtesy)
        self.pool = Pool(
            self.store,
            pipeline,
            self.counts,
            self.cache.apply,
            size=settings.workers,
            lease=settings.lease,
            max_attempts=settings.max_attempts,
        )
        self.writer = Writer(
            self.store,
            journal,
            self.counts,
            self._stored,
            max_items=settings.queue_items,
            max_bytes=settings.queue_bytes,
        )

    def start(self) -> None:
        """Threads and model, in the background; idempotent."""
        self.model.start()
        self.writer.start()
        self.pool.start()

    def leave(self) -> None:
        """In a forked child: lets go of the parent's connections without closing them."""
        self.store.leave()

    def close(self, deadline: float) -> None:
        """Stores what waits, augments what is pending until ``deadline`` (monotonic seconds).

        What is left is in the journal or the job queue, and done at the next start.
        """
        self.writer.close(max(0.05, deadline - time.monotonic()))
        with self.counts.guard("close"):
            while self.pool.is_running and time.monotonic() < deadline and self.store.queue().pending:
                self.pool.notify()
                time.sleep(0.01)
        last = max(deadline, time.monotonic() + GRACE)
        self.pool.stop()
        self.model.close(last)
        self.pool.join(last)
        self.cache.close(last)
        self.store.close()

    def _stored(self, exchanges: Sequence[Exchange], deltas: Sequence[Delta]) -> None:
        self.cache.stored(exchanges, deltas)
        self.pool.notify()


def _store(target: object, settings: Settings) -> tuple[Store, Journal | None]:
    """The store and the journal beside it; a memory that ends with the process has none."""
    if hasattr(target, "capture") and hasattr(target, "claim"):
        return cast(Store, target), None
    # SQLAlchemy is loaded here, when a database is opened, and not by importing the package
    from memori_wrap.store.connect import MEMORY, connect
    from memori_wrap.store.sql import SqlStore

    connection = connect(target, settings.data_dir, settings.busy_timeout)
    store = SqlStore(connection, settings.durability)
    if target == MEMORY:
        return store, None
    name = digest(connection.engine.url.render_as_string(hide_password=True))[:16]
    return store, Journal(settings.data_dir / f"journal-{name}.db", full_sync=settings.durability == "full")


def _embedder(given: Embedder | str, counts: Counts) -> Callable[[], Embedder] | None:
    """What makes the embedder, on the loading thread; None for recall by words only."""
    if not isinstance(given, str):
        return lambda: given
    if given == "none":
        return None
    if given != "auto":
        if given not in plugins.names("embedders"):
            plugins.load("embedders", given)  # raises, naming what there is
        return partial(_load_embedder, given)
    if not plugins.is_importable("sentence_transformers"):
        counts.once(
            "no_model", "memori_wrap: recall is by words only; by meaning as well: pip install 'memori-wrap[local]'"
        )
        return None
    return partial(_load_embedder, "local")


def _load_embedder(name: str) -> Embedder:
    return cast(Callable[[], Embedder], plugins.load("embedders", name))()


def _extractor(given: Extractor | str) -> Extractor | None:
    if not isinstance(given, str):
        return given
    if given == "none":
        return None
    made = plugins.load("extractors", given)
    if not callable(made):
        raise ConfigurationError(f"the extractor {given!r} is not callable: its entry point must name a class")
    return cast(Extractor, made())


_faiss_is_broken = False


def _forked() -> None:
    """FAISS's thread pool does not survive a fork: the child's first large operation would end it with SIGSEGV."""
    global _faiss_is_broken  # noqa: PLW0603 (of the process)
    _faiss_is_broken = "faiss" in sys.modules


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _index() -> VectorIndex:
    if _faiss_is_broken:
        from memori_wrap.index.flat import FlatIndex

        return FlatIndex()
    from memori_wrap.index.faiss import FaissIndex

    return FaissIndex()
