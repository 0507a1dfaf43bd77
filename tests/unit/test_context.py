"""Scopes: nested, generators, foreign contexts, pauses."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator

import pytest

from memori_wrap.context import Scopes, carry, is_paused, make_scope, paused
from memori_wrap.types import Scope


def test_nesting_and_two_memories() -> None:
    one, two = Scopes(), Scopes()
    with one.enter(make_scope("alice")):
        with one.enter(make_scope("bob")), two.enter(make_scope("cleo")):
            assert (one.current(), two.current()) == (Scope("bob"), Scope("cleo"))
        assert (one.current(), two.current()) == (Scope("alice"), None)
    assert one.current() is None


def test_one_context_twice() -> None:
    scopes = Scopes()
    here = scopes.enter(make_scope("alice"))
    with here, here:
        assert scopes.current() == Scope("alice")
    assert scopes.current() is None


def test_left_in_another_context_restores_nothing_and_raises_nothing() -> None:
    scopes = Scopes()

    def dependency() -> Iterator[None]:
        with scopes.enter(make_scope("alice")):
            yield

    opened = dependency()
    contextvars.copy_context().run(next, opened)
    assert scopes.current() is None
    with scopes.enter(make_scope("bob")):
        next(opened, None)
        assert scopes.current() == Scope("bob")


def test_tasks_inherit_a_scope() -> None:
    scopes = Scopes()

    async def main() -> list[Scope | None]:
        async with scopes.enter(make_scope("alice")):
            return await asyncio.gather(*(asyncio.to_thread(scopes.current) for _ in range(3)), asyncio.sleep(0))

    assert asyncio.run(main())[:3] == [Scope("alice")] * 3


def test_attribution_is_replaced_and_never_serves_a_task() -> None:
    scopes = Scopes()

    async def here() -> Scope | None:
        return scopes.current()

    scopes.attribute(Scope("alice"))
    assert scopes.current() == Scope("alice")
    assert asyncio.run(here()) is None
    scopes.attribute(Scope("bob"))
    assert scopes.current() == Scope("bob")
    with scopes.enter(make_scope("cleo")):
        assert scopes.current() == Scope("cleo")


def test_pause_and_carry() -> None:
    with paused():
        carried = carry(is_paused)
        assert is_paused()
    assert not is_paused()
    assert carried()


def test_modes() -> None:
    with pytest.raises(Exception, match="mode"):
        make_scope("alice", mode="x")  # type: ignore[arg-type]
