"""Every client class of Mistral's SDK: it is remembered, and lives as long as it does bare."""

from __future__ import annotations

import asyncio
import gc
import weakref

import httpx2
import pytest
from mistral_dialect import TLS
from mistralai.azure.client import MistralAzure
from mistralai.client import Mistral
from mistralai.client.beta import Beta
from mistralai.client.chat import Chat
from mistralai.gcp.client import MistralGCP

from memori_wrap import Memori
from memori_wrap.testing.mistral_server import FakeMistral
from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.shapes import SHAPES, STREAMS, SYNC, drain, settle, take

MODEL = "mistral-small-2503"
ASK = [{"role": "user", "content": "What is my canary called?"}]


class Mine(Mistral):
    """A subclass of the user's own."""


def plain(kind, server):
    return {"api_key": "none"}


def gcp(kind, server):
    return {"project_id": "canaries", "access_token": "none"}


CASES = [
    pytest.param(Mistral, plain, id="Mistral"),
    pytest.param(MistralAzure, plain, id="MistralAzure"),
    pytest.param(MistralGCP, gcp, id="MistralGCP"),
    pytest.param(Mine, plain, id="a subclass"),
]


@pytest.fixture(scope="module")
def server():
    with FakeMistral("Noted.") as running:
        yield running


@pytest.fixture
def mem():
    with Memori("memory://", embedder="none", extractor="none", settings={"recall_budget": 10.0}) as made:
        made.add("My canary is called Lumen.", entity="ada")
        yield made


def make(kind, options, server):
    http = {"client": httpx2.Client(verify=TLS), "async_client": httpx2.AsyncClient(verify=TLS)}
    return kind(**options(kind, server), server_url=server.base_url, **http)


async def ask(chat, shape, read=drain):
    name = ("stream" if shape.is_stream else "complete") + ("_async" if shape.is_async else "")
    result = await settle(getattr(chat, name)(model=MODEL, messages=ASK))
    if shape.is_stream:
        await read(result)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_it_is_remembered(server, mem, kind, options, shape):
    client = make(kind, options, server)
    chat = client.chat  # fetched before
    assert mem.register(client, entity="ada") is client

    async def both():
        await ask(chat, shape)
        assert block_of(server.last)
        mem.unregister(client)
        await ask(chat, shape)
        assert not block_of(server.last)

    asyncio.run(both())
    mem.flush(5)
    assert [r.text for r in mem.recall("noted", 20, entity="ada")].count("Noted.") == 1


def test_parts_made_by_hand_are_the_clients(server, mem):
    """The SDK makes parts anew from the configuration, too."""
    client = mem.register(make(Mistral, plain, server), entity="ada")
    Chat(client.sdk_configuration).complete(model=MODEL, messages=ASK)
    assert block_of(server.last)
    Beta(client.sdk_configuration).conversations.start(model=MODEL, inputs=ASK[0]["content"])
    assert block_of(server.last)
    make(Mistral, plain, server).chat.complete(model=MODEL, messages=ASK)
    assert not block_of(server.last)


def test_a_prompt_that_is_too_long_with_its_block_goes_without(mem):
    with FakeMistral("Noted.", context_tokens=30) as server:
        client = mem.register(make(Mistral, plain, server), entity="ada")
        assert client.chat.complete(model=MODEL, messages=ASK).choices[0].message.content == "Noted."
    first, second = server.requests
    assert block_of(first)
    assert not block_of(second)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("used", "shape"),
    [*(("used", s) for s in SHAPES), *(("dropped", s) for s in STREAMS), ("never used", SYNC)],
    ids=str,
)
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_it_lives_as_long(server, mem, kind, options, used, shape):
    def life(is_registered):
        client = make(kind, options, server)
        if is_registered:
            mem.register(client, entity="ada")
        if used != "never used":
            asyncio.run(ask(client.chat, shape, take if used == "dropped" else drain))
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
