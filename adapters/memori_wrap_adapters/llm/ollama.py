"""Ollama's SDK: chat and generate, at a server of one's own or in Ollama's cloud.

Both arrive at ``client._request(cls, "POST", path, json=body, stream=...)``, already turned into plain JSON values. A
stream is a plain generator, which sends its request when its first item is asked for. ``ollama.chat`` and its like are
methods of a client that the module hides: ``register(ollama)`` is about that one.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from memori_wrap.generators import atee, tee
from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Message, Part, Reply, Request
from memori_wrap_adapters.llm.fields import get, items, numbers, text

_CHARS_PER_TOKEN = 3
"""Fewer than most texts have, since this is about what surely fits."""


class OllamaProvider:
    """A ``Provider``. Registered under the root package ``ollama``."""

    tested = Tested("ollama", ">=0.6.0,<1")

    def supports(self, client: object) -> bool:
        found = self.subject(client)
        return not isinstance(found, type) and all(callable(getattr(found, n, None)) for n in ("_request", "chat"))

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        owner = next(base for base in type(self.subject(client)).__mro__ if "_request" in vars(base))
        yield PatchPoint(owner, "_request", is_async=inspect.iscoroutinefunction(vars(owner)["_request"]))

    def subject(self, receiver: Any) -> object:
        """The client; the hidden one for the module ``ollama``."""
        return getattr(receiver, "_client", None) if isinstance(receiver, ModuleType) else receiver

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        if "/api/chat" in arguments.args:
            # without messages it asks to load the model, or to let it go
            return _CHAT if _given(arguments, "messages") else None
        if "/api/generate" in arguments.args and _is_talk(arguments):
            return _GENERATE
        return None

    def label(self, receiver: Any) -> str:
        return "ollama"


class _Chat:
    """Messages. A result of a tool has no id here, only the tool's name."""

    def request(self, arguments: Arguments) -> Request | None:
        body = _body(arguments)
        messages = body.get("messages") if body is not None else None
        if body is None or not isinstance(messages, (list, tuple)):
            return None
        return Request(tuple(_message(m) for m in messages), text(body, "model") or None)

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        """Before the caller's text in the last user message."""
        body = arguments.kwargs["json"]
        messages = list(body["messages"])
        at = next((i for i in range(len(messages) - 1, -1, -1) if get(messages[i], "role") == "user"), None)
        if at is None or not text(messages[at], "content") or not _fits(body, messages, block):
            return None
        messages[at] = {**messages[at], "content": f"{block}\n\n{messages[at]['content']}"}
        return _with(arguments, {"messages": messages})

    def reply(self, result: Any) -> Reply | None:
        message = get(result, "message")
        return _reply(result, _message(message)) if message is not None else None

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        return _attach(result, _Builder(lambda line: get(line, "message")), tap)


class _Generate:
    """A prompt. What ``context`` keeps of a conversation is tokens, which nobody can read."""

    def request(self, arguments: Arguments) -> Request | None:
        body = _body(arguments)
        if body is None or not isinstance(body.get("prompt"), str):
            return None
        system = (Message("system", body["system"]),) if text(body, "system") else ()
        asked = {"role": "user", "content": body["prompt"], "images": body.get("images")}
        return Request((*system, _message(asked)), text(body, "model") or None)

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        """Before the prompt; not where it goes on from a ``context``, which would keep one block after the other."""
        body = arguments.kwargs["json"]
        if body.get("context") or not _fits(
            body, [{"content": body["prompt"]}, {"content": body.get("system")}], block
        ):
            return None
        return _with(arguments, {"prompt": f"{block}\n\n{body['prompt']}"})

    def reply(self, result: Any) -> Reply | None:
        # a stream has no such field, and an answer that has it as null is a picture
        return _reply(result, _message(_generated(result))) if hasattr(result, "response") else None

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        return _attach(result, _Builder(_generated), tap)


_CHAT, _GENERATE = _Chat(), _Generate()


