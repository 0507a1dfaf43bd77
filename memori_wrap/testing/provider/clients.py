"""Clients: what registering changes about one (nothing), its copies, other patchers, and taking it out again."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from typing import Any

import wrapt

from memori_wrap import Memori
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.provider.compare import Showing, block_of, name_of
from memori_wrap.testing.provider.dialect import REPLY
from memori_wrap.testing.provider.items import Part, item
from memori_wrap.testing.provider.shapes import PLAIN, run, settle
from memori_wrap.testing.provider.stage import QUESTION, Stage, asked, said
from memori_wrap.types import StoredMessage


def _pickled(client: object) -> Any:
    return pickle.loads(pickle.dumps(client))


class Patcher:
    """Another library that wraps the same method with wrapt, and behaves: it takes out only what is still its own."""

    def __init__(self, owner: type, method: str) -> None:
        self.owner, self.method, self.calls, self.is_on = owner, method, 0, True
        self.before = vars(owner)[method]
        self.wrapper = wrapt.FunctionWrapper(self.before, self._call)
        setattr(owner, method, self.wrapper)

    def _call(self, wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.calls += self.is_on
        return wrapped(*args, **kwargs)

    def remove(self) -> None:
        """Restores what was there before; under somebody else's wrapper it only stops to count."""
        self.is_on = False
        if vars(self.owner)[self.method] is self.wrapper:
            setattr(self.owner, self.method, self.before)

    def tear_out(self) -> None:
        """What a patcher does that does not behave: all that came after it is gone, too."""
        self.is_on = False
        setattr(self.owner, self.method, self.before)


