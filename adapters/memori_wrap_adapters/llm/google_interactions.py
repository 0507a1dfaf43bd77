"""Google's Interactions API, at ``client.interactions.create``: the provider keeps the conversation.

One call may send several requests: an interaction that stops at the limit of a single one is continued by the SDK.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from memori_wrap.generators import atee, tee
from memori_wrap.protocols import Arguments, ReplyBuilder, Tap
from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm import http
from memori_wrap_adapters.llm.fields import get, items, numbers, text
from memori_wrap_adapters.llm.google_contents import dump

_CONTENT = ("text", "image", "audio", "document", "video")
_OPEN = ("failed", "cancelled", "in_progress", "queued", "requires_continuation")
_USAGE = ("total_input_tokens", "total_output_tokens", "total_thought_tokens", "total_cached_tokens", "total_tokens")


class Interactions:
    """One call of ``create``."""

    def __init__(self) -> None:
        self._system: Any = None
        self._block: str | None = None

    def request(self, arguments: Arguments) -> Request | None:
        body = _body(arguments)
        given = get(body, "input")
        if isinstance(given, str):
            messages: tuple[Message, ...] = (Message("user", given),)
        elif isinstance(given, (list, tuple)):
            messages = tuple(_messages(given))
        elif given is None or isinstance(given, Mapping) or hasattr(given, "type"):
            messages = tuple(_messages([given] if given is not None else []))
        else:
            return None
        model = text(body, "model") or text(body, "agent")
        return Request(messages, model or None, text(body, "previous_interaction_id") or None)

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        """Appended to the system instruction, which the next interaction does not inherit; the input would be kept.

        Not where that is part of a cached content, nor where no text is asked for.
        """
        body = _body(arguments)
        system = get(body, "system_instruction")
        if get(body, "cached_content") or not _is_text(body) or not isinstance(system, (str, type(None))):
            return None
        self._system, self._block = system, block
        return _with_system(arguments, f"{system}\n\n{block}" if system else block)

    def reply(self, result: Any) -> Reply | None:
        response = http.response_of(result)
        if response is not None:
            return http.reply_of(response, Builder(), reply)
        self._clean(result)
        return reply(result)

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        """The SDK's stream has a generator in a public place, where the SDK itself puts others over it."""
        generator = getattr(result, "generator", None)
        for next_name, over in (("__anext__", atee), ("__next__", tee)):
            if hasattr(generator, next_name):
                made: Any = _Accepted(tap(Builder()))
                result.generator = over(generator, made)
                _tell_close(result, made, is_async=over is atee)
                return result
        return http.attach(result, Builder(), reply, tap)

    def _clean(self, result: Any) -> None:
        """The provider repeats the system instruction in its answer."""
        echoed = getattr(result, "system_instruction", None)
        if self._block is None or not isinstance(echoed, str) or self._block not in echoed:
            return
        result.system_instruction = self._system
        if self._system is None:
            result.model_fields_set.discard("system_instruction")


class _Accepted:
    """The tap of a stream that the provider has begun: one that breaks before its first event has an end, too."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tap, "broken" if name == "void" else name)


def _tell_close(stream: Any, tap: Tap, *, is_async: bool) -> None:
    """Lets the tap know of ``close`` where the SDK has put a function in its place: that closes no generator of ours.

    Elsewhere the end of the stream's life tells it: a function of ours would be the first to hold the stream in a
    circle.
    """
    close = vars(stream).get("close")
    if close is None:
        return

    def closed() -> None:
        is_dropped = isinstance(sys.exc_info()[1], GeneratorExit)
        try:
            close()
        finally:
            (tap.dropped if is_dropped else tap.end)()

    async def aclosed() -> None:
        try:
            await close()
        finally:
            tap.broken()

    stream.close = aclosed if is_async else closed


# ---------------------------------------------------------------- the request


def _body(arguments: Arguments) -> Any:
    """The request's fields, from wherever they are given: ``extra_body`` overrides, ``request`` holds them all."""
    request, extra = arguments.kwargs.get("request"), arguments.kwargs.get("extra_body")
    body = arguments.kwargs if request is None else get(request, "body")
    if not isinstance(extra, Mapping) or not extra:
        return body
    given = (
        dict(body) if isinstance(body, Mapping) else {name: getattr(body, name) for name in _FIELDS & set(dir(body))}
    )
    return {**given, **extra}