def _body(arguments: Arguments) -> Mapping[str, Any] | None:
    body = arguments.kwargs.get("json")
    return body if isinstance(body, Mapping) else None


def _given(arguments: Arguments, field: str) -> bool:
    """Whether a field holds anything; also where the body is of an unknown shape, which is for others to say."""
    body = _body(arguments)
    return body is None or bool(body.get(field))


def _is_talk(arguments: Arguments) -> bool:
    """Whether a prompt is said by somebody to a model.

    Not one that only loads it, that is to be continued up to a suffix (code), that holds the model's own control words
    (raw: a block would stand outside of its turns, and recalled text could end one), or that describes a picture.
    """
    body = _body(arguments)
    if body is None:
        return True
    return bool(body.get("prompt")) and not any(body.get(f) for f in ("suffix", "raw", "width", "height", "steps"))


def _with(arguments: Arguments, changes: Mapping[str, Any]) -> Arguments:
    return Arguments(arguments.args, {**arguments.kwargs, "json": {**arguments.kwargs["json"], **changes}})


def _fits(body: Mapping[str, Any], messages: Iterable[Any], block: str) -> bool:
    """Ollama drops the oldest messages of a prompt that is too long, without a word: where the caller says how long
    it may be, the block must not be what makes it so."""
    limit = get(get(body, "options"), "num_ctx")
    if not isinstance(limit, int) or body.get("truncate") is False:
        return True
    return sum(len(text(m, "content")) for m in messages) + len(block) < limit * _CHARS_PER_TOKEN


def _message(m: Any) -> Message:
    role = text(m, "role") or "assistant"
    parts = [
        Part("tool_call", _json(get(f, "arguments")), text(call, "id") or None, text(f, "name"))
        for call in items(m, "tool_calls")
        for f in [get(call, "function")]
    ]
    if role == "tool":
        name = text(m, "tool_name") or text(m, "name")
        parts.append(Part("tool_result", id=text(m, "tool_call_id") or None, name=name or None))
    if text(m, "thinking"):
        parts.append(Part("reasoning", text(m, "thinking")))
    parts += [Part("image") for _ in items(m, "images")]
    return Message(role, text(m, "content"), None, tuple(parts))


def _json(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False, default=str) if arguments is not None else ""


def _generated(data: Any) -> dict[str, Any]:
    """An answer of the generate API in the words of the chat API."""
    images = [get(data, "image")] if get(data, "image") else []
    return {"content": text(data, "response"), "thinking": text(data, "thinking"), "images": images}


def _reply(data: Any, message: Message) -> Reply:
    return Reply(
        messages=(message,),
        model=text(data, "model") or None,
        usage=numbers(data, "prompt_eval_count", "eval_count"),
        finish_reason=text(data, "done_reason") or None,
        complete=get(data, "done") is not False,
    )


def _attach(result: Any, builder: ReplyBuilder, tap: Callable[[ReplyBuilder], Tap]) -> Any:
    if inspect.isgenerator(result):
        return tee(result, tap(builder))
    return atee(result, tap(builder)) if inspect.isasyncgen(result) else None


class _Builder:
    """Gathers lines: each holds a piece of the message, the last one says that it is done, and the counts."""

    def __init__(self, message: Callable[[Any], Any]) -> None:
        self._message = message
        self._texts: dict[str, list[str]] = {"content": [], "thinking": []}
        self._lists: dict[str, list[Any]] = {"tool_calls": [], "images": []}
        self._last: Any = None

    def feed(self, chunk: Any) -> None:
        self._last, message = chunk, self._message(chunk)
        for field, pieces in self._texts.items():
            if piece := text(message, field):
                pieces.append(piece)
        for field, gathered in self._lists.items():
            gathered.extend(items(message, field))

    def reply(self) -> Reply:
        texts = {field: "".join(pieces) for field, pieces in self._texts.items()}
        found = _reply(self._last, _message({**texts, **self._lists}))
        is_complete = bool(get(self._last, "done"))
        return Reply(found.messages, found.model, found.usage, found.finish_reason, is_complete)


provider = OllamaProvider()
