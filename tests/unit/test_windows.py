"""A block never makes a prompt too long."""

from __future__ import annotations

import openai
import pytest

from memori_wrap import Memori
from memori_wrap.intercept.windows import is_too_long
from memori_wrap.testing.openai_server import FakeOpenAI

ASK = "What is my canary called?"


@pytest.mark.parametrize(
    "text",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "Your input exceeds the context window of this model. Please adjust your input and try again.",
        "prompt is too long: 210000 tokens > 200000 maximum",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "Input is too long for requested model.",
        "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
        "the input length exceeds the context length",
        "Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
    ],
)
def test_what_providers_say(text):
    assert is_too_long(Exception(text))


@pytest.mark.parametrize("text", ["Incorrect API key provided.", "Invalid value for 'temperature'.", "Overloaded"])
def test_other_errors(text):
    assert not is_too_long(Exception(text))


def test_the_call_is_made_as_it_would_have_been():
    with (
        FakeOpenAI("Noted.", context_tokens=60) as server,
        Memori("memory://", embedder="none", extractor="none", settings={"recall_budget": 10.0}) as mem,
        openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as bare,
    ):
        mem.add("My canary is called Lumen.", entity="ada")
        client = mem.register(bare, entity="ada")

        def ask(text):
            messages = [{"role": "user", "content": text}]
            return client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content

        assert ask(ASK) == "Noted."
        with_block, without = server.requests
        assert len(with_block.raw) > len(without.raw)
        assert ask(ASK) == "Noted."  # learned: no second attempt
        assert len(server.requests) == 3
        assert mem.stats()["counts"]["skipped.no_room"] == 2
        with pytest.raises(openai.BadRequestError):
            ask(f"{ASK} " * 100)  # too long by itself: the provider's own error
        mem.flush(5)
        assert sum(r.text == "Noted." for r in mem.recall("Noted", 20, entity="ada")) >= 1
