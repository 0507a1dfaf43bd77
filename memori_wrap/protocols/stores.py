"""The plugs that keep: the durable ``Store`` and the disposable ``VectorIndex``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from memori_wrap.types import (
    Augmentation,
    DeadJob,
    Delta,
    Erased,
    Exchange,
    Job,
    StoredFact,
    StoredMessage,
    StoredVector,
    Vectors,
)


@dataclass(frozen=True, slots=True)
class QueueState:
    """Jobs not yet done, jobs given up on, and the age of the oldest waiting one in seconds."""

    pending: int
    dead: int
    oldest_age: float = 0.0


class Store(Protocol):
    """Durable truth. Every method is one transaction and raises ``StoreError``.

    What a row holds, and which messages of an exchange are new, is decided in ``memori_wrap.rows``, for every store;
    ``memori_wrap.testing.store_suite`` tells whether one is whole. See ``storage`` for how one is found.
    """

    def capture(self, exchanges: Sequence[Exchange]) -> Sequence[Delta]:
        """Writes exchanges with their jobs, each once by its id; one delta per changed entity."""
        ...

    def claim(self, worker: str, limit: int, stale: Sequence[str] = ()) -> Sequence[Job]:
        """Leases up to ``limit`` jobs that wait, or are held by a lease in ``stale``: the entities in turn, an
        entity's oldest first. Writes nothing where no job waits."""
        ...

    def heartbeat(self, leases: Sequence[str]) -> None: ...

    def leases(self) -> Mapping[str, int]:
        """The heartbeat counter of every lease that is held."""
        ...

    def complete(self, results: Sequence[Augmentation], model: str | None) -> Sequence[Delta]:
        """Writes facts and vectors and ends the jobs; a job whose lease was lost writes nothing."""
        ...

    def fail(self, job: Job, reason: str, delay: float | None) -> None:
        """Gives a job back, to be tried again after ``delay`` seconds, or never where that is None."""
        ...

    def dead(self, limit: int = 100) -> Sequence[DeadJob]:
        """The newest jobs that were given up on."""
        ...

    def retry(self, exchanges: Sequence[str] | None = None) -> int:
        """Makes dead jobs waiting ones, all or those of the given exchanges; how many."""
        ...

    def revision(self, entity: str) -> int:
        """Grows with every commit that changes the entity; 0 where it is unknown."""
        ...

    def load(self, entity: str, since: int, model: str | None) -> Delta:
        """What the entity has gained after revision ``since``, with the vectors of ``model`` only."""
        ...

    def facts(self, entity: str, ended: bool = False) -> Sequence[StoredFact]: ...

    def exchange_messages(self, entity: str, exchange: str) -> Sequence[StoredMessage]: ...

    def other_models(self, model: str) -> Sequence[str]:
        """Names of embedding models that wrote vectors here, beside ``model``."""
        ...

    def queue(self, until: str | None = None) -> QueueState:
        """The state of the queue, of the exchanges up to the id ``until`` only where one is given."""
        ...

    def entities(self, after: str = "", limit: int = 500) -> Sequence[str]:
        """Who is remembered, in the order of the ids, behind ``after``."""
        ...

    def erase(self, entity: str) -> Erased:
        """Deletes all of an entity; exchanges that began before this are not taken afterwards."""
        ...

    def expire(self, entity: str, before: datetime) -> int:
        """Deletes some of what was said before then, with the facts that rest on it alone; again until it is 0."""
        ...

    def page(self, table: str, entity: str, after: Sequence[str] | None) -> Sequence[Mapping[str, Any]]:
        """Rows of one of the tables of ``store.transfer``, in the order of their keys, behind ``after``."""
        ...

    def insert(self, entity: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> int:
        """Writes (table, row) pairs that are not there yet; how many."""
        ...

    def unembedded(
        self, model: str, after: tuple[str, str], limit: int
    ) -> tuple[Sequence[tuple[str, StoredMessage, StoredMessage | None]], tuple[str, str] | None]:
        """(entity, message, the one before it) without a vector of ``model``, behind (entity, id); and the last key."""
        ...

    def unembedded_facts(self, model: str, after: tuple[str, str], limit: int) -> Sequence[tuple[str, str, str]]:
        """(entity, fact id, text) without a vector of ``model``, behind (entity, id)."""
        ...

    def embed(self, entity: str, model: str, vectors: Sequence[StoredVector]) -> None:
        """Writes vectors."""
        ...

    def forget_models(self, model: str) -> int:
        """Deletes the vectors of every other model; how many."""
        ...

    def key(self) -> bytes:
        """The secret that all processes of this database share, made at migration."""
        ...

    def close(self) -> None: ...

    def leave(self) -> None:
        """In a forked child: lets go of the parent's connections without closing them."""
        ...


@runtime_checkable
class VectorIndex(Protocol):
    """Nearest neighbours by inner product. Disposable: it is rebuilt from the store. Keys are small integers.

    One that has work to do which no answer waits for says so in ``is_behind``, and does a step of some milliseconds of
    it in ``tend()``. One that holds more than its vectors tells the bytes of all in ``nbytes()``.
    """

    def __len__(self) -> int: ...

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        """Adds rows; a key that is there already is replaced."""
        ...

    def remove(self, keys: Sequence[int]) -> None: ...

    def search(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        """The ``k`` best keys and their scores, best first, equal scores by smaller key."""
        ...

    def scores(self, query: Vectors, keys: Sequence[int]) -> Sequence[float]:
        """The score of each given key, in their order."""
        ...
