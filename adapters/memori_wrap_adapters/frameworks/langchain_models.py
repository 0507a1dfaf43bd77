"""LangChain's chat models: ``register(model)``, whoever makes the model.

Hooked are the leaf methods: they lie beneath LangChain's own cache, callbacks and tracers, which so see the user's
prompt only. A leaf may call another, of its base class or of the model's other kind: the outermost counts, and so it
does where the SDK's client within was registered as well. A copy by ``model_copy`` is registered with the model; a
model made anew (``configurable_fields``, ``init_chat_model`` without a name) is not.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from memori_wrap.generators import atee, tee
from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.frameworks import langchain_messages as wire
from memori_wrap_adapters.llm.fields import get, text

_LEAVES = ("_generate", "_agenerate", "_stream", "_astream", "_stream_chat_model_events", "_astream_chat_model_events")


class LangChainProvider:
    """A ``Provider``. Registered under the root package ``langchain_core``."""

    tested = Tested("langchain-core", ">=1.0,<2")

    def supports(self, client: object) -> bool:
        from langchain_core.language_models.chat_models import BaseChatModel

        return isinstance(client, BaseChatModel)

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        from langchain_core.language_models.chat_models import BaseChatModel

        for method in _LEAVES:
            # not those of BaseChatModel: it asks by identity whether a model has its own, and its own call the others
            owner = next((base for base in type(client).__mro__ if method in vars(base)), BaseChatModel)
            if issubclass(owner, BaseChatModel) and owner is not BaseChatModel:
                is_async = _is_async(inspect.getattr_static(owner, method))
                yield PatchPoint(owner, method, is_async=is_async, is_framework=True)
        yield PatchPoint(BaseChatModel, "model_copy", role="copy")

    def subject(self, receiver: Any) -> object:
        return receiver

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        return _Leaf(receiver, wire.EventBuilder if method.endswith("_events") else wire.Builder)

    def label(self, receiver: Any) -> str:
        return text(_about(receiver), "ls_provider") or text(receiver, "_llm_type")


def _is_async(method: Any) -> bool:
    return inspect.isasyncgenfunction(method) or inspect.iscoroutinefunction(method)


def _about(model: Any) -> Mapping[str, Any]:
    """What a model tells LangChain's tracers of itself; a model of somebody's own may not know how."""
    try:
        found = model._get_ls_params()
    except Exception:
        return {}
    return found if isinstance(found, Mapping) else {}


class _Leaf:
    """One call of a model."""

    def __init__(self, model: Any, builder: Callable[[], wire.Builder | wire.EventBuilder]) -> None:
        self._model, self._builder = model, builder

    def request(self, arguments: Arguments) -> Request | None:
        messages: Any = arguments.args[0] if arguments.args else arguments.kwargs.get("messages")
        if not wire.is_messages(messages):
            return None
        model = text(arguments.kwargs, "model") or text(_about(self._model), "ls_model_name")
        return wire.request(messages, model or None)

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        args, kwargs = arguments.args, dict(arguments.kwargs)
        if (instructed := wire.instruct(self._model, kwargs, block)) is not None:
            return Arguments(args, instructed)
        # what the last block of the request is to be marked with is asked for by this name
        marker = kwargs.pop("cache_control", None)
        changed = wire.inject(args[0] if args else kwargs["messages"], block, marker)
        if changed is None:
            return None
        return Arguments((changed, *args[1:]), kwargs) if args else Arguments(args, {**kwargs, "messages": changed})

    def reply(self, result: Any) -> Reply | None:
        generations = get(result, "generations")
        return wire.reply(generations) if isinstance(generations, list) else None

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        builder = self._builder()
        if hasattr(result, "__anext__"):
            return atee(result, _Ending(tap(builder), builder))
        return tee(result, _Ending(tap(builder), builder)) if hasattr(result, "__next__") else None


class _Ending:
    """A ``Tap`` that also tells the builder that the stream has come to its end; or is told so by a last event, after
    which its reader asks for no more."""

    def __init__(self, tap: Tap, builder: wire.Builder | wire.EventBuilder) -> None:
        self._tap, self._builder = tap, builder
        self.broken, self.dropped, self.void = tap.broken, tap.dropped, tap.void
        self.around = getattr(tap, "around", None)

    def feed(self, chunk: Any) -> None:
        self._tap.feed(chunk)
        if self._builder.is_over:
            self._tap.broken()

    def end(self) -> None:
        self._builder.is_over = True
        self._tap.end()

    async def aend(self) -> None:
        self._builder.is_over = True
        await self._tap.aend()


provider = LangChainProvider()
