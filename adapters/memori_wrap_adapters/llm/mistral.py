"""Mistral's SDK, and its clients for Azure and Google Cloud: chat, agents, kept conversations, Responses.

The typed methods of a client's parts (``client.chat.complete`` ...) are hooked. What the parts share with their
client, whenever they were fetched from it, is its configuration. So that is what is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.llm import http, mistral_chat, mistral_conversations, openai_responses


class _Typed:
    """An endpoint whose arguments are the fields of its request; ``wire`` translates them."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire

    def request(self, arguments: Arguments) -> Request | None:
        found: Request | None = self._wire.request(_body(arguments))
        return found

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        changes = self._wire.inject(_body(arguments), block)
        return None if changes is None else Arguments(arguments.args, {**arguments.kwargs, **changes})

    def reply(self, result: Any) -> Reply | None:
        response = http.response_of(result)
        if response is not None:
            return http.reply_of(response, self._wire.Builder(), self._wire.reply)
        return self._wire.reply(result)  # type: ignore[no-any-return]

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        return http.attach(result, self._wire.Builder(), self._wire.reply, tap, b"[DONE]")


_CHAT, _CONVERSATIONS, _RESPONSES = map(_Typed, (mistral_chat, mistral_conversations, openai_responses))
_PARTS: tuple[tuple[str, str, Endpoint, tuple[str, ...]], ...] = (
    ("chat", "Chat", _CHAT, ("complete", "stream")),
    ("agents", "Agents", _CHAT, ("complete", "stream")),
    (
        "conversations",
        "Conversations",
        _CONVERSATIONS,
        ("start", "append", "restart", "start_stream", "append_stream", "restart_stream"),
    ),
    ("responses", "Responses", _RESPONSES, ("create",)),
)
"""(module, class, endpoint, methods); the client of a cloud has the first only."""
_ENDPOINTS = {name: endpoint for _, name, endpoint, _ in _PARTS}


class MistralProvider:
    """A ``Provider``. Registered under the root package ``mistralai``."""

    tested = Tested("mistralai", ">=3.0,<4")

    def supports(self, client: object) -> bool:
        return not isinstance(client, type) and hasattr(client, "sdk_configuration") and _package(client) is not None

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        for module, name, _, methods in _PARTS:
            try:
                owner = getattr(import_module(f"{_package(client)}.{module}"), name)
            except ImportError:
                continue  # another cloud's client, or an older release
            for method in methods:
                if method in vars(owner):
                    yield PatchPoint(owner, method)
                    yield PatchPoint(owner, f"{method}_async", is_async=True)

    def subject(self, receiver: Any) -> object:
        return receiver.sdk_configuration

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        return next((_ENDPOINTS[base.__name__] for base in type(receiver).__mro__ if base.__name__ in _ENDPOINTS), None)

    def label(self, receiver: Any) -> str:
        return "mistral"


def _package(client: object) -> str | None:
    """The package that a client's class, or a part's, belongs to: there are three of them, of one make."""
    found = (base for base in type(client).__mro__ if base.__name__ == "BaseSDK")
    return next((base.__module__.rpartition(".")[0] for base in found), None)


def _body(arguments: Arguments) -> Mapping[str, Any]:
    """The fields of the request that hold something.

    Messages may be given as an iterator, which can be read only once: a list takes its place, for the SDK as well.
    """
    kwargs = arguments.kwargs
    messages = kwargs.get("messages")
    if isinstance(messages, Iterable) and not isinstance(messages, (str, bytes, Mapping, list, tuple)):
        kwargs["messages"] = list(messages)
    return {name: value for name, value in kwargs.items() if type(value).__name__ != "Unset"}


provider = MistralProvider()