_FIELDS = frozenset(
    {
        "input",
        "model",
        "agent",
        "previous_interaction_id",
        "system_instruction",
        "cached_content",
        "response_modalities",
        "response_format",
    }
)


def _with_system(arguments: Arguments, system: str) -> Arguments:
    given, extra = arguments.kwargs, arguments.kwargs.get("extra_body")
    if isinstance(extra, Mapping) and "system_instruction" in extra:
        return Arguments(arguments.args, {**given, "extra_body": {**extra, "system_instruction": system}})
    request = given.get("request")
    if request is None:
        return Arguments(arguments.args, {**given, "system_instruction": system})
    body = _copy(get(request, "body"), "system_instruction", system)
    return Arguments(arguments.args, {**given, "request": _copy(request, "body", body)})


def _copy(thing: Any, name: str, value: Any) -> Any:
    if isinstance(thing, Mapping):
        return {**thing, name: value}
    return thing.model_copy(update={name: value})


def _is_text(body: Any) -> bool:
    modalities = items(body, "response_modalities")
    if modalities:
        return "text" in {str(getattr(m, "value", m)).lower() for m in modalities}
    form = get(body, "response_format")
    forms = form if isinstance(form, (list, tuple)) else [form]
    kinds = {text(one, "type") for one in forms} - {""}
    return not kinds or not kinds <= {"audio", "image", "video"}


# ---------------------------------------------------------------- steps


def _messages(steps: Sequence[Any]) -> Iterator[Message]:
    """Steps to messages. Thoughts go to what they led to; what the model puts out in a row is one message."""
    thoughts: list[Part] = []
    said: Message | None = None
    asked: list[Any] = []
    for step in steps:
        kind = text(step, "type")
        if kind in _CONTENT or isinstance(step, str) or (not kind and text(step, "text")):
            asked.append(step)  # a list of contents is one input
            continue
        if kind == "thought":
            thoughts += [Part("reasoning", text(s, "text")) for s in items(step, "summary") if text(s, "text")]
            continue
        made = _message(step, kind)
        if made is None:
            continue
        if made.role == "assistant":
            before = said or Message("assistant", "")
            said = Message("assistant", before.text + made.text, None, (*before.parts, *thoughts, *made.parts))
            thoughts = []
            continue
        if said is not None:
            yield said
            said = None
        yield made
    if asked:
        yield _content("user", asked)
    if said is not None or thoughts:
        left = said or Message("assistant", "")
        yield Message("assistant", left.text, None, (*left.parts, *thoughts))


def _message(step: Any, kind: str) -> Message | None:
    if kind == "user_input" or get(step, "role") == "user":
        return _content("user", get(step, "content"))
    if kind == "model_output" or get(step, "role") is not None:
        made = _content("assistant", get(step, "content"))
        refusal = text(get(step, "error"), "message")
        return Message(made.role, made.text, None, (*made.parts, Part("refusal", refusal))) if refusal else made
    if kind == "function_result":
        result = get(step, "result")
        said = result if isinstance(result, str) else _content("tool", result).text or dump(_plain(result))
        call = Part("tool_result", id=text(step, "call_id") or None, name=text(step, "name") or None)
        return Message("tool", said, None, (call,))
    if kind.endswith("_call"):
        arguments = get(step, "arguments")
        given = arguments if isinstance(arguments, str) else dump(_plain(arguments or {}))
        name = text(step, "name") or kind.removesuffix("_call")
        return Message("assistant", "", None, (Part("tool_call", given, text(step, "id") or None, name),))
    if kind.endswith("_result"):  # of one of the provider's own tools, in the middle of its answer
        return Message("assistant", "", None, (Part("tool_result", id=text(step, "call_id") or None, name=kind),))
    return None


