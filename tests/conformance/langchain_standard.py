"""LangChain's standard tests on real models against the fake servers; MEMORI_REGISTERED says with or without a memory.

Run by ``test_langchain_suites``, each way in a process of its own.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests, RetrieversIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from memori_wrap import Memori
from memori_wrap.testing.anthropic_server import FakeAnthropic
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.script import Received, Scripted, ToolCall
from memori_wrap_adapters.frameworks.langchain import MemoriRetriever

os.environ |= {"OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "x"}
IS_REGISTERED = os.environ.get("MEMORI_REGISTERED") == "1"
mem = Memori("memory://", settings={"embedder": "none"})
mem.add(["I like green tea.", "My sister Anna lives in Lisbon.", "My dog is called Rex."], entity="me")


def answer(received: Received) -> Scripted:
    """What a model might say: a call of the tool that it is told to call, with arguments of the schema's types."""
    body = received.body
    tools = body.get("tools") or []
    asked = str(body["messages"][-1].get("content", ""))
    if tools and body["messages"][-1]["role"] == "user" and "tool_result" not in asked:
        function = tools[0].get("function", tools[0])
        schema = function.get("parameters") or function.get("input_schema") or {}
        arguments = {name: _value(about, asked) for name, about in schema.get("properties", {}).items()}
        return Scripted(tool_calls=[ToolCall(function["name"], arguments)])
    if body.get("response_format"):
        schema = body["response_format"].get("json_schema", {}).get("schema", {})
        return Scripted(json.dumps({name: _value(about) for name, about in schema.get("properties", {}).items()}))
    return Scripted("Hello! That is 42, as far as I know.")


def _value(schema: Any, said: str = "cat") -> Any:
    """Something of the schema's type; for a text what was said, so that nothing of that is lost."""
    kind = schema.get("type") or next((s.get("type") for s in schema.get("anyOf", [])), "string")
    return {"integer": 3, "number": 3.0, "boolean": True, "array": [], "object": {}}.get(kind, said)


OPENAI, ANTHROPIC = FakeOpenAI(answer), FakeAnthropic(answer)


class _Registered:
    """The model that a test makes is registered, where that is wanted."""

    @pytest.fixture
    def model(self, request: Any) -> Any:
        extra = getattr(request, "param", None) or {}
        made = self.chat_model_class(**{**self.standard_chat_model_params, **self.chat_model_params, **extra})
        return mem.register(made, entity="me") if IS_REGISTERED else made


class _OpenAI(_Registered):
    @property
    def chat_model_class(self) -> Any:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "gpt-5-mini", "base_url": OPENAI.base_url, "max_retries": 0, "stream_usage": True}


class _Anthropic(_Registered):
    @property
    def chat_model_class(self) -> Any:
        return ChatAnthropic

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "claude-opus-4-8", "base_url": ANTHROPIC.base_url, "max_retries": 0}


class TestOpenAIUnit(_OpenAI, ChatModelUnitTests):
    pass


class TestOpenAI(_OpenAI, ChatModelIntegrationTests):
    pass


class TestAnthropicUnit(_Anthropic, ChatModelUnitTests):
    pass


class TestAnthropic(_Anthropic, ChatModelIntegrationTests):
    pass


class TestRetriever(RetrieversIntegrationTests):
    """Not of a registered model: it has to pass as it stands."""

    @property
    def retriever_constructor(self) -> Any:
        return MemoriRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"mem": mem, "entity": "me"}

    @property
    def retriever_query_example(self) -> str:
        return "Where does my sister Anna live, what is my dog called, and do I like tea?"
