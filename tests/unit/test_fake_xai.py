"""The fake server against the bare, real SDK: what it sends must be taken for xAI's."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import grpc
import pytest
import xai_sdk
from xai_sdk.chat import assistant, image, system, tool, tool_result, user
from xai_sdk.proto import chat_pb2
from xai_sdk.tools import image_generation, web_search

from memori_wrap.testing.xai_server import FakeXai, Scripted, ToolCall

MODEL = "grok-4.3"
LOOK_UP = tool("look_up", "Looks something up.", {"type": "object", "properties": {}})
CALL = ToolCall("look_up", {"of": "canary"}, id="call_1")


@pytest.fixture
def server():
    with FakeXai() as made:
        yield made


def client_for(server, **options):
    options.setdefault("api_key", "none")
    channel = [("grpc.use_local_subchannel_pool", 1), ("grpc.service_config", "{}")]
    return xai_sdk.Client(api_host=server.host, use_insecure_channel=True, channel_options=channel, **options)


@pytest.fixture
def client(server):
    with client_for(server) as made:
        yield made


def refusal(call):
    """How the call fails."""
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return raised.value.code(), raised.value.details()


# ---------------------------------------------------------------- answers


def test_an_echo_and_its_record(server, client):
    chat = client.chat.create(MODEL, messages=[system("Be brief."), user("Hello\nworld", image("https://x/y.png"))])
    response = chat.sample()
    assert response.content == "You said: world"
    assert (response.role, response.finish_reason) == ("ROLE_ASSISTANT", "REASON_STOP")
    assert server.texts() == ["Be brief.", "Hello\nworld"]
    assert server.last.path == "/xai_api.Chat/GetCompletion"
    assert server.last.headers["authorization"] == "Bearer none"
    assert server.last.body["model"] == MODEL
    assert chat_pb2.GetCompletionsRequest.FromString(server.last.raw).messages[0].role == chat_pb2.ROLE_SYSTEM
    assert response.usage.prompt_tokens
    assert response.usage.total_tokens > response.usage.prompt_tokens


def test_a_stream_adds_up_to_the_whole_answer(server, client):
    scripted = Scripted("Lumen-7 sings at dawn.", reasoning="Canaries sing.", tool_calls=[CALL])
    server.script(scripted, scripted)
    chat = client.chat.create(MODEL, messages=[user("Who sings?")], tools=[LOOK_UP], use_encrypted_content=True)
    whole = chat.sample()
    pairs = list(chat.stream())
    streamed = pairs[-1][0]
    assert len([chunk for _, chunk in pairs if chunk.content]) > 2
    for field in ("content", "reasoning_content", "encrypted_content", "finish_reason", "usage", "system_fingerprint"):
        assert getattr(streamed, field) == getattr(whole, field), field
    assert [(c.function.name, c.function.arguments, c.id) for c in streamed.tool_calls] == [
        ("look_up", '{"of": "canary"}', "call_1")
    ]
    assert whole.finish_reason == "REASON_TOOL_CALLS"


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_alternatives(server, client):
    two = Scripted(choices=["One.", "Two, a little longer."])
    server.script(two, two, two)
    chat = client.chat.create(MODEL, messages=[user("Say something.")])
    assert [r.content for r in chat.sample_batch(2)] == ["One.", "Two, a little longer."]
    assert [r.content for r in list(chat.stream_batch(2))[-1][0]] == ["One.", "Two, a little longer."]
    assert [r.content for r in chat.defer_batch(2)] == ["One.", "Two, a little longer."]


def test_tools_on_xais_side(server, client):
    search = Scripted("It sings.", tool_calls=[ToolCall("web_search", {"query": "canaries"})])
    server.script(search, search)
    chat = client.chat.create(MODEL, messages=[user("What does it do?")], tools=[web_search()])
    for response in (chat.sample(), list(chat.stream())[-1][0]):
        assert response.content == "It sings."
        assert response.server_side_tool_usage == {"SERVER_SIDE_TOOL_WEB_SEARCH": 1}
        assert [call.type for call in response.tool_calls] == [chat_pb2.TOOL_CALL_TYPE_WEB_SEARCH_TOOL]
        assert len(response.tool_outputs) == 1
        assert response.citations
    chat.append(response)
    assert chat.sample().content.startswith("You said")


def test_a_picture(server, client):
    server.script(Scripted("Here.", tool_calls=[ToolCall("image_generation", {"prompt": "a canary"})]))
    chat = client.chat.create(MODEL, messages=[user("Draw it.")], tools=[image_generation()])
    (picture,) = chat.sample().image_outputs
    assert picture.mime_type == "image/png"


def test_deferred_answers_are_pending_while_they_are_held(server, client):
    hold = threading.Event()
    server.script(Scripted("Late.", hold=hold))
    chat = client.chat.create(MODEL, messages=[user("Hello.")])
    with pytest.raises(TimeoutError):
        chat.defer(timeout=timedelta(milliseconds=20), interval=timedelta(milliseconds=5))
    server.script(Scripted("Late.", hold=hold))
    hold.set()
    assert chat.defer().content == "Late."
    assert [r.path for r in server.requests] == ["/xai_api.Chat/StartDeferredCompletion"] * 2


def test_stored_answers_are_inherited(server, client):
    first = client.chat.create(MODEL, messages=[user("Hello.")], store_messages=True).sample()
    assert client.chat.get_stored_completion(first.id)[0].content == first.content
    chat = client.chat.create(MODEL, messages=[user("And?")], previous_response_id=first.id, store_messages=True)
    second = chat.sample()
    assert [m["content"][0]["text"] for m in server.inherited()] == ["Hello.", "You said: Hello."]
    assert len(server.stored(second.id)) == 4
    assert client.chat.delete_stored_completion(first.id) == first.id
    assert refusal(lambda: client.chat.get_stored_completion(first.id))[0] is grpc.StatusCode.NOT_FOUND
    assert refusal(chat.sample)[0] is grpc.StatusCode.NOT_FOUND


def test_what_is_no_conversation(server, client):
    assert [t.string_token for t in client.tokenize.tokenize_text("my canary", MODEL)] == ["my", " canary"]
    assert MODEL in [model.name for model in client.models.list_language_models()]
    assert client.image.sample("a canary", "grok-2-image").url
    chat = client.chat.create(MODEL, messages=[user("Hello."), assistant("Hello.")])
    assert chat.compact().dropped_message_count == 2
    assert refusal(client.files.list)[0] is grpc.StatusCode.UNIMPLEMENTED
    server.script(Scripted(status=429), to="TokenizeText")
    assert refusal(lambda: client.tokenize.tokenize_text("x", MODEL))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([chat_pb2.Message(content=[chat_pb2.Content(text="x")])], "unknown role"),
        ([chat_pb2.Message(role=99, content=[chat_pb2.Content(text="x")])], "unknown role"),
        ([chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[chat_pb2.Content()])], "must have a value"),
        ([user("x"), tool_result("y", "call_9")], "no tool call 'call_9'"),
    ],
)
def test_what_xai_would_not_take(client, messages, says):
    code, details = refusal(client.chat.create(MODEL, messages=messages).sample)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert says in details


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_what_xai_would_not_take_elsewhere(client):
    chat = client.chat.create("", messages=[user("x")])
    assert "model" in refusal(chat.sample)[1]
    chat = client.chat.create(MODEL, messages=[user("x")], previous_response_id="nothing")
    assert refusal(chat.sample)[0] is grpc.StatusCode.NOT_FOUND
    chat = client.chat.create(MODEL, messages=[user("x")])
    assert "n must be" in refusal(lambda: chat.sample_batch(200))[1]


def test_a_full_context():
    with FakeXai(context_tokens=10) as server, client_for(server) as client:
        code, details = refusal(client.chat.create(MODEL, messages=[user("canary " * 50)]).sample)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "maximum prompt length is 10" in details
        assert not server.disconnects


def test_without_a_key(server):
    with grpc.insecure_channel(server.host) as channel:
        ask = channel.unary_unary("/xai_api.Chat/GetCompletion")
        request = chat_pb2.GetCompletionsRequest(model=MODEL, n=1, messages=[user("x")])
        assert refusal(lambda: ask(request.SerializeToString()))[0] is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("script", "code", "details"),
    [
        (Scripted(status=400, message="No.", code="mine"), grpc.StatusCode.INVALID_ARGUMENT, "mine: No."),
        (Scripted(status=429), grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many requests."),
        (Scripted(status=500), grpc.StatusCode.INTERNAL, "Internal error."),
        (Scripted(status=502, body=b"<html>"), grpc.StatusCode.UNAVAILABLE, "<html>"),
        (Scripted(status=418), grpc.StatusCode.UNKNOWN, "Internal error."),
        (Scripted(refusal="Not that."), grpc.StatusCode.PERMISSION_DENIED, "Not that."),
        (Scripted(body="{nope"), grpc.StatusCode.INTERNAL, "Exception deserializing response!"),
    ],
)
def test_errors(server, client, script, code, details):
    chat = client.chat.create(MODEL, messages=[user("x")])
    server.script(script, script)
    assert refusal(chat.sample) == (code, details)
    assert refusal(lambda: list(chat.stream())) == (code, details)
    assert chat.sample().content  # the next is as usual
    assert not server.disconnects


def test_a_scripted_function_that_raises_reaches_the_test(server, client):
    server.script(lambda received: received.body["nothing"])
    code, details = refusal(client.chat.create(MODEL, messages=[user("x")]).sample)
    assert (code, "KeyError('nothing')" in details) == (grpc.StatusCode.UNKNOWN, True)


# ---------------------------------------------------------------- faults of the connection


@pytest.mark.parametrize(
    "script",
    [
        Scripted("a b c d e f", cut_after=3),
        Scripted("a b c d e f", cut_after=3, reset=True),
        Scripted("a b c d e f", error_after=3, message="Overloaded."),
    ],
    ids=["cut", "reset", "error"],
)
def test_streams_that_break(server, client, script):
    server.script(script)
    stream, got = client.chat.create(MODEL, messages=[user("x")]).stream(), []
    code, _ = refusal(lambda: [got.append(chunk.content) for _, chunk in stream])
    assert "".join(got) == "a b"
    is_error = script.error_after is not None
    assert code is (grpc.StatusCode.INTERNAL if is_error else grpc.StatusCode.UNAVAILABLE)
    assert not server.disconnects


@pytest.mark.parametrize(
    "script", [Scripted(reset=True), Scripted(cut_after=1), Scripted(cut_bytes=20)], ids=["reset", "cut", "bytes"]
)
def test_answers_that_break(server, client, script):
    chat = client.chat.create(MODEL, messages=[user("x")])
    server.script(script, script)
    for call in (chat.sample, lambda: list(chat.stream())):
        assert refusal(call)[0] is grpc.StatusCode.UNAVAILABLE
        time.sleep(0.1)  # gRPC takes the next call for a connection that it is about to find closed
    assert chat.sample().content
    assert server.accepted == 3


def test_the_sdks_own_retries():
    """By default it tries again where the service is unavailable, and nowhere else."""
    with FakeXai("Noted.") as server:
        client = xai_sdk.Client(api_key="none", api_host=server.host, use_insecure_channel=True)
        chat = client.chat.create(MODEL, messages=[user("x")])
        server.script(Scripted(status=503, retry_after=0.01), Scripted(reset=True))
        assert chat.sample().content == "Noted."
        assert len(server.requests) == 3
        server.script(Scripted(status=429))
        assert refusal(chat.sample)[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(server.requests) == 4
        client.close()


def test_a_client_that_leaves_is_counted(server, client):
    server.script(Scripted("a b c d e f", hold=threading.Event(), hold_after=3))
    stream = client.chat.create(MODEL, messages=[user("x")]).stream()
    next(stream)
    stream.close()
    server.wait_disconnects()
    assert list(client.chat.create(MODEL, messages=[user("x")]).stream())
    assert server.disconnects == 1
    assert server.accepted == server.connections == 1


def test_a_timeout(server):
    with client_for(server, timeout=0.1) as client:
        server.script(Scripted(delay=30))
        chat = client.chat.create(MODEL, messages=[user("x")])
        assert refusal(chat.sample)[0] is grpc.StatusCode.DEADLINE_EXCEEDED
        server.wait_disconnects()


def test_closing_ends_what_is_held(client, server):
    server.script(Scripted("a b c", hold=threading.Event()))
    stream = client.chat.create(MODEL, messages=[user("x")]).stream()
    next(stream)
    server.close()
    server.close()
    assert refusal(lambda: list(stream))[0] in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    assert not server.disconnects
    server.wait_idle()


def test_faults_are_not_logged_as_errors_of_the_server(server, client, caplog):
    chat = client.chat.create(MODEL, messages=[user("x")])
    for script in (Scripted(reset=True), Scripted(cut_after=1), Scripted(status=500)):
        server.script(script)
        refusal(chat.sample)
        time.sleep(0.1)
    stream = chat.stream()
    server.script(Scripted("a b c", hold=threading.Event()))
    next(stream)
    stream.close()
    server.wait_disconnects()
    server.close()
    assert not caplog.records