def _content(role: str, content: Any) -> Message:
    pieces: Sequence[Any] = content if isinstance(content, (list, tuple)) else [content] if content is not None else ()
    texts = [piece if isinstance(piece, str) else text(piece, "text") for piece in pieces]
    others = [Part(text(p, "type") or "file") for p, said in zip(pieces, texts, strict=True) if not said]
    return Message(role, ("" if role == "assistant" else "\n").join(filter(None, texts)), None, tuple(others))


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


# ---------------------------------------------------------------- the response


def reply(data: Any) -> Reply | None:
    """The reply in an interaction; None where it is none."""
    status = text(data, "status")
    if not status:
        return None
    steps = list(items(data, "steps"))
    while steps and text(steps[0], "type") == "user_input":
        steps.pop(0)
    errors = [Part("error", text(e, "message")) for e in items(data, "errors") if text(e, "message")]
    messages = list(_messages(steps))
    if errors:
        last = messages.pop() if messages else Message("assistant", "")
        messages.append(Message(last.role, last.text, None, (*last.parts, *errors)))
    return Reply(
        messages=tuple(messages),
        model=text(data, "model") or text(data, "agent") or None,
        usage=numbers(get(data, "usage"), *_USAGE),
        finish_reason=status,
        complete=status not in _OPEN,
        response_id=text(data, "id") or None,
    )


class Builder:
    """Gathers events. An interaction that has to be continued is followed by another one in the same stream."""

    def __init__(self) -> None:
        self._before: list[Any] = []
        self._steps: dict[int, dict[str, Any]] = {}
        self._data: dict[str, Any] = {}

    def feed(self, chunk: Any) -> None:
        kind, at = text(chunk, "event_type"), get(chunk, "index") or 0
        if kind == "step.delta":
            self._add(self._steps.setdefault(at, {"type": "model_output"}), get(chunk, "delta"))
        elif kind == "step.start":
            step = get(chunk, "step")
            fields = ("type", "id", "name", "call_id", "arguments", "content", "summary", "result")
            self._steps[at] = {name: value for name in fields if (value := get(step, name)) is not None}
        elif kind == "interaction.status_update":
            self._data["status"] = text(chunk, "status")
        elif kind == "error":
            self._data |= {"status": "failed", "errors": [get(chunk, "error")]}
        elif kind.startswith("interaction."):
            if kind == "interaction.created":
                self._before += self._in_order()
                self._steps = {}
            told = get(chunk, "interaction")
            for name in ("id", "status", "model", "agent", "usage"):
                if (value := get(told, name)) is not None:
                    self._data[name] = value

    @staticmethod
    def _add(step: dict[str, Any], delta: Any) -> None:
        kind = text(delta, "type")
        if kind == "text":
            content: list[Any] = step.setdefault("content", [])
            if not content or not isinstance(get(content[-1], "text"), list):
                step["content"] = content = [*content, {"type": "text", "text": []}]
            content[-1]["text"].append(text(delta, "text"))
        elif kind == "arguments_delta":
            given = step.get("arguments")
            step["arguments"] = (given if isinstance(given, str) else "") + text(delta, "arguments")
        elif kind == "thought_summary":
            step["summary"] = [*step.get("summary", ()), get(delta, "content")]
        elif kind in ("image", "audio", "video", "document"):
            step["content"] = [*step.get("content", ()), {"type": kind}]
        elif kind == "function_result":
            step["result"] = get(delta, "result")

    def _in_order(self) -> list[Any]:
        return [_joined(self._steps[at]) for at in sorted(self._steps)]

    def reply(self) -> Reply:
        data = {"status": "in_progress", **self._data, "steps": [*self._before, *self._in_order()]}
        return reply(data) or Reply(complete=False)


def _joined(step: dict[str, Any]) -> dict[str, Any]:
    """Texts are gathered in lists, so that a chunk costs no copy of what came before."""
    content = step.get("content")
    if not isinstance(content, list):
        return step
    whole = [
        {**piece, "text": "".join(piece["text"])} if isinstance(get(piece, "text"), list) else piece
        for piece in content
    ]
    return {**step, "content": whole}
