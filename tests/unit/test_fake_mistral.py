"""The fake server against the bare, real SDK: what it sends must be taken for Mistral's."""

from __future__ import annotations

import pytest
from mistralai.client import Mistral, errors, models

from memori_wrap.testing.mistral_server import FakeMistral, Scripted, ToolCall

HELLO = [{"role": "user", "content": "I live in Oslo."}]
TEXT = "Oslo is  lovely\nin May, she said. "
CALL = ToolCall("weather", {"city": "Oslo"}, "call00001")


@pytest.fixture
def server():
    with FakeMistral(TEXT) as running:
        yield running


@pytest.fixture
def client(server):
    with Mistral(api_key="none", server_url=server.base_url) as made:
        yield made


def test_chat(server, client):
    whole = client.chat.complete(model="m", messages=HELLO)
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == (TEXT, "stop")
    events = [event.data for event in client.chat.stream(model="m", messages=HELLO)]
    assert "".join(e.choices[0].delta.content for e in events) == TEXT
    assert events[-1].choices[0].finish_reason == "stop"
    assert events[-1].usage == whole.usage
    assert server.texts() == ["I live in Oslo."]
    assert client.agents.complete(agent_id="a", messages=HELLO).choices[0].message.content == TEXT
    assert client.fim.complete(model="m", prompt="def f").choices[0].message.content == TEXT


def test_thinking_and_tools(server, client):
    server.script(*[Scripted("Well.", reasoning="Let me see.", tool_calls=[CALL])] * 2)
    choice = client.chat.complete(model="m", messages=HELLO).choices[0]
    thought, said = choice.message.content
    assert isinstance(thought, models.ThinkChunk)
    assert (thought.thinking[0].text, said.text, choice.finish_reason) == ("Let me see.", "Well.", "tool_calls")
    deltas = [e.data.choices[0].delta for e in client.chat.stream(model="m", messages=HELLO)]
    thoughts = [c.thinking[0].text for d in deltas if isinstance(d.content, list) for c in d.content]
    assert "".join(thoughts) == "Let me see."
    assert deltas[-1].tool_calls == choice.message.tool_calls


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "at least one message"),
        ([{"role": "assistant", "content": "I am"}], "Expected last role User or Tool"),
        ([*HELLO, {"role": "tool", "tool_call_id": "x", "content": "4"}], "Unexpected tool call id"),
        (
            [
                *HELLO,
                {"role": "assistant", "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": "{}"}}]},
                *HELLO,
            ],
            "Not the same number of function calls and responses",
        ),
        ([*HELLO, {"role": "assistant", "content": ""}, *HELLO], "must have either content or tool_calls"),
    ],
)
def test_what_is_refused(client, messages, said):
    with pytest.raises(errors.SDKError, match=said) as refused:
        client.chat.complete(model="m", messages=messages)
    assert refused.value.status_code == 400


def test_conversations_are_kept(server, client):
    part = client.beta.conversations
    first = part.start(model="m", inputs="I live in Oslo.", instructions="Be brief.")
    name = first.conversation_id
    events = [event.data for event in part.append_stream(conversation_id=name, inputs="And you?")]
    assert "".join(e.content for e in events if e.type == "message.output.delta") == first.outputs[0].content == TEXT
    assert [entry["type"] for entry in server.inherited()] == ["message.input", "message.output"]
    assert [entry["type"] for entry in server.kept(name)] == ["message.input", "message.output"] * 2
    assert len(part.get_history(conversation_id=name).entries) == 4
    again = part.restart(conversation_id=name, from_entry_id=server.kept(name)[1]["id"], inputs="And she?")
    assert len(server.kept(again.conversation_id)) == 4
    part.start(model="m", inputs="Forget it.", store=False)
    with pytest.raises(errors.SDKError, match="not found"):
        part.append(conversation_id="conv_0", inputs="Hello?")
    with pytest.raises(errors.MistralError, match="Either model or agent_id"):
        part.start(inputs="Hello?")


def test_errors(server, client):
    server.script(Scripted(status=429), Scripted(TEXT, error_after=3))
    with pytest.raises(errors.SDKError, match="Rate limit exceeded") as refused:
        client.chat.complete(model="m", messages=HELLO)
    assert refused.value.status_code == 429
    with pytest.raises(errors.ResponseValidationError):
        list(client.chat.stream(model="m", messages=HELLO))


def test_others(client):
    assert len(client.embeddings.create(model="m", inputs=["a", "b"]).data) == 2
    assert "mistral-small-latest" in [m.id for m in client.models.list().data]
