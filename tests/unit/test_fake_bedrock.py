"""The fake server for Bedrock: what it refuses, and the frames of its streams, seen through the bare, real SDK."""

from __future__ import annotations

import json
import zlib

import boto3
import pytest
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from botocore.exceptions import ClientError

from memori_wrap.testing import bedrock_frames as frames
from memori_wrap.testing.bedrock_server import FakeBedrock, Scripted, ToolCall

CLAUDE, NOVA = "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0"
CACHE = {"cachePoint": {"type": "default"}}
USE = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "a", "name": "look_up", "input": {}}}]}
RESULT = {"toolResult": {"toolUseId": "a", "content": [{"text": "Lumen-7"}]}}
TOOLS = {"tools": [{"toolSpec": {"name": "look_up", "inputSchema": {"json": {"type": "object"}}}}]}


def user(*blocks):
    return {"role": "user", "content": list(blocks)}


ASK = user({"text": "What is my canary called?"})


@pytest.fixture
def server():
    with FakeBedrock() as running:
        yield running


@pytest.fixture
def client(server):
    keys = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client("bedrock-runtime", endpoint_url=server.base_url, config=config, **keys)


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([], "messages"),
        ([{"role": "assistant", "content": [{"text": "Hello."}]}], "must start with a user message"),
        ([ASK, ASK], "must alternate"),
        ([user()], "is empty"),
        ([user({"text": " "})], "is blank"),
        ([ASK, USE, ASK], "Expected toolResult blocks"),
        ([ASK, {"role": "assistant", "content": [{"text": "Well."}]}, user(RESULT)], "exceeds the number of toolUse"),
        ([ASK, USE, user({"text": "See."}, RESULT)], "must come before"),
        ([user({"text": "See."}, CACHE, CACHE, CACHE, CACHE, CACHE)], "maximum of 4"),
        ([user({"document": {"format": "txt", "name": "x", "source": {"bytes": b"x"}}})], "text block is required"),
    ],
)
def test_what_converse_refuses(client, messages, says):
    with pytest.raises(client.exceptions.ValidationException, match=says):
        client.converse(modelId=CLAUDE, messages=messages, toolConfig=TOOLS)


def test_what_depends_on_the_model_and_the_tools(client):
    mixed = [ASK, USE, user(RESULT, {"text": "And?"})]
    assert client.converse(modelId=CLAUDE, messages=mixed, toolConfig=TOOLS)["stopReason"] == "end_turn"
    with pytest.raises(ClientError, match="cannot be provided in the same turn"):
        client.converse(modelId="meta.llama3-1-70b-instruct-v1:0", messages=mixed, toolConfig=TOOLS)
    with pytest.raises(ClientError, match="toolConfig field must be defined"):
        client.converse(modelId=NOVA, messages=[ASK, USE, user(RESULT)])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}, "anthropic_version"),
        ({"anthropic_version": "bedrock-2023-05-31", "messages": [{"role": "user", "content": "x"}]}, "max_tokens"),
        (
            {
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 9,
                "model": "x",
                "messages": [{"role": "user", "content": "x"}],
            },
            "extraneous key",
        ),
    ],
)
def test_what_invoke_refuses(client, body, says):
    with pytest.raises(ClientError, match=says):
        client.invoke_model(modelId=CLAUDE, body=json.dumps(body))


def test_it_echoes_and_calls_tools(server, client):
    answer = client.converse(modelId=CLAUDE, messages=[ASK])
    assert answer["output"]["message"]["content"] == [{"text": "You said: What is my canary called?"}]
    server.script(Scripted("Well.", tool_calls=[ToolCall("look_up", {"of": "canary"}, id="a")], reasoning="Hm."))
    thought, said, use = client.converse(modelId=CLAUDE, messages=[ASK])["output"]["message"]["content"]
    assert thought["reasoningContent"]["reasoningText"]["text"] == "Hm."
    assert said == {"text": "Well."}
    assert use["toolUse"] == {"toolUseId": "a", "name": "look_up", "input": {"of": "canary"}}
    assert server.texts() == ["What is my canary called?"]


def test_a_full_window(client, server):
    server._context_tokens = 3
    with pytest.raises(client.exceptions.ValidationException, match="too long for requested model"):
        client.converse(modelId=CLAUDE, messages=[ASK])


def test_a_reply_that_raises_reaches_the_test(server, client):
    def reply(_):
        raise RuntimeError("mine")

    server.script(reply)
    with pytest.raises(ClientError, match="mine"):
        client.converse(modelId=CLAUDE, messages=[ASK])


def test_frames_have_the_checksums_that_the_sdk_looks_at():
    whole = frames.event("messageStart", {"role": "assistant"})
    buffer = EventStreamBuffer()
    buffer.add_data(whole + frames.error("overloaded", "Not now."))
    event, error = buffer
    assert event.headers[":event-type"] == "messageStart"
    assert json.loads(event.payload) == {"role": "assistant"}
    assert error.headers[":error-message"] == "Not now."
    assert zlib.crc32(whole[:-4]) == int.from_bytes(whole[-4:], "big")
    spoilt = EventStreamBuffer()
    spoilt.add_data(whole.replace(b"assistant", b"assistent"))
    with pytest.raises(ChecksumMismatch):
        list(spoilt)
