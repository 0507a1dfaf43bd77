"""The suite for Ollama's SDK, against the fake server over real HTTP, and what is special to it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import weakref

import ollama
import pytest
from ollama_dialect import CALL, MODEL, PNG, Chat, Generate

from memori_wrap import Memori
from memori_wrap.testing.ollama_server import FakeOllama, Scripted
from memori_wrap.testing.provider.compare import BLOCK, block_of
from memori_wrap.testing.provider.items import item
from memori_wrap.testing.provider.shapes import PLAIN, STREAMS, drain, settle, take
from memori_wrap.testing.provider.stage import QUESTION, asked
from memori_wrap.testing.provider_suite import REPLY, ProviderSuite
from memori_wrap_adapters.llm import ollama as adapter


class TestChat(ProviderSuite):
    dialect = Chat()

    @item(29, 32)
    async def test_a_tool_turn_is_read(self, stage):
        """The call, its arguments and the result; nothing has an id here."""
        client = stage.client()
        stage.server.script(Scripted(tool_calls=[CALL]))
        messages = stage.user()
        await stage.ask(client, messages)
        await stage.ask(client, [*messages, *self.dialect.tool_turn(CALL, "Lumen-7")])
        first, second = await stage.captured(2)
        (call,) = first.reply[0].parts
        assert (call.kind, call.name, call.text, call.id) == ("tool_call", "look_up", '{"of": "canary"}', None)
        _, again, result = second.request
        assert again.parts == (call,)
        assert (result.role, result.text) == ("tool", "Lumen-7")
        assert [(p.kind, p.name) for p in result.parts] == [("tool_result", "look_up")]
        stored = [m.role for e in (first, second) for m in stage.store.exchange_messages("ada", e.id)]
        assert stored == ["user", "assistant", "tool", "assistant"]

    @item(28, 32)
    async def test_what_the_answer_tells_is_captured(self, stage):
        stage.server.script(Scripted(REPLY, reasoning="A canary, well.", finish_reason="length"))
        await stage.ask(stage.client(), [{"role": "user", "content": QUESTION, "images": [PNG, PNG]}], think=True)
        (exchange,) = await stage.captured()
        assert [p.kind for p in exchange.request[0].parts] == ["image", "image"]
        assert [(p.kind, p.text) for p in exchange.reply[0].parts] == [("reasoning", "A canary, well.")]
        assert exchange.usage.keys() == {"prompt_eval_count", "eval_count"}
        assert (exchange.finish_reason, exchange.model, exchange.provider) == ("length", MODEL, "ollama")

    @item(42, shapes=PLAIN)
    async def test_progress_is_the_sdks_own_generator(self, stage):
        """``pull(stream=True)`` is a stream, but nothing that anybody said."""
        stream = await settle(stage.client().pull(MODEL, stream=True))
        code = stream.ag_code if inspect.isasyncgen(stream) else stream.gi_code
        assert code.co_filename == inspect.getfile(ollama.Client)
        assert (await drain(stream))[-1].status == "success"

    @item(36)
    async def test_the_block_is_not_what_makes_a_prompt_too_long(self, stage):
        """Ollama would drop the oldest messages, and say nothing."""
        stage.know()
        client = stage.client()
        for window, has_block in ((8192, True), (60, False), (8192, True)):
            await stage.ask(client, options={"num_ctx": window})
            assert bool(block_of(stage.server.last)) == has_block
        assert stage.counts["skipped.no_place"] == 1
        await stage.captured(3)


@pytest.mark.slow  # the same adapter by another door
class TestGenerate(ProviderSuite):
    dialect = Generate()

    @item(30)
    async def test_a_kept_context_holds_one_block_at_most(self, stage):
        """It is tokens: what was once in them stays, so nothing is added."""
        stage.know()
        client = stage.client()
        context = None
        for n in range(4):
            answer = await stage.ask(client, stage.user(f"{QUESTION} ({n})"), context=context)
            assert bool(block_of(stage.server.last)) == (n == 0)
            context = (answer.items[-1] if answer.items else answer.result).context
        assert len(BLOCK.findall(stage.server.kept(context))) == 1
        exchanges = await stage.captured(4)
        assert [asked(e) for e in exchanges] == [[f"{QUESTION} ({n})"] for n in range(4)]

    @item(26, 32)
    async def test_the_request_is_read(self, stage):
        stage.server.script(Scripted(REPLY, reasoning="Well."))
        await stage.ask(stage.client(), system="Be brief.")
        (exchange,) = await stage.captured()
        assert [(m.role, m.text) for m in exchange.request] == [("system", "Be brief."), ("user", QUESTION)]
        assert [(p.kind, p.text) for p in exchange.reply[0].parts] == [("reasoning", "Well.")]

    def test_a_picture_is_a_part(self):
        answer = ollama.GenerateResponse(model=MODEL, image="iVBORw0KGgo=", done=True)
        assert [p.kind for p in adapter._GENERATE.reply(answer).messages[0].parts] == ["image"]


# ---------------------------------------------------------------- the module's own client


@pytest.fixture
def server():
    with FakeOllama("Noted.") as running:
        yield running


@pytest.fixture
def mem():
    with Memori("memory://", embedder="none", extractor="none", settings={"recall_budget": 10.0}) as made:
        made.add("My canary is called Lumen.", entity="ada")
        yield made


ASK = [{"role": "user", "content": "What is my canary called?"}]


def test_the_module_stands_for_its_hidden_client(server, mem, monkeypatch):
    before = ollama.chat
    monkeypatch.setattr(ollama._client._client, "base_url", server.base_url)
    assert mem.register(ollama, entity="ada") is ollama
    try:
        assert ollama.chat == before
        assert ollama.chat(MODEL, ASK).message.content == "Noted."
        assert "".join(chunk.response for chunk in ollama.generate(MODEL, ASK[0]["content"], stream=True)) == "Noted."
        assert all(block_of(received) for received in server.requests)
        mem.flush(5)
        assert "Noted." in [r.text for r in mem.recall("noted", 20, entity="ada")]
    finally:
        mem.unregister(ollama)
    ollama.chat(MODEL, ASK)
    assert not block_of(server.last)


class Mine(ollama.Client):
    """A subclass of the user's own."""

    def _request(self, *given, **more):
        return super()._request(*given, **more)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [ollama.Client, ollama.AsyncClient, Mine], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("used", ["", "call", "stream", "dropped stream"])
