"""``MemoriStore`` beside LangGraph's own store in memory: exact, in a table of its own, as the store of a graph."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import string
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("langgraph")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from memori_wrap import Memori, ScopeError
from memori_wrap.store import items as rows
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap_adapters.frameworks.langgraph import MemoriStore
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database

OFF = {"embedder": "none"}


@pytest.fixture(scope="module")
def mem(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memori]:
    with Memori(f"sqlite:///{tmp_path_factory.mktemp('items')}/m.db", settings=OFF) as mem:
        yield mem


SERVERS = [
    "sqlite",
    pytest.param(POSTGRESQL, marks=pytest.mark.slow, id="postgresql"),
    pytest.param(MARIADB, marks=pytest.mark.slow, id="mariadb"),
]


@pytest.fixture(params=SERVERS)
def store(request: pytest.FixtureRequest) -> Iterator[MemoriStore]:
    if request.param == "sqlite":
        with Memori("memory://", settings=OFF) as mem:
            yield MemoriStore(mem)
        return
    with fresh_database(request.param) as url, Memori(url, settings=OFF) as mem:
        yield MemoriStore(mem)


TEXT = st.text(max_size=8)  # with NUL, lone surrogates, quotes, %, _, and blanks at the end
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
LABELS = st.sampled_from(["a", "A", "a ", "ä", "a\u0308", "b%", "b_", "\x00", "\ud800", '"', "\\", "users"])
NUMBERS = itertools.count()
PLACES = st.tuples(st.lists(LABELS, min_size=1, max_size=3).map(tuple), LABELS)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(PLACES, st.none() | st.dictionaries(TEXT, VALUES, max_size=3)), max_size=8), st.data())
def test_as_the_store_in_memory(mem: Memori, changes: Any, data: Any) -> None:
    """Any namespaces, keys and JSON, put over, deleted and listed: the same answers."""
    ours, theirs = MemoriStore(mem), InMemoryStore()
    root = f"root{next(NUMBERS)}"
    for (namespace, key), value in changes:
        for store in (ours, theirs):
            put(store, (root, *namespace), key, value)
    for (namespace, key), _ in changes:
        mine, other = (get(s, (root, *namespace), key) for s in (ours, theirs))
        assert (mine is None) == (other is None)
        if mine is not None and other is not None:
            assert (mine.value, mine.key, mine.namespace) == (other.value, other.key, other.namespace)
            assert json.dumps(mine.value) == json.dumps(other.value), "1 is not 1.0, and not True"
    # labels alone tell namespaces apart; those that the one in memory has emptied it still lists
    kept = {item.namespace for item in find(theirs, (root,))}
    assert set(ours.list_namespaces(prefix=(root,))) == kept
    for (namespace, _), _ in changes:
        prefix = (root, *namespace[: data.draw(st.integers(0, 3))])
        found = [{(i.namespace, i.key) for i in find(s, prefix)} for s in (ours, theirs)]
        assert found[0] == found[1]


# by operations: the methods refuse some namespaces that a store may be given all the same


def put(store: Any, namespace: Any, key: str, value: Any) -> None:
    store.batch([PutOp(namespace, key, value)])


def get(store: Any, namespace: Any, key: str) -> Item | None:
    return store.batch([GetOp(namespace, key)])[0]


def find(store: Any, prefix: Any) -> list[Any]:
    return store.batch([SearchOp(prefix, limit=99)])[0]


def places(found: Any) -> list[str]:
    return [item.key for item in found]


def test_places_are_told_apart_exactly(store: MemoriStore) -> None:
    for label in ("a", "A", "a ", "ä", "a\u0308", "\x00", "\ud800", "%", "_"):
        put(store, ("n", label), label, {"is": label})
        put(store, (f"n{label}",), "k", {"is": label})
    for label in ("a", "A", "a ", "ä", "a\u0308", "\x00", "\ud800", "%", "_"):
        item = get(store, ("n", label), label)
        assert item is not None
        assert item.value == {"is": label}
        assert places(find(store, ("n", label))) == [label]
    assert len(store.list_namespaces(prefix=("n",))) == 9
    assert store.get(("n", "a"), "a  ") is None


def test_put_over_keeps_when_it_was_made(store: MemoriStore) -> None:
    store.put(("n",), "k", {"v": 1})
    first = store.get(("n",), "k")
    store.put(("n",), "k", {"v": 2})
    second = store.get(("n",), "k")
    assert first is not None
    assert second is not None
    assert (second.value, second.created_at) == ({"v": 2}, first.created_at)
    assert second.updated_at > first.updated_at
    store.delete(("n",), "k")
    assert store.get(("n",), "k") is None


def test_a_batch(store: MemoriStore) -> None:
    """Reads before it writes; of several puts at one place the last; all or nothing."""
    store.put(("n",), "old", {"v": 1})
    ops = [
        PutOp(("n",), "new", {"v": 1}),
        PutOp(("n",), "new", {"v": 2}),
        PutOp(("n",), "old", None),
        GetOp(("n",), "old"),
        GetOp(("n",), "new"),
        SearchOp(("n",)),
        ListNamespacesOp((MatchCondition("prefix", ("n",)),)),
    ]
    found = store.batch(ops)
    assert found[:3] == [None, None, None]
    assert isinstance(found[3], Item)
    assert found[4] is None
    assert places(found[5]) == ["old"]
    assert found[6] == [("n",)]
    again = asyncio.run(store.abatch(ops[3:5]))
    assert again[0] is None
    assert isinstance(again[1], Item)
    assert again[1].value == {"v": 2}
    with pytest.raises(TypeError):
        store.batch([PutOp(("n",), "good", {"v": 1}), PutOp(("n",), "bad", {"v": object()})])
    assert store.get(("n",), "good") is None
    with pytest.raises(InvalidNamespaceError):
        store.put(("langgraph",), "k", {})


FILTERS = [
    {"n": 1},
    {"n": {"$gt": 1}},
    {"n": {"$gte": 1, "$lt": 3}},
    {"n": {"$ne": 2}},
    {"n": {"$eq": 2}},
    {"s": "b"},
    {"o": {"x": 1}},
    {"o": {"x": {"$lte": 1}}},
    {"l": [1, 2]},
    {"missing": None},
    {"n": 1, "s": "b"},
]


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_filters_as_the_store_in_memory(wanted: Any, mem: Memori) -> None:
    root = f"filters {wanted}".replace(".", "")
    ours, theirs = MemoriStore(mem), InMemoryStore()
    for store in (ours, theirs):
        for n, letter in enumerate("abcb"):
            store.put((root,), f"{n}", {"n": n, "s": letter, "o": {"x": n, "y": 0}, "l": [1, n]})
    assert sorted(places(ours.search((root,), filter=wanted))) == sorted(places(theirs.search((root,), filter=wanted)))


def test_pages_newest_first(store: MemoriStore) -> None:
    for n in range(7):
        store.put(("n", str(n % 2)), str(n), {"even": n % 2 == 0})
    assert places(store.search(("n",), limit=3)) == ["6", "5", "4"]
    assert places(store.search(("n",), limit=3, offset=5)) == ["1", "0"]
    assert places(store.search(("n",), filter={"even": True}, limit=2, offset=1)) == ["4", "2"]
    assert places(store.search(("n", "1"))) == ["5", "3", "1"]
    assert places(store.search(())) == list("6543210")
    with pytest.raises(ValueError, match="operator"):
        store.search(("n",), filter={"even": {"$like": 1}})


def test_namespaces(store: MemoriStore) -> None:
    for path in ("a", "a/b", "a/b/c", "a/d/c", "e/b/c"):
        store.put(tuple(path.split("/")), "k", {})
    assert store.list_namespaces(prefix=("a", "*", "c")) == [("a", "b", "c"), ("a", "d", "c")]
    assert store.list_namespaces(suffix=("b", "c")) == [("a", "b", "c"), ("e", "b", "c")]
    assert store.list_namespaces(prefix=("a",), suffix=("c",)) == [("a", "b", "c"), ("a", "d", "c")]
    assert store.list_namespaces(max_depth=1) == [("a",), ("e",)]
    assert store.list_namespaces(limit=2, offset=1) == [("a", "b"), ("a", "b", "c")]


def test_time_to_live(store: MemoriStore) -> None:
    """In minutes, from the last change or reading; what has expired is not given out, and goes with the next put."""
    mem: Any = store._mem
    soon = 0.5 / 60
    store.put(("n",), "read", {}, ttl=soon)
    store.put(("n",), "unread", {}, ttl=soon)
    store.put(("n",), "stays", {})
    until = time.monotonic() + 5
    while store.get(("n",), "unread", refresh_ttl=False) is not None:
        assert store.get(("n",), "read") is not None, "each reading begins it anew"
        assert time.monotonic() < until
    assert store.get(("n",), "read", refresh_ttl=False) is not None
    assert sorted(places(store.search(("n",), refresh_ttl=False))) == ["read", "stays"]
    store.put(("m",), "k", {})
    with mem._parts.store._session.read() as conn:
        import sqlalchemy as sa

        names = set(conn.execute(sa.select(rows.item.c.name)).scalars())
    assert names == {'"read"', '"stays"', '"k"'}
    assert MemoriStore(mem, ttl={"default_ttl": 1.0}).ttl_config == {"default_ttl": 1.0}


def test_search_by_a_question() -> None:
    """By words, and by meaning where there is a model, also of what was put before it was loaded."""
    facts = {"tea": "He drinks green tea.", "car": "She drives a red car.", "dog": "Rex is the dog of the family."}
    for options in ({"settings": OFF}, {"embedder": HashEmbedder(64)}):
        with Memori("memory://", **options) as mem:
            store = MemoriStore(mem, fields=["text"])
            for key, text in facts.items():
                store.put(("facts", "u"), key, {"text": text, "other": "What is the dog called?"})
            store.put(("facts", "u"), "hidden", {"text": "The dog is called Rex."}, index=False)
            store.put(("facts", "u"), "own", {"text": "-", "name": "a cat named Tom"}, index=["name"])
            store.put(("elsewhere",), "dog", {"text": "The dog is called Bello."})
            mem.warm(10)
            found = store.search(("facts",), query="What is the dog called?")
            assert places(found)[0] == "dog"
            assert found[0].score is not None
            assert sorted(places(found)) == ["car", "dog", "hidden", "own", "tea"]
            assert found[places(found).index("hidden")].score is None
            assert places(store.search(("facts",), query="cat named Tom"))[0] == "own"
            assert places(store.search(("facts",), query="dog", filter={"text": {"$ne": facts["dog"]}}, limit=9))
            assert store.search(("facts",), query="the dog", limit=1, offset=1)[0].key != "dog"
            assert list(mem.recall("dog", entity="u")) == [], "items are no part of what was said"
            if mem.stats()["model"]["state"] == "ready":
                kept = [item for item, _ in mem.items.find(("facts",), 99)]
                assert {item.place.key for item in kept if item.model} == {"tea", "car", "dog", "own"}


def test_erased_with_whom_they_belong_to() -> None:
    with Memori("memory://", settings=OFF) as mem:
        store = MemoriStore(mem, entity=lambda namespace: namespace[1] if len(namespace) > 1 else None)
        store.put(("memories", "alice"), "k", {"v": 1})
        store.put(("memories", "bob"), "k", {"v": 2})
        store.put(("shared",), "k", {"v": 3})
        assert [item.value for item in store.search(())] == [{"v": 3}, {"v": 2}, {"v": 1}]
        mem.erase("alice")
        assert store.get(("memories", "alice"), "k") is None
        assert [item.value for item in store.search(())] == [{"v": 3}, {"v": 2}]
        with pytest.raises(ScopeError):
            store.put(("memories", "x" * 101), "k", {})


def test_writers_at_once(store: MemoriStore) -> None:
    """Eight threads over the same few places: each batch whole, none lost to another's."""
    errors: list[BaseException] = []

    def work(n: int) -> None:
        order = random.Random(n)
        try:
            for _ in range(10):
                keys = order.sample(string.ascii_lowercase[:6], 3)
                store.batch([PutOp(("n",), key, {"by": n, "keys": keys}) for key in keys])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(store.search(("n",))) == 6


