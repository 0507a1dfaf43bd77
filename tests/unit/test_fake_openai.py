"""The fake server against the bare, real SDK: what it sends must be taken for OpenAI's."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import numpy as np
import openai
import pytest
from pydantic import BaseModel

from memori_wrap.testing.openai_server import FakeOpenAI, Scripted, ToolCall

HELLO = [{"role": "user", "content": "I live in Oslo."}]
TEXT = "Oslo is  lovely\nin May, she said. "


class City(BaseModel):
    name: str
    people: int


@pytest.fixture
def server():
    with FakeOpenAI(TEXT) as running:
        yield running


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as made:
        yield made


def chat(client, **more):
    return client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, **more)


def respond(client, **more):
    return client.responses.create(model="gpt-4o-mini", input="I live in Oslo.", **more)


def said(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


# ---------------------------------------------------------------- chat completions


def test_plain_chat_and_what_was_recorded(server, client):
    reply = chat(client, extra_headers={"X-Mine": "1"})
    assert reply.choices[0].message.content == TEXT
    assert reply.choices[0].finish_reason == "stop"
    assert reply.choices[0].logprobs is None
    assert reply.id.startswith("chatcmpl-")
    assert reply.object == "chat.completion"
    assert abs(reply.created - time.time()) < 5
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply._request_id.startswith("req_")
    got = server.last
    assert (got.method, got.path, got.headers["x-mine"]) == ("POST", "/v1/chat/completions", "1")
    assert got.body["messages"] == HELLO
    assert json.loads(got.raw) == got.body
    assert server.texts() == ["I live in Oslo."]
    assert server.wait(1) == server.requests == [got]


def test_default_reply_echoes_the_last_line_only():
    with FakeOpenAI() as server, openai.OpenAI(base_url=server.base_url, api_key="none") as client:
        messages = [{"role": "user", "content": "<memory>secret</memory>\nhello"}]
        assert (
            client.chat.completions.create(model="m", messages=messages).choices[0].message.content == "You said: hello"
        )


def test_reply_is_a_function_of_the_request_and_the_script_goes_first():
    with (
        FakeOpenAI(lambda received: received.body["messages"][0]["content"].upper()) as server,
        openai.OpenAI(base_url=server.base_url, api_key="none") as client,
    ):
        server.script("one", lambda received: Scripted("two", finish_reason="length"))
        replies = [chat(client).choices[0] for _ in range(3)]
    assert [r.message.content for r in replies] == ["one", "two", "I LIVE IN OSLO."]
    assert [r.finish_reason for r in replies] == ["stop", "length", "stop"]


def test_a_scripted_function_that_raises_reaches_the_caller(server):
    with openai.OpenAI(base_url=server.base_url, api_key="none") as client:
        server.script(lambda received: str(1 // 0))
        with pytest.raises(openai.InternalServerError, match="ZeroDivisionError"):
            chat(client)
    assert len(server.requests) == 1, "it must not be retried"


def test_streamed_chat(server, client):
    chunks = list(chat(client, stream=True, stream_options={"include_usage": True}))
    assert said(chunks) == TEXT
    assert len(chunks) > 6
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0
    assert {c.id for c in chunks} == {chunks[0].id}
    assert all(c.usage is None for c in chat(client, stream=True))


def test_choices(server, client):
    server.script(Scripted(choices=["a b", Scripted("c", finish_reason="length")]))
    assert [c.message.content for c in chat(client, n=2).choices] == ["a b", "c"]
    server.script(Scripted(choices=["a b", "c"]))
    chunks = list(chat(client, stream=True, n=2))
    for index, text in enumerate(["a b", "c"]):
        mine = [c.choices[0].delta.content or "" for c in chunks if c.choices[0].index == index]
        assert "".join(mine) == text
    assert [c.message.content for c in chat(client, n=3).choices] == [TEXT] * 3


def test_tool_calls(server, client):
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    scripted = Scripted(tool_calls=[ToolCall("weather", {"city": "Oslo"}, "call_1"), ToolCall("time")])
    server.script(scripted, scripted)
    choice = chat(client, tools=tools).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert [(c.function.name, c.function.arguments) for c in choice.message.tool_calls] == [
        ("weather", '{"city": "Oslo"}'),
        ("time", "{}"),
    ]
    with client.chat.completions.stream(model="m", messages=HELLO) as stream:
        deltas = [event for event in stream if event.type == "tool_calls.function.arguments.delta"]
        final = stream.get_final_completion().choices[0]
    assert len(deltas) > 2
    assert final.message.tool_calls[0].id == "call_1"
    assert final.message.tool_calls[0].function.arguments == '{"city": "Oslo"}'
    assert final.finish_reason == "tool_calls"

    asked = choice.message.model_dump(exclude_none=True)
    results = [{"role": "tool", "tool_call_id": c.id, "content": "4 degrees"} for c in choice.message.tool_calls]
    loop = [*HELLO, asked, *results]
    assert client.chat.completions.create(model="m", messages=loop).choices[0].message.content == TEXT
    assert server.texts() == ["I live in Oslo.", "", "4 degrees", "4 degrees"]


@pytest.mark.parametrize("parted", [[0, 1, 2], [0, 2], [0, 1, 0]])
def test_a_tool_call_parted_from_its_result_is_refused_as_openai_does(client, parted):
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    loop = [
        HELLO[0],
        {"role": "assistant", "tool_calls": [call, {**call, "id": "call_2"}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "x"},
    ]
    with pytest.raises(openai.BadRequestError, match="tool_call"):
        client.chat.completions.create(model="m", messages=[loop[i] for i in parted])


def test_refusal_and_structured_output(server, client):
    server.script('{"name": "Oslo", "people": 7}', Scripted(refusal="No, thank you."))
    parsed = client.chat.completions.parse(model="m", messages=HELLO, response_format=City)
    assert parsed.choices[0].message.parsed == City(name="Oslo", people=7)
    assert server.last.body["response_format"]["type"] == "json_schema"
    refused = client.chat.completions.parse(model="m", messages=HELLO, response_format=City)
    assert refused.choices[0].message.refusal == "No, thank you."
    server.script(Scripted(refusal="No, thank you."))
    assert "".join(c.choices[0].delta.refusal or "" for c in chat(client, stream=True)) == "No, thank you."


def test_stream_helper(server, client):
    with client.chat.completions.stream(model="m", messages=HELLO) as stream:
        assert [event.type for event in stream][-1] == "content.done"
        assert stream.get_final_completion().choices[0].message.content == TEXT


def test_raw_and_streaming_responses(server, client):
    raw = client.chat.completions.with_raw_response.create(model="m", messages=HELLO)
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["openai-processing-ms"].isdigit()
    assert raw.headers["content-encoding"] == "gzip"
    assert raw.parse().choices[0].message.content == TEXT
    with client.chat.completions.with_streaming_response.create(model="m", messages=HELLO, stream=True) as lines:
        assert list(lines.iter_lines())[-2:] == ["data: [DONE]", ""]


def test_without_compression():
    with FakeOpenAI("hi", compress=False) as server, openai.OpenAI(base_url=server.base_url, api_key="none") as client:
        raw = client.chat.completions.with_raw_response.create(model="m", messages=HELLO)
        assert "content-encoding" not in raw.headers
        assert raw.parse().choices[0].message.content == "hi"


def test_lone_surrogates_and_large_messages(server, client):
    server.script("\ud800 and \U0001f600", "\ud800 and \U0001f600")
    assert chat(client).choices[0].message.content == "\ud800 and \U0001f600"
    assert said(chat(client, stream=True)) == "\ud800 and \U0001f600"
    large = "x" * 10_000_000
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": large}])
    assert server.texts() == [large]


def test_async():
    async def run(server: FakeOpenAI) -> None:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="none") as client:
            assert (await chat(client)).choices[0].message.content == TEXT
            assert said([chunk async for chunk in await chat(client, stream=True)]) == TEXT
            assert (await respond(client)).output_text == TEXT
            replies = await asyncio.gather(*(chat(client) for _ in range(100)))
            assert {reply.choices[0].message.content for reply in replies} == {TEXT}

    with FakeOpenAI(TEXT) as server:
        asyncio.run(run(server))
        assert len(server.requests) == 103


def test_azure_paths(server):
    with openai.AzureOpenAI(azure_endpoint=server.origin, api_key="none", api_version="2024-10-21") as client:
        assert chat(client).choices[0].message.content == TEXT
    assert server.last.path == "/openai/deployments/gpt-4o-mini/chat/completions"
    assert server.last.query == "api-version=2024-10-21"


# ---------------------------------------------------------------- responses


def test_plain_response(server, client):
    reply = respond(client, instructions="Be brief.", metadata={"a": "b"})
    assert reply.output_text == TEXT
    assert (reply.status, reply.object, reply.instructions) == ("completed", "response", "Be brief.")
    assert reply.id.startswith("resp_")
    assert reply.output[0].id.startswith("msg_")
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens
    assert server.texts() == ["Be brief.", "I live in Oslo."]


def test_streamed_response_has_the_whole_sequence(client):
    events = list(respond(client, stream=True))
    kinds = [event.type.removeprefix("response.") for event in events]
    assert kinds[:4] == ["created", "in_progress", "output_item.added", "content_part.added"]
    assert kinds[-4:] == ["output_text.done", "content_part.done", "output_item.done", "completed"]
    assert set(kinds[4:-4]) == {"output_text.delta"}
    assert "".join(e.delta for e in events[4:-4]) == TEXT
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text == TEXT


def test_response_with_reasoning_and_tool_calls(server, client):
    scripted = Scripted(
        "Wait.", reasoning="I need the weather.", tool_calls=[ToolCall("weather", {"city": "Oslo"}, "c1")]
    )
    server.script(scripted, scripted)
    with client.responses.stream(model="m", input="hi") as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    for reply in (final, respond(client)):
        assert [item.type for item in reply.output] == ["reasoning", "message", "function_call"]
        assert reply.output[0].summary[0].text == "I need the weather."
        assert (reply.output[2].call_id, reply.output[2].arguments) == ("c1", '{"city": "Oslo"}')
        assert reply.usage.output_tokens_details.reasoning_tokens > 0
    assert {"response.reasoning_summary_text.delta", "response.function_call_arguments.delta"} <= kinds


def test_response_refused_incomplete_and_parsed(server, client):
    server.script(Scripted(refusal="No."), Scripted("Half", finish_reason="length"))
    assert respond(client).output[0].content[0].refusal == "No."
    last = list(respond(client, stream=True))[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details.reason == "max_output_tokens"
    server.script(Scripted("Ha", finish_reason="failed", message="Sorry."))
    last = list(respond(client, stream=True))[-1]
    assert (last.type, last.response.error.message) == ("response.failed", "Sorry.")
    assert last.response.output_text == "Ha"
    server.script('{"name": "Oslo", "people": 7}')
    parsed = client.responses.parse(model="m", input="hi", text_format=City)
    assert parsed.output_parsed == City(name="Oslo", people=7)


def test_a_kept_conversation_inherits_input_and_output_but_no_instructions(server, client):
    first = respond(client, instructions="SECRET")
    assert server.inherited() == []
    second = client.responses.create(model="m", input="And now?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert [item["role"] for item in server.inherited()] == ["user", "assistant"]
    assert "SECRET" not in json.dumps(server.inherited())
    assert "I live in Oslo." in json.dumps(server.inherited())
    assert second.usage.input_tokens > first.usage.input_tokens
    assert len(server.kept(second.id)) == 4

    respond(client, conversation="conv_1")
    respond(client, conversation={"id": "conv_1"}, stream=True).close()
    assert len(server.inherited()) == 2
    assert len(server.kept("conv_1")) == 4

    unkept = respond(client, store=False)
    with pytest.raises(openai.BadRequestError) as refused:
        respond(client, previous_response_id=unkept.id)
    assert refused.value.code == "previous_response_not_found"


# ---------------------------------------------------------------- the rest


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(client, encoding):
    made = client.embeddings.create(model="e", input=["a cat", "the cat", "tax law"], encoding_format=encoding)
    vectors = [item.embedding for item in made.data]
    if encoding == "base64":
        vectors = [np.frombuffer(base64.b64decode(vector), dtype="<f4") for vector in vectors]
    cat, the_cat, tax = (np.array(vector) for vector in vectors)
    assert cat.shape == (1536,)
    assert abs(np.linalg.norm(cat) - 1) < 1e-5
    assert cat @ the_cat > 0.5 > cat @ tax
    assert len(client.embeddings.create(model="e", input="x", dimensions=8).data[0].embedding) == 8


def test_models_and_unknown_addresses(client):
    assert "gpt-4o-mini" in [model.id for model in client.models.list()]
    with pytest.raises(openai.NotFoundError, match="Invalid URL") as missing:
        client.models.delete("gpt-4o-mini")
    assert missing.value.type == "invalid_request_error"
    with pytest.raises(openai.BadRequestError, match="messages"):
        client.chat.completions.create(model="m", messages=[])
