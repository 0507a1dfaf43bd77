"""Anthropic's SDK: Messages, stable and beta, on Anthropic's platform and on those of others.

The body of a request arrives as its user gave it: there are sentinels, generators and objects in it.
"""

from __future__ import annotations

from collections import UserString
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from io import IOBase
from os import PathLike
from typing import Any

from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, Tested
from memori_wrap.types import Request
from memori_wrap_adapters.llm import anthropic_messages, stainless
from memori_wrap_adapters.llm.anthropic_cache import INNER
from memori_wrap_adapters.llm.fields import get
from memori_wrap_adapters.llm.labels import label_of

_PLATFORMS = {"Bedrock": "bedrock", "Vertex": "vertex", "Foundry": "foundry", "AWS": "aws", "GoogleCloud": "google"}


class AnthropicProvider:
    """A ``Provider``. Registered under the root package ``anthropic``."""

    tested = Tested("anthropic", ">=2.0,<3")

    def supports(self, client: object) -> bool:
        return stainless.is_client(client)

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        from anthropic import AsyncAnthropic

        return stainless.patch_points(client, AsyncAnthropic)

    def subject(self, receiver: Any) -> object:
        return receiver

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        if stainless.path(arguments) != "v1/messages":
            return None
        body = stainless.body_of(arguments)
        if get(body, "compaction") is not None or get(body, "max_tokens") == 0:
            return None  # a summary of what was said, and a warm-up of the cache: nobody says anything
        return _MESSAGES

    def label(self, receiver: Any) -> str:
        names = [kind.__name__ for kind in type(receiver).__mro__ if kind.__module__.startswith("anthropic.")]
        known = (label for name in names for part, label in _PLATFORMS.items() if part in name)
        return next(known, None) or label_of(getattr(receiver, "base_url", ""))


class _Messages(stainless.JsonEndpoint):
    def request(self, arguments: Arguments) -> Request | None:
        options = stainless.options_of(arguments)
        for name in ("json_data", "extra_json"):
            body = getattr(options, name, None)
            if isinstance(body, dict):
                fields = {field: body[field] for field in ("messages", "system", "tools") if field in body}
                read = {field: _read(value) for field, value in fields.items()}
                if any(read[field] is not fields[field] for field in fields):
                    setattr(options, name, {**body, **read})  # the SDK's own record, made for this call
        return super().request(arguments)


def _read(value: Any) -> Any:
    """The value with everything in it that can be read only once as a list; the same object where nothing is."""
    value = _list(value)
    if isinstance(value, (list, tuple)):
        read = [_read(item) for item in value]
        return read if any(a is not b for a, b in zip(read, value, strict=True)) else value
    if isinstance(value, Mapping):
        inner = {name: _read(value[name]) for name in INNER if name in value}
        changed = {name: item for name, item in inner.items() if item is not value[name]}
        return {**value, **changed} if changed else value
    return value


def _list(value: Any) -> Any:
    """A list of what the SDK sends as one."""
    if isinstance(value, (list, tuple, str, bytes, bytearray, memoryview, UserString, IOBase, PathLike)):
        return value
    if not isinstance(value, (Sequence, Set, ValuesView, Iterator)):
        return value
    given: Iterable[Any] = value
    read: list[Any] = []
    try:
        for item in given:
            read.append(item)
    except BaseException as error:
        return _again(read, error)
    return read


def _again(read: list[Any], error: BaseException) -> Generator[Any, None, None]:
    """What a generator gave before it failed, and its failure: to be met where the SDK would have met it."""
    yield from read
    raise error


_MESSAGES = _Messages(anthropic_messages)

provider = AnthropicProvider()
