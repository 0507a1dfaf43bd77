"""The suite for Anthropic's SDK, against the fake server over real HTTP, and what is special to it."""

from __future__ import annotations

import json

import anthropic
import pytest
from anthropic_dialect import CALL, MODEL, SERVED, Bedrock, Beta, Messages, part

from memori_wrap.testing.anthropic_server import Scripted
from memori_wrap.testing.provider.compare import BLOCK, Showing, block_of, difference
from memori_wrap.testing.provider.items import item
from memori_wrap.testing.provider.shapes import ASYNC, PLAIN, STREAMS, SYNC, drain, settle, within
from memori_wrap.testing.provider.stage import ENTITY, QUESTION, asked, said
from memori_wrap.testing.provider_suite import REPLY, ProviderSuite


class TestMessages(ProviderSuite):
    dialect = Messages()

    @item(29, 32)
    async def test_a_tool_turn_is_read(self, stage):
        """The call, its arguments, the result and what was thought; the thought's proof goes back as it came."""
        client = stage.client()
        stage.know()
        stage.server.script(Scripted("Let me see.", reasoning="A canary, well.", tool_calls=[CALL]))
        messages = stage.user()
        content = await self.content(stage, client)
        messages = [
            *messages,
            {"role": "assistant", "content": content},
            {"role": "user", "content": self.dialect.result(CALL, "Lumen-7")},
        ]
        assert (await stage.ask(client, messages)).text == REPLY
        first, second = await stage.captured(2)
        reply = first.reply[0]
        assert [(p.kind, p.name) for p in reply.parts] == [("reasoning", None), ("tool_call", "look_up")]
        assert (reply.text, reply.parts[1].id, json.loads(reply.parts[1].text)) == (
            "Let me see.",
            "toolu_1",
            {"of": "canary"},
        )
        _, again, result = second.request
        assert (again.text, again.parts) == (reply.text, reply.parts)
        assert (result.role, result.text) == ("tool", "Lumen-7")
        assert [(p.kind, p.id) for p in result.parts] == [("tool_result", "toolu_1")]
        stored = [m.role for e in (first, second) for m in stage.store.exchange_messages(ENTITY, e.id)]
        assert stored == ["user", "assistant", "tool", "assistant"]
        assert first.reply[0].parts[0].text == "A canary, well."
        assert {block_of(received) for received in stage.server.requests} == {block_of(stage.server.last)}

    async def content(self, stage, client):
        """The answer's blocks, as its user would send them back."""
        if not stage.shape.is_stream:
            return (await stage.ask(client)).result.content
        async with within(client.messages.stream(**self.dialect.body(stage.user()))) as stream:
            return (await settle(stream.get_final_message())).content

    @item(29, 32)
    async def test_a_paused_turn_goes_on(self, stage):
        client = stage.client()
        stage.server.script(SERVED)
        whole = await settle(self.dialect.method(client)(stage.user()))
        answer = await stage.ask(client, [*stage.user(), {"role": "assistant", "content": whole.content}])
        assert answer.text == REPLY
        first, second = await stage.captured(2)
        assert (first.finish_reason, first.complete) == ("pause_turn", True)
        assert second.request[1].text == first.reply[0].text == "I looked it up.\nCanaries sing."

    @item(26, 32)
    async def test_the_request_is_read(self, stage):
        stage.server.script(Scripted(REPLY, finish_reason="length"))
        await stage.ask(stage.client(), system=(part(t) for t in ["Be brief.", "Be kind."]))
        (exchange,) = await stage.captured()
        assert [(m.role, m.text) for m in exchange.request] == [("system", "Be brief.\nBe kind."), ("user", QUESTION)]
        assert (exchange.finish_reason, exchange.model) == ("max_tokens", MODEL)
        assert exchange.usage.keys() >= {"input_tokens", "output_tokens"}
        assert exchange.response_id.startswith("msg_")

    @item(28)
    async def test_a_message_of_the_system_behind_the_question(self, stage):
        stage.know()
        await stage.ask(stage.client(), [*stage.user(), {"role": "system", "content": "Be brief."}])
        assert "<memory-" in stage.server.last.body["messages"][0]["content"]
        (exchange,) = await stage.captured()
        assert [m.role for m in exchange.request] == ["user", "system"]

    @item(25)
    async def test_a_generator_that_fails(self, stage):
        """Its user sees the failure, and nobody a half-sent conversation."""

        def failing():
            yield from stage.user()
            raise LookupError("no more messages")

        outcome = await stage.compare(lambda client: stage.open(client, failing()))
        assert isinstance(outcome.value, LookupError)
        assert not outcome.requests
        await stage.captured(0)

    @item(25)
    async def test_a_generator_is_read_once_where_there_is_nothing_to_remember(self, stage):
        given = (m for m in [{"role": "user", "content": (part(t) for t in [QUESTION])}])
        assert (await stage.ask(stage.client(), given)).text == REPLY
        assert stage.server.last.body["messages"] == [{"role": "user", "content": [part(QUESTION)]}]

    @item(36)
    async def test_the_block_is_not_what_makes_a_prompt_too_long(self, stage):
        stage.know()
        client = stage.client()
        stage.server._context_tokens = 20
        assert (await stage.ask(client)).text == REPLY
        assert [bool(block_of(received)) for received in stage.server.requests] == [True, False]
        assert said((await stage.captured())[0]) == REPLY

    @item(13, shapes=STREAMS)
    async def test_a_helper_that_is_left_early(self, stage):
        client = stage.client()
        async with within(client.messages.stream(model=MODEL, max_tokens=9, messages=stage.user())) as stream:
            pieces = []
            async for text in _each(stream.text_stream):
                pieces.append(text)
                if len(pieces) == 2:
                    break
        (exchange,) = await stage.captured()
        assert said(exchange).startswith("".join(pieces))


