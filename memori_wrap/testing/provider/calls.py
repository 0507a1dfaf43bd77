"""Calls: same result, same request, one exchange, whatever the call looks like and however it fails."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest

from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.dialect import REPLY, Variant
from memori_wrap.testing.provider.items import Part, item, play
from memori_wrap.testing.provider.shapes import ASYNC_STREAM, PLAIN, SYNC, Shape, settle
from memori_wrap.testing.provider.stage import ENTITY, QUESTION, Stage, asked, said
from memori_wrap.testing.script import Scripted, ToolCall


class CallTests(Part):
    """Items 1, 10 to 17, 25 to 35, 42 to 44."""

    @item(1)
    async def test_the_result_is_the_bare_clients_and_is_captured_once(self, stage: Stage) -> None:
        outcome = await stage.compare(stage.see)
        assert outcome.block is None
        (exchange,) = await stage.captured()
        assert asked(exchange) == [QUESTION]
        assert said(exchange) == REPLY
        assert exchange.complete
        assert exchange.model
        assert exchange.scope.entity == "ada"

    @item(1, 43)
    async def test_a_memory_adds_its_block_and_nothing_else(self, stage: Stage) -> None:
        stage.know()
        outcome = await stage.compare(stage.see)
        assert outcome.block
        assert "Lumen-7" in outcome.block
        (exchange,) = await stage.captured()
        assert asked(exchange) == [QUESTION]
        assert "Lumen-7" not in repr(exchange)

    @item(43)
    async def test_blocks_are_not_remembered(self, stage: Stage) -> None:
        stage.know()
        client = stage.client()
        for question in (QUESTION, "And what does the canary called Lumen-7 do?", "When does the canary sing?"):
            await stage.ask(client, stage.user(question))
            assert block_of(stage.server.last)
        await stage.captured(3)
        for recollection in stage.mem.recall("canary memory", 50, entity="ada", engine="lexical"):
            assert "memory-" not in recollection.text

    def test_variants(self, shape: Shape, variant: Variant) -> None:
        """Without and with something to remember."""

        async def body(stage: Stage) -> None:
            await self._vary(stage, variant, is_known=False)
            stage.know()
            await self._vary(stage, variant, is_known=True)

        play(self.dialect, shape, body)

    async def _vary(self, stage: Stage, variant: Variant, *, is_known: bool) -> None:
        ours = stage.client(ENTITY if is_known else "nobody")
        outcome = await stage.compare(
            lambda client: variant.run(client, stage.user(), stage.shape), variant.reply, ours=ours
        )
        assert not isinstance(outcome.value, Exception), repr(outcome.value)
        assert bool(outcome.block) == (is_known and variant.injects)
        exchanges = await stage.captured(variant.said is not None)
        stage.store.exchanges.clear()
        for exchange in exchanges:
            assert QUESTION in [m.text for m in exchange.request if m.role == "user"][-1]  # tools may come after it
            assert said(exchange) == variant.said
            assert exchange.complete == variant.complete
            kinds = [part.kind for m in exchange.reply for part in m.parts]
            assert set(variant.parts) <= set(kinds), kinds
            assert not variant.usage or exchange.usage

    # ------------------------------------------------------------ errors

    @item(10)
    async def test_errors_are_the_providers_own(self, stage: Stage) -> None:
        stage.know()
        faults = [
            *(Scripted(status=status, message="No.", code="mine") for status in (400, 401, 403, 404, 429, 500, 503)),
            Scripted(status=502, body="<html>Bad gateway</html>"),
            Scripted(reset=True),
            Scripted(cut_bytes=20),
        ]
        bare, ours = stage.bare(), stage.client()
        for fault in faults:
            outcome = await stage.compare(stage.see, fault, bare=bare, ours=ours)
            assert isinstance(outcome.value, Exception), fault
        await stage.flush()  # a stream that was cut before its first word is captured as that
        assert all(not said(e) and not e.complete for e in stage.store.exchanges)
        assert len(stage.store.exchanges) == (stage.shape.is_stream and not self.dialect.is_lazy)

    @item(10, shapes=PLAIN)
    async def test_bodies_that_are_no_answer(self, stage: Stage) -> None:
        bare, ours = stage.bare(), stage.client()
        odd = '{"choices": 5, "output": 5}', '{"choices": [null], "output": [null]}'
        for body in ("{nope", "", "null", "[]", "{}", *odd):
            await stage.compare(stage.open, Scripted(body=body), bare=bare, ours=ours)

    @item(10, 11)
    async def test_a_timeout_is_the_providers_own(self, stage: Stage) -> None:
        stage.know()
        bare, ours = stage.bare(timeout=0.2), stage.client(timeout=0.2)
        outcome = await stage.compare(stage.see, Scripted(delay=30), bare=bare, ours=ours)
        assert self.dialect.is_timeout(outcome.value), outcome.value
        assert outcome.block
        await stage.captured(0)

    @item(10)
    async def test_retries_are_one_call(self, stage: Stage) -> None:
        if not self.dialect.can_retry:
            pytest.skip("the SDK does not try again")
        stage.know()
        faults = self.dialect.retried
        bare, ours = stage.bare(retries=3), stage.client(retries=3)
        outcome = await stage.compare(stage.see, *faults, bare=bare, ours=ours)
        assert len(outcome.requests) == len(faults) + 1
        assert len({received.raw for received in outcome.requests}) == 1
        assert len(stage.recalls) == 1
        assert said((await stage.captured())[0]) == REPLY

    @item(11)
    async def test_interrupts_pass(self, stage: Stage) -> None:
        class Stop(BaseException):
            """Not an Exception, and nobody's business."""

        pending: list[BaseException] = [KeyboardInterrupt(), SystemExit(3), Stop()]

        def interrupt() -> None:
            if pending:
                raise pending[0]

        client = stage.client(hook=interrupt)
        while pending:
            with pytest.raises(BaseException) as raised:  # noqa: PT011 (identity is what is asserted)
                await stage.ask(client)
            assert raised.value is pending.pop(0)
        await stage.captured(0)
        await stage.ask(client)  # whatever was left behind would show here
        await stage.captured(1)

    # ------------------------------------------------------------ messages

    @item(25, 28)
    async def test_messages_in_every_form(self, stage: Stage) -> None:
        stage.know()
        for name, make in self.dialect.forms().items():
            mine: list[Any] = []

            async def scenario(client: Any, make: Any = make, given: list[Any] = mine) -> Any:
                given[:] = [make(QUESTION)]
                before = _copied(given[0])
                shown = await stage.see(client, given[0])
                assert before is None or before == given[0]
                return shown

            stage.store.exchanges.clear()
            outcome = await stage.compare(scenario)
            assert not isinstance(outcome.value, Exception), (name, outcome.value)
            assert outcome.block, name
            (exchange,) = await stage.captured()
            assert QUESTION in asked(exchange)[-1], name

    @item(25, shapes=(SYNC, ASYNC_STREAM))
    async def test_messages_are_reused_over_fifty_turns(self, stage: Stage) -> None:
        stage.know()
        client = stage.client()
        messages: list[Any] = []
        for n in range(50):
            messages += stage.user(f"{QUESTION} ({n})")
            before = copy.deepcopy(messages)
            answer = await stage.ask(client, messages)
            assert messages == before
            assert block_of(stage.server.last)  # one, however often the list went through
            messages.append({"role": "assistant", "content": answer.text})
        exchanges = await stage.captured(50)
        stored = [m.text for e in exchanges for m in stage.store.exchange_messages("ada", e.id)]
        assert stored == [m["content"] for m in messages]

    @item(25, 28)
    async def test_conversations_of_any_make_up(self, stage: Stage) -> None:
        stage.know()
        for name, messages in self.dialect.conversations().items():
            untouched = copy.deepcopy(messages)
            outcome = await stage.compare(partial(stage.see, messages=messages))
            assert messages == untouched, name
            assert outcome.requests or isinstance(outcome.value, Exception), name
        await stage.flush()

    # ------------------------------------------------------------ tools, kept conversations

    @item(29)
    async def test_a_tool_loop_keeps_its_block(self, stage: Stage) -> None:
        calls = [ToolCall("look_up", {"of": f"canary {n}"}, id=f"call_{n}") for n in range(3)]
        if self.dialect.tool_turn(calls[0], "") is None:
            pytest.skip("no tools")
        stage.know()
        client = stage.client()
        messages: list[Any] = stage.user()
        for n, call in enumerate(calls):
            stage.server.script(Scripted(tool_calls=[call]))
            await stage.ask(client, messages)
            messages += self.dialect.tool_turn(call, f"Found {n}.") or ()
            stage.mem.add(f"Canary number {n} came along.", entity="ada")  # must not show before the user speaks again
        assert (await stage.ask(client, messages)).text == REPLY
        blocks = {block_of(received) for received in stage.server.requests}
        assert len(blocks) == 1
        assert None not in blocks
        assert len(stage.recalls) == 1

    @item(29, 30)
    async def test_a_tool_loop_over_a_kept_conversation_keeps_its_block(self, stage: Stage) -> None:
        calls = [ToolCall("look_up", {"of": f"canary {n}"}, id=f"call_{n}") for n in range(3)]
        if self.dialect.tool_result(calls[0], "") is None:
            pytest.skip("no tools in kept conversations")
        stage.know()
        client = stage.client()
        given: Any = stage.user()
        options: dict[str, Any] = {}
        for n, call in enumerate(calls):
            stage.server.script(Scripted(tool_calls=[call]))
            answer = await stage.ask(client, given, **options)
            options = dict(self.dialect.continued(answer.items or answer.result) or {})
            given = [*(self.dialect.tool_result(call, f"Found {n}.") or ())]
        await stage.ask(client, given, **options)
        blocks = [block_of(received) for received in stage.server.requests]
        assert blocks[0]
        assert blocks == blocks[:1] * 4
        assert len(stage.recalls) == 1

    @item(30)
    async def test_nothing_piles_up_in_a_kept_conversation(self, stage: Stage) -> None:
        stage.know()
        client = stage.client()
        options: dict[str, Any] = {}
        for n in range(4):
            answer = await stage.ask(client, stage.user(f"{QUESTION} ({n})"), **options)
            options = dict(self.dialect.continued(answer.items or answer.result) or {})
            if not options:
                pytest.skip("the provider keeps no conversation")
            assert block_of(stage.server.last)  # it is not inherited, so each request carries it
            assert "<memory-" not in self.dialect.inherited(stage.server)
        await stage.captured(4)

    # ------------------------------------------------------------ what is none of our business

    @item(42, shapes=PLAIN)
    async def test_other_calls_are_left_alone(self, stage: Stage) -> None:
        stage.know()
        bare, ours = stage.bare(), stage.client()
        for name in self.dialect.others(bare):

            async def scenario(client: Any, name: str = name) -> Any:
                return await settle(self.dialect.others(client)[name]())

            await stage.compare(scenario, bare=bare, ours=ours)
        await stage.captured(0)
        assert not stage.recalls
        assert not stage.warnings

    @item(44)
    async def test_an_unknown_shape_goes_through_with_one_warning(self, stage: Stage) -> None:
        is_stream = stage.shape.is_stream
        bare, ours = stage.bare(), stage.client()
        if self.dialect.unknown(bare, is_stream) is None:
            pytest.skip("no such call")

        async def scenario(client: Any) -> Any:
            call = self.dialect.unknown(client, is_stream)
            return await settle(call()) if call else None

        for _ in range(2):
            await stage.compare(scenario, bare=bare, ours=ours)
        assert len(stage.warnings) == 1
        await stage.captured(0)

    @item(44)
    async def test_a_broken_translation_lets_the_call_through(self, stage: Stage) -> None:
        from memori_wrap import plugins

        bare, ours = stage.bare(), stage.client()
        kind = type(plugins.provider_for(self.dialect.target(ours)))
        stage.may_fail = True
        with pytest.MonkeyPatch.context() as patch:

            def broken(*_: object) -> None:
                raise AttributeError("the SDK has changed")

            patch.setattr(kind, "endpoint", broken)
            for _ in range(2):
                await stage.compare(stage.see, bare=bare, ours=ours)
        assert len(stage.warnings) == 1
        assert stage.counts["failed.read"] == 2
        await stage.captured(0)

    @item()
    async def test_calls_within_a_pause_are_left_alone(self, stage: Stage) -> None:
        stage.know()
        client = stage.client()
        with stage.mem.paused():
            await stage.compare(stage.see, ours=client)
        assert not stage.recalls
        await stage.captured(0)
        with stage.mem.scope("ada", mode="r"):
            assert (await stage.compare(stage.see, ours=client)).block
        await stage.captured(0)
        with stage.mem.scope("ada", mode="w"):
            assert not (await stage.compare(stage.see, ours=client)).block
        await stage.captured(1)


def _copied(messages: Any) -> Any:
    """A copy to compare with later; None for what can be read only once."""
    try:
        return None if hasattr(messages, "__next__") else copy.deepcopy(messages)
    except TypeError:  # an iterator somewhere inside
        return None
