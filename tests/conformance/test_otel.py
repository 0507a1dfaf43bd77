"""OpenTelemetry's and OpenInference's instrumentation beside ours: each sees one call (item 45)."""

from __future__ import annotations

import asyncio
import itertools

import openai
import pytest
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor as OpenTelemetry
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from memori_wrap import Memori
from memori_wrap.testing.observe import WatchedStore
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.provider.shapes import SHAPES, drain, run, settle

ASK = [{"role": "user", "content": "What is my canary called?"}]
ORDERS = list(itertools.product(("ours first", "theirs first"), ("ours out first", "theirs out first")))


class Watch:
    """An instrumentation of somebody else's, and the spans of a model's calls that it made."""

    def __init__(self, kind: type) -> None:
        self.spans = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.spans))
        self.instrumentor = kind()

    def on(self) -> None:
        self.instrumentor.instrument(tracer_provider=self.provider)

    def off(self) -> None:
        self.instrumentor.uninstrument()

    def taken(self) -> int:
        n = len(self.spans.get_finished_spans())
        self.spans.clear()
        return n


@pytest.mark.parametrize(("comes", "goes"), ORDERS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", [OpenTelemetry, OpenInference], ids=["OpenTelemetry", "OpenInference"])
def test_each_sees_one_call(kind: type, shape: object, comes: str, goes: str) -> None:
    store = WatchedStore()
    watch = Watch(kind)
    before = openai.OpenAI.request, openai.AsyncOpenAI.request

    async def body(server: FakeOpenAI, mem: Memori) -> None:
        made = openai.AsyncOpenAI if shape.is_async else openai.OpenAI  # type: ignore[attr-defined]
        client = made(base_url=server.base_url, api_key="none", max_retries=0)

        async def seen() -> tuple[int, int]:
            """One call: how many spans, how many captures."""
            store.exchanges.clear()
            is_stream = shape.is_stream  # type: ignore[attr-defined]
            result = await settle(client.chat.completions.create(model="gpt-5", messages=ASK, stream=is_stream))
            if is_stream:
                await drain(result)
                await settle(result.close())
            del result
            mem.flush(10)
            return watch.taken(), len(store.exchanges)

        steps = [watch.on, lambda: mem.register(client, entity="ada")]
        for step in steps if comes == "theirs first" else steps[::-1]:
            step()
        assert await seen() == (1, 1)
        if goes == "ours out first":
            mem.unregister(client)
            assert await seen() == (1, 0)
            watch.off()
        else:
            watch.off()
            if kind is OpenInference and comes == "theirs first":
                # it puts back what it found on the class, and us away with it: registering again mends that
                assert await seen() == (0, 0)
                mem.register(client, entity="bob")
            assert await seen() == (0, 1)
            mem.unregister(client)
        assert await seen() == (0, 0)
        await settle(client.close())

    with FakeOpenAI("Noted.") as server, Memori(store, embedder="none", extractor="none") as mem:
        try:
            asyncio.run(body(server, mem)) if shape.is_async else run(shape, body(server, mem))  # type: ignore
        finally:
            if watch.instrumentor.is_instrumented_by_opentelemetry:
                watch.off()
            for made in (openai.OpenAI, openai.AsyncOpenAI):
                if "request" in vars(made):  # OpenInference leaves what it inherited on the class that inherits it
                    del made.request
    assert (openai.OpenAI.request, openai.AsyncOpenAI.request) == before
