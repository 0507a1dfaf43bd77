"""The suite for litellm, against the fake OpenAI server over real HTTP."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("litellm", reason="litellm wants openai 2: scripts/test_litellm has an environment for it")

import litellm
from litellm_dialect import Chat, Handled, Responses
from litellm_suite import ChatSuite, LiteLLMSuite

from memori_wrap import Memori
from memori_wrap.protocols import Arguments
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.provider.stage import KNOWN
from memori_wrap.testing.server import LoopbackServer
from memori_wrap_adapters.llm.litellm import provider


class TestChat(ChatSuite):
    __test__ = True
    dialect = Chat()


class TestHandled(LiteLLMSuite):
    __test__ = True
    dialect = Handled()


class TestResponses(LiteLLMSuite):
    __test__ = True
    dialect = Responses()


# ---------------------------------------------------------------- where the block goes


MARK = {"type": "ephemeral", "ttl": "1h"}
ASK = {"role": "user", "content": "What is my canary called?"}
SONNET = "anthropic/claude-sonnet-5"
BLOCK = {"type": "text", "text": "BLOCK"}


def injected(messages, model=SONNET, **options):
    """The messages as they are given to litellm; the caller's own must not change."""
    before = copy.deepcopy((messages, options))
    arguments = Arguments((), {"model": model, "messages": messages, **options})
    given = provider.endpoint(None, arguments, "completion").inject(arguments, "BLOCK")
    assert (messages, options) == before
    return given and given.kwargs


def marked(text, mark=MARK):
    return {"type": "text", "text": text, "cache_control": mark}


CASES = {
    "no marker": ([ASK], {}, f"BLOCK\n\n{ASK['content']}"),
    "in the system": (
        [{"role": "system", "content": [marked("Be brief.")]}, ASK],
        {},
        f"BLOCK\n\n{ASK['content']}",
    ),
    "in a part": (
        [{"role": "user", "content": [marked("Long text."), {"type": "text", "text": "Who?"}]}],
        {},
        [marked("Long text."), BLOCK, {"type": "text", "text": "Who?"}],
    ),
    "in the last part": ([{"role": "user", "content": [marked("Who?")]}], {}, [marked("Who?"), BLOCK]),
    "of the message": ([{**ASK, "cache_control": MARK}], {}, [marked(ASK["content"]), BLOCK]),
    "of the message, in parts": (
        [{"role": "user", "content": [{"type": "text", "text": "Who?"}], "cache_control": MARK}],
        {},
        [marked("Who?"), BLOCK],
    ),
    "after the user": ([ASK, {"role": "assistant", "content": [marked("It is")]}], {}, None),
    "after the user, of the message": ([ASK, {"role": "assistant", "content": "It", "cache_control": MARK}], {}, None),
    "of the request": ([ASK], {"cache_control": MARK}, [marked(ASK["content"]), BLOCK]),
    "points: the last": (
        [ASK],
        {"cache_control_injection_points": [{"location": "message", "index": -1}]},
        [marked(ASK["content"], {"type": "ephemeral"}), BLOCK],
    ),
    "points: users": (
        [ASK, {"role": "assistant", "content": "Lumen."}, ASK],
        {"cache_control_injection_points": [{"location": "message", "role": "user", "control": MARK}]},
        [marked(ASK["content"]), BLOCK],
    ),
    "points: system": (
        [{"role": "system", "content": "Be brief."}, ASK],
        {"cache_control_injection_points": [{"location": "message", "role": "system"}]},
        f"BLOCK\n\n{ASK['content']}",
    ),
    "points: before": (
        [{"role": "system", "content": "Be brief."}, ASK],
        {"cache_control_injection_points": [{"location": "message", "index": 0}]},
        f"BLOCK\n\n{ASK['content']}",
    ),
    "points: the tool's result": (
        [ASK, {"role": "assistant", "content": None, "tool_calls": []}, {"role": "tool", "content": "Lumen-7"}],
        {"cache_control_injection_points": [{"location": "message", "index": -1}]},
        None,
    ),
    "points: tools": (
        [ASK],
        {"cache_control_injection_points": [{"location": "tool_config"}]},
        f"BLOCK\n\n{ASK['content']}",
    ),
    "points: not Claude": (
        [ASK],
        {"model": "openai/gpt-9", "cache_control_injection_points": [{"location": "message", "index": -1}]},
        None,
    ),
    "by itself": ([ASK], {"enable_prompt_caching": True}, None),
    "by itself, not Claude": (
        [ASK],
        {"model": "openai/gpt-9", "enable_prompt_caching": True},
        f"BLOCK\n\n{ASK['content']}",
    ),
    "the request's own field": ([ASK], {"extra_body": {"messages": []}}, None),
}


