"""Indexes past one process: shared by name and revision, stale or lost without harm, and nobody sees another's rows."""

from __future__ import annotations

import multiprocessing
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from memori_wrap import ConfigurationError, Memori, StoreError
from memori_wrap.ids import owner_id, vector_key
from memori_wrap.index.flat import FlatIndex
from memori_wrap.retrieve import cache
from memori_wrap.store.tables import embedding
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.index_suite import DIMENSION, unit_vectors
from memori_wrap.vectordb import SharedIndex, VectorDatabase
from memori_wrap_adapters.indexes.milvus import PREFIX, Milvus, MilvusIndex, expression
from memori_wrap_adapters.indexes.pgvector import Pgvector, PgvectorIndex
from tests.support.servers import POSTGRESQL, fresh_database

ALICE, BOB = "a" * 32, "b" * 32
KINDS: dict[str, Callable[[str], Any]] = {"pgvector": Pgvector, "milvus": Milvus}
TOLD = [
    "My sister Ada lives in Lisbon and paints boats.",
    "We adopted a grey cat called Pebble last spring.",
    "The boats that Ada paints hang in a café by the river.",
    "Pebble is afraid of the vacuum cleaner, poor cat.",
    "I take my coffee black, and tea with lemon.",
    "On Sundays we walk along the river to the café.",
    "The vacuum cleaner broke, so we bought a broom.",
    "Lemon trees grow behind the house in Lisbon.",
]
QUESTIONS = ["Where does my sister live?", "What frightens the cat?", "How do I drink coffee?", "What grows in Lisbon?"]


class Server:
    """One kind of vector database: ``connect`` makes a new ``VectorDatabase`` on it, as another process would."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind, self.url = kind, url
        self.made: list[Any] = []

    def connect(self) -> Any:
        self.made.append(KINDS[self.kind](self.url))
        return self.made[-1]

    def rows(self) -> list[tuple[str, int, str, str]]:
        """Owner, key, item and variant of all that is there, whoever's it is, asked past the adapter."""
        database = self.made[-1]
        if isinstance(database, Pgvector):
            with database.engine.begin() as conn:
                if not sa.inspect(conn).has_table("memori_wrap_vector"):
                    return []
                return [
                    tuple(row)
                    for row in conn.exec_driver_sql("SELECT owner, key, item, variant FROM memori_wrap_vector")
                ]
        fields = ["owner", "key", "item", "variant"]
        with database.client() as client:
            names = [name for name in client.list_collections() if name.removeprefix(PREFIX).isdecimal()]
            found = [client.query(n, filter='owner != ""', output_fields=fields, limit=16_000) for n in names]
        return [tuple(row[field] for field in fields) for rows in found for row in rows]

    def lose(self) -> None:
        """Takes all away."""
        database = self.made[-1]
        if isinstance(database, Pgvector):
            with database.engine.begin() as conn:
                database.tables.metadata.drop_all(conn)
            return
        with database.client() as client:
            for name in client.list_collections():
                client.drop_collection(name)


@pytest.fixture(params=sorted(KINDS))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    url = request.getfixturevalue({"pgvector": "pgvector_url", "milvus": "milvus_server"}[request.param])
    made = Server(request.param, url)
    made.connect()
    made.lose()
    yield made
    for database in made.made:
        database.close()


def memory(folder: Path, index: Any) -> Memori:
    return Memori(
        f"sqlite:///{folder}/m.db",
        embedder=HashEmbedder(),
        extractor=ScriptedExtractor(),
        index=index,
        settings={"data_dir": folder, "recall_budget": 30},
    )


def tell(mem: Memori, texts: list[str], entity: str = "ada") -> None:
    for n, text in enumerate(texts):
        role = "user" if n % 3 else "assistant"
        mem.add([{"role": role, "content": text}], entity=entity, session="s")
    assert mem.flush(30)


def answers(mem: Memori, entity: str = "ada") -> list[list[tuple[str, float]]]:
    """What is recalled for each question: ids and scores. Asked twice: the first time the entity may be loading."""
    assert mem.warm(30)
    for question in QUESTIONS:
        mem.recall(question, entity=entity)
    return [[(r.id, round(r.score, 4)) for r in mem.recall(q, 20, entity=entity)] for q in QUESTIONS]


def failures(mem: Memori) -> int:
    found: int = mem.stats()["counts"].get("failed.index", 0)
    return found


