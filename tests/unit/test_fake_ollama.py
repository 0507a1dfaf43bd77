"""The fake server against the bare, real SDK: what it sends must be taken for Ollama's."""

from __future__ import annotations

import httpx
import ollama
import pytest

from memori_wrap.testing.ollama_server import FakeOllama, Scripted, ToolCall

HELLO = [{"role": "user", "content": "I live in Oslo."}]
TEXT = "Oslo is  lovely\nin May, she said. "
CALL = ToolCall("weather", {"city": "Oslo"})


@pytest.fixture
def server():
    with FakeOllama(TEXT) as running:
        yield running


@pytest.fixture
def client(server):
    with ollama.Client(server.base_url) as made:
        yield made


def test_chat(server, client):
    whole = client.chat("m", HELLO)
    assert (whole.message.content, whole.done, whole.done_reason, whole.model) == (TEXT, True, "stop", "m")
    assert whole.eval_count
    chunks = list(client.chat("m", HELLO, stream=True))
    assert "".join(c.message.content for c in chunks) == TEXT
    assert [c.done for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert (chunks[-1].prompt_eval_count, chunks[-1].eval_count) == (whole.prompt_eval_count, whole.eval_count)
    assert server.texts() == ["I live in Oslo."]


def test_thinking_and_tools(server, client):
    server.script(*[Scripted("Well.", reasoning="Let me see.", tool_calls=[CALL, CALL])] * 2)
    whole = client.chat("m", HELLO).message
    chunks = [c.message for c in client.chat("m", HELLO, stream=True)]
    assert whole.thinking == "".join(c.thinking or "" for c in chunks) == "Let me see."
    calls = [call for c in chunks for call in c.tool_calls or ()]
    assert whole.tool_calls == calls
    assert [(c.function.name, c.function.arguments) for c in calls] == [("weather", {"city": "Oslo"})] * 2


def test_generate_keeps_a_context(server, client):
    first = client.generate("m", "I live in Oslo.")
    second = list(client.generate("m", "And you?", context=first.context, stream=True))
    assert first.response == "".join(c.response for c in second) == TEXT
    assert "I live in Oslo." in server.kept(second[-1].context)
    assert "And you?" in server.kept(second[-1].context)
    assert client.generate("m", "<s>", raw=True).context is None


def test_loads(client):
    assert [client.chat("m").done_reason, client.generate("m").done_reason] == ["load", "load"]
    assert [client.chat("m", keep_alive=0).done_reason, client.generate("m", keep_alive=0).done_reason] == [
        "unload"
    ] * 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"messages": HELLO}, "model is required"),
        ({"model": "m", "messages": [{"role": "user", "content": [1]}]}, "cannot unmarshal array into Go struct field"),
        ({"model": "m", "messages": [{"role": "user", "content": "x", "images": ["%"]}]}, "illegal base64 data"),
    ],
)
def test_what_is_refused(server, given, said):
    answer = httpx.post(f"{server.base_url}/api/chat", json=given)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_errors(server, client):
    server.script(Scripted(status=404), Scripted(TEXT, error_after=3, message="Overloaded."), Scripted(status=503))
    with pytest.raises(ollama.ResponseError, match="not found") as refused:
        client.chat("m", HELLO)
    assert refused.value.status_code == 404
    with pytest.raises(ollama.ResponseError, match=r"Overloaded\."):
        list(client.chat("m", HELLO, stream=True))
    with pytest.raises(ollama.ResponseError, match="server busy"):
        list(client.chat("m", HELLO, stream=True))


def test_the_care_of_models(client):
    assert [m.model for m in client.list().models][:1] == ["llama3.2:latest"]
    assert [p.status for p in client.pull("m", stream=True)][-1] == "success"
    assert client.pull("m").status == "success"
    assert client.copy("a", "b").status == client.delete("b").status == "success"
    assert len(client.embed("m", ["a", "b"]).embeddings) == 2
    assert client.show("m").capabilities == ["completion"]
