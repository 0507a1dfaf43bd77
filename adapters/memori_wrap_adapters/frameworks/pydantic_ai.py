"""Pydantic AI: ``register(model)`` for whatever calls a model, ``register(agent)`` for the runs of an agent.

A model is hooked at ``request`` and ``request_stream`` of its class, where the framework's own wrappers (fallback,
instrumentation, concurrency) call it too. An agent is hooked at ``iter``, through which all kinds of runs go: each run
is given a capability (see ``pydantic_ai_capability``), and is one exchange however many requests it takes. Not seen
are batches and realtime sessions. In a durable workflow (Temporal, DBOS, Prefect) an agent takes no capability at run
time: give it a ``MemoriCapability`` when it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memori_wrap.plugins import lazily
from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Run, Tap, Tested
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.frameworks import pydantic_ai_messages as translation
from memori_wrap_adapters.frameworks import pydantic_ai_places as places

if TYPE_CHECKING:
    from memori_wrap_adapters.frameworks.pydantic_ai_capability import MemoriCapability

__all__ = ["MemoriCapability", "PydanticAIProvider", "provider"]

_NAMES = ("messages", "model_settings", "model_request_parameters")
"""The first parameters of a request."""


class PydanticAIProvider:
    """A ``Provider``. Registered under the root package ``pydantic_ai``."""

    tested = Tested("pydantic-ai-slim", ">=2.0,<3")

    def supports(self, client: object) -> bool:
        from pydantic_ai.agent import AbstractAgent
        from pydantic_ai.models import Model

        from memori_wrap_adapters.frameworks.pydantic_ai_capability import MemoriCapability

        return isinstance(client, (Model, AbstractAgent, MemoriCapability))

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        from pydantic_ai.models import Model

        from memori_wrap_adapters.frameworks.pydantic_ai_capability import MemoriCapability, with_run

        if isinstance(client, Model):
            yield PatchPoint(_owner(client, "request"), "request", is_async=True, is_framework=True)
            yield PatchPoint(_owner(client, "request_stream"), "request_stream", gives_context=True, is_framework=True)
        elif isinstance(client, MemoriCapability):
            yield PatchPoint(MemoriCapability, "begin", role="run", hand=_told)
        else:
            yield PatchPoint(_owner(client, "iter"), "iter", role="run", hand=with_run)
            for method in ("run_sync", "run_stream_sync"):
                yield PatchPoint(_owner(client, method), method, role="carry")

    def subject(self, receiver: Any) -> object:
        return receiver

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        return _Requests(receiver)

    def label(self, receiver: Any) -> str:
        return str(receiver.system).partition(":")[0]  # a fallback's has the names of all its models


def _owner(client: object, method: str) -> type:
    return next(base for base in type(client).__mro__ if method in vars(base))


def _told(_: Arguments, run: Run) -> Arguments:
    return Arguments((run,), {})


class _Requests:
    """The requests of one model."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def request(self, arguments: Arguments) -> Request | None:
        messages = _given(arguments).get("messages")
        if not isinstance(messages, (list, tuple)):
            return None
        return Request(translation.messages(messages), str(self._model.model_name))

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        given = _given(arguments)
        messages, parameters = given["messages"], given["model_request_parameters"]
        settings = {**(self._model.settings or {}), **(given.get("model_settings") or {})}
        if places.marks_messages(messages, settings):
            changed = places.in_prompt(messages, settings, block)
            return _with(arguments, **changed) if changed is not None else None
        parts = places.instructions(messages, parameters, block)
        return _with(arguments, model_request_parameters=replace(parameters, instruction_parts=parts))

    def reply(self, result: Any) -> Reply | None:
        return translation.reply(result)

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        if not callable(getattr(result, "get", None)):
            return None
        tap(_Streamed(result))
        return result


class _Streamed:
    """A ``ReplyBuilder`` over a ``StreamedResponse``, which knows its response so far."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def feed(self, chunk: Any) -> None:
        """The stream keeps its parts itself."""

    def reply(self) -> Reply:
        return translation.reply(self._stream.get()) or Reply(complete=False)


def _given(arguments: Arguments) -> dict[str, Any]:
    return {**dict(zip(_NAMES, arguments.args)), **arguments.kwargs}  # noqa: B905 (a stream's have one more)


def _with(arguments: Arguments, **changes: Any) -> Arguments:
    args, kwargs = list(arguments.args), dict(arguments.kwargs)
    for name, value in changes.items():
        at = _NAMES.index(name)
        if at < len(args):
            args[at] = value
        else:
            kwargs[name] = value
    return Arguments(tuple(args), kwargs)


provider = PydanticAIProvider()

if not TYPE_CHECKING:  # only who uses it needs the framework
    __getattr__ = lazily(__package__, {"MemoriCapability": "pydantic_ai_capability"})