def test_it_lives_as_long(server, mem, kind, used):
    async def use(client):
        if used == "call":
            await settle(client.chat(MODEL, ASK))
        elif used:
            stream = await settle(client.chat(MODEL, ASK, stream=True))
            await (drain(stream) if used == "stream" else take(stream))
            del stream

    def life(is_registered):
        client = kind(server.base_url)
        if is_registered:
            mem.register(client, entity="ada")
        asyncio.run(use(client))
        reference = weakref.ref(client)
        del client
        alive = reference() is not None
        gc.collect()
        return [alive, reference() is not None]

    life(False)  # what is made once, and kept
    gc.collect()
    gc.disable()  # a pass at the wrong moment would look like a reference less
    try:
        assert life(True) == life(False)
    finally:
        gc.enable()


@pytest.mark.parametrize("shape", STREAMS, ids=str)
def test_a_dropped_stream_is_captured_without_the_collector(server, mem, shape):
    async def leave():
        client = mem.register((ollama.AsyncClient if shape.is_async else ollama.Client)(server.base_url), entity="ada")
        await take(await settle(client.chat(MODEL, ASK, stream=True)))

    server.script("One two three four.")
    gc.collect()
    gc.disable()
    try:
        asyncio.run(leave())
        mem.flush(5)
        assert "One" in [r.text for r in mem.recall("one", 20, entity="ada")]
    finally:
        gc.enable()
