"""Bodies of responses as mocks, caches and broken connections hand them over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import openai
import pytest

from memori_wrap import Memori


def event(content: str, **choice: object) -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    choices = [{"index": 0, "delta": {"content": content}, **choice}]
    return b"data: " + json.dumps({**chunk, "choices": choices}).encode() + b"\n\n"


class Cut(httpx2.SyncByteStream):
    """Ends in the middle of its second event."""

    def __iter__(self) -> Iterator[bytes]:
        yield event("Tea it is") + event("lost")[:40]
        raise httpx2.ReadError("gone")


WHOLE = event("Green ") + event("tea", finish_reason="stop") + b"data: [DONE]\n\n"


def remembered(response: httpx2.Response) -> tuple[list[str], dict[str, int]]:
    """What is known after a streamed call that got this response, and the counters."""
    transport = httpx2.MockTransport(lambda _: response)
    http_client = httpx2.Client(transport=transport)
    with Memori("memory://", embedder="none", extractor="none") as memory:
        client = openai.OpenAI(api_key="none", base_url="http://mock/v1", max_retries=0, http_client=http_client)
        memory.register(client, entity="alice")
        stream = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Drink?"}], stream=True
        )
        with suppress(openai.APIError, ValueError):  # what the SDK says of a broken stream is its own affair
            for _ in stream:
                pass
        memory.flush()
        found = memory.recall("drink tea", entity="alice")
        return sorted(item.text for item in found), memory.stats()["counts"]


@pytest.mark.parametrize("headers", [{"content-type": "text/event-stream"}, {}])
def test_a_stream_that_is_in_memory_already_is_captured(headers: dict[str, str]) -> None:
    texts, counts = remembered(httpx2.Response(200, headers=headers, content=WHOLE))
    assert texts == ["Drink?", "Green tea"]
    assert counts["captured"] == 1
    assert not [name for name in counts if name.startswith(("failed", "skipped"))]


def test_what_came_before_a_cut_is_captured() -> None:
    texts, counts = remembered(httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=Cut()))
    assert texts == ["Drink?", "Tea it is"]
    assert not [name for name in counts if name.startswith("failed")]


def test_an_event_that_is_no_json_loses_nothing_else() -> None:
    broken = event("Green ") + b"data: {oops\n\n" + event("tea", finish_reason="stop")
    texts, _ = remembered(httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=broken))
    assert texts == ["Drink?", "Green tea"]