def owner_of(mem: Memori, entity: str) -> str:
    return owner_id(mem._parts.key, entity)


class Watched:
    """A vector database that notes what is written to it."""

    def __init__(self, inner: VectorDatabase) -> None:
        self.inner, self.written = inner, 0

    def open(self, owner: str, model: str, dimension: int) -> SharedIndex:
        index = self.inner.open(owner, model, dimension)
        add = index.add

        def counted(keys: Any, vectors: Any, names: Any = ()) -> None:
            self.written += len(keys)
            add(keys, vectors, names)

        index.add = counted  # type: ignore[method-assign]
        return index

    def erase(self, owner: str, keep: str | None = None) -> None:
        self.inner.erase(owner, keep)

    def close(self) -> None:
        self.inner.close()

    def leave(self) -> None:
        self.inner.leave()


# ---------------------------------------------------------------- recall, end to end


def test_is_what_it_says(server: Server) -> None:
    database = server.connect()
    assert isinstance(database, VectorDatabase)
    assert isinstance(database.open(ALICE, "m", DIMENSION), SharedIndex)


def test_recalls_as_flat_does(server: Server, tmp_path: Path) -> None:
    with memory(tmp_path, server.connect()) as mem, memory(tmp_path, FlatIndex) as flat:
        tell(mem, TOLD[:5])
        assert answers(mem) == answers(flat)
        tell(mem, TOLD[5:])
        found = answers(mem)
        assert found == answers(flat)
        assert all(found)
        assert any("meaning" in why or "cosine" in why for r in mem.recall(QUESTIONS[0], entity="ada") for why in r.why)
        assert failures(mem) == 0
        assert {owner for owner, *_ in server.rows()} == {owner_of(mem, "ada")}


def test_what_is_there_is_not_written_again(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with memory(tmp_path, server.connect()) as mem, memory(tmp_path, FlatIndex) as flat:
        tell(mem, TOLD)
        expected = answers(flat)
        assert answers(mem) == expected
    assert len(server.rows()) > len(TOLD)
    watched = Watched(server.connect())
    with memory(tmp_path, watched) as later:
        loads: list[tuple[int, str | None, int]] = []
        load = later._parts.store.load

        def seen(entity: str, since: int, model: str | None) -> Any:
            delta = load(entity, since, model)
            loads.append((since, model, len(delta.vectors)))
            return delta

        monkeypatch.setattr(later._parts.store, "load", seen)
        assert answers(later) == expected
        assert watched.written == 0
        assert loads
        assert sum(vectors for *_, vectors in loads) == 0, "vectors were read from the store that the index has"
        tell(later, ["A parrot called Figaro moved in."])
        assert answers(later) != expected
        assert 0 < watched.written <= 4


def test_stale_it_is_filled_up(server: Server, tmp_path: Path) -> None:
    with memory(tmp_path, server.connect()) as mem:
        tell(mem, TOLD[:4])
        answers(mem)
    before = len(server.rows())
    with memory(tmp_path, FlatIndex) as flat:
        tell(flat, TOLD[4:])
        expected = answers(flat)
    watched = Watched(server.connect())
    with memory(tmp_path, watched) as mem:
        assert answers(mem) == expected
    assert watched.written == len(server.rows()) - before > 0


def test_lost_it_is_filled_anew(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "RETRY", 0.0)
    with memory(tmp_path, server.connect()) as mem, memory(tmp_path, FlatIndex) as flat:
        tell(mem, TOLD)
        expected = answers(flat)
        assert answers(mem) == expected
        server.lose()
        assert mem.recall(QUESTIONS[0], entity="ada"), "the words answer"
        assert failures(mem) == 1
        assert answers(mem) == expected
        assert failures(mem) == 1
    server.lose()
    with memory(tmp_path, server.connect()) as mem:
        assert answers(mem) == expected


def test_rows_that_were_lost_are_noticed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "RETRY", 0.0)
    with memory(tmp_path, server.connect()) as mem, memory(tmp_path, FlatIndex) as flat:
        tell(mem, TOLD)
        expected = answers(flat)
        assert answers(mem) == expected
        index = server.connect().open(owner_of(mem, "ada"), HashEmbedder().model, HashEmbedder().dimension)
        keys = [key for key, *_ in index.names()]
        index.remove(keys[::2])
        assert answers(mem) == expected
        assert failures(mem) == 1
        assert sorted(key for key, *_ in index.names()) == sorted(keys)


