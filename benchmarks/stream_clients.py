"""The SDKs whose streams are measured: a server, a client, and how to begin a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sdk:
    """``server``: "module:class" in memori_wrap.testing; ``package``: what has to be installed."""

    name: str
    package: str
    server: str
    client: Callable[[str], Any]
    stream: Callable[[Any, str], Iterable[Any]]


def _user(question: str) -> Any:
    return [{"role": "user", "content": question}]


def _openai(url: str) -> Any:
    import openai

    return openai.OpenAI(base_url=url, api_key="none", max_retries=0)


def _anthropic(url: str) -> Any:
    import anthropic

    return anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)


def _google(url: str) -> Any:
    from google import genai

    return genai.Client(api_key="none", http_options=genai.types.HttpOptions(base_url=url))


def _bedrock(url: str) -> Any:
    import boto3

    where = {"endpoint_url": url, "region_name": "us-east-1"}
    return boto3.client("bedrock-runtime", aws_access_key_id="x", aws_secret_access_key="x", **where)


def _mistral(url: str) -> Any:
    from mistralai.client import Mistral

    return Mistral(api_key="none", server_url=url)


def _ollama(url: str) -> Any:
    import ollama

    return ollama.Client(url)


def _xai(url: str) -> Any:
    import xai_sdk

    return xai_sdk.Client(api_key="none", api_host=url, use_insecure_channel=True)


def _xai_stream(client: Any, question: str) -> Iterable[Any]:
    from xai_sdk.chat import user

    stream: Iterable[Any] = client.chat.create(model="grok-4", messages=[user(question)]).stream()
    return stream


SDKS = (
    Sdk(
        "openai chat",
        "openai",
        "openai_server:FakeOpenAI",
        _openai,
        lambda c, q: c.chat.completions.create(model="gpt-5", messages=_user(q), stream=True),
    ),
    Sdk(
        "openai responses",
        "openai",
        "openai_server:FakeOpenAI",
        _openai,
        lambda c, q: c.responses.create(model="gpt-5", input=q, stream=True),
    ),
    Sdk(
        "anthropic",
        "anthropic",
        "anthropic_server:FakeAnthropic",
        _anthropic,
        lambda c, q: c.messages.create(model="claude-sonnet-4-5", max_tokens=9000, messages=_user(q), stream=True),
    ),
    Sdk(
        "google-genai",
        "google.genai",
        "google_server:FakeGoogle",
        _google,
        lambda c, q: c.models.generate_content_stream(model="gemini-2.5-flash", contents=q),
    ),
    Sdk(
        "bedrock converse",
        "boto3",
        "bedrock_server:FakeBedrock",
        _bedrock,
        lambda c, q: c.converse_stream(
            modelId="amazon.nova-lite-v1:0", messages=[{"role": "user", "content": [{"text": q}]}]
        )["stream"],
    ),
    Sdk(
        "mistralai",
        "mistralai",
        "mistral_server:FakeMistral",
        _mistral,
        lambda c, q: c.chat.stream(model="mistral-small-latest", messages=_user(q)),
    ),
    Sdk(
        "ollama",
        "ollama",
        "ollama_server:FakeOllama",
        _ollama,
        lambda c, q: c.chat(model="llama3.2", messages=_user(q), stream=True),
    ),
    Sdk("xai-sdk", "xai_sdk", "xai_server:FakeXai", _xai, _xai_stream),
)
