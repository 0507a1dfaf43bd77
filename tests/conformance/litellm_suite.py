"""The suite, with the tests about clients said of a module: there is one, its functions are hooked, and it stays."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref

import litellm
import wrapt
from litellm_dialect import BARE
from openai_client import CALL

from memori_wrap.testing.openai_server import Scripted
from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.items import item
from memori_wrap.testing.provider.shapes import PLAIN, drain, pause, settle
from memori_wrap.testing.provider.stage import QUESTION, asked, said
from memori_wrap.testing.provider_suite import REPLY, ProviderSuite


class LiteLLMSuite(ProviderSuite):
    __test__ = False

    @item(20)
    async def test_what_was_fetched_before_is_registered_too(self, stage):
        """Not the functions themselves, as the adapter says; but whatever fetches them at each call."""
        stage.know()
        client = stage.bare()
        function = self.dialect.method(client)
        stage.register(client, entity="ada")
        await settle(function(stage.user(), stream=False))
        assert not block_of(stage.server.last)
        await stage.captured(0)
        result = await settle(self.dialect.method(client)(stage.user(), stream=False))
        assert self.dialect.text(result) == REPLY
        assert block_of(stage.server.last)
        await stage.captured()

    @item(22)
    async def test_unregister_restores_the_class(self, stage):
        for _ in range(2):
            client = stage.client()
            assert all(isinstance(getattr(litellm, name), wrapt.FunctionWrapper) for name in BARE)
            stage.register(client, entity="bob")
            stage.unregister(client)
            assert all(getattr(litellm, name) is before for name, before in BARE.items())
            await stage.compare(stage.see, ours=client)
            stage.unregister(client)  # nothing happens where it is not registered
        await stage.captured(0)

    @item(23)
    async def test_copy_and_pickle_do_what_they_do(self, stage):
        client = stage.client()
        for name, before in BARE.items():
            function = getattr(litellm, name)
            assert copy.copy(function) is function
            assert copy.deepcopy({"function": function})["function"] is function
            assert pickle.loads(pickle.dumps(function)) is before
        await stage.ask(client)
        await stage.captured(1)

    @item(24)
    async def test_the_client_looks_as_before(self, stage):
        def look():
            functions = [getattr(litellm, name) for name in BARE]
            return [
                [type(litellm), dir(litellm), repr(litellm)],
                [inspect.signature(function) for function in functions],
                [inspect.isfunction(function) for function in functions],
                [inspect.iscoroutinefunction(function) for function in functions],
                [(f.__name__, f.__qualname__, f.__module__, f.__doc__) for f in functions],
            ]

        before = look()
        client = stage.client()
        assert look() == before
        await stage.ask(client)
        stage.unregister(client)
        assert look() == before

    @item(24)
    async def test_the_client_lives_as_long_as_before(self, stage):
        """The client that is handed to litellm, and the stream that it gives."""

        async def lives(is_registered, is_read):
            client = self.dialect.client(stage.server, is_async=stage.shape.is_async)
            if is_registered:
                stage.register(client, entity="ada")
            result = await stage.open(client)
            if is_read and stage.shape.is_stream:
                await drain(result)
            await self.dialect.shut(client)
            references = [weakref.ref(client.beneath), weakref.ref(result)]
            del client, result
            for _ in range(100):
                gc.collect()
                if not any(reference() for reference in references):
                    return False
                await pause(0.005)  # threads of litellm's have them for a moment
            return True

        for is_read in (True, False):
            assert await lives(True, is_read) == await lives(False, is_read)


class ChatSuite(LiteLLMSuite):
    """What is special to ``completion`` over OpenAI's SDK."""

    __test__ = False

    @item(21)
    async def test_a_client_beneath_is_one_call(self, stage):
        """The SDK's client that litellm calls by is registered, too."""
        stage.know()
        client = stage.client()
        assert stage.mem.register(client.beneath, entity="ada") is client.beneath
        try:
            assert (await stage.compare(stage.see, ours=client)).block
            (exchange,) = await stage.captured()
            assert (asked(exchange), said(exchange)) == ([QUESTION], REPLY)
            assert exchange.provider == "litellm"
            assert len(stage.recalls) == 1
        finally:
            stage.mem.unregister(client.beneath)

    @item(20)
    async def test_a_router_that_was_made_before(self, stage):
        stage.know()
        client = stage.bare()
        params = {"model": self.dialect.model, **client.options}
        router = litellm.Router([{"model_name": "mine", "litellm_params": params}], num_retries=0)
        stage.register(client, entity="ada")
        function = router.acompletion if stage.shape.is_async else router.completion
        result = await settle(function("mine", stage.user(), stream=stage.shape.is_stream, client=client.beneath))
        if stage.shape.is_stream:
            await drain(result)
        assert block_of(stage.server.last)
        await stage.captured()

    @item(21, shapes=PLAIN)
    async def test_litellms_own_tool_loop_is_remembered(self, stage):
        """Each of its requests carries the same block, and what is stored has every message once."""
        stage.know()
        client = stage.client()
        stage.server.script(Scripted(tool_calls=[CALL]))
        loop, found = litellm.run_tool_loop, {"role": "tool", "tool_call_id": CALL.id, "content": "Lumen-7"}
        execute = lambda _: found  # noqa: E731
        if stage.shape.is_async:
            loop, execute = litellm.arun_tool_loop, settled(found)
        tools = [{"type": "function", "function": {"name": CALL.name, "parameters": {"type": "object"}}}]
        given = {"model": self.dialect.model, "messages": stage.user(), "tools": tools, "execute_tool": execute}
        assert await settle(loop(**given, client=client.beneath, **client.options)) == REPLY
        blocks = [block_of(received) for received in stage.server.requests]
        assert blocks[0]
        assert blocks == blocks[:1] * 2
        exchanges = await stage.captured(2)
        stored = [m.role for e in exchanges for m in stage.store.exchange_messages("ada", e.id)]
        assert stored == ["user", "assistant", "tool", "assistant"]

    @item(10)
    async def test_a_window_that_is_too_small_for_the_block(self, stage):
        """litellm's own error says so, and the call is made as it would have been without us."""
        stage.know()
        client = stage.client()
        stage.server._context_tokens = 30
        assert (await stage.ask(client)).text == REPLY
        assert [bool(block_of(received)) for received in stage.server.requests] == [True, False]
        await stage.captured()


def settled(value):
    async def give(_):
        return value

    return give
