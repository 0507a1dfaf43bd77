"""Vectors in Milvus: one collection for each dimension, partitioned by owner, compared one by one (FLAT).

Milvus has no transactions. A row is written under its own key, so that writing it twice changes nothing; how far an
index is complete is noted after its rows; and who writes looks before and behind whether the owner was erased.
Expressions contain numbers and hex digits of ours alone: nothing that anybody said or chose.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from grpc import RpcError
from pymilvus import DataType, MilvusClient
from pymilvus.exceptions import MilvusException

from memori_wrap.errors import ConfigurationError, StoreError
from memori_wrap.ids import digest
from memori_wrap.types import Vectors

PREFIX = "memori_wrap_vector_"
NOTES = f"{PREFIX}note"
DECIMALS = 6
TIMEOUT = 10.0
"""Seconds for one request that reads."""
WRITE_TIMEOUT = 60.0
"""Seconds for one that writes: Milvus Lite may tidy up meanwhile."""
LIMIT = 16_384
"""Rows that Milvus gives in one answer."""
BATCH = 1000
"""Rows that are sent at once, and keys in one expression."""
SEGMENT = 500
"""Rows that Milvus Lite gathers before it makes a segment of them."""
QUIET = {"grpc.keepalive_permit_without_calls": False}
"""An idle connection that pings every 10 seconds, as pymilvus has it, is cut off by Milvus Lite: "Too many pings"."""
Client: TypeAlias = Any
"""A ``MilvusClient``, which has no types of its own."""
_TAKEN = 'http://host:19530, a file.db for Milvus Lite, or a MilvusClient (MEMORI_WRAP_INDEX_URL, or Milvus("..."))'


class Milvus:
    """A ``VectorDatabase``: ``Memori(index=Milvus("http://localhost:19530"))``.

    Milvus Lite's file is for one process at a time; for several let ``milvus-lite server`` hold it. A ``MilvusClient``
    of one's own says what a URL cannot: token, database, certificates. Collections are made at the first use.
    """

    def __init__(self, where: object) -> None:
        self._given = where if isinstance(where, MilvusClient) else None
        self._uri = "" if isinstance(where, MilvusClient) else _uri(where)
        self._client: Client | None = self._given
        self._lock = threading.Lock()
        self._ready: set[str] = set()
        self._loose = 0

    def open(self, owner: str, model: str, dimension: int) -> MilvusIndex:
        return MilvusIndex(self, owner, digest(model), dimension)

    def erase(self, owner: str, keep: str | None = None) -> None:
        with self.client() as client:
            if keep is None:
                # any other number than before; who is writing sees it, takes back what he wrote, and is behind us
                self.note(client, owner, owner, secrets.randbits(62))
            mine = (
                expression(owner=owner) if keep is None else f'{expression(owner=owner)} and model != "{digest(keep)}"'
            )
            for name in client.list_collections(timeout=TIMEOUT):
                if name.startswith(PREFIX) and name.removeprefix(PREFIX).isdecimal():
                    client.delete(name, filter=mine, timeout=WRITE_TIMEOUT)
            if NOTES in self._ready or client.has_collection(NOTES, timeout=TIMEOUT):
                client.delete(NOTES, filter=f'{mine} and model != ""', timeout=WRITE_TIMEOUT)

    def close(self) -> None:
        if self._given is None and self._client is not None:
            self._client.close()
            self._client = None

    def leave(self) -> None:
        self._lock = threading.Lock()
        self._client = self._given

    @contextmanager
    def client(self) -> Generator[Client]:
        """Errors come out as ``StoreError``. After one the collections are looked at again: an index may be thrown
        away at any time."""
        try:
            with self._lock:
                if self._client is None:
                    self._client = self._connect()
            yield self._client
        except (MilvusException, RpcError) as error:
            self._ready.clear()
            code = error.code if isinstance(error, MilvusException) else ""
            raise StoreError(f"Milvus: {type(error).__name__} {code}".rstrip(), transient=True) from error

    def _connect(self) -> Client:
        try:
            return MilvusClient(self._uri, timeout=TIMEOUT, grpc_options=QUIET)
        except MilvusException as error:
            hint = "is the server up?" if "://" in self._uri else "it is for one process at a time (milvus-lite server)"
            raise StoreError(f"Milvus cannot be opened ({error.message}): {hint}", transient=True) from error

    def collection(self, client: Client, dimension: int) -> str:
        """The name of the collection for vectors of this dimension, made where it is not there."""
        name = f"{PREFIX}{int(dimension)}"
        self._make(client, name, dimension, {"item": 200, "variant": 100})
        return name

    def write(self, client: Client, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Milvus Lite searches what is not in a segment yet row by row in Python, 20 times as slowly: so it is told
        to make one now and then. A Milvus server decides that itself, and resents being told."""
        client.upsert(name, list(rows), timeout=WRITE_TIMEOUT)
        if self._uri.endswith(".db"):
            with self._lock:
                self._loose += len(rows)
                is_due, self._loose = self._loose >= SEGMENT, self._loose % SEGMENT
            if is_due:
                client.flush(name, timeout=WRITE_TIMEOUT)

    def notes(self, client: Client) -> str:
        """The collection of numbers about owners; Milvus wants a vector in each, which means nothing here."""
        self._make(client, NOTES, 2, {})
        return NOTES

    def note(self, client: Client, id: str, owner: str, value: int, model: str = "") -> None:
        row = {"id": id, "owner": owner, "model": model, "key": value, "vector": [0.0, 1.0]}
        client.upsert(self.notes(client), [row], timeout=WRITE_TIMEOUT)

    def noted(self, client: Client, id: str, owner: str) -> int | None:
        found = client.query(
            self.notes(client),
            filter=f'{expression(owner=owner)} and id == "{id}"',
            output_fields=["key"],
            consistency_level="Strong",
            timeout=TIMEOUT,
        )
        return int(found[0]["key"]) if found else None

    def _make(self, client: Client, name: str, dimension: int, texts: Mapping[str, int]) -> None:
        with self._lock:
            if name in self._ready:
                return
            if not client.has_collection(name, timeout=TIMEOUT):
                schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
                schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=100)
                schema.add_field("owner", DataType.VARCHAR, max_length=32, is_partition_key=True)
                schema.add_field("key", DataType.INT64)
                for text, size in {"model": 32, **texts}.items():
                    schema.add_field(text, DataType.VARCHAR, max_length=size)
                schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
                index = client.prepare_index_params()
                index.add_index("vector", index_type="FLAT", metric_type="IP")
                index.add_index("owner", index_type="INVERTED")
                try:
                    client.create_collection(
                        name, schema=schema, index_params=index, consistency_level="Strong", timeout=TIMEOUT
                    )
                except MilvusException:
                    if not client.has_collection(name, timeout=TIMEOUT):  # else another process was quicker
                        raise
            self._ready.add(name)