@pytest.mark.parametrize("name", CASES)
def test_no_byte_before_a_marker_changes(name):
    messages, options, expected = CASES[name]
    given = injected(messages, **options)
    if expected is None:
        assert given is None
        return
    at = max(i for i, m in enumerate(messages) if m["role"] == "user")
    assert given["messages"][at]["content"] == expected
    assert "cache_control" not in given
    assert "cache_control" not in given["messages"][at]
    assert given["messages"][:at] + given["messages"][at + 1 :] == messages[:at] + messages[at + 1 :]


@pytest.mark.parametrize("name", ["of the request", "points: the last", "points: users", "in a part"])
def test_litellm_sets_no_marker_behind_the_block(name):
    """As Anthropic would get it: the block is behind the last marker, and what stands before is as without us."""
    messages, options, _ = CASES[name]
    sent = [
        on_the_wire({"messages": copy.deepcopy(messages), **copy.deepcopy(options)}),
        on_the_wire(injected(messages, **options)),
    ]
    plain, ours = ([part for m in body["messages"] for part in m["content"]] for body in sent)
    last = (
        max(i for i, part in enumerate(plain) if "cache_control" in part)
        if "cache_control" not in sent[0]
        else len(plain) - 1
    )
    at = ours.index(BLOCK)
    assert at == last + 1
    assert not any("cache_control" in part for part in ours[at:])
    assert [p["text"] for p in ours[:at]] == [p["text"] for p in plain[:at]]


def on_the_wire(given):
    class Anthropic(LoopbackServer):
        def texts_of(self, received):
            return []

        def respond(self, received):
            answer = {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "claude",
                "stop_reason": "end_turn",
            }
            content = [{"type": "text", "text": "Lumen-7."}]
            usage = {"input_tokens": 1, "output_tokens": 1}
            return Answer(json.dumps({**answer, "content": content, "usage": usage}).encode())

        def broken_reply(self, error):
            raise error

    with Anthropic() as server:
        litellm.completion(**{"model": SONNET, "max_tokens": 9, **given}, api_base=server.origin, api_key="none")
        return server.last.body


# ---------------------------------------------------------------- litellm's bridges


SAID = "Your canary is called Lumen-7."


@pytest.fixture
def mem():
    with Memori("memory://", embedder=HashEmbedder(), extractor="none") as made:
        made.add(KNOWN, entity="ada")
        made.register(litellm, entity="ada")
        yield made
        made.unregister(litellm)


def stored(mem):
    assert mem.flush(10).done
    return [r.text for r in mem.recall("canary", 50, entity="ada", engine="lexical")]


@pytest.mark.parametrize("stream", [False, True])
def test_a_completion_over_responses_is_one_call(mem, stream):
    with FakeOpenAI(SAID) as server:
        options = {"api_base": server.base_url, "api_key": "none", "stream": stream}
        result = litellm.completion("openai/responses/gpt-4o-mini", [ASK], **options)
        if stream:
            list(result)
        assert server.last.path == "/v1/responses"
        assert block_of(server.last)
    texts = stored(mem)
    assert texts.count(ASK["content"]) == 1
    assert not any("<memory-" in text for text in texts)
    assert mem.stats()["counts"]["captured"] == 2  # with what it knew before


@pytest.mark.parametrize("stream", [False, True])
def test_responses_over_a_completion_are_one_call(mem, stream):
    with FakeOpenAI(SAID) as server:
        options = {"api_base": server.base_url, "api_key": "none", "stream": stream}
        result = litellm.responses(ASK["content"], "deepseek/deepseek-chat", **options)
        if stream:
            list(result)
        assert server.last.path == "/v1/chat/completions"
        assert block_of(server.last)
    texts = stored(mem)
    assert texts.count(ASK["content"]) == 1
    assert texts.count(SAID) == 1
    assert mem.stats()["counts"]["captured"] == 2  # with what it knew before


def test_responses_that_litellm_plays_as_a_stream(mem):
    with FakeOpenAI(SAID) as server:
        options = {"api_base": server.base_url, "api_key": "none", "stream": True}
        assert list(litellm.responses(ASK["content"], "hosted_vllm/gpt-4o-mini", **options))
    assert stored(mem).count(SAID) == 1


def test_old_completions_and_embeddings_are_left_alone(mem):
    with FakeOpenAI(SAID) as server:
        options = {"api_base": server.base_url, "api_key": "none"}
        litellm.text_completion(prompt=ASK["content"], model="openai/gpt-4o-mini", **options)
        litellm.embedding("openai/text-embedding-3-small", input=["canary"], **options)
        assert not any(block_of(received) for received in server.requests)
    assert stored(mem) == [KNOWN]


# ---------------------------------------------------------------- the example


def test_the_example_runs(tmp_path):
    example = Path(__file__).parents[2] / "examples" / "litellm_chat.py"
    with FakeOpenAI("Noted.") as server:
        env = {name: value for name, value in os.environ.items() if not name.startswith("MEMORI_WRAP_")}
        env |= {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "x", "MEMORI_WRAP_DATA_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, str(example)], env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Noted." in done.stdout
        assert any("Anna lives in Lisbon" in text for text in server.texts(1))
        assert len(server.requests) == 5
