"""litellm: functions of a module, whatever provider answers. What is registered is the module: ``register(litellm)``.

Hooked are the attributes ``completion``, ``acompletion``, ``responses`` and ``aresponses`` of the module, which is
where ``litellm.Router`` and the frameworks over litellm look at each call. Not seen are

* functions that were imported by name (``from litellm import completion``), or handed to a ``Router`` for Responses,
  before the module was registered: those are the bare ones, and nothing public lies beneath them. Register first;
* ``text_completion``, and ``anthropic_messages`` where Anthropic answers it: litellm's other formats.

litellm's own response cache stands beneath the hook: what is remembered is a part of its key.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.llm import http, litellm_streams, openai_chat, openai_responses
from memori_wrap_adapters.llm.fields import get, items

_CHAT = ("model", "messages")
_RESPONSES = ("input", "model", "include", "instructions")
"""The first parameters, which may be given by position."""


class LiteLLMProvider:
    """A ``Provider``. Registered under the root package ``litellm``."""

    tested = Tested("litellm", ">=1.80,<1.107")

    def supports(self, client: object) -> bool:
        return isinstance(client, ModuleType) and client.__name__ == "litellm"

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        for method in ("completion", "responses"):
            yield PatchPoint(client, method)
            yield PatchPoint(client, f"a{method}", is_async=True)

    def subject(self, receiver: Any) -> object:
        return sys.modules["litellm"]

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        # litellm's asynchronous functions call the synchronous ones with this mark, to be given a coroutine
        if arguments.kwargs.get("acompletion") is True or arguments.kwargs.get("aresponses") is True:
            return None
        return _responses if method.endswith("responses") else _chat

    def label(self, receiver: Any) -> str:
        return "litellm"


class _Chat:
    """Chat completions, in OpenAI's format for every provider."""

    def request(self, arguments: Arguments) -> Request | None:
        given = _given(arguments, _CHAT)
        return openai_chat.request(given) if given is not None else None

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        given = _given(arguments, _CHAT)
        if given is None:
            return None
        messages = _plain(given["messages"])
        at = next((i for i in range(len(messages) - 1, -1, -1) if get(messages[i], "role") == "user"), None)
        if at is None or not _is_placed(at, messages, given):
            return None
        changes = openai_chat.inject({**given, "messages": messages}, block)
        if changes is None:
            return None
        injected = _with(arguments, _CHAT, changes)
        injected.kwargs.pop("cache_control", None)  # is by now that of a part
        return injected

    def reply(self, result: Any) -> Reply | None:
        return openai_chat.reply(result)

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        return litellm_streams.attach(result, tap)


class _Responses:
    """The Responses API, or what litellm makes of a chat completion in its form."""

    def request(self, arguments: Arguments) -> Request | None:
        given = _given(arguments, _RESPONSES)
        return openai_responses.request(given) if given is not None else None

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        given = _given(arguments, _RESPONSES)
        changes = openai_responses.inject(given, block) if given is not None else None
        return _with(arguments, _RESPONSES, changes) if changes is not None else None

    def reply(self, result: Any) -> Reply | None:
        whole = get(getattr(result, "completed_response", None), "response")  # of a stream that litellm plays
        if whole is not None:
            return openai_responses.reply(whole)
        response = http.response_of(result)
        if response is not None:
            return http.reply_of(response, openai_responses.Builder(), openai_responses.reply)
        return openai_responses.reply(result)

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        chat = getattr(result, "litellm_custom_stream_wrapper", None)
        if chat is not None:
            return litellm_streams.attach(chat, tap) and result
        return http.attach(result, litellm_streams.Events(result), openai_responses.reply, tap)


_chat, _responses = _Chat(), _Responses()


def _given(arguments: Arguments, names: Sequence[str]) -> dict[str, Any] | None:
    """The call's arguments by name; None where ``extra_body`` is to override what we read and change."""
    given = {**dict(zip(names, arguments.args)), **arguments.kwargs}  # noqa: B905 (there are more parameters)
    extra = given.get("extra_body")
    return None if isinstance(extra, Mapping) and {"messages", "input", "instructions"} & extra.keys() else given


def _with(arguments: Arguments, names: Sequence[str], changes: Mapping[str, Any]) -> Arguments:
    args, kwargs = list(arguments.args), dict(arguments.kwargs)
    for name, value in changes.items():
        at = names.index(name) if name in names else len(args)
        if at < len(args):
            args[at] = value
        else:
            kwargs[name] = value
    return Arguments(tuple(args), kwargs)


def _plain(messages: Sequence[Any]) -> list[Any]:
    """A user's message may be an object of litellm's own (``litellm.Message``), which is sent as its fields."""
    return [
        m.model_dump(exclude_none=True) if get(m, "role") == "user" and hasattr(m, "model_dump") else m
        for m in messages
    ]


# ---------------------------------------------------------------- prompt caches


def _is_placed(at: int, messages: list[Any], given: Mapping[str, Any]) -> bool:
    """Whether a block in message ``at`` can stand behind the last prompt-cache marker; says there where that is.

    Markers stand in parts, or, for their last part, at messages. litellm itself sets them, for Claude, where the
    request says ``cache_control_injection_points``, and passes on a ``cache_control`` of the whole request, which
    marks its last part. A message that has one gets no other: so the caller's own last part is given the one that
    would come to stand behind our block.
    """
    if any(_is_marked(m) for m in messages[at + 1 :]):
        return False
    given_control = get(messages[at], "cache_control")
    controls = list(_controls(given, at, messages))
    if controls and (at < len(messages) - 1 or not _is_claude(given)):
        return False
    if not controls and _is_automatic(given) and not any(map(_is_marked, messages)):
        return False
    control = given_control if given_control is not None else next(iter(controls), None)
    if control is not None:
        messages[at] = _with_marked_part(messages[at], control)
        return _is_marked(messages[at])
    return True


def _is_marked(message: Any) -> bool:
    return get(message, "cache_control") is not None or openai_chat.breakpoints(message) > 0


def _controls(given: Mapping[str, Any], at: int, messages: Sequence[Any]) -> Iterator[Any]:
    """The markers that are going to be set at message ``at`` or behind it."""
    for point in items(given, "cache_control_injection_points"):
        index, role = get(point, "index"), get(point, "role")
        if get(point, "location") != "message":
            continue
        try:
            reached = [range(len(messages))[int(index)]] if index is not None else range(at, len(messages))
        except (IndexError, TypeError, ValueError):
            continue
        if any(i >= at and (index is not None or get(messages[i], "role") == role) for i in reached):
            yield get(point, "control") or {"type": "ephemeral"}
    if get(given, "cache_control") is not None:
        yield get(given, "cache_control")


def _is_claude(given: Mapping[str, Any]) -> bool:
    names = f"{given.get('model')} {given.get('custom_llm_provider')}".lower()
    return "claude" in names or "anthropic" in names


def _is_automatic(given: Mapping[str, Any]) -> bool:
    """Whether litellm sets markers by itself, at the system's and at the last message."""
    everywhere = getattr(sys.modules["litellm"], "enable_anthropic_prompt_caching", False)
    return (everywhere is True or given.get("enable_prompt_caching") is True) and _is_claude(given)


def _with_marked_part(message: Any, control: Any) -> Any:
    rest = {name: value for name, value in message.items() if name != "cache_control"}
    content = message.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())
    if not parts or not isinstance(parts[-1], Mapping):
        return message
    return {**rest, "content": [*parts[:-1], {"cache_control": control, **parts[-1]}]}


provider = LiteLLMProvider()
