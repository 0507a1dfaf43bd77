"""Clients of boto3: which are supported, how long they live, and those that tests of users make."""

from __future__ import annotations

import gc
import io
import json
import weakref

import boto3
import botocore.session
import pytest
from bedrock_dialect import CLAUDE, QUESTION, SESSION, client, user
from bedrock_invoke import VENDORS, claude
from botocore.client import BaseClient
from botocore.response import StreamingBody
from botocore.stub import Stubber

from memori_wrap import Memori, UnsupportedClient
from memori_wrap.testing.bedrock_server import FakeBedrock, Scripted
from memori_wrap.testing.provider.compare import block_of
from memori_wrap_adapters.llm.bedrock import provider
from memori_wrap_adapters.llm.bedrock_bodies import format_of
from memori_wrap_adapters.llm.bedrock_prompts import turns

ASK = [user({"text": QUESTION})]
KEYS = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}


@pytest.fixture(scope="module")
def server():
    with FakeBedrock("Noted.") as running:
        yield running


@pytest.fixture
def mem():
    with Memori("memory://", embedder="none", extractor="none", settings={"recall_budget": 10.0}) as made:
        made.add("My canary is called Lumen.", entity="ada")
        yield made


def from_botocore(server):
    return botocore.session.Session().create_client("bedrock-runtime", endpoint_url=server.base_url, **KEYS)


def from_a_session(server):
    return boto3.Session(**KEYS).client("bedrock-runtime", endpoint_url=server.base_url)


def with_a_mixin(server):
    """boto3's own way to add to the classes of clients."""

    class Mine:
        def say(self, text):
            return self.converse(modelId=CLAUDE, messages=[user({"text": text})])

    session = boto3.Session(**KEYS)
    session.events.register(
        "creating-client-class.bedrock-runtime", lambda base_classes, **_: base_classes.insert(0, Mine)
    )
    return session.client("bedrock-runtime", endpoint_url=server.base_url)


KINDS = [client, from_botocore, from_a_session, with_a_mixin]


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_it_is_remembered(server, mem, make):
    made = mem.register(make(server), entity="ada")
    answer = made.say(QUESTION) if make is with_a_mixin else made.converse(modelId=CLAUDE, messages=ASK)
    assert answer["output"]["message"]["content"] == [{"text": "Noted."}]
    assert block_of(server.last)
    mem.flush(5)
    assert "Noted." in [r.text for r in mem.recall("noted", 20, entity="ada")]


def test_other_services_are_not_supported(mem):
    for service in ("s3", "bedrock", "bedrock-agent-runtime"):
        with pytest.raises(UnsupportedClient):
            mem.register(SESSION.client(service, **KEYS))
    with pytest.raises(UnsupportedClient):
        mem.register(SESSION.resource("s3", **KEYS))


def test_asynchronous_clients_are_not_supported(server):
    """Those of another project derive from the same class, and never come to its method."""

    class Asynchronous(BaseClient):
        async def _make_api_call(self, operation_name, api_params):
            raise NotImplementedError

    made = client(server)
    assert provider.supports(made)
    made.__class__ = Asynchronous
    assert not provider.supports(made)


@pytest.mark.slow
@pytest.mark.parametrize("used", ["", "call", "stream", "dropped stream", "closed stream", "body", "dropped body"])
@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_it_lives_as_long(server, mem, make, used):
    def use(made):
        if used == "call":
            made.converse(modelId=CLAUDE, messages=ASK)
        elif used.endswith("stream"):
            stream = made.converse_stream(modelId=CLAUDE, messages=ASK)["stream"]
            if used == "stream":
                list(stream)
            elif used == "closed stream":
                stream.close()
        elif used:
            body = made.invoke_model(modelId=CLAUDE, body=json.dumps(claude(QUESTION)))["body"]
            if used == "body":
                body.read()

    def life(is_registered):
        made = make(server)
        if is_registered:
            mem.register(made, entity="ada")
        use(made)
        reference = weakref.ref(made)
        del made
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


@pytest.mark.parametrize("how", ["EventStream", "StreamingBody", "response of the body"])
def test_what_is_read_is_let_go(server, mem, how):
    """Without the collector, as the bare one is."""

    def left(made):
        if how == "EventStream":
            found = made.converse_stream(modelId=CLAUDE, messages=ASK)["stream"]
            list(found)
        else:
            found = made.invoke_model(modelId=CLAUDE, body=json.dumps(claude(QUESTION)))["body"]
            found.read()
        reference = weakref.ref(found._raw_stream if how == "response of the body" else found)
        del found
        return reference() is not None

    gc.collect()
    gc.disable()
    try:
        assert left(mem.register(client(server), entity="ada")) == left(client(server))
    finally:
        gc.enable()