class ClientTests(Part):
    """Items 18 to 24 and 45."""

    @item(18, 19)
    async def test_copies_are_registered_once(self, stage: Stage) -> None:
        stage.know()
        clients = self.dialect.copies(stage.client())
        for name, client in clients.items():
            assert block_of((await stage.outcome(stage.ask, client)).requests[0]), name
        await stage.captured(len(clients))
        assert len(stage.recalls) == len(clients)

    @item(18)
    async def test_copies_of_a_bare_client_are_bare(self, stage: Stage) -> None:
        bare = stage.bare()
        stage.client()
        for client in self.dialect.copies(bare).values():
            await stage.ask(client)
        await stage.captured(0)

    @item(20)
    async def test_what_was_fetched_before_is_registered_too(self, stage: Stage) -> None:
        stage.know()
        client = stage.bare()
        await stage.ask(client)
        method = self.dialect.method(client)
        stage.register(client, entity="ada")
        result = await settle(method(stage.user(), stream=False))
        assert self.dialect.text(result) == REPLY
        assert block_of(stage.server.last)
        await stage.captured()

    @item(21)
    async def test_registered_twice_is_registered_once(self, stage: Stage) -> None:
        stage.know()
        client = stage.client()
        assert stage.register(client, entity="ada") is client
        assert (await stage.compare(stage.see, ours=client)).block
        await stage.captured()
        assert len(stage.recalls) == 1
        stage.unregister(client)
        await stage.ask(client)
        await stage.captured()

    @item(21)
    async def test_a_client_inside_a_client_is_one_call(self, stage: Stage) -> None:
        stage.know()
        inner = stage.client()
        outer = stage.client(hook=lambda: _within_hook(stage, stage.ask(inner)))
        await stage.ask(outer)
        first, second = stage.server.requests  # the inner one's request is complete before the outer one's
        assert (block_of(first), bool(block_of(second))) == (None, True)
        await stage.captured()
        assert len(stage.recalls) == 1

    @item(21)
    async def test_a_tool_that_asks_a_model_is_a_call_of_its_own(self, stage: Stage) -> None:
        stage.know()
        inner = stage.client()

        def hook() -> Any:
            return _within_hook(stage, stage.ask(inner, stage.user("How do I look after a canary?")))

        await stage.ask(stage.client(hook=hook))
        assert all(block_of(received) for received in stage.server.requests)
        exchanges = await stage.captured(2)
        assert sorted(asked(e)[-1] for e in exchanges) == ["How do I look after a canary?", QUESTION]

    @item(21, shapes=PLAIN[:1])
    async def test_an_extractor_that_uses_the_client_is_not_captured(self, stage: Stage) -> None:
        dialect, results = self.dialect, []

        class Asking:
            def extract(self, messages: list[StoredMessage]) -> list[Any]:
                results.append(dialect.text(dialect.method(client)(stage.user("Which facts?"), stream=False)))
                return []

        stage.extractor = Asking()  # type: ignore[assignment]
        client = stage.client()
        await stage.ask(client)
        (exchange,) = await stage.captured()
        assert (asked(exchange), results) == ([QUESTION], [REPLY])

    @item(22)
    async def test_unregister_restores_the_class(self, stage: Stage) -> None:
        client = stage.bare()
        owner, method = self._hooked(stage, client)
        gc.collect()
        stage.unregister(stage.register(stage.bare()))
        before = vars(owner)[method]
        assert not isinstance(before, wrapt.FunctionWrapper), "a client of another test is still registered"
        other = stage.client()
        stage.register(client, entity="ada")
        assert vars(owner)[method] is not before
        stage.unregister(client)
        await stage.compare(stage.see, ours=client)
        await stage.captured(0)
        await stage.ask(other)
        await stage.captured(1)
        stage.unregister(other)
        assert vars(owner)[method] is before
        stage.unregister(other)  # nothing happens where there is none

    @item(23)
    async def test_copy_and_pickle_do_what_they_do(self, stage: Stage) -> None:
        show = Showing(self.dialect)
        for make in (copy.copy, copy.deepcopy, _pickled):
            seen = []
            for client in (stage.bare(), stage.client()):
                try:
                    made = make(client)
                    await stage.ask(made)
                    seen.append(type(made))
                    await self.dialect.shut(made)
                except Exception as error:
                    seen.append(show.error(error))
            assert seen[0] == seen[1]
        await stage.captured(int(self.dialect.shares_parts))

    @item(24)
    async def test_the_client_looks_as_before(self, stage: Stage) -> None:
        def look(client: Any) -> Any:
            receiver = self.dialect.receiver(client)
            method = getattr(receiver, self._hooked(stage, client)[1])
            return {
                "type": name_of(type(client)),
                "vars": sorted((name, type(value)) for name, value in vars(client).items()),
                "dir": dir(client),
                "signature": inspect.signature(method),
                "coroutine": inspect.iscoroutinefunction(method),
                "method": inspect.ismethod(method),
                "doc": inspect.getdoc(method),
                "self": method.__self__ is receiver,
                "hash": hash(client) == object.__hash__(client),
            }

        client = stage.bare()
        before, text, kind = look(client), repr(client), type(client)
        assert stage.register(client, entity="ada") is client
        assert type(client) is kind
        assert (look(client), repr(client)) == (before, text)
        used = stage.bare()
        await stage.ask(client)
        stage.unregister(client)
        await stage.ask(used)
        after = look(used)
        stage.register(client, entity="ada")
        assert look(client) == after

    @item(24)
    async def test_the_client_lives_as_long_as_before(self, stage: Stage) -> None:
        async def life(is_registered: bool, is_used: bool) -> list[bool]:
            client = self.dialect.client(stage.server, is_async=stage.shape.is_async)
            if is_registered:
                stage.register(client, entity="ada")
            if is_used:
                await stage.ask(client)
                await self.dialect.shut(client)
            reference = weakref.ref(client)
            del client
            alive = reference() is not None
            gc.collect()
            return [alive, reference() is not None]

        gc.collect()
        gc.disable()  # a pass at the wrong moment would look like a reference less
        try:
            for is_used in (False, True):
                assert await life(True, is_used) == await life(False, is_used)
        finally:
            gc.enable()

    # ------------------------------------------------------------ others who patch

    @item(45)
    async def test_another_patcher_in_every_order(self, stage: Stage) -> None:
        client = stage.bare()
        owner, method = self._hooked(stage, client)
        gc.collect()
        stage.unregister(stage.register(stage.bare()))
        original = vars(owner)[method]
        for is_first in (True, False):
            for leaves_first in (True, False):
                other = Patcher(owner, method) if is_first else None
                stage.register(client, entity="ada")
                other = other or Patcher(owner, method)
                await self._count(stage, client, other, (1, 1))
                other.remove() if leaves_first else stage.unregister(client)
                await self._count(stage, client, other, (0, 1) if leaves_first else (1, 0))
                stage.unregister(client) if leaves_first else other.remove()
                await self._count(stage, client, other, (0, 0))
                # and once more, on whatever was left standing
                stage.register(client, entity="ada")
                await self._count(stage, client, other, (0, 1))
                stage.unregister(client)
                setattr(owner, method, original)

    @item(45)
    async def test_registering_again_after_being_torn_out(self, stage: Stage) -> None:
        client = stage.bare()
        owner, method = self._hooked(stage, client)
        other = Patcher(owner, method)
        stage.register(client, entity="ada")
        other.tear_out()
        try:
            await self._count(stage, client, other, (0, 0))
            stage.register(client, entity="bob")
            await self._count(stage, client, other, (0, 1))
            stage.unregister(client)
            stage.register(client, entity="ada")
            await self._count(stage, client, other, (0, 1))
        finally:
            stage.unregister(client)
            setattr(owner, method, other.before)

    def _hooked(self, stage: Stage, client: Any) -> tuple[Any, str]:
        return (self.dialect.hooked_stream if stage.shape.is_stream else self.dialect.hooked)(client)

    async def _count(self, stage: Stage, client: Any, other: Patcher, expected: tuple[int, int]) -> None:
        """One call: how often the other patcher saw it, and how often it was captured."""
        other.calls = 0
        stage.store.exchanges.clear()
        assert (await stage.ask(client)).text == REPLY
        await stage.captured(expected[1])
        assert other.calls == expected[0]

    # ------------------------------------------------------------ several memories, and their ends

    @item(22)
    async def test_a_closed_memory_lets_calls_through(self, stage: Stage) -> None:
        stage.know()
        client = stage.client()
        await stage.ask(client)
        await stage.captured()
        stage.mem.close()
        stage.may_fail = True  # its counters cannot be read any more
        assert not (await stage.compare(stage.see, ours=client)).block
        assert len(stage.store.exchanges) == 1

    @item(21)
    async def test_the_memory_that_registered_last_has_it(self, stage: Stage) -> None:
        client = stage.client()
        with Memori("memory://", embedder=HashEmbedder(), extractor="none") as second:
            self.dialect.register(second, client, entity="ada")
            await stage.ask(client)
            second.flush(10)
            assert [r.text for r in second.recall(QUESTION, 1, entity="ada", engine="lexical")] == [QUESTION]
        await stage.captured(0)

    @item(20)
    async def test_nobody_named_is_nobodys_memory(self, stage: Stage) -> None:
        client = stage.client(entity=None)
        for _ in range(2):
            await stage.compare(stage.see, ours=client)
        await stage.captured(0)
        (warning,) = stage.warnings
        assert 'entity="me"' in warning
        with stage.mem.scope("ada"):
            assert (await stage.ask(client)).text == REPLY
        assert said((await stage.captured())[0]) == REPLY


def _within_hook(stage: Stage, work: Any) -> Any:
    """What a hook returns: something to wait for, or, done already, nothing."""
    return work if stage.shape.is_async else run(stage.shape, work) and None
