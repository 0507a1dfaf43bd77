"""Every client class of Anthropic's SDK: it is remembered, looks as it does bare, and lives as long."""

from __future__ import annotations

import asyncio
import base64
import copy
import gc
import pickle
import weakref

import anthropic
import httpx2
import pytest
from anthropic_dialect import TLS
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from memori_wrap import Memori
from memori_wrap.testing import bedrock_frames
from memori_wrap.testing.anthropic_server import FakeAnthropic
from memori_wrap.testing.provider.shapes import drain, settle, take
from memori_wrap_adapters.llm import eventstream
from memori_wrap_adapters.llm.anthropic import provider

MODEL = "claude-sonnet-5"
ASK = [{"role": "user", "content": "What is my canary called?"}]


class Mine(anthropic.Anthropic):
    """A subclass of the user's own."""


KEYS = {"aws_access_key": "none", "aws_secret_key": "none", "aws_region": "us-east-1"}
CLIENTS = {
    "Anthropic": ({"api_key": "none"}, "anthropic"),
    "AnthropicBedrock": ({"api_key": "none", "aws_region": "us-east-1"}, "bedrock"),
    "AnthropicBedrock, signed": (KEYS, "bedrock"),
    "AnthropicBedrockMantle": ({"api_key": "none", "aws_region": "us-east-1"}, "bedrock"),
    "AnthropicVertex": ({"region": "global", "project_id": "none", "access_token": "none"}, "vertex"),
    "AnthropicFoundry": ({"api_key": "none", "resource": "none"}, "foundry"),
    "AnthropicAWS": ({**KEYS, "workspace_id": "none"}, "aws"),
    "AnthropicGoogleCloud": ({"skip_auth": True, "project": "none", "workspace_id": "none"}, "google"),
}
CASES = [
    pytest.param(getattr(anthropic, prefix + name.partition(",")[0]), options, id=prefix + name)
    for name, (options, _) in CLIENTS.items()
    for prefix in ("", "Async")
]
CASES.append(pytest.param(Mine, {"api_key": "none"}, id="a subclass"))


def make(kind, server, options):
    given = {name: value for name, value in options.items() if name != "resource"}
    asynchronous = kind.__name__.startswith("Async")
    http = anthropic.DefaultAsyncHttpxClient(verify=TLS) if asynchronous else anthropic.DefaultHttpxClient(verify=TLS)
    return kind(base_url=server.base_url, max_retries=0, http_client=http, **given)


@pytest.fixture(scope="module")
def server():
    with FakeAnthropic("Noted.") as running:
        yield running


@pytest.fixture
def mem():
    with Memori("memory://", embedder="none", extractor="none", settings={"recall_budget": 10.0}) as made:
        made.add("My canary is called Lumen.", entity="ada")
        yield made


async def use(client, use, api=None):
    create = (api or client.messages).create
    if use in ("stream", "dropped stream"):
        stream = await settle(create(model=MODEL, max_tokens=9, messages=ASK, stream=True))
        await (drain(stream) if use == "stream" else take(stream))
        del stream
    elif use == "call":
        await settle(create(model=MODEL, max_tokens=9, messages=ASK))
    if use:
        await settle(client.close())


@pytest.mark.parametrize("used", ["call", "stream"])
@pytest.mark.parametrize("is_beta", [False, True], ids=["", "beta"])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_it_is_remembered(server, mem, kind, options, is_beta, used):
    client = mem.register(make(kind, server, options), entity="ada")
    asyncio.run(use(client, used, client.beta.messages if is_beta else None))
    assert "Lumen" in server.texts()[-1]
    mem.flush(5)
    assert "Noted." in [r.text for r in mem.recall("noted", 20, entity="ada")]


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_its_copies_are_remembered(server, mem, kind, options):
    client = mem.register(make(kind, server, options), entity="ada")
    copies = [client.copy(), client.with_options(timeout=3).copy()]
    if hasattr(client, "with_middleware"):
        copies.append(client.with_middleware())

    async def ask_each():
        for made in copies:
            await settle(made.messages.create(model=MODEL, max_tokens=9, messages=ASK))

    before = len(server.requests)
    asyncio.run(ask_each())
    assert all("Lumen" in server.texts_of(received)[-1] for received in server.requests[before:])
    assert len(server.requests) == before + len(copies)


def test_who_answers():
    for name, (options, label) in CLIENTS.items():
        for prefix in ("", "Async"):
            kind = getattr(anthropic, prefix + name.partition(",")[0])
            assert provider.label(kind(**options)) == label
    assert provider.label(Mine(api_key="none")) == "anthropic"
    assert provider.label(anthropic.Anthropic(api_key="none", base_url="https://api.z.ai/api/anthropic")) == "zai"


def looks(client):
    found = [type(client), sorted(vars(client)), isinstance(client, anthropic.Anthropic), repr(client)[:20]]
    for copied in (copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))):
        try:
            found.append(type(copied(client)))
        except Exception as error:
            found.append((type(error), str(error)))
    return found


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # half a copy of httpx's client
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_it_looks_as_it_does_bare(server, mem, kind, options):
    bare, ours = make(kind, server, options), mem.register(make(kind, server, options), entity="ada")
    assert looks(ours) == looks(bare)


@pytest.mark.slow
@pytest.mark.parametrize("used", ["", "call", "stream", "dropped stream"])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_it_lives_as_long(server, mem, kind, options, used):
    def life(register):
        client = make(kind, server, options)
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


# ---------------------------------------------------------------- what stands on the body of a stream


@pytest.mark.parametrize("kind", [anthropic.Anthropic, anthropic.AsyncAnthropic], ids=["sync", "async"])
def test_the_sdks_own_tracing_sees_the_stream(server, mem, kind):
    spans = []
    for register in (False, True):
        exporter, provider_ = InMemorySpanExporter(), TracerProvider()
        provider_.add_span_processor(SimpleSpanProcessor(exporter))
        client = kind(
            base_url=server.base_url, api_key="none", max_retries=0, open_telemetry={"tracer_provider": provider_}
        )
        if register:
            mem.register(client, entity="ada")
        asyncio.run(use(client, "stream"))
        (span,) = exporter.get_finished_spans()
        spans.append((span.name, span.status.status_code, sorted(span.attributes)))
    assert spans[0] == spans[1]
    assert any("output_tokens" in name for name in spans[0][2])


def test_the_time_that_a_stream_took_is_known(server, mem):
    client = mem.register(make(anthropic.Anthropic, server, {"api_key": "none"}), entity="ada")
    stream = client.messages.create(model=MODEL, max_tokens=9, messages=ASK, stream=True)
    list(stream)
    assert isinstance(stream.response, httpx2.Response)
    assert stream.response.elapsed.total_seconds() > 0


def test_frames_come_in_any_pieces():
    said = [b'{"type":"a"}', b'{"type":"b"}', b'{"type":"c","text":"\xc3\xa4"}']
    first, second, third = (bedrock_frames.event("chunk", {"bytes": base64.b64encode(s).decode()}) for s in said)
    data = first + bedrock_frames.exception("modelStreamErrorException", {"message": "No."}) + second + third
    for size in (1, 7, 16, 1000):
        found, rest = [], b""
        for at in range(0, len(data), size):
            payloads, rest = eventstream.split(rest + data[at : at + size])
            found += eventstream.events(payloads)
        assert [event["type"] for event in found] == ["a", "b", "c"]
        assert not rest
    assert eventstream.split(b"no frames at all, but some words") == ([], b"no frames at all, but some words")
    assert eventstream.split(bytes(40)) == ([], b"")
