"""litellm's streams: a tap on what its ``CustomStreamWrapper`` reads from.

The user keeps litellm's own object. Its ``completion_stream`` (an SDK's stream, or an iterator of litellm's own) is
replaced by one that hands everything on; what the user got is in the list ``chunks``, which litellm keeps itself, in
OpenAI's format for every provider.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

from memori_wrap.protocols import ReplyBuilder, Tap
from memori_wrap.types import Reply
from memori_wrap_adapters.llm import openai_chat, openai_responses
from memori_wrap_adapters.llm.fields import get, items, text


def attach(result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
    """Mounts ``tap`` on a ``CustomStreamWrapper``, and returns that; None for anything else."""
    chunks, stream = getattr(result, "chunks", None), getattr(result, "completion_stream", None)
    if not isinstance(chunks, list):
        return None
    builder = _Chunks(chunks)
    if stream is None and callable(getattr(result, "make_call", None)):
        result.make_call = _Later(result.make_call, tap(builder), builder)
    elif _kind_of(stream) is not None:
        result.completion_stream = _tapped(stream, tap(builder), builder)
    else:
        return None
    return result


class _Chunks:
    """A ``ReplyBuilder`` over the list of the chunks so far."""

    def __init__(self, chunks: list[Any]) -> None:
        self._chunks = chunks
        self._is_finished = False
        self.is_over = False
        """There are no more; a provider that gives no finish reason says it by that alone."""

    def feed(self, chunk: Any) -> None:
        """They are in the list."""

    def is_finished(self) -> bool:
        """Whether a finish reason was handed on: there is but one, however many choices there are."""
        if not self._is_finished and self._chunks:
            self._is_finished = any(text(choice, "finish_reason") for choice in items(self._chunks[-1], "choices"))
        return self._is_finished

    def reply(self) -> Reply:
        builder = openai_chat.Builder()
        for chunk in tuple(self._chunks):
            builder.feed(chunk)
        found = builder.reply()
        return replace(found, complete=found.complete or self.is_finished() or self.is_over)


class Events(openai_responses.Builder):
    """The events of a Responses stream. The id is the one that its user sees: litellm makes another of the
    provider's."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = weakref.ref(stream)

    def reply(self) -> Reply:
        seen = get(get(getattr(self._stream(), "completed_response", None), "response"), "id")
        found = super().reply()
        return replace(found, response_id=seen) if isinstance(seen, str) else found


# ---------------------------------------------------------------- what stands in a stream's place


class _Later:
    """``make_call``, by which litellm opens some streams only when their first item is asked for."""

    def __init__(self, make_call: Callable[..., Any], tap: Tap, builder: _Chunks) -> None:
        self._make_call, self._tap, self._builder = make_call, tap, builder

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            made = self._make_call(*args, **kwargs)
        except BaseException:
            self._tap.void()
            raise
        return self._awaited(made) if inspect.isawaitable(made) else self._opened(made)

    async def _awaited(self, made: Any) -> Any:
        try:
            stream = await made
        except BaseException:
            self._tap.void()
            raise
        return self._opened(stream)

    def _opened(self, stream: Any) -> Any:
        return stream if _kind_of(stream) is None else _tapped(stream, self._tap, self._builder)


class _Tapped:
    """Stands for a stream: everything but its steps and its end is its own."""

    def __init__(self, stream: Any, tap: Tap, builder: _Chunks) -> None:
        self._stream, self._tap, self._builder = stream, tap, builder
        self._ends = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stream, name)
        return self._closing(found) if name in ("close", "aclose") else found

    def _closing(self, close: Callable[[], Any]) -> Callable[[], Any]:
        async def aclosed(closing: Any) -> Any:
            try:
                return await closing
            finally:
                self._tap.broken()  # maybe by a cancelled task, which is not to be held up

        def closed() -> Any:
            try:
                found = close()
            except BaseException:
                self._tap.broken()
                raise
            if inspect.isawaitable(found):
                return aclosed(found)
            self._tap.end()
            return found

        return closed

    def is_over(self) -> bool:
        """Whether this end is the last: litellm may have made a chunk of the finish reason, and ask once more."""
        self._ends += 1
        self._builder.is_over = self._ends > 1
        return self._builder.reply().complete

    def is_farewell(self, item: Any) -> bool:
        """Whether the stream goes on after its finish reason with something empty: there litellm ends its own."""
        if not self._builder.is_finished():
            return False
        said = (item.get("text") or item.get("tool_use")) if isinstance(item, dict) else items(item, "choices")
        return not said and get(item, "usage") is None

    def broken(self) -> None:
        self._tap.broken()

    def end(self) -> None:
        self._tap.end()

    async def aend(self) -> None:
        await self._tap.aend()


class _Sync(_Tapped):
    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            item = next(self._stream)
        except StopIteration:
            if self.is_over():
                self.end()
            raise
        except BaseException:
            self.broken()
            raise
        if self.is_farewell(item):
            self.end()
        return item


class _Async(_Tapped):
    def __aiter__(self) -> AsyncIterator[Any]:
        return _Steps(self._stream.__aiter__(), self)


class _Both(_Sync, _Async):
    pass


class _Steps:
    """An object and not a generator: those are closed all at once at the end of an event loop, and this one waits
    for another."""

    def __init__(self, steps: Any, stream: _Tapped) -> None:
        self._steps, self._stream = steps, stream

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            item = await self._steps.__anext__()
        except StopAsyncIteration:
            if self._stream.is_over():
                await self._stream.aend()
            raise
        except GeneratorExit:
            raise  # dropped, maybe by the collector: the tap notices by itself
        except BaseException:
            self._stream.broken()
            raise
        if self._stream.is_farewell(item):
            await self._stream.aend()
        return item


def _kind_of(stream: Any) -> type[_Tapped] | None:
    """What can stand for it: litellm looks whether a stream can be read synchronously, asynchronously or both."""
    kinds: dict[tuple[bool, bool], type[_Tapped]] = {(True, False): _Sync, (False, True): _Async, (True, True): _Both}
    return kinds.get((hasattr(stream, "__next__"), hasattr(stream, "__aiter__")))


def _tapped(stream: Any, tap: Tap, builder: _Chunks) -> _Tapped:
    kind = _kind_of(stream)
    assert kind is not None
    return kind(stream, tap, builder)
