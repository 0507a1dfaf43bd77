"""Every client class of OpenAI's SDK: it is remembered, looks as it does bare, and lives as long."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import weakref

import openai
import pytest

from memori_wrap import Memori
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.provider.shapes import drain, settle

MODEL = "gpt-4o-mini"
ASK = [{"role": "user", "content": "What is my canary called?"}]


def azure(kind, server):
    return kind(azure_endpoint=server.origin, api_key="none", api_version="2024-10-21", max_retries=0)


def bedrock(kind, server):
    return kind(base_url=server.base_url, api_key="none", aws_region="us-east-1", max_retries=0)


def plain(kind, server):
    return kind(base_url=server.base_url, api_key="none", max_retries=0)


class Mine(openai.OpenAI):
    """A subclass of the user's own."""


CLIENTS = {
    "OpenAI": plain,
    "AsyncOpenAI": plain,
    "AzureOpenAI": azure,
    "AsyncAzureOpenAI": azure,
    "BedrockOpenAI": bedrock,
    "AsyncBedrockOpenAI": bedrock,
}
CASES = [
    *(
        pytest.param(
            getattr(openai, name, None),
            make,
            id=name,
            marks=()
            if hasattr(openai, name)
            else pytest.mark.skip(reason=f"openai {openai.__version__} has no {name}"),
        )
        for name, make in CLIENTS.items()
    ),
    pytest.param(Mine, plain, id="a subclass"),
]


@pytest.fixture(scope="module")
def server():
    with FakeOpenAI("Noted.") as running:
        yield running


@pytest.fixture
def mem():
    with Memori("memory://", embedder="none", extractor="none", settings={"recall_budget": 10.0}) as made:
        made.add("My canary is called Lumen.", entity="ada")
        yield made


async def use(client, use):
    if use == "stream":
        await drain(await settle(client.chat.completions.create(model=MODEL, messages=ASK, stream=True)))
    elif use == "call":
        await settle(client.chat.completions.create(model=MODEL, messages=ASK))
    if use:
        await settle(client.close())


@pytest.mark.parametrize(("kind", "make"), CASES)
def test_it_is_remembered(server, mem, kind, make):
    client = mem.register(make(kind, server), entity="ada")
    asyncio.run(use(client, "call"))
    assert "Lumen" in server.texts()[-1]
    mem.flush(5)
    assert "Noted." in [r.text for r in mem.recall("noted", 20, entity="ada")]


def looks(client):
    found = [
        type(client),
        sorted(vars(client)),
        isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)),
        repr(client)[:20],
    ]
    for make in (copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))):
        try:
            found.append(type(make(client)))
        except Exception as error:
            found.append((type(error), str(error)))
    return found


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # half a copy of httpx's client
@pytest.mark.parametrize(("kind", "make"), CASES)
def test_it_looks_as_it_does_bare(server, mem, kind, make):
    bare, ours = make(kind, server), mem.register(make(kind, server), entity="ada")
    assert looks(ours) == looks(bare)


@pytest.mark.parametrize("used", ["", "call", "stream"])
@pytest.mark.parametrize(("kind", "make"), CASES)
def test_it_lives_as_long(server, mem, kind, make, used):
    def life(register):
        client = make(kind, server)
        if register:
            mem.register(client, entity="ada")
        asyncio.run(use(client, used))
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
