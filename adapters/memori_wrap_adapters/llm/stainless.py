"""What the SDKs of OpenAI and Anthropic share: one generator made them both.

All calls arrive at ``client.request(cast_to, options, stream=..., stream_cls=...)``, before retries and before a
client for another platform rewrites the path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from memori_wrap.protocols import Arguments, PatchPoint, ReplyBuilder, Tap
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.llm import http

REMOVED: Any = object()
"""In the changes that a wire format makes to a body: the field goes."""


class Wire(Protocol):
    """A wire format: a module of pure functions."""

    @property
    def Builder(self) -> Callable[[], ReplyBuilder]: ...  # noqa: N802 (a class)

    def request(self, body: Mapping[str, Any], /) -> Request | None: ...

    def inject(self, body: Mapping[str, Any], block: str, /) -> dict[str, Any] | None:
        """The fields of the body that change, with their new values."""
        ...

    def reply(self, data: Any, /) -> Reply | None: ...


def is_client(client: object) -> bool:
    """Whether it looks like a client of such an SDK."""
    return all(callable(getattr(client, name, None)) for name in ("request", "copy", "with_options", "post"))


def patch_points(client: object, asynchronous: type) -> Iterable[PatchPoint]:
    """``asynchronous``: a client class of the SDK whose methods are."""
    is_async = isinstance(client, _owner(asynchronous, "request"))
    yield PatchPoint(_owner(type(client), "request"), "request", is_async=is_async)
    for name in ("copy", "with_options"):
        yield PatchPoint(_owner(type(client), name), name, role="copy")


def _owner(kind: type, method: str) -> type:
    """The class whose body defines the method: clients for other platforms have a ``copy`` of their own."""
    return next(base for base in kind.__mro__ if method in vars(base))


def path(arguments: Arguments) -> str | None:
    """Where a POST request goes, None for any other."""
    options = options_of(arguments)
    if str(getattr(options, "method", "")).lower() != "post":
        return None
    return str(getattr(options, "url", "")).partition("?")[0].strip("/")


def options_of(arguments: Arguments) -> Any:
    """The SDK's record of the request."""
    return arguments.kwargs["options"] if "options" in arguments.kwargs else next(iter(arguments.args[1:2]), None)


def _with_options(arguments: Arguments, options: Any) -> Arguments:
    if "options" in arguments.kwargs:
        return Arguments(arguments.args, {**arguments.kwargs, "options": options})
    return Arguments((arguments.args[0], options, *arguments.args[2:]), arguments.kwargs)


def body_of(arguments: Arguments) -> dict[str, Any] | None:
    """The request's JSON as the server will see it; None where it is no JSON object."""
    options = options_of(arguments)
    body, extra = getattr(options, "json_data", None), getattr(options, "extra_json", None)
    if not isinstance(body, dict):
        return None
    return {**body, **extra} if isinstance(extra, dict) else body


class JsonEndpoint:
    """An endpoint whose request and response are JSON objects; ``wire`` translates them."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def request(self, arguments: Arguments) -> Request | None:
        body = body_of(arguments)
        return self._wire.request(body) if body is not None else None

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        body, options = body_of(arguments), options_of(arguments)
        changes = self._wire.inject(body, block) if body is not None else None
        if changes is None:
            return None
        # extra_body overrides the body field by field when the request is built: what stands there changes there
        json_data, extra = dict(options.json_data or {}), dict(options.extra_json or {})
        for name, value in changes.items():
            if value is REMOVED:
                json_data.pop(name, None)
                extra.pop(name, None)
            else:
                (extra if name in extra else json_data)[name] = value
        update = {"json_data": json_data} | ({"extra_json": extra} if options.extra_json else {})
        return _with_options(arguments, options.model_copy(update=update))

    def reply(self, result: Any) -> Reply | None:
        response = http.response_of(result)
        if response is not None:
            return http.reply_of(response, self._wire.Builder(), self._wire.reply)
        return self._wire.reply(result)

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        return http.attach(result, self._wire.Builder(), self._wire.reply, tap)
