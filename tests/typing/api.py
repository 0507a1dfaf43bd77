"""The public face as a type checker sees it: checked by mypy --strict and pyright's strict mode, never run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from openai import AsyncOpenAI, OpenAI
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from typing_extensions import assert_type

import memori_wrap
from memori_wrap import (
    Memori,
    MemoriError,
    MissingExtra,
    Recollection,
    Recollections,
    Scope,
    ScopeError,
    Settings,
    StoreError,
    Triple,
    UnsupportedClient,
    carry,
    paused,
    recall,
    register,
    scope,
    unregister,
)


class MyOpenAI(OpenAI):
    """A user's own subclass: it stays what it is."""


def clients_keep_their_type() -> None:
    assert_type(register(OpenAI()), OpenAI)
    assert_type(register(AsyncOpenAI(), entity="alice"), AsyncOpenAI)
    assert_type(register(MyOpenAI(), entity=lambda: None, process="bot", session="s"), MyOpenAI)
    assert_type(memori_wrap.register(OpenAI()), OpenAI)
    mem = Memori()
    client = mem.register(OpenAI(), entity="alice")
    assert_type(client, OpenAI)
    assert_type(client.chat.completions.create(model="m", messages=[]).choices[0].message.content, str | None)
    assert_type(mem.unregister(client), None)
    assert_type(unregister(client), None)


def databases() -> None:
    engine = create_engine("sqlite:///memory.db")
    assert_type(Memori("memory://"), Memori)
    assert_type(Memori(engine), Memori)
    assert_type(Memori(sessionmaker(bind=engine), entity="alice"), Memori)
    assert_type(Memori(conn=None, settings={"recall_budget": 0.5}), Memori)
    assert_type(Memori(settings=Settings()), Memori)


def whose_call(mem: Memori) -> None:
    with mem.scope("alice", process="bot", session="1", mode="r"):
        pass
    with scope("alice"), paused():
        pass
    assert_type(Scope("alice").entity, str)

    def work(n: int, *, name: str) -> list[str]:
        return [name] * n

    assert_type(carry(work)(2, name="x"), list[str])


async def whose_call_async(mem: Memori) -> None:
    async with mem.scope("alice"):
        assert_type(await mem.arecall("tea", 3, entity="alice"), Recollections)
    async with Memori() as other:
        assert_type(other, Memori)
    await mem.aflush(1.0)
    await mem.aclose()


def what_is_remembered(mem: Memori) -> None:
    added = mem.add("I like tea", entity="alice", at="2026-05-31")
    assert_type(added.message_ids, tuple[str, ...])
    mem.add([{"role": "user", "content": "I like tea", "name": "Alice"}], at=datetime.now())
    found = mem.recall("tea", limit=3, entity="alice", kinds=["fact"], since="2026-01-01", max_tokens=100)
    assert_type(found, Recollections)
    assert_type(recall("tea"), Recollections)
    as_sequence: Sequence[Recollection] = found
    assert_type(found[0], Recollection)
    assert_type(found[:2], Recollections)
    assert_type(found.to_prompt(200), str)
    assert_type(found.explain(), str)
    for one in as_sequence:
        assert_type(one.text, str)
        assert_type(one.score, float)
        assert_type(one.said_at, datetime)
        assert_type(one.triple, Triple | None)
    assert_type(mem.flush(1.0).done, bool)
    assert_type(mem.stats(), dict[str, Any])


def as_users_of_memori_write(engine: object) -> None:
    mem = Memori(conn=engine).llm.register(OpenAI())
    assert_type(mem, Memori)
    assert_type(mem.attribution(entity_id="user-123", process_id="my-app"), Memori)
    assert_type(mem.new_session(), Memori)
    mem.config.storage.build()
    mem.augmentation.wait(timeout=5)


def errors() -> None:
    try:
        register(object())
    except (UnsupportedClient, MissingExtra, ScopeError, StoreError) as error:
        base: MemoriError = error
        print(base)
