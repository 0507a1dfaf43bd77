"""The SDKs whose streams are measured: a server, a client, and how to begin a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from memori_wrap.testing.openai_server import spawn


@dataclass(frozen=True)
class Sdk:
    name: str
    serve: Callable[[str], AbstractContextManager[str]]
    client: Callable[[str], Any]
    stream: Callable[[Any, str], Iterable[Any]]


def _openai(url: str) -> Any:
    import openai

    return openai.OpenAI(base_url=url, api_key="none", max_retries=0)


def _chat(client: Any, question: str) -> Iterable[Any]:
    messages = [{"role": "user", "content": question}]
    stream: Iterable[Any] = client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
    return stream


def _responses(client: Any, question: str) -> Iterable[Any]:
    stream: Iterable[Any] = client.responses.create(model="gpt-4o-mini", input=question, stream=True)
    return stream


def _openai_server(reply: str) -> AbstractContextManager[str]:
    return spawn("--reply", reply)


SDKS = (
    Sdk("openai chat", _openai_server, _openai, _chat),
    Sdk("openai responses", _openai_server, _openai, _responses),
)
