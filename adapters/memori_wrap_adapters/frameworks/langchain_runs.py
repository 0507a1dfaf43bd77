"""Whose run it is, as LangChain and LangGraph are told: in the run's context or its config, never in what is said.

The application names the user when it calls: ``graph.invoke(..., context={"entity": "alice"})``, or
``config={"configurable": {"user_id": "alice", "thread_id": "42"}}``. ``mem.scope("alice")`` around the call goes
before either.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

from memori_wrap.context import paused
from memori_wrap.errors import ScopeError
from memori_wrap.ids import digest
from memori_wrap.types import MAX_ID_LENGTH, Mode, Scope
from memori_wrap_adapters.llm.fields import get

log = logging.getLogger(__name__)

C = TypeVar("C")

ENTITY = ("entity", "user_id")
"""The names, in a run's context or config, of who it is for."""


class Memory(Protocol):
    """What these adapters ask of a ``Memori``."""

    @property
    def current_scope(self) -> Scope | None: ...

    def register(
        self, client: C, *, entity: Any = None, process: str | None = None, session: str | None = None
    ) -> C: ...

    def scope(
        self, entity: str, process: str | None = None, session: str | None = None, *, mode: Mode = "rw"
    ) -> AbstractContextManager[object]: ...

    def recall(self, query: str, limit: int = 10, *, entity: str | None = None) -> Any: ...


def entity_of_run() -> str | None:
    """Who the present run is for; for ``register(model, entity=entity_of_run)`` where graphs and chains call it.

    Outside of a run, and where it names nobody: None, which means no memory for the call.
    """
    return entity_in(*present())


def entity_in(context: object, config: Mapping[str, Any] | None) -> str | None:
    """The first name in a run's context, else in its config; a number counts as its text."""
    for place in (context, (config or {}).get("configurable")):
        for name in ENTITY:
            found = get(place, name)
            if isinstance(found, (str, int)) and not isinstance(found, bool):
                return str(found)
    return None


def session_in(config: Mapping[str, Any] | None) -> str | None:
    """A thread of LangGraph's is a conversation: its id, or what stands for one that is too long."""
    found = get((config or {}).get("configurable"), "thread_id")
    if found is None or not str(found).strip():
        return None
    given = str(found)
    return given if len(given) <= MAX_ID_LENGTH and given.isprintable() else digest(given)


def present(given: Any = None) -> tuple[object, Mapping[str, Any]]:
    """The context and the config of the run that this is called in; ``given``: a config that goes before that."""
    from langchain_core.runnables.config import ensure_config

    config = ensure_config(given)
    context = None
    if "langgraph" in sys.modules:
        from langgraph.runtime import get_runtime

        try:
            context = get_runtime().context
        except Exception:  # not in a run: each release says it with another class
            log.debug("memori_wrap: not in a run of LangGraph's", exc_info=True)
    return context, config


def scoped(mem: Memory, named: str | None, process: str | None, session: str | None) -> AbstractContextManager[object]:
    """A stretch under the scope of a run: ``mem.scope`` where there is one, else ``named``, else as it is.

    ``session`` counts where nothing else is said. An impossible name means no memory: what runs in the stretch is a
    model's call, which has to go through.
    """
    now = mem.current_scope
    if now is not None:
        return mem.scope(now.entity, now.process, now.session or session, mode=now.mode)
    try:
        return mem.scope(named, process, session) if named is not None else nullcontext()
    except ScopeError as error:
        log.warning("memori_wrap: %s; the call goes through untouched", error)
        return paused()