class MilvusIndex:
    """A ``SharedIndex``. The way to its rows is ``_mine``, in every expression."""

    def __init__(self, database: Milvus, owner: str, model: str, dimension: int) -> None:
        self._database, self._owner, self._model, self._dimension = database, owner, model, dimension
        self._mark = f"{owner}{model}"
        self._erased: int | None = None
        self._is_open = False

    def __len__(self) -> int:
        with self._open() as (client, name):
            found = client.query(
                name, filter=self._mine(), output_fields=["count(*)"], consistency_level="Strong", timeout=TIMEOUT
            )
            return int(found[0]["count(*)"])

    def add(self, keys: Sequence[int], vectors: Vectors, names: Sequence[tuple[str, str]] = ()) -> None:
        vectors = np.asarray(vectors, np.float32)
        if len(keys) != len(vectors):
            raise ValueError(f"{len(keys)} keys for {len(vectors)} vectors")
        if not len(keys):
            return
        if vectors.shape[1] != self._dimension:
            raise ValueError(f"vectors of {vectors.shape[1]} dimensions in an index of {self._dimension}")
        latest = {int(key): at for at, key in enumerate(keys)}
        rows = [
            {
                "id": f"{self._mark}{key:016x}",
                "owner": self._owner,
                "model": self._model,
                "key": key,
                "item": names[at][0] if names else str(key),
                "variant": names[at][1] if names else "",
                "vector": vectors[at].tolist(),
            }
            for key, at in latest.items()
        ]
        with self._open() as (client, name):
            self._check_not_erased(client)
            for start in range(0, len(rows), BATCH):
                self._database.write(client, name, rows[start : start + BATCH])
            try:
                self._check_not_erased(client)
            except StoreError:
                self._delete(client, name, list(latest))
                raise

    def remove(self, keys: Sequence[int]) -> None:
        with self._open() as (client, name):
            self._delete(client, name, keys)

    def search(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        wanted = min(k, LIMIT)
        if wanted <= 0:
            return [], []
        asked = min(wanted + 8, LIMIT)
        with self._open() as (client, name):
            while True:
                found = self._nearest(client, name, query, asked, self._mine())
                # it breaks ties as it likes: go on until all that are as good as the last one wanted are here
                if len(found) < asked or asked == LIMIT or found[wanted - 1][0] < found[-1][0]:
                    break
                asked = min(2 * asked, LIMIT)
        best = sorted(found)[:wanted]
        return [key for _, key in best], [-score for score, _ in best]

    def scores(self, query: Vectors, keys: Sequence[int]) -> Sequence[float]:
        if not len(keys):
            return []
        found: dict[int, float] = {}
        with self._open() as (client, name):
            for part in _parts(keys):
                mine = self._mine(part)
                found |= {key: -score for score, key in self._nearest(client, name, query, len(part), mine)}
                if missed := [key for key in part if key not in found]:  # an index that is not FLAT may miss some
                    found |= self._compared(client, name, query, missed)
        return [found[int(key)] for key in keys]

    def names(self) -> Sequence[tuple[int, str, str]]:
        fields = ["key", "item", "variant"]
        with self._open() as (client, name):
            rows: list[Mapping[str, Any]] = list(
                client.query(
                    name,
                    filter=self._mine(),
                    output_fields=fields,
                    limit=LIMIT,
                    consistency_level="Strong",
                    timeout=TIMEOUT,
                )
            )
            if len(rows) == LIMIT:
                rows = []
                pages = client.query_iterator(
                    name,
                    filter=self._mine(),
                    output_fields=fields,
                    batch_size=BATCH,
                    consistency_level="Strong",
                    timeout=TIMEOUT,
                )
                while page := pages.next():
                    rows += page
                pages.close()
            return [(int(row["key"]), str(row["item"]), str(row["variant"])) for row in rows]

    def revision(self) -> int:
        with self._open() as (client, _):
            return self._database.noted(client, self._mark, self._owner) or 0

    def advance(self, revision: int) -> None:
        with self._open() as (client, _):
            self._check_not_erased(client)
            known = self._database.noted(client, self._mark, self._owner) or 0
            self._database.note(client, self._mark, self._owner, max(known, revision) if revision else 0, self._model)

    def _nearest(self, client: Client, name: str, query: Vectors, k: int, mine: str) -> list[tuple[float, int]]:
        """(the score below 0, key) of the best ``k``."""
        hits = client.search(
            name,
            [np.asarray(query, np.float32).tolist()],
            limit=k,
            filter=mine,
            output_fields=["key"],
            consistency_level="Strong",
            timeout=TIMEOUT,
        )[0]
        return sorted((-round(float(hit["distance"]), DECIMALS), int(hit["entity"]["key"])) for hit in hits)

    def _compared(self, client: Client, name: str, query: Vectors, keys: Sequence[int]) -> dict[int, float]:
        rows = client.query(
            name,
            filter=self._mine(keys),
            output_fields=["key", "vector"],
            consistency_level="Strong",
            timeout=TIMEOUT,
        )
        asked = np.asarray(query, np.float32)
        return {int(row["key"]): round(float(np.asarray(row["vector"], np.float32) @ asked), DECIMALS) for row in rows}

    def _delete(self, client: Client, name: str, keys: Sequence[int]) -> None:
        for part in _parts(keys):
            client.delete(name, filter=self._mine(part), timeout=WRITE_TIMEOUT)

    def _mine(self, keys: Sequence[int] | None = None) -> str:
        mine = expression(owner=self._owner, model=self._model)
        return mine if keys is None else f"{mine} and key in {[int(key) for key in keys]}"

    @contextmanager
    def _open(self) -> Generator[tuple[Client, str]]:
        """A client and the collection."""
        with self._database.client() as client:
            name = self._database.collection(client, self._dimension)
            if not self._is_open:
                self._erased = self._database.noted(client, self._owner, self._owner)
                self._is_open = True
            yield client, name

    def _check_not_erased(self, client: Client) -> None:
        if self._database.noted(client, self._owner, self._owner) != self._erased:
            raise StoreError("the vectors were erased meanwhile: what is left is read anew", transient=True)


def expression(**fields: str) -> str:
    """A filter by fields that hold hex digits; anything else is refused, for an expression has no parameters that
    every Milvus understands."""
    if not all(value and set(value) <= set("0123456789abcdef") for value in fields.values()):
        raise ValueError("only hex digits can stand in an expression")
    return " and ".join(f'{name} == "{value}"' for name, value in fields.items())


def _parts(keys: Sequence[int]) -> Generator[list[int]]:
    once = list(dict.fromkeys(int(key) for key in keys))
    for start in range(0, len(once), BATCH):
        yield once[start : start + BATCH]


def _uri(where: object) -> str:
    if isinstance(where, str) and (
        where.startswith(("http://", "https://")) or (where.endswith(".db") and "://" not in where)
    ):
        return where
    raise ConfigurationError(f"where is Milvus? Give {_TAKEN}")