def test_as_the_store_of_a_graph() -> None:
    with Memori("memory://", settings=OFF) as mem:
        store = MemoriStore(mem)

        def note(state: Any, runtime: Runtime[Any]) -> dict[str, Any]:
            assert runtime.store is not None
            before = runtime.store.search(("notes", "u"))
            runtime.store.put(("notes", "u"), str(len(before)), {"text": state["messages"][-1].content})
            return {"messages": [("ai", f"{len(before)} notes so far")]}

        async def anote(state: Any, runtime: Runtime[Any]) -> dict[str, Any]:
            assert runtime.store is not None
            before = await runtime.store.asearch(("notes", "u"))
            await runtime.store.aput(("notes", "u"), str(len(before)), {"text": state["messages"][-1].content})
            return {"messages": [("ai", f"{len(before)} notes so far")]}

        for n, node in enumerate((note, anote)):
            graph = StateGraph(MessagesState)
            graph.add_node("note", node)
            graph.add_edge(START, "note")
            compiled = graph.compile(store=store, checkpointer=InMemorySaver())
            words, config = {"messages": [("user", f"note {n}")]}, {"configurable": {"thread_id": str(n)}}
            made = compiled.invoke(words, config) if n == 0 else asyncio.run(compiled.ainvoke(words, config))
            assert made["messages"][-1].content == f"{n} notes so far"
        assert [item.value["text"] for item in store.search(("notes",))] == ["note 1", "note 0"]
        assert list(mem.export()) == list(mem.export(entity="nobody")), "nothing was said to a model"


# ---------------------------------------------------------------- controls


def test_planted_a_folded_place_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: as a database's collation would have it."""
    monkeypatch.setattr(
        rows, "item_id", lambda p: rows.digest(*(part.strip().lower() for part in (*p.namespace, p.key)))
    )
    with Memori("memory://", settings=OFF) as mem, pytest.raises(AssertionError):
        test_places_are_told_apart_exactly(MemoriStore(mem))