def test_cleared_under_two_that_are_warm(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who goes on writing new rows must not vouch for the old ones."""
    monkeypatch.setattr(cache, "RETRY", 0.0)
    with memory(tmp_path, server.connect()) as one, memory(tmp_path, server.connect()) as two:
        tell(one, TOLD)
        assert answers(one) == answers(two)
        index = server.connect().open(owner_of(one, "ada"), HashEmbedder().model, HashEmbedder().dimension)
        index.remove([key for key, *_ in index.names()])
        index.advance(0)
        tell(one, ["A parrot called Figaro moved in."])
        with memory(tmp_path, server.connect()) as three, memory(tmp_path, FlatIndex) as flat:
            assert [answers(mem) for mem in (three, one, two)] == [answers(flat)] * 3


def test_a_store_that_was_set_back(server: Server, tmp_path: Path) -> None:
    """From a backup: the index knows more than the store, and things that never were."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    with memory(tmp_path / "old", FlatIndex) as mem:
        tell(mem, TOLD[:3])
    (tmp_path / "new" / "m.db").write_bytes((tmp_path / "old" / "m.db").read_bytes())
    with memory(tmp_path / "new", server.connect()) as mem:
        tell(mem, ["This will be forgotten.", "This, too.", "And all of this."])
        answers(mem)
        newer = {item for _, _, item, _ in server.rows()}
    with memory(tmp_path / "old", server.connect()) as mem, memory(tmp_path / "old", FlatIndex) as flat:
        assert answers(mem) == answers(flat)
        left = {item for _, _, item, _ in server.rows()}
        assert newer > left
        tell(mem, TOLD[3:])
        assert answers(mem) == answers(flat)


@pytest.mark.parametrize(
    "database",
    [Pgvector("postgresql://postgres@127.0.0.1:1/none"), Milvus("http://127.0.0.1:1")],
    ids=["pgvector", "milvus"],
)
def test_away_the_words_answer(database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memori_wrap_adapters.indexes.milvus.TIMEOUT", 0.5)
    with memory(tmp_path, database) as mem:
        tell(mem, TOLD)
        found = mem.recall("What does Ada paint?", entity="ada")
        assert any("Ada paints" in r.text for r in found)
        assert failures(mem) >= 1
        with pytest.raises(StoreError):
            mem.erase("ada")


def test_one_database_serves_several_stores(server: Server, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with memory(tmp_path / "one", server.connect()) as one, memory(tmp_path / "two", server.connect()) as two:
        tell(one, TOLD[:4])
        tell(two, TOLD[4:])
        first, second = answers(one), answers(two)
        assert owner_of(one, "ada") != owner_of(two, "ada")
    with memory(tmp_path / "one", server.connect()) as one, memory(tmp_path / "two", server.connect()) as two:
        assert (answers(one), answers(two)) == (first, second)


def test_by_name(server: Server, tmp_path: Path) -> None:
    settings = {"index": server.kind, "index_url": server.url, "data_dir": tmp_path}
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder=HashEmbedder(), settings=settings) as mem:
        tell(mem, TOLD)
        answers(mem)
        assert server.rows()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_address_of_something_else(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="MEMORI_WRAP_INDEX_URL"):
        Memori(f"sqlite:///{tmp_path}/m.db", index=name, settings={"data_dir": tmp_path})


# ---------------------------------------------------------------- whose rows


def crossings(database: VectorDatabase) -> int:
    """Two owners with equal vectors under equal keys: how many rows of one reached the other, in any way."""
    vectors = unit_vectors(40)
    alice, bob = (database.open(owner, "m", DIMENSION) for owner in (ALICE, BOB))
    alice.add(range(40), vectors, [("alice", str(n)) for n in range(40)])
    bob.add(range(20, 60), vectors, [("bob", str(n)) for n in range(20, 60)])
    found = 0
    for mine, keys, name in ((alice, range(40), "alice"), (bob, range(20, 60), "bob")):
        found += abs(len(mine) - 40)
        found += sum(item != name for _, item, _ in mine.names())
        for at, vector in enumerate(vectors):
            best, scores = mine.search(vector, 10)
            found += best[0] != keys[at]
            found += len(set(best) - set(keys)) + abs(10 - len(set(best)))
            found += abs(scores[0] - 1) > 1e-4
    alice.advance(7)
    found += bob.revision()
    alice.remove(range(100))
    found += abs(40 - len(bob)) + len(alice)
    database.erase(ALICE)
    found += abs(40 - len(bob))
    database.erase(BOB)
    return int(found)


def test_nobody_sees_the_rows_of_another(server: Server) -> None:
    assert crossings(server.connect()) == 0


def test_planted_a_missing_filter_is_noticed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_model(self: Any, table: Any) -> Any:
        return table.c.model == self._model

    def by_keys(self: Any, keys: Any = None) -> str:
        mine = expression(model=self._model)
        return mine if keys is None else f"{mine} and key in {list(keys)}"

    monkeypatch.setattr(PgvectorIndex, "_mine", by_model)
    monkeypatch.setattr(MilvusIndex, "_mine", by_keys)
    assert crossings(server.connect()) > 0


def test_nor_the_vectors_of_another_model(server: Server) -> None:
    database = server.connect()
    one, other = (database.open(ALICE, model, DIMENSION) for model in ("one", "one'; DROP TABLE x --"))
    one.add([1], unit_vectors(1))
    assert (len(other), len(one)) == (0, 1)
    other.add([2], unit_vectors(1))
    assert [list(index.search(unit_vectors(1)[0], 5)[0]) for index in (one, other)] == [[1], [2]]
    one.advance(3)
    database.erase(ALICE, keep="one")
    assert (len(other), len(one), one.revision(), other.revision()) == (0, 1, 3, 0)


def test_two_entities_with_the_same_words(server: Server, tmp_path: Path) -> None:
    names = ["alice", "Alice", "alice ", 'x" or owner != "', "'; DROP TABLE memori_wrap_vector; --", "\u202ealice"]
    with memory(tmp_path, server.connect()) as mem:
        for name in names:
            tell(mem, TOLD[:3], name)
        ids = {name: {r.id for r in mem.recall("Ada paints boats, Pebble the cat", 20, entity=name)} for name in names}
        assert all(ids.values())
        assert sum(len(found) for found in ids.values()) == len(set().union(*ids.values()))
        owners = {owner for owner, *_ in server.rows()}
        assert owners == {owner_of(mem, name) for name in names}


# ---------------------------------------------------------------- erasing


def test_erased_nothing_is_left(server: Server, tmp_path: Path) -> None:
    with memory(tmp_path, server.connect()) as mem:
        tell(mem, TOLD)
        tell(mem, TOLD, "bob")
        answers(mem)
        bobs = answers(mem, "bob")
        mem.erase("ada")
        assert {owner for owner, *_ in server.rows()} == {owner_of(mem, "bob")}
        assert answers(mem) == [[], [], [], []]
        assert answers(mem, "bob") == bobs
        tell(mem, TOLD[:2])
        with memory(tmp_path, FlatIndex) as flat:
            assert answers(mem) == answers(flat)
        assert failures(mem) == 0


def test_expired_vectors_go(server: Server, tmp_path: Path) -> None:
    with memory(tmp_path, server.connect()) as mem, memory(tmp_path, FlatIndex) as flat:
        mem.add("An old story about a lighthouse.", entity="ada", at="2020-01-01")
        tell(mem, TOLD)
        answers(mem)
        [old] = [r.id for r in mem.recall("lighthouse", entity="ada") if "lighthouse" in r.text and r.kind == "turn"]
        assert old in {item for _, _, item, _ in server.rows()}
        assert mem.expire("2021-01-01") == 1
        assert old not in {item for _, _, item, _ in server.rows()}
        assert answers(mem) == answers(flat)


def writes_late(database: VectorDatabase) -> int:
    """Rows that are there after a writer who began before the erasure has written."""
    index = database.open(ALICE, "m", DIMENSION)
    assert index.revision() == 0
    index.add([1, 2], unit_vectors(2))
    late = database.open(ALICE, "m", DIMENSION)
    assert len(late) == 2
    database.erase(ALICE)
    with suppress(StoreError):
        late.add([3, 4], unit_vectors(2))
    fresh = database.open(ALICE, "m", DIMENSION)
    left = len(fresh)
    fresh.add([5], unit_vectors(1))
    assert len(fresh) == left + 1
    database.erase(ALICE)
    return left


def test_who_writes_after_an_erasure_writes_nothing(server: Server) -> None:
    assert writes_late(server.connect()) == 0


def test_planted_an_unchecked_writer_is_noticed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (PgvectorIndex, MilvusIndex):
        monkeypatch.setattr(kind, "_check_not_erased", lambda *_: None)
    assert writes_late(server.connect()) == 2


# ---------------------------------------------------------------- several processes


def write(kind: str, url: str, keys: list[int], go: Any) -> None:
    database = KINDS[kind](url)
    index = database.open(ALICE, "m", DIMENSION)
    assert len(index) >= 0
    go.wait(30)
    vectors = unit_vectors(400)
    for start in range(0, len(keys), 25):
        part = keys[start : start + 25]
        index.add(part, vectors[part])
        index.advance(max(part))
        index.search(vectors[part[0]], 10)
    database.close()


def talk(kind: str, url: str, folder: str, name: str, go: Any) -> None:
    with memory(Path(folder), KINDS[kind](url)) as mem:
        assert mem.warm(30)
        go.wait(60)
        for n in range(12):
            mem.add(f"{name} has seen number {n} of the boats on the river.", entity="ada", session=name)
            mem.recall("Which boats?", entity="ada")
        assert mem.flush(60)
        mem.recall("Which boats?", entity="ada")


def run(target: Any, arguments: list[tuple[Any, ...]]) -> None:
    """The processes at once; they wait for each other before they write."""
    spawn = multiprocessing.get_context("spawn")
    go = spawn.Barrier(len(arguments))
    children = [spawn.Process(target=target, args=(*args, go)) for args in arguments]
    for child in children:
        child.start()
    for child in children:
        child.join(90)
    assert [child.exitcode for child in children] == [0] * len(children)


def test_two_processes_write_the_same_rows(server: Server) -> None:
    forth, back = list(range(300)), list(range(399, 99, -1))
    run(write, [(server.kind, server.url, forth), (server.kind, server.url, back)])
    index = server.connect().open(ALICE, "m", DIMENSION)
    assert len(index) == 400
    # without transactions the later of two may say less: rows are then written once more
    assert index.revision() == 399 or (server.kind == "milvus" and 0 < index.revision() < 399)
    vectors = unit_vectors(400)
    assert [index.search(vectors[n], 1)[0][0] for n in range(0, 400, 37)] == list(range(0, 400, 37))


def test_two_processes_talk_to_one_entity(server: Server, tmp_path: Path) -> None:
    with memory(tmp_path, server.connect()) as mem:
        tell(mem, TOLD)
    run(talk, [(server.kind, server.url, str(tmp_path), name) for name in ("one", "two")])
    watched = Watched(server.connect())
    with memory(tmp_path, watched) as mem, memory(tmp_path, FlatIndex) as flat:
        assert answers(mem) == answers(flat)
        assert failures(mem) == 0
        engine = sa.create_engine(f"sqlite:///{tmp_path}/m.db")
        with engine.connect() as conn:
            stored = conn.execute(sa.select(embedding.c.item_id, embedding.c.variant)).all()
        engine.dispose()
        assert len(stored) > 24
        assert sorted((item, variant) for _, _, item, variant in server.rows()) == sorted(map(tuple, stored))
        assert {key for _, key, *_ in server.rows()} == {vector_key(*name) for name in stored}


# ---------------------------------------------------------------- pgvector's own


OWNERS = 25


@pytest.fixture(scope="module")
def crowd(pgvector_server: str) -> Iterator[tuple[Pgvector, Pgvector]]:
    """2,500 vectors of 25 owners, with a graph over all; (without, with) its use."""
    with fresh_database(pgvector_server) as url:
        plain, hnsw = Pgvector(url), Pgvector(url, hnsw=True)
        vectors = unit_vectors(100 * OWNERS)
        for n in range(OWNERS):
            plain.open(f"{n:032x}", "m", DIMENSION).add(range(100), vectors[n::OWNERS])
        hnsw.open("0" * 32, "m", DIMENSION).names()  # makes the graph
        with plain.engine.begin() as conn:
            conn.exec_driver_sql("ANALYZE memori_wrap_vector")
        yield plain, hnsw
        plain.close()
        hnsw.close()


def found_of_10(database: Pgvector) -> float:
    """Rows that a question for 10 brings on average, by owner."""
    queries = unit_vectors(OWNERS, seed=5)
    indexes = [database.open(f"{n:032x}", "m", DIMENSION) for n in range(OWNERS)]
    return float(np.mean([len(indexes[n].search(queries[n], 10)[0]) for n in range(OWNERS)]))


def plan(database: Pgvector, statement: str) -> str:
    with database.engine.begin() as conn:
        return "\n".join(str(row[0]) for row in conn.exec_driver_sql(f"EXPLAIN {statement}"))


def test_all_10_of_10_under_the_filter(crowd: tuple[Pgvector, Pgvector]) -> None:
    plain, hnsw = crowd
    assert found_of_10(plain) == 10
    assert found_of_10(hnsw) == 10


def test_planted_a_graph_as_it_comes_finds_too_few(crowd: tuple[Pgvector, Pgvector]) -> None:
    """What the default is there for: the same question through the graph, without iterative scan."""
    _, hnsw = crowd
    queries = unit_vectors(OWNERS, seed=5)
    cast = f"(vector::vector({DIMENSION}))"
    counts: list[int] = []
    with hnsw.engine.begin() as conn:
        for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            conn.exec_driver_sql(f"SET LOCAL {setting} = off")
        for n in range(OWNERS):
            query = (
                f"SELECT key FROM memori_wrap_vector WHERE owner = '{n:032x}' AND model = 'm'"
                f" AND dimension = {DIMENSION} ORDER BY {cast} <#> '{queries[n].tolist()}' LIMIT 10"
            )
            if n == 0:
                assert "hnsw" in "\n".join(str(r[0]) for r in conn.exec_driver_sql(f"EXPLAIN {query}"))
            counts.append(len(conn.exec_driver_sql(query).all()))
    assert np.mean(counts) < 5


def test_the_graph_is_nothing_to_who_did_not_ask_for_it(crowd: tuple[Pgvector, Pgvector]) -> None:
    plain, _ = crowd
    query = f"SELECT key FROM memori_wrap_vector ORDER BY vector <#> '{unit_vectors(1)[0].tolist()}', key LIMIT 10"
    assert "hnsw" not in plan(plain, query)


def test_a_schema_and_nothing_without_the_prefix(pgvector_url: str) -> None:
    engine = sa.create_engine(pgvector_url)
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS memory")
        before = set(sa.inspect(conn).get_table_names())
    database = Pgvector(pgvector_url, schema="memory")
    assert crossings(database) == 0
    inspector = sa.inspect(engine)
    assert set(inspector.get_table_names()) == before
    made = inspector.get_table_names("memory")
    assert made
    assert all(name.startswith("memori_wrap_vector") for name in made)
    database.close()
    engine.dispose()


def test_an_engine_is_borrowed(pgvector_url: str) -> None:
    engine = sa.create_engine(pgvector_url, pool_size=2, max_overflow=0)
    database = Pgvector(engine)
    assert crossings(database) == 0
    database.close()
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()


def test_without_the_extension_it_is_said() -> None:
    with fresh_database(POSTGRESQL) as url:
        database = Pgvector(url)
        with pytest.raises(StoreError, match="CREATE EXTENSION vector"):
            database.open(ALICE, "m", DIMENSION).names()
        database.close()


# ---------------------------------------------------------------- Milvus's own


def test_only_hex_digits_stand_in_an_expression() -> None:
    assert expression(owner="0f") == 'owner == "0f"'
    for value in ("", 'x" or owner != "', "AB", "0f "):
        with pytest.raises(ValueError, match="hex"):
            expression(owner=value)


def test_more_names_than_one_answer_holds(milvus_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memori_wrap_adapters.indexes.milvus.LIMIT", 50)
    monkeypatch.setattr("memori_wrap_adapters.indexes.milvus.BATCH", 20)
    database = Milvus(milvus_server)
    index = database.open(secrets.token_hex(16), "m", DIMENSION)
    index.add(range(130), unit_vectors(130))
    assert sorted(key for key, *_ in index.names()) == list(range(130))
    assert len(index.scores(unit_vectors(130)[0], range(130))) == 130
    database.close()


def test_embedded_it_stays_in_its_file(tmp_path: Path) -> None:
    with memory(tmp_path, Milvus(str(tmp_path / "vectors.db"))) as mem:
        tell(mem, TOLD)
        expected = answers(mem)
    watched = Watched(Milvus(str(tmp_path / "vectors.db")))
    with memory(tmp_path, watched) as mem:
        assert answers(mem) == expected
        assert watched.written == 0
