"""``MemoriMiddleware``: a memory for the agents of ``create_agent``, whatever model they ask.

A run of an agent asks its model several times, maybe through other middleware that tries again: it is one exchange,
captured when the agent has ended; where it ends early (an error, a cancellation, an interrupt), when the run is
collected. Of each request a copy is made, whose last human message has the block in it: the agent's own state never
does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

from langchain.agents.middleware.types import AgentMiddleware, AgentState, PrivateStateAttr
from langchain_core.runnables.config import ensure_config
from langgraph.channels.untracked_value import UntrackedValue
from typing_extensions import NotRequired

from memori_wrap.context import paused
from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.frameworks import langchain_messages as wire
from memori_wrap_adapters.frameworks.langchain_runs import Memory, entity_in, scoped, session_in
from memori_wrap_adapters.llm.fields import text

Entity: TypeAlias = "Callable[[Any], str | None] | str | None"


class _Run(dict[str, Any]):
    """The calls of one run so far, of which the last repeats the others. Lives as long as the run, in its state.

    An empty mapping to whoever prints or serialises what is streamed of that.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tap: Tap | None = None
        self._usage: Counter[str] = Counter()

    def took(self, reply: Reply, tap: Callable[[ReplyBuilder], Tap]) -> None:
        self._usage.update(reply.usage)
        before, self._tap = self._tap, tap(_Said(replace(reply, usage=dict(self._usage))))
        if before is not None:
            before.void()

    def ended(self) -> Tap | None:
        tap, self._tap = self._tap, None
        return tap


class _State(AgentState[Any]):
    memori_run: NotRequired[Annotated[_Run | None, UntrackedValue, PrivateStateAttr]]


class MemoriMiddleware(AgentMiddleware[Any, Any, Any]):
    """``create_agent(model, tools, middleware=[MemoriMiddleware(mem)])``.

    ``entity``: whose memory where no ``mem.scope`` says so: an id, or a function of the run's ``Runtime`` that gives
    one, or None: no memory for this call. Not given: ``entity`` or ``user_id`` in the run's context, else in its
    config, else what ``Memori`` was told. The session is the run's ``thread_id``, unless ``session`` is given.
    """

    state_schema = _State

    def __init__(
        self, mem: Memory, *, entity: Entity = None, process: str | None = None, session: str | None = None
    ) -> None:
        super().__init__()
        self._mem, self._entity, self._process, self._session = mem, entity, process, session
        mem.register(self, entity=entity if isinstance(entity, str) else None, process=process, session=session)

    def before_agent(self, state: Any, runtime: Any) -> dict[str, Any]:
        return {"memori_run": _Run()}

    async def abefore_agent(self, state: Any, runtime: Any) -> dict[str, Any]:
        return {"memori_run": _Run()}

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        with self._scoped(request):
            return self._ask(request, handler)

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        with self._scoped(request):
            return await self._aask(request, handler)

    def after_agent(self, state: Any, runtime: Any) -> None:
        tap = _ended(state)
        if tap is not None:
            tap.end()

    async def aafter_agent(self, state: Any, runtime: Any) -> None:
        tap = _ended(state)
        if tap is not None:
            await tap.aend()

    def _ask(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """Hooked, as an SDK's method is: see ``provider``."""
        return handler(request)

    async def _aask(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        return await handler(request)

    def _scoped(self, request: Any) -> AbstractContextManager[object]:
        runtime, config = request.runtime, ensure_config()
        if callable(self._entity):
            named = self._entity(runtime)
            if named is None and self._mem.current_scope is None:
                return paused()
        else:
            named = self._entity or entity_in(getattr(runtime, "context", None), config)
        return scoped(self._mem, named, self._process, self._session or session_in(config))


def _ended(state: Any) -> Tap | None:
    run = state.get("memori_run")
    return run.ended() if isinstance(run, _Run) else None


# ---------------------------------------------------------------- its calls, as those of an SDK


class MiddlewareProvider:
    """A ``Provider`` for the middleware itself. Registered under the root package ``langchain``."""

    tested = Tested("langchain", ">=1.0,<2")

    def supports(self, client: object) -> bool:
        return isinstance(client, MemoriMiddleware)

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        yield PatchPoint(MemoriMiddleware, "_ask", is_framework=True)
        yield PatchPoint(MemoriMiddleware, "_aask", is_async=True, is_framework=True)

    def subject(self, receiver: Any) -> object:
        return receiver

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        run = arguments.args[0].state.get("memori_run")
        return _Call(run if isinstance(run, _Run) else None)

    def label(self, receiver: Any) -> str:
        return "langchain"


class _Call:
    """A request of an agent to its model, in a run or, where that was resumed, by itself."""

    def __init__(self, run: _Run | None) -> None:
        self._run = run

    def request(self, arguments: Arguments) -> Request | None:
        asked = arguments.args[0]
        if not wire.is_messages(asked.messages):
            return None
        system = [asked.system_message] if asked.system_message is not None else []
        model = text(asked.model, "model_name") or text(asked.model, "model")
        return wire.request([*system, *asked.messages], model or None)

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        asked, *rest = arguments.args
        settings = dict(asked.model_settings)
        if (instructed := wire.instruct(asked.model, settings, block)) is not None:
            return Arguments((asked.override(model_settings=instructed), *rest), arguments.kwargs)
        changed = wire.inject(asked.messages, block, settings.pop("cache_control", None))
        if changed is None:
            return None
        return Arguments((asked.override(messages=changed, model_settings=settings), *rest), arguments.kwargs)

    def reply(self, result: Any) -> Reply | None:
        return _reply(result) if self._run is None else None

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        found = _reply(result)
        if self._run is None or found is None:
            return None
        self._run.took(found, tap)
        return result


def _reply(result: Any) -> Reply | None:
    given = getattr(result, "model_response", result)
    messages: Sequence[Any] = getattr(given, "result", [given])
    return wire.reply({"message": m} for m in messages) if wire.is_messages(messages) else None


class _Said:
    """A ``ReplyBuilder`` to which nothing is to be added."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def feed(self, chunk: Any) -> None:
        pass

    def reply(self) -> Reply:
        return self._reply


provider = MiddlewareProvider()
