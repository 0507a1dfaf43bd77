"""xAI's SDK, over gRPC. A ``Chat`` keeps its conversation in a protobuf message of its own, and its methods send that.

All chats of a client share the client's stub: that is what is registered, so a chat that was made before counts too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from types import new_class
from typing import Any

from memori_wrap.generators import atee, tee
from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Message, Part, Reply, Request

_METHODS = ("sample", "sample_batch", "parse", "defer", "defer_batch", "stream", "stream_batch")
_USAGE = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "total_tokens", "cached_prompt_text_tokens")


class XaiProvider:
    """A ``Provider``. Registered under the root package ``xai_sdk``."""

    tested = Tested("xai-sdk", ">=1.20,<2")

    def supports(self, client: object) -> bool:
        chats = getattr(client, "chat", None)
        return hasattr(chats, "_stub") and callable(getattr(chats, "create", None))

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        import xai_sdk
        from xai_sdk.aio.chat import Chat as AsyncChat
        from xai_sdk.sync.chat import Chat

        is_async = isinstance(client, xai_sdk.AsyncClient)
        owner: type = AsyncChat if is_async else Chat
        for name in _METHODS:
            if name in vars(owner):
                yield PatchPoint(owner, name, is_async=is_async, takes_receiver=True)

    def subject(self, receiver: Any) -> object:
        """The stub: a client has it in its ``chat``, a chat in itself."""
        return getattr(receiver, "chat", receiver)._stub

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        return _Chat(arguments, method)

    def label(self, receiver: Any) -> str:
        return "xai"


class _Chat:
    """One call of one chat."""

    def __init__(self, arguments: Arguments, method: str) -> None:
        given = (*arguments.args[1:2], arguments.kwargs.get("n"))
        self._n: int = given[0] if method.endswith("_batch") and isinstance(given[0], int) else 1

    def request(self, arguments: Arguments) -> Request | None:
        proto: Any = getattr(arguments.args[0], "_proto", None)
        if not _is(proto, "GetCompletionsRequest"):
            return None
        messages = tuple(_asked(message) for message in proto.messages)
        return Request(messages, proto.model or None, proto.previous_response_id or None)

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        """Before the caller's content in the last user message of what is sent; the chat itself never holds it.

        No place where xAI stores the messages: the next request would inherit it, and there is no field beside them.
        """
        from xai_sdk.proto import chat_pb2

        chat: Any = arguments.args[0]
        kind: Any = type(chat)
        if not hasattr(chat, "_make_request") or chat._proto.store_messages or _place(chat._proto.messages) is None:
            return None
        made = object.__new__(_carrier(kind))
        # what the SDK writes on the chat (``parse`` does) is written on the caller's
        made.__dict__ = chat.__dict__
        made._memory_block = chat_pb2.Content(text=f"{block}\n\n")
        return Arguments((made, *arguments.args[1:]), arguments.kwargs)

    def reply(self, result: Any) -> Reply | None:
        found = next(iter(result), None) if isinstance(result, (list, tuple)) else result
        proto: Any = getattr(found, "proto", None)
        if not _is(proto, "GetChatCompletionResponse"):
            return None
        outputs = [_Output(output, output.message) for output in proto.outputs]
        return _reply(outputs, (proto.id, proto.model, proto.usage.SerializeToString()), self._n)

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        if hasattr(result, "__anext__"):
            return atee(result, tap(_Builder(self._n)))
        return tee(result, tap(_Builder(self._n))) if hasattr(result, "__next__") else None


@lru_cache(maxsize=32)
def _carrier(kind: Any) -> Any:
    """A class whose instance stands for a chat and shares its attributes; it differs in the request that it makes."""

    def make_request(self: Any, *args: Any, **kwargs: Any) -> Any:
        request = kind._make_request(self, *args, **kwargs)
        try:
            at = _place(request.messages)
            if at is not None:
                request.messages[at].content.insert(0, self._memory_block)
        except Exception:
            pass  # a request of another shape than when it was read: it goes as it is
        return request

    body = {"__slots__": ("_memory_block",), "_make_request": make_request, "__module__": kind.__module__}
    return new_class(kind.__name__, (kind,), exec_body=lambda namespace: namespace.update(body))


def _place(messages: Sequence[Any]) -> int | None:
    """The last message of the user, None where that has no content to stand before."""
    at = next((i for i in range(len(messages) - 1, -1, -1) if _word(messages[i], "role") == "user"), None)
    return at if at is not None and messages[at].content else None


# ---------------------------------------------------------------- messages


def _is(proto: Any, name: str) -> bool:
    return getattr(getattr(proto, "DESCRIPTOR", None), "name", None) == name


def _word(proto: Any, field: str) -> str:
    """An enum's value, in lower case and without its prefix; empty for the one that says nothing."""
    number = getattr(proto, field)
    value = proto.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(number) if number else None
    return value.name.lower().removeprefix("role_").removeprefix("reason_") if value is not None else ""


