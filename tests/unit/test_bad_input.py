"""Bad input: a typed error from explicit calls, an untouched call from registered clients, and nothing lost."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from openai import OpenAI
from openai.types.chat import ChatCompletionMessage
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.pool import StaticPool

from memori_wrap import ConfigurationError, Memori, MigrationNeeded, ScopeError, StoreError, UnsupportedClient, register
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.openai_server import FakeOpenAI


def make(conn: object = "memory://", **options: Any) -> Memori:
    return Memori(conn, embedder=HashEmbedder(), extractor="none", **options)


@pytest.fixture
def mem() -> Iterator[Memori]:
    with make() as mem:
        yield mem


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("Noted.") as server:
        yield server


# ---------------------------------------------------------------- clients


@pytest.mark.parametrize("thing", [None, object(), "client", 3, OpenAI, {}, lambda: None])
def test_unknown_client(mem: Memori, thing: object) -> None:
    with pytest.raises(UnsupportedClient, match=r"supported: clients of .*openai"):
        mem.register(thing)


def test_unregister_of_a_stranger_is_nothing(mem: Memori) -> None:
    mem.unregister(object())


def test_closed(mem: Memori, server: FakeOpenAI) -> None:
    client = mem.register(OpenAI(base_url=server.base_url, api_key="x"), entity="alice")
    mem.close()
    mem.close()
    for call in (lambda: mem.add("hi", entity="a"), lambda: mem.recall("hi", entity="a"), mem.flush):
        with pytest.raises(ConfigurationError, match="closed"):
            call()
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    assert server.texts() == ["hi"]


# ---------------------------------------------------------------- databases


@pytest.mark.parametrize(
    "conn",
    [
        "not a url",
        "nosuchdb://x/y",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////no/such/folder/m.db",
        42,
        object(),
        lambda: 42,
        lambda: sqlite3.connect(":memory:"),
        lambda: 1 / 0,
        sessionmaker(),
    ],
)
def test_impossible_database(conn: object) -> None:
    with pytest.raises(ConfigurationError) as error:
        make(conn)
    assert len(str(error.value)) > 20


def test_private_memory_engine_names_the_way_out() -> None:
    with pytest.raises(ConfigurationError, match="memory://"):
        make(sa.create_engine("sqlite://"))


def test_password_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as error:
        make("nosuchdb://user:hunter2@host/db")
    assert "hunter2" not in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        make(f"sqlite:///{tmp_path}/m.db")


def test_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="MEMORI_WRAP_DATA_DIR"):
        make(None, settings={"data_dir": str(tmp_path / "file" / "sub")})


def test_junk_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "m.db"
    file.write_bytes(b"this is a letter to my aunt, not a database" * 100)
    with pytest.raises(StoreError, match="not a SQLite database"):
        make(f"sqlite:///{file}")
    assert file.read_bytes().startswith(b"this is a letter")


def test_newer_database_is_left_alone(tmp_path: Path) -> None:
    make(f"sqlite:///{tmp_path}/m.db").close()
    with sqlite3.connect(tmp_path / "m.db") as conn:
        conn.execute("update memori_wrap_alembic_version set version_num = '9999'")
    with pytest.raises(MigrationNeeded, match="pip install -U memori-wrap"):
        make(f"sqlite:///{tmp_path}/m.db")


def test_what_users_hand_over(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/m.db"
    engine = sa.create_engine(url)
    static = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    factories = [
        url,
        sa.make_url(url),
        engine,
        sessionmaker(bind=engine),
        scoped_session(sessionmaker(bind=engine)),
        lambda: sqlite3.connect(tmp_path / "m.db"),
        static,
    ]
    for n, conn in enumerate(factories):
        with make(conn) as mem:
            mem.add(f"note {n} about boats", entity="alice")
            assert any(f"note {n} " in r.text for r in mem.recall("boats", entity="alice"))
    engine.connect().close()  # a user's engine is not ours to dispose of


def test_other_tables_are_not_touched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "m.db") as conn:
        conn.executescript(
            "create table memori_entity (id); create table alembic_version (version_num text);"
            "insert into alembic_version values ('theirs'); insert into memori_entity values (7)"
        )
        before = conn.execute("select sql from sqlite_master order by name").fetchall()
    make(f"sqlite:///{tmp_path}/m.db").close()
    with sqlite3.connect(tmp_path / "m.db") as conn:
        query = "select sql from sqlite_master where tbl_name not like '%memori_wrap%' order by name"
        assert conn.execute(query).fetchall() == before
        assert conn.execute("select version_num from alembic_version").fetchall() == [("theirs",)]


# ---------------------------------------------------------------- ids


@pytest.mark.parametrize("bad", ["", "   ", "x" * 101, "a\0b", "\ud800", 7, b"x"], ids=repr)
def test_impossible_ids(mem: Memori, server: FakeOpenAI, bad: Any) -> None:
    for call in (
        lambda: mem.add("hi", entity=bad),
        lambda: mem.recall("hi", entity=bad),
        lambda: mem.scope(bad),
        lambda: mem.scope("alice", bad),
        lambda: mem.scope("alice", session=bad),
        lambda: mem.attribution(bad),
        lambda: mem.register(OpenAI(api_key="x"), entity=bad),
    ):
        with pytest.raises(ScopeError):
            call()
    client = mem.register(OpenAI(base_url=server.base_url, api_key="x"), entity=lambda: bad)
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    assert server.texts() == ["hi"]
    assert mem.stats()["counts"] == {"skipped.bad_scope": 1}


def test_nobody(mem: Memori) -> None:
    for call in (lambda: mem.add("hi"), lambda: mem.recall("hi"), mem.facts, mem.new_session):
        with pytest.raises(ScopeError):
            call()


def test_a_callable_that_says_none_or_fails(mem: Memori, server: FakeOpenAI) -> None:
    for entity in (lambda: None, lambda: 1 / 0):
        client = mem.register(OpenAI(base_url=server.base_url, api_key="x"), entity=entity)
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
        assert server.texts() == ["hi"]
    assert mem.flush(5)
    assert "captured" not in mem.stats()["counts"]


# ---------------------------------------------------------------- questions


def test_empty_question_finds_nothing(mem: Memori) -> None:
    mem.add("I like tea", entity="alice")
    for query in ("", "   \n"):
        assert list(mem.recall(query, entity="alice")) == []


@pytest.mark.parametrize(
    "bad",
    [{"limit": 0}, {"limit": -3}, {"limit": "many"}, {"max_tokens": 0}, {"since": "so"}, {"as_of": 5}, {"engine": "x"}],
    ids=repr,
)
def test_impossible_question(mem: Memori, bad: dict[str, Any]) -> None:
    mem.add("I like tea", entity="alice")
    with pytest.raises(ConfigurationError):
        mem.recall("tea", entity="alice", **bad)


def test_hostile_questions_answer(mem: Memori) -> None:
    mem.add("I like tea", entity="alice")
    for query in ("\0", "\ud800 tea", "🎉", "the of and", "tea " * 100_000, "'; drop table", "*" * 1000, "(((["):
        mem.recall(query, entity="alice")
    with pytest.raises(ConfigurationError):
        mem.recall(None, entity="alice")  # type: ignore[arg-type]


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize(
    "bad", [7, None, [7], [{"role": "user"}], [{"content": "x", "role": 3}], b"x", {"content": {"a": 1}}], ids=repr
)
def test_impossible_messages(mem: Memori, bad: object) -> None:
    with pytest.raises(ConfigurationError):
        mem.add(bad, entity="alice")
    assert list(mem.recall("x", entity="alice")) == []


def test_messages_in_any_shape(mem: Memori) -> None:
    said = {"role": "user", "content": "I keep bees"}
    shapes: list[object] = [
        "I keep bees",
        said,
        (said,),
        (m for m in [said]),
        [ChatCompletionMessage(role="assistant", content="You keep bees")],
        [{"role": "user", "content": [{"type": "text", "text": "I keep bees"}, {"type": "image_url"}]}],
        [{"role": "user", "name": "Ana", "content": "I keep bees", "at": "2024-05-01"}],
        [],
    ]
    for shape in shapes:
        added = mem.add(shape, entity="alice")
        assert len(added.message_ids) == (shape != [])
    found = mem.recall("bees", entity="alice", limit=50)
    assert len(found) == 7
    assert {r.speaker for r in found} >= {"Ana"}


@pytest.mark.parametrize("text", ["a\0b", "\ud800 lone", "x" * 10_000_000, "word " * 400_000, "👩‍👩‍👧" * 1000, " "])
def test_difficult_text_is_kept(tmp_path: Path, server: FakeOpenAI, text: str) -> None:
    with make(f"sqlite:///{tmp_path}/m.db") as mem:
        client = mem.register(OpenAI(base_url=server.base_url, api_key="x"), entity="alice")
        mem.add([{"role": "user", "content": text}, {"role": "user", "content": "a note about whales"}], entity="alice")
        if "\ud800" not in text:  # the SDK itself cannot send these
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        assert mem.flush(60)
        assert mem.recall("whales", entity="alice")[0].text == "a note about whales"
    with sqlite3.connect(tmp_path / "m.db") as conn:
        (stored,) = conn.execute("select text from memori_wrap_conversation_message order by position").fetchone()
        kept = text.replace("\0", "�").replace("\ud800", "�")
        assert stored == (kept if text.strip() else "a note about whales")


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "system", "content": "be kind"}],
        [{"role": "assistant", "content": "hello"}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": []}],
        [{"role": "tool", "tool_call_id": "1", "content": "x"}],
        ({"role": "user", "content": "a tuple"},),
    ],
    ids=repr,
)
def test_requests_without_a_question(mem: Memori, server: FakeOpenAI, messages: Any) -> None:
    """What the server answers, bare and registered, is the same, and so is what it got."""
    mem.add("I like tea", entity="alice")
    bare = OpenAI(base_url=server.base_url, api_key="x", max_retries=0)
    known = mem.register(OpenAI(base_url=server.base_url, api_key="x", max_retries=0), entity="alice")
    outcomes = []
    for client in (bare, known):
        try:
            outcomes.append(client.chat.completions.create(model="m", messages=messages).choices[0].message.content)
        except Exception as error:
            outcomes.append(type(error).__name__)
    assert outcomes[0] == outcomes[1]
    if list(messages) != list(messages) or not any(m["role"] == "user" and m["content"] for m in messages):
        assert server.requests[-1].body == server.requests[-2].body


# ---------------------------------------------------------------- settings


def test_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = tmp_path / "c.toml"
    config.write_text('inject_limit = 3\ninject_tokens = 300\nentity = "file"\n')
    monkeypatch.setenv("MEMORI_WRAP_CONFIG", str(config))
    monkeypatch.setenv("MEMORI_WRAP_INJECT_TOKENS", "400")
    monkeypatch.setenv("MEMORI_WRAP_RECAL_BUDGET", "1")
    with make(settings={"entity": "argument"}) as mem:
        assert (mem.settings.inject_limit, mem.settings.inject_tokens, mem.settings.entity) == (3, 400, "argument")
    assert "did you mean MEMORI_WRAP_RECALL_BUDGET?" in caplog.text
    monkeypatch.setenv("MEMORI_WRAP_WORKERS", "many")
    with pytest.raises(ConfigurationError, match="MEMORI_WRAP_WORKERS"):
        make()
    with pytest.raises(ConfigurationError, match="did you mean workers"):
        make(settings={"worker": 1})


def test_the_default_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: FakeOpenAI) -> None:
    monkeypatch.setenv("MEMORI_WRAP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("MEMORI_WRAP_EMBEDDER", "none")
    client = register(OpenAI(base_url=server.base_url, api_key="x"), entity="me")
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "My boat is called Aurora"}])
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Name of my boat?"}])
    assert "Aurora" in "".join(server.texts())
    assert (tmp_path / "memori.db").exists()
