"""The parts of a memory, put together: store, model, retrievers, writer, pool."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import cast

from memori_wrap import plugins
from memori_wrap.augment.pipeline import Pipeline
from memori_wrap.augment.pool import Pool
from memori_wrap.background import Courtesy
from memori_wrap.capture.journal import Journal
from memori_wrap.capture.writer import Writer
from memori_wrap.counts import Counts
from memori_wrap.embedders import choice
from memori_wrap.embedding import Model
from memori_wrap.errors import ConfigurationError
from memori_wrap.ids import digest
from memori_wrap.indexes import Index, Indexes
from memori_wrap.protocols import Embedder, Extractor, Retriever, RetrieverFactory, Store
from memori_wrap.retrieve.cache import RetrieverCache
from memori_wrap.retrieve.hybrid import HybridRetriever
from memori_wrap.retrieve.texts import embedding_texts
from memori_wrap.settings import Settings
from memori_wrap.storage import Located
from memori_wrap.stores import open_store
from memori_wrap.types import Delta, Exchange

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
        index: Index | None = None,
        retriever: RetrieverFactory | None = None,
    ) -> None:
        self.counts, self.courtesy = Counts(), Courtesy()
        self.store = open_store(settings.database if conn is None else conn, settings)
        journal = _journal(self.store, settings)
        self.key = self.store.key()
        embedder = embedder or settings.embedder
        make = choice.choose(embedder, self.counts)
        self.model = Model(make, self.counts, self.courtesy, owns=isinstance(embedder, str))
        where = settings.index_url or (settings.database if conn is None else conn)
        self.indexes = Indexes(index or settings.index, where, self.key)
        self._retriever = retriever
        self.cache = RetrieverCache(
            self.store, self._make_retriever, self.model, self.counts, settings.cache_bytes, self.courtesy.breathe
        )
        self.model.on_ready = self._model_came
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

    def take(self, exchange: Exchange) -> Future[bool]:
        """Makes an exchange recallable and queues it; what turns out not to be kept is forgotten again."""
        self.cache.add_recent(exchange)
        kept = self.writer.put(exchange)
        kept.add_done_callback(lambda done: None if done.result() else self.cache.forget_recent(exchange))
        return kept

    def leave(self) -> None:
        """In a forked child: lets go of the parent's connections without closing them."""
        self.store.leave()
        self.indexes.leave()

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
        self.indexes.close()
        self.store.close()

    def _make_retriever(self, entity: str, model: str | None) -> Retriever:
        if self._retriever is not None:
            return self._retriever()
        return HybridRetriever(
            partial(self.indexes.open, entity, model, self.model.dimension),
            breathe=self.courtesy.breathe,
            on_fault=partial(self.counts.failed, "index"),
        )

    def prune_vectors(self, entity: str) -> None:
        """Takes out of an index past this process what the store no longer has. Raises ``StoreError``."""
        if self.indexes.database is not None:
            self.indexes.erase(entity, keep=self.model.name)
            self.cache.prune(entity)

    def _model_came(self) -> None:
        self.cache.refresh()
        model = self.model.name
        if model is not None and (others := self.store.other_models(model)):
            self.counts.once(
                "other_models",
                "memori_wrap: this database holds vectors of %s, and the model is %s: what has none of its vectors is "
                "recalled by words only, until memori-wrap reindex",
                ", ".join(others),
                model,
            )

    def _stored(self, exchanges: Sequence[Exchange], deltas: Sequence[Delta]) -> None:
        self.cache.stored(exchanges, deltas)
        self.pool.notify()


def _journal(store: Store, settings: Settings) -> Journal | None:
    """The journal beside a store; a memory that ends with the process has none."""
    where = store.location if isinstance(store, Located) else ()
    if not where:
        return None
    return Journal(settings.data_dir / f"journal-{digest(*where)[:16]}.db", full_sync=settings.durability == "full")


def _extractor(given: Extractor | str) -> Extractor | None:
    if not isinstance(given, str):
        return given
    if given == "none":
        return None
    made = plugins.load("extractors", given)
    if not callable(made):
        raise ConfigurationError(f"the extractor {given!r} is not callable: its entry point must name a class")
    return cast(Extractor, made())
