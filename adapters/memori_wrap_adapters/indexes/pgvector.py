"""Vectors in PostgreSQL with pgvector: found by owner through a b-tree, then compared one by one.

That is exact, and fast for as many vectors as one person has. An HNSW graph over all owners is there on request only:
with a filter it finds what is left of the nearest of all, which may be nothing. Here it goes on looking (iterative
scan), and where it still finds too few, they are compared one by one after all. The graph is on an expression that
the exact search does not use, so that building one changes nothing for those who did not ask for it.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any

import numpy as np
import sqlalchemy as sa
from pgvector.sqlalchemy import VECTOR
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from memori_wrap.errors import ConfigurationError, MissingExtra, StoreError
from memori_wrap.types import Vectors

PREFIX = "memori_wrap_vector"
DECIMALS = 6
BORROWED = 2
"""Connections that are taken from a user's pool at the same time, at most."""
_LOCK = 7163410934522
_TAKEN = "a PostgreSQL URL or an Engine on one (MEMORI_WRAP_INDEX_URL, or Pgvector(url))"


class Pgvector:
    """A ``VectorDatabase``: ``Memori(index=Pgvector("postgresql://..."))``.

    ``schema`` must be there; none: the first of the search path. ``hnsw``: builds a graph and searches it, for owners
    with so many vectors that comparing them all takes too long. The tables are made at the first use, in the
    application's own database if need be: all of them begin with ``memori_wrap_vector``.
    """

    def __init__(self, conn: object, *, schema: str | None = None, hnsw: bool = False) -> None:
        self.engine, self._owned = _engine(conn)
        self.hnsw = hnsw
        self.tables = Tables(schema)
        self._slots = nullcontext() if self._owned else threading.BoundedSemaphore(BORROWED)
        self._lock = threading.Lock()
        self._ready: set[int] = set()

    def open(self, owner: str, model: str, dimension: int) -> PgvectorIndex:
        return PgvectorIndex(self, owner, model, dimension)

    def erase(self, owner: str, keep: str | None = None) -> None:
        t = self.tables
        with self.begin() as conn:
            if keep is None:
                count = upsert(t.owner).values(owner=owner, erasures=1)
                more = {"erasures": t.owner.c.erasures + 1}
                # waits for those who are writing, and who comes later sees that he is late
                conn.execute(count.on_conflict_do_update(index_elements=["owner"], set_=more))
            for table in (t.vector, t.mark):
                mine = table.c.owner == owner
                conn.execute(sa.delete(table).where(mine if keep is None else mine & (table.c.model != keep)))

    def close(self) -> None:
        if self._owned:
            self.engine.dispose()

    def leave(self) -> None:
        self._lock = threading.Lock()
        self.engine.dispose(close=False)

    @contextmanager
    def begin(self, dimension: int = 0) -> Generator[sa.Connection]:
        """A transaction; errors come out as ``StoreError`` without what was said. After one the tables are looked at
        again: an index may be thrown away at any time."""
        try:
            with self._slots:
                if dimension not in self._ready:
                    self._prepare(dimension)
                with self.engine.begin() as conn:
                    yield conn
        except SQLAlchemyError as error:
            self._ready.clear()
            raise _store_error(error) from error

    def _prepare(self, dimension: int) -> None:
        with self._lock, self.engine.begin() as conn:
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            if not conn.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'vector'").first():
                try:
                    conn.exec_driver_sql("CREATE EXTENSION vector")
                except DBAPIError as error:
                    raise StoreError(
                        "this PostgreSQL has no pgvector, or not the right to switch it on: install the extension, and "
                        f"let an administrator run CREATE EXTENSION vector ({type(error.orig).__name__})"
                    ) from error
            self.tables.metadata.create_all(conn)
            if self.hnsw and dimension:
                self.tables.hnsw(dimension).create(conn, checkfirst=True)
        self._ready.add(dimension)


