"""Google's SDK, for the Gemini API and for Vertex AI: generated content, chats, interactions.

Calls arrive at ``client.models`` and ``client.aio.models``, which share the client's API client: that is what is
registered. A chat runs a tool loop of its own over them. The parts for interactions are of another make and know
nothing of the client that they belong to; they are found by asking the registered clients.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from memori_wrap.generators import atee, tee
from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.llm import google_contents as wire
from memori_wrap_adapters.llm.google_interactions import Interactions


class GoogleProvider:
    """A ``Provider``. Registered under the root package ``google``."""

    tested = Tested("google-genai", ">=3.6,<4")

    def supports(self, client: object) -> bool:
        return all(hasattr(client, name) for name in ("_api_client", "models", "chats"))

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        from google.genai import chats, models
        from google.genai import client as clients
        from google.genai._gaos import google_genai

        for is_async in (True, False) if isinstance(client, clients.AsyncClient) else (False, True):
            of_models: type = models.AsyncModels if is_async else models.Models
            of_chats: type = chats.AsyncChat if is_async else chats.Chat
            kind = google_genai.AsyncGeminiNextGenInteractions if is_async else google_genai.GeminiNextGenInteractions
            for method in ("generate_content", "generate_content_stream"):
                yield PatchPoint(of_models, method, is_async=is_async)
            for method in ("send_message", "send_message_stream"):
                yield PatchPoint(of_chats, method, role="turn", is_async=is_async)
            yield PatchPoint(kind, "create", is_async=is_async)

    def subject(self, receiver: Any) -> object:
        """The API client, which the clients and all their parts share."""
        return getattr(getattr(receiver, "_modules", receiver), "_api_client", receiver)

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        return Interactions() if method == "create" else _Contents()

    def label(self, receiver: Any) -> str:
        return "vertex" if getattr(self.subject(receiver), "vertexai", False) else "google"


class _Contents:
    """One call of ``generate_content(_stream)``. Calls of functions and continuations within it are part of it."""

    def __init__(self) -> None:
        self._asked = 0
        self._block: str | None = None
        self._changed: list[tuple[Any, Any]] = []
        self._history: list[Any] = []

    def request(self, arguments: Arguments) -> Request | None:
        found = wire.turns(_contents(arguments))
        if found is None:
            return None
        self._asked = len(found)
        return Request(wire.messages(found), wire.word(arguments.kwargs.get("model")) or None)

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        """Not where no text is asked for: speech is made of the prompt as it stands, and so are pictures."""
        config = arguments.kwargs.get("config")
        modalities = wire.many(wire.find(config, "response_modalities"))
        contents = _contents(arguments)
        if modalities and "TEXT" not in {wire.word(m).upper() for m in modalities}:
            return None
        changed = wire.inject(contents, block)
        if changed is None:
            return None
        self._block = block
        if _extra(config) is not None:
            return Arguments(arguments.args, {**arguments.kwargs, "config": _with_extra(config, changed)})
        for before, after in zip(_list(contents), _list(changed), strict=False):
            if after is not before:
                self._changed.append((before, after))
        return Arguments(arguments.args, {**arguments.kwargs, "contents": changed})

    def reply(self, result: Any) -> Reply | None:
        self._clean(result)
        return wire.reply(result, self._asked)

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        builder = _Cleaning(wire.Builder(self._asked), self._clean)
        if inspect.isgenerator(result):
            return tee(result, tap(builder))
        return atee(result, tap(builder)) if inspect.isasyncgen(result) else None

    def _clean(self, result: Any) -> None:
        """Takes the block out of the history of calls that the SDK hands out: one list, which grows, for a stream."""
        given = getattr(result, "automatic_function_calling_history", None)
        if self._block is None or not given:
            return
        self._history += [self._restored(content, self._block) for content in given[len(self._history) :]]
        result.automatic_function_calling_history = self._history

    def _restored(self, content: Any, block: str) -> Any:
        before = next((before for before, after in self._changed if after is content), None)
        return before if before is not None else wire.without(content, block)


class _Cleaning:
    """A builder that looks at a chunk only after it was put right: the user gets that very chunk."""

    def __init__(self, builder: ReplyBuilder, clean: Callable[[Any], None]) -> None:
        self._builder, self._clean = builder, clean
        self.reply = builder.reply

    def feed(self, chunk: Any) -> None:
        self._clean(chunk)
        self._builder.feed(chunk)


def _list(contents: Any) -> list[Any]:
    return contents if isinstance(contents, list) else [contents]


def _contents(arguments: Arguments) -> Any:
    """The contents as they will be sent: what ``extra_body`` says overrides the argument."""
    extra = _extra(arguments.kwargs.get("config"))
    return extra["contents"] if extra is not None else arguments.kwargs.get("contents")


def _extra(config: Any) -> Mapping[str, Any] | None:
    extra = wire.find(wire.find(config, "http_options"), "extra_body")
    return extra if isinstance(extra, Mapping) and "contents" in extra else None


def _with_extra(config: Any, contents: Any) -> Any:
    options = wire.find(config, "http_options")
    return _copy(config, "http_options", _copy(options, "extra_body", {**(_extra(config) or {}), "contents": contents}))


def _copy(thing: Any, name: str, value: Any) -> Any:
    if isinstance(thing, Mapping):
        camel = "".join(part.capitalize() if n else part for n, part in enumerate(name.split("_")))
        return {**thing, (camel if camel in thing else name): value}
    return thing.model_copy(update={name: value})


provider = GoogleProvider()
