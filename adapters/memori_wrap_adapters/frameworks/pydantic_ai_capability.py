"""``MemoriCapability``: a memory for a Pydantic AI agent, given to it when it is made.

A run is one exchange, captured when it ends, by an error or cancelled as well. What is remembered goes into the
requests on their way to the model, not into the run: each run's model is wrapped by one that is registered for it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from pydantic_ai import FunctionToolset, RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestContext, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from memori_wrap.protocols import Arguments, Run
from memori_wrap_adapters.frameworks.memory import Memory

Deps = TypeVar("Deps")
Entity = Callable[[RunContext[Any]], "str | None"] | str | None

_run_context: ContextVar[RunContext[Any]] = ContextVar("memori_wrap_run_context")
RECALLED = 10
"""Memories that the recall tool shows at most."""


def with_run(arguments: Arguments, run: Run) -> Arguments:
    """The arguments of ``Agent.iter`` with a capability for this run."""
    given: Sequence[Any] = arguments.kwargs.get("capabilities") or ()
    return Arguments(arguments.args, {**arguments.kwargs, "capabilities": [*given, _RunMemory(run)]})


class MemoriCapability(AbstractCapability[Any]):
    """``Agent(model, capabilities=[MemoriCapability(mem)])``: the agent's runs remember.

    ``entity``: whose memory, where no ``scope`` says so: an id, or a function of the ``RunContext``, such as
    ``lambda ctx: ctx.deps.user_id``, that may answer None: no memory for this run. ``recall_tool``: the model may also
    look for memories itself, with a tool called ``recall``; whose, is the run's business and never the model's.
    Raises ``ScopeError`` and ``ConfigurationError`` as ``Memori.register`` does.
    """

    def __init__(
        self,
        mem: Memory,
        *,
        entity: Entity = None,
        process: str | None = None,
        session: str | None = None,
        recall_tool: bool = False,
    ) -> None:
        self._mem, self._entity, self._recall_tool = mem, entity, recall_tool
        self._registered = self  # also of a copy
        mem.register(self, entity=self._who if callable(entity) else entity, process=process, session=session)

    def _who(self) -> str | None:
        return self._entity(_run_context.get()) if callable(self._entity) else self._entity

    def begin(self, run: Run | None = None) -> Run | None:
        """The run that begins: it is put here by the hook on this method; None where there is no memory for it."""
        return run

    async def for_run(self, ctx: RunContext[Any]) -> AbstractCapability[Any]:
        """The capability of this one run."""
        token = _run_context.set(ctx)
        try:
            run = self._registered.begin()
        finally:
            _run_context.reset(token)
        return self if run is None else _RunMemory(run, self._mem if self._recall_tool else None)

    def __deepcopy__(self, _: object) -> MemoriCapability:
        return self

    @classmethod
    def get_serialization_name(cls) -> str | None:
        """None: it takes a ``Memori``, which no specification can hold."""
        return None


class _RunMemory(AbstractCapability[Any]):
    """What one run has of it."""

    def __init__(self, run: Run, tool: Memory | None = None) -> None:
        self._run, self._tool = run, tool

    @classmethod
    def get_serialization_name(cls) -> str | None:
        return None

    async def wrap_run(self, ctx: RunContext[Any], *, handler: Callable[[], Any]) -> Any:
        """Captures at the end, whatever that is."""
        try:
            result = await handler()
        except BaseException:
            self._run.broken()
            raise
        await self._run.aend()
        return result

    def get_wrapper_model(self, model: Model) -> Model | None:
        """The model that serves a request, with the run's memory."""
        return _RunModel(model, self._run)

    if not hasattr(AbstractCapability, "get_wrapper_model"):  # releases before 2.6x

        async def before_model_request(
            self, ctx: RunContext[Any], request_context: ModelRequestContext
        ) -> ModelRequestContext:
            """The same, where that is not asked for."""
            request_context.model = _RunModel(request_context.model, self._run)
            return request_context

    def get_toolset(self) -> Any:
        """The recall tool, if it is wanted and the scope's mode lets recall."""
        mem, scope = self._tool, self._run.scope
        if mem is None or "r" not in scope.mode:
            return None

        async def recall(query: str) -> str:
            """Searches what is remembered of earlier conversations with this user.

            Args:
                query: What to look for, in a few words or as a question.
            """
            found = await mem.arecall(query, RECALLED, entity=scope.entity)
            return found.to_prompt() or "Nothing is remembered about that."

        return FunctionToolset([recall])


class _RunModel(WrapperModel):
    """A model of one run: its calls belong to the run."""

    def __init__(self, model: Model, run: Run) -> None:
        super().__init__(model)
        self._run = run
        self._remembering = WrapperModel(model)
        run.adopt(self._remembering)

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        with self._run.entered():
            return await self._remembering.request(messages, model_settings, model_request_parameters)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse, None]:
        async with AsyncExitStack() as stack:
            with self._run.entered():
                opening = self._remembering.request_stream(
                    messages, model_settings, model_request_parameters, run_context
                )
                stream = await stack.enter_async_context(opening)
            yield stream