class Tables:
    """``vector`` has the rows; ``mark`` how far each index is complete; ``owner`` how often each was erased.

    The key is led by the owner everywhere: a database that shards can shard by it.
    """

    def __init__(self, schema: str | None) -> None:
        self.metadata = sa.MetaData(schema=schema)
        self.vector = sa.Table(
            PREFIX,
            self.metadata,
            sa.Column("owner", sa.String(32), primary_key=True),
            sa.Column("model", sa.Text, primary_key=True),
            sa.Column("key", sa.BigInteger, primary_key=True),
            sa.Column("item", sa.Text, nullable=False),
            sa.Column("variant", sa.Text, nullable=False),
            sa.Column("dimension", sa.Integer, nullable=False),
            sa.Column("vector", VECTOR(), nullable=False),
        )
        self.mark = sa.Table(
            f"{PREFIX}_mark",
            self.metadata,
            sa.Column("owner", sa.String(32), primary_key=True),
            sa.Column("model", sa.Text, primary_key=True),
            sa.Column("revision", sa.BigInteger, nullable=False),
        )
        self.owner = sa.Table(
            f"{PREFIX}_owner",
            self.metadata,
            sa.Column("owner", sa.String(32), primary_key=True),
            sa.Column("erasures", sa.BigInteger, nullable=False),
        )

    def sized(self, dimension: int) -> Any:
        """The vector as the graph has it."""
        return sa.cast(self.vector.c.vector, VECTOR(dimension))

    def has(self, dimension: int) -> sa.ColumnElement[bool]:
        """Whether a row is in the graph: a constant in the statement, which the planner can compare."""
        return self.vector.c.dimension == sa.literal_column(str(int(dimension)))

    def hnsw(self, dimension: int) -> sa.Index:
        made = sa.Index(
            f"{PREFIX}_hnsw_{int(dimension)}",
            sa.text(f"(vector::vector({int(dimension)})) vector_ip_ops"),
            postgresql_using="hnsw",
            postgresql_where=self.has(dimension),
            _table=self.vector,
        )
        self.vector.indexes.discard(made)  # it is made where it is asked for, not with the table
        return made