@pytest.mark.slow  # the same adapter by another door
class TestBedrock(ProviderSuite):
    dialect = Bedrock()


@anthropic.beta_tool
def look_up(of: str) -> str:
    """Looks something up.

    Args:
        of: What is looked up.
    """
    return f"Lumen-7 is a {of}."


@anthropic.beta_async_tool(name="look_up")
async def alook_up(of: str) -> str:
    """Looks something up.

    Args:
        of: What is looked up.
    """
    return f"Lumen-7 is a {of}."


@pytest.mark.slow  # the same adapter by another door
class TestBeta(ProviderSuite):
    dialect = Beta()

    @item(30)
    async def test_a_thread_holds_one_block_at_most(self, stage):
        """Anthropic keeps it, with what was once said in it: so it is said where the thread begins."""
        stage.know()
        client = stage.client()
        thread = client.beta.messages.thread(model=MODEL, max_tokens=100, system="Be brief.")
        for n in range(4):
            message = {"role": "user", "content": f"{QUESTION} ({n})"}
            if stage.shape.is_stream:
                async with within(thread.stream(message)) as stream:
                    reply = await settle(stream.get_final_message())
            else:
                reply = await settle(thread.send(message))
            assert reply.content[0].text == REPLY
            assert bool(block_of(stage.server.last)) == (n == 0)
        kept = stage.server.kept(reply.id)
        assert len(kept) == 8
        assert len(BLOCK.findall(json.dumps(kept).replace("\\n", "\n"))) == 1
        assert "<memory-" not in repr(thread.messages)
        exchanges = await stage.captured(4)
        assert [asked(e)[-1] for e in exchanges] == [f"{QUESTION} ({n})" for n in range(4)]
        assert [e.previous for e in exchanges[1:]] == [e.response_id for e in exchanges[:-1]]
        assert stage.counts["skipped.no_place"] == 3

    @item(30)
    async def test_a_lost_thread_begins_again(self, stage):
        stage.know()
        thread = stage.client().beta.messages.thread(model=MODEL, max_tokens=100)
        await settle(thread.send({"role": "user", "content": QUESTION}))
        stage.server._kept.clear()
        await settle(thread.send({"role": "user", "content": f"{QUESTION} Again."}))
        begun, refused, again = stage.server.requests
        assert [bool(block_of(received)) for received in (begun, refused, again)] == [True, False, True]
        exchanges = await stage.captured(2)
        stored = [m.text for e in exchanges for m in stage.store.exchange_messages(ENTITY, e.id)]
        assert stored == [QUESTION, REPLY, f"{QUESTION} Again.", REPLY]

    @pytest.mark.parametrize("thread", [True, False], ids=["thread", "no thread"])
    @pytest.mark.parametrize("shape", [SYNC, ASYNC, *STREAMS], ids=str)
    def test_the_tool_runner(self, shape, thread):
        from memori_wrap.testing.provider.items import play

        async def run(client, stage):
            tool = alook_up if stage.shape.is_async else look_up
            runner = client.beta.messages.tool_runner(
                model=MODEL,
                max_tokens=100,
                tools=[tool],
                messages=stage.user(),
                stream=stage.shape.is_stream,
                thread=anthropic.omit if thread else False,
            )
            seen = []
            for answer in await drain(runner) if not stage.shape.is_stream else ():
                seen.append([type(answer), answer])
            if stage.shape.is_stream:
                async for stream in _each(runner):
                    seen.append([type(stream), await drain(stream)])
            return [type(runner), seen, await settle(runner.until_done())]

        async def body(stage):
            calls = [Scripted(tool_calls=[CALL]), Scripted(tool_calls=[CALL])]
            stage.know()
            plain = await stage.outcome(lambda client: run(client, stage), stage.bare(), *calls)
            outcome = await stage.outcome(lambda client: run(client, stage), stage.client(), *calls)
            assert not isinstance(outcome.value, Exception), outcome.value
            show = Showing(self.dialect, has_block=True)
            assert difference(show.value(plain.value), show.value(outcome.value)) is None
            assert outcome.value[-1].content[0].text == REPLY
            blocks = [block_of(received) for received in outcome.requests]
            assert len(blocks) == 3
            assert blocks[0]
            assert blocks[1:] == ([None, None] if thread else blocks[:1] * 2)
            exchanges = await stage.captured(3)
            stored = [(m.role, m.text) for e in exchanges for m in stage.store.exchange_messages(ENTITY, e.id)]
            found = [("assistant", ""), ("tool", "Lumen-7 is a canary.")]
            assert stored == [("user", QUESTION), *found, *found, ("assistant", REPLY)]

        play(self.dialect, shape, body)

    @item(42, shapes=PLAIN)
    async def test_a_compaction_is_no_conversation(self, stage):
        """A block in it would be in the summary, for good."""
        stage.know()
        client = stage.client()
        summary = Scripted("They talked of canaries.", finish_reason="compaction")
        options = {"compaction": {"type": "summarize"}, "betas": ["compact-2026-09-04"]}
        await stage.compare(lambda c: stage.see(c, **options), summary, ours=client)
        assert not block_of(stage.server.last)
        await stage.captured(0)


async def _each(iterable):
    """One by one, however it is iterated."""
    if hasattr(iterable, "__aiter__"):
        async for thing in iterable:
            yield thing
    else:
        for thing in iterable:
            yield thing
