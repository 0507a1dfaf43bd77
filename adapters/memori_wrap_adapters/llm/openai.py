"""OpenAI's SDK, and whatever is reached through it by a base URL: Chat Completions, Responses, old Completions.

All arrive at ``client.request(cast_to, options, stream=..., stream_cls=...)``, already turned into plain JSON
values, before retries and before Azure rewrites the path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.llm import http, openai_chat, openai_completions, openai_responses
from memori_wrap_adapters.llm.labels import label_of


class OpenAIProvider:
    """A ``Provider``. Registered under the root package ``openai``."""

    tested = Tested("openai", ">=2.0,<4")

    def supports(self, client: object) -> bool:
        return all(callable(getattr(client, name, None)) for name in ("request", "copy", "with_options", "post"))

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        from openai import AsyncOpenAI

        is_async = isinstance(client, AsyncOpenAI)
        yield PatchPoint(_owner(client, "request"), "request", is_async=is_async)
        for name in ("copy", "with_options"):
            yield PatchPoint(_owner(client, name), name, role="copy")

    def subject(self, receiver: Any) -> object:
        return receiver

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        options = _options(arguments)
        if str(getattr(options, "method", "")).lower() != "post":
            return None
        return _ENDPOINTS.get(str(getattr(options, "url", "")).partition("?")[0].strip("/"))

    def label(self, receiver: Any) -> str:
        return label_of(getattr(receiver, "base_url", ""))


class _Json:
    """An endpoint whose request and response are JSON objects; ``wire`` translates them."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire

    def request(self, arguments: Arguments) -> Request | None:
        body = _body(arguments)
        found: Request | None = self._wire.request(body) if body is not None else None
        return found

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        body, options = _body(arguments), _options(arguments)
        changes = self._wire.inject(body, block) if body is not None else None
        if changes is None:
            return None
        # extra_body overrides the body field by field when the request is built: what stands there changes there
        extra = options.extra_json or {}
        over = {name: value for name, value in changes.items() if name in extra}
        json_data = {**(options.json_data or {}), **{n: v for n, v in changes.items() if n not in extra}}
        update = {"json_data": json_data} | ({"extra_json": {**extra, **over}} if over else {})
        return _with_options(arguments, options.model_copy(update=update))

    def reply(self, result: Any) -> Reply | None:
        response = http.response_of(result)
        if response is not None:
            return http.reply_of(response, self._wire.Builder(), self._wire.reply)
        return self._wire.reply(result)  # type: ignore[no-any-return]

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        return http.attach(result, self._wire.Builder(), self._wire.reply, tap)


_ENDPOINTS: dict[str, Endpoint] = {
    "chat/completions": _Json(openai_chat),
    "responses": _Json(openai_responses),
    "completions": _Json(openai_completions),
}


def _owner(client: object, method: str) -> type:
    """The class whose body defines the method: Azure's client has a ``copy`` of its own."""
    return next(base for base in type(client).__mro__ if method in vars(base))


def _options(arguments: Arguments) -> Any:
    return arguments.kwargs["options"] if "options" in arguments.kwargs else next(iter(arguments.args[1:2]), None)


def _with_options(arguments: Arguments, options: Any) -> Arguments:
    if "options" in arguments.kwargs:
        return Arguments(arguments.args, {**arguments.kwargs, "options": options})
    return Arguments((arguments.args[0], options, *arguments.args[2:]), arguments.kwargs)


def _body(arguments: Arguments) -> dict[str, Any] | None:
    """The request's JSON as the server will see it; None where it is no JSON object."""
    options = _options(arguments)
    body, extra = getattr(options, "json_data", None), getattr(options, "extra_json", None)
    if not isinstance(body, dict):
        return None
    return {**body, **extra} if isinstance(extra, dict) else body


provider = OpenAIProvider()