class PgvectorIndex:
    """A ``SharedIndex``. The way to its rows is ``_mine``, in every statement."""

    def __init__(self, database: Pgvector, owner: str, model: str, dimension: int) -> None:
        self._database, self._tables = database, database.tables
        self._owner, self._model, self._dimension = owner, model, dimension
        self._erasures: int | None = None

    def __len__(self) -> int:
        with self._begin() as conn:
            query = sa.select(sa.func.count()).select_from(self._tables.vector)
            return conn.execute(query.where(self._mine(self._tables.vector))).scalar_one()

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
                "owner": self._owner,
                "model": self._model,
                "key": key,
                "item": names[at][0] if names else str(key),
                "variant": names[at][1] if names else "",
                "dimension": self._dimension,
                "vector": vectors[at],
            }
            for key, at in sorted(latest.items())  # in one order everywhere: two writers cannot wait for each other
        ]
        insert = upsert(self._tables.vector)
        new = {name: insert.excluded[name] for name in ("item", "variant", "dimension", "vector")}
        with self._begin() as conn:
            self._check_not_erased(conn)
            conn.execute(insert.on_conflict_do_update(index_elements=["owner", "model", "key"], set_=new), rows)

    def remove(self, keys: Sequence[int]) -> None:
        t = self._tables.vector
        with self._begin() as conn:
            conn.execute(sa.delete(t).where(self._mine(t), t.c.key == _any(keys)))

    def search(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        if k <= 0:
            return [], []
        with self._begin() as conn:
            found = self._nearest(conn, query, k, hnsw=self._database.hnsw)
            if self._database.hnsw and len(found) < k:
                found = self._nearest(conn, query, k, hnsw=False)
        best = sorted(found)
        return [key for _, key in best], [-score for score, _ in best]

    def scores(self, query: Vectors, keys: Sequence[int]) -> Sequence[float]:
        if not len(keys):
            return []
        t = self._tables.vector
        distance = t.c.vector.max_inner_product(np.asarray(query, np.float32)).label("distance")
        with self._begin() as conn:
            rows = conn.execute(sa.select(t.c.key, distance).where(self._mine(t), t.c.key == _any(keys)))
            found = {int(row.key): round(-float(row.distance), DECIMALS) for row in rows}
        return [found[int(key)] for key in keys]

    def names(self) -> Sequence[tuple[int, str, str]]:
        t = self._tables.vector
        with self._begin() as conn:
            rows = conn.execute(sa.select(t.c.key, t.c.item, t.c.variant).where(self._mine(t)))
            return [(int(key), item, variant) for key, item, variant in rows]

    def revision(self) -> int:
        t = self._tables.mark
        with self._begin() as conn:
            return conn.execute(sa.select(t.c.revision).where(self._mine(t))).scalar() or 0

    def advance(self, revision: int) -> None:
        t = self._tables.mark
        insert = upsert(t).values(owner=self._owner, model=self._model, revision=revision)
        later = sa.func.greatest(t.c.revision, insert.excluded.revision) if revision else insert.excluded.revision
        with self._begin() as conn:
            self._check_not_erased(conn)
            conn.execute(insert.on_conflict_do_update(index_elements=["owner", "model"], set_={"revision": later}))

    def _nearest(self, conn: sa.Connection, query: Vectors, k: int, *, hnsw: bool) -> list[tuple[float, int]]:
        """(the score below 0, key) of the best ``k``."""
        t = self._tables
        vector = t.sized(self._dimension) if hnsw else t.vector.c.vector
        distance: sa.ColumnElement[float] = vector.max_inner_product(np.asarray(query, np.float32))
        chosen = sa.select(t.vector.c.key, distance.label("distance")).where(self._mine(t.vector))
        if hnsw:
            conn.exec_driver_sql("SET LOCAL hnsw.iterative_scan = strict_order")
            chosen = chosen.where(t.has(self._dimension)).order_by(distance)
        else:
            chosen = chosen.order_by(distance, t.vector.c.key)
        rows = conn.execute(chosen.limit(k)).all()
        return [(-round(-float(row.distance), DECIMALS), int(row.key)) for row in rows]

    def _mine(self, table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.owner == self._owner, table.c.model == self._model)

    @contextmanager
    def _begin(self) -> Generator[sa.Connection]:
        with self._database.begin(self._dimension) as conn:
            if self._erasures is None:
                self._erasures = self._erased(conn) or 0
            yield conn

    def _erased(self, conn: sa.Connection, *, hold: bool = False) -> int | None:
        t = self._tables.owner
        query = sa.select(t.c.erasures).where(t.c.owner == self._owner)
        return conn.execute(query.with_for_update(read=True) if hold else query).scalar()

    def _check_not_erased(self, conn: sa.Connection) -> None:
        """Holds the owner's row until the commit: an erasure waits for it, or is seen here."""
        insert = upsert(self._tables.owner).values(owner=self._owner, erasures=0)
        conn.execute(insert.on_conflict_do_nothing(index_elements=["owner"]))
        if self._erased(conn, hold=True) != self._erasures:
            raise StoreError("the vectors were erased meanwhile: what is left is read anew", transient=True)


def _any(keys: Sequence[int]) -> Any:
    return sa.any_(sa.literal([int(key) for key in keys], ARRAY(sa.BigInteger)))


def _engine(conn: object) -> tuple[Engine, bool]:
    """An engine, and whether it is ours to close."""
    if isinstance(conn, Engine):
        if conn.dialect.name != "postgresql":
            raise ConfigurationError(
                f"pgvector is PostgreSQL's, and this engine is {conn.dialect.name}'s: give {_TAKEN}"
            )
        return conn, False
    if not isinstance(conn, (str, URL)):
        raise ConfigurationError(f"where is pgvector? Give {_TAKEN}")
    try:
        url = sa.make_url(conn)
    except ArgumentError as error:
        raise ConfigurationError(f"no database URL: give {_TAKEN}") from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigurationError(f"pgvector is PostgreSQL's, and this URL is {url.get_backend_name()}'s: give {_TAKEN}")
    if "+" not in url.drivername and find_spec("psycopg") is not None:
        url = url.set(drivername="postgresql+psycopg")
    try:
        return sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5}), True
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name} is not installed: pip install 'memori-wrap[pgvector]'") from error


def _store_error(error: SQLAlchemyError) -> StoreError:
    """Without the statement and its parameters."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    away = isinstance(error, (OperationalError, InterfaceError))
    text = str(cause).splitlines()[0] if away and str(cause) else ""
    return StoreError(f"pgvector: {type(cause).__name__}{': ' if text else ''}{text}", transient=away)