@pytest.mark.parametrize("wrap", [StreamingBody, lambda raw, _: raw], ids=["StreamingBody", "BytesIO"])
def test_a_stub_in_a_users_test(server, mem, wrap):
    """Its body is in memory: it is captured, and still there to be read."""
    answer = json.dumps({"content": [{"type": "text", "text": "A stub."}], "stop_reason": "end_turn"}).encode()
    made = mem.register(client(server), entity="ada")
    with Stubber(made) as stub:
        body = wrap(io.BytesIO(answer), len(answer))
        stub.add_response("invoke_model", {"body": body, "contentType": "application/json"})
        result = made.invoke_model(modelId=CLAUDE, body=json.dumps(claude(QUESTION)))
        assert result["body"].read() == answer
    mem.flush(5)
    assert "A stub." in [r.text for r in mem.recall("stub", 20, entity="ada")]


def test_a_file_is_the_sdks_to_read(server, mem):
    body = json.dumps(claude(QUESTION)).encode()
    made = mem.register(client(server), entity="ada")
    made.invoke_model(modelId=CLAUDE, body=io.BytesIO(body))
    assert server.last.raw == body


def test_a_user_handler_of_parameters_comes_after_us(server, mem):
    """boto3's own events fire inside: what is added there reaches the wire beside the block."""
    made = mem.register(client(server), entity="ada")

    def add(params, **_):
        params["system"] = [{"text": "Be brief."}]

    made.meta.events.register("before-parameter-build.bedrock-runtime.Converse", add)
    made.converse(modelId=CLAUDE, messages=ASK)
    assert server.last.body["system"] == [{"text": "Be brief."}]
    assert block_of(server.last)


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("amazon.titan-embed-text-v2:0", {"inputText": "x"}),
        ("amazon.nova-canvas-v1:0", {"taskType": "TEXT_IMAGE"}),
        ("cohere.embed-english-v3", {"texts": ["x"]}),
        ("cohere.rerank-v3-5:0", {"query": "x", "documents": []}),
        ("stability.sd3-large-v1:0", {"prompt": "x"}),
        ("arn:aws:bedrock:us-east-1:123456789012:imported-model/a1b2c3d4e5f6", {"prompt": "x"}),
        ("anthropic.claude-v2", {"prompt": "\n\nHuman: x\n\nAssistant:"}),
        ("meta.llama3-8b-instruct-v1:0", {"prompt": ["x"]}),
        ("anthropic.claude", []),
    ],
)
def test_bodies_that_are_no_conversation(model, body):
    assert format_of(model, body) is None


@pytest.mark.parametrize("name", [name for name in VENDORS if "prompt" in VENDORS[name][1]("x")])
def test_what_a_prompt_says(name):
    *_, last = [turn for turn in turns(VENDORS[name][1](QUESTION)["prompt"]) if turn.role == "user"]
    assert last.text == QUESTION


def test_the_turns_of_a_prompt():
    old = "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello. [/INST] Hello! </s><s>[INST] Who am I? [/INST]"
    assert [(turn.role, turn.text) for turn in turns(old)] == [
        ("system", "Be brief."),
        ("user", "Hello."),
        ("assistant", "Hello!"),
        ("user", "Who am I?"),
    ]
    new = "<|begin_of_text|><|header_start|>user<|header_end|>\n\nHello.<|eot|>"
    new += "<|header_start|>assistant<|header_end|>\n\nIt"
    assert [(turn.role, turn.text) for turn in turns(new)] == [("user", "Hello."), ("assistant", "It")]
    assert [(turn.role, turn.text) for turn in turns(" What is it?\n")] == [("user", "What is it?")]
    assert turns("") == []


def test_a_stream_of_any_make_goes_through(server, mem):
    """What stands in for an event stream in a user's test."""
    made = mem.register(client(server), entity="ada")
    with Stubber(made) as stub:
        stub.add_response("converse_stream", {"stream": {"messageStart": {"role": "assistant"}}})
        result = made.converse_stream(modelId=CLAUDE, messages=ASK)
        assert result["stream"] == {"messageStart": {"role": "assistant"}}
    assert mem.stats()["counts"]["skipped.unknown_response"] == 1


def test_errors_as_the_service_words_them(server):
    """The fake server's own: each status has the exception that the SDK's model knows."""
    made = client(server)
    for status, name in {400: "ValidationException", 403: "AccessDeniedException", 424: "ModelErrorException"}.items():
        server.script(Scripted(status=status))
        with pytest.raises(getattr(made.exceptions, name)):
            made.converse(modelId=CLAUDE, messages=ASK)