def _asked(message: Any) -> Message:
    """A message of a request."""
    role = _word(message, "role")
    if role == "user" and message.encrypted_content and not message.content:
        return Message("system", "", None, (Part("compaction"),))
    pieces = [(part, part.WhichOneof("content")) for part in message.content]
    said = "\n".join(part.text for part, kind in pieces if kind == "text" and part.text)
    parts = [Part((kind or "unknown").removesuffix("_url")) for _, kind in pieces if kind != "text"]
    calls = list(_calls(message.tool_calls))
    if role in ("tool", "function"):
        return _result(said, message.tool_call_id or next((call.id for call in calls), None), message.name, parts)
    thoughts = _thoughts(message.reasoning_content, message.encrypted_content)
    return Message(role or "user", said, message.name or None, (*thoughts, *calls, *parts))


def _calls(calls: Iterable[Any]) -> Iterator[Part]:
    """Calls of tools, the caller's own as well as xAI's."""
    for call in calls:
        yield Part("tool_call", call.function.arguments, call.id or None, call.function.name or _word(call, "type"))


def _thoughts(reasoning: str, encrypted: str) -> tuple[Part, ...]:
    """Reasoning; the encrypted one is told by its name."""
    said = (Part("reasoning", reasoning),) if reasoning else ()
    return (*said, Part("reasoning", encrypted, name="encrypted")) if encrypted else said


def _result(said: str, call: str | None, name: str | None = None, parts: Iterable[Part] = ()) -> Message:
    """What a tool gave. A picture that xAI made stands in it whole, base64 and all: only that there is one is kept."""
    is_picture = "image_generation_result" in said
    made = (Part("tool_result", id=call, name=name or None), *parts, *([Part("image")] if is_picture else ()))
    return Message("tool", "" if is_picture else said, None, made)


# ---------------------------------------------------------------- replies


class _Output:
    """One output: an alternative, or a step of a tool loop on xAI's side. ``proto`` is it, or its first chunk.

    A chunk is read when it comes, and nothing of it is kept that its owner can change: to keep the messages and read
    them later would take no less of the reader's time, and more memory.
    """

    def __init__(self, proto: Any, said: Any = None) -> None:
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._encrypted: list[str] = []
        self._calls: dict[str, Part] = {}
        self.reason = self.role = ""
        if said is not None:
            self.add(proto, said)

    def add(self, proto: Any, said: Any) -> None:
        """``said``: the message, or a piece of it."""
        if not self.role:
            self.role = _word(said, "role")  # which each chunk repeats
        if proto.finish_reason:
            self.reason = _word(proto, "finish_reason")
        if piece := said.content:
            self._content.append(piece)
        if piece := said.reasoning_content:
            self._reasoning.append(piece)
        if piece := said.encrypted_content:
            self._encrypted.append(piece)
        if said.tool_calls:
            for call in _calls(said.tool_calls):  # one on xAI's side is told of again when its state has changed
                self._calls[call.id or str(len(self._calls))] = call

    def message(self) -> Message:
        content, reasoning, encrypted = map("".join, (self._content, self._reasoning, self._encrypted))
        calls = tuple(self._calls.values())
        if self.role == "tool":
            return _result(content, next((call.id for call in calls), None))
        return Message(self.role or "assistant", content, None, (*_thoughts(reasoning, encrypted), *calls))


class _Builder:
    """Gathers the (response, chunk) pairs of a stream, or those of lists that ``stream_batch`` gives."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._outputs: dict[int, _Output] = {}
        self._last: _Told | None = None

    def feed(self, chunk: Any) -> None:
        given = chunk[1]
        proto = (given[0] if isinstance(given, list) else given).proto
        self._last = proto.id, proto.model, proto.usage.SerializeToString()
        for output in proto.outputs:
            gathered = self._outputs.get(output.index)
            if gathered is None:
                gathered = self._outputs[output.index] = _Output(output)
            gathered.add(output, output.delta)

    def reply(self) -> Reply:
        return _reply([output for _, output in sorted(self._outputs.items())], self._last, self._n)


_Told = tuple[str, str, bytes]
"""Id, model and usage: of the response, or of the newest chunk of one, which has the usage so far."""


def _reply(outputs: Sequence[_Output], told: _Told | None, n: int) -> Reply:
    """The reply in the outputs.

    Complete once all ``n`` alternatives have their reason to end, and, of a loop, the last step.
    """
    said = [output for output in outputs if output.role != "tool"]
    reasons = [output.reason for output in said if output.reason]
    name, model, usage = told or ("", "", b"")
    return Reply(
        messages=tuple(output.message() for output in outputs),
        model=model or None,
        usage=_counts(usage),
        finish_reason=next(reversed(reasons), None),
        complete=bool(said) and bool(said[-1].reason) and len(reasons) >= n,
        response_id=name or None,
    )


def _counts(usage: bytes) -> dict[str, int]:
    from xai_sdk.proto import usage_pb2

    read: Any = usage_pb2.SamplingUsage.FromString(usage)
    return {name: value for name in _USAGE if (value := getattr(read, name, 0))}


provider = XaiProvider()
