"""A run of an agent: like a turn, but it is under way in whatever tasks the framework likes. So it is no ContextVar,
the framework itself carries it through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from memori_wrap.context import carry, is_paused
from memori_wrap.intercept.call import Registration
from memori_wrap.intercept.drivers import Driver, Lookup
from memori_wrap.intercept.turns import Turn
from memori_wrap.protocols import Arguments, PatchPoint
from memori_wrap.types import Scope

Register = Callable[[object, Registration], None]


class AgentRun(Turn):
    """Implements ``protocols.Run``."""

    def __init__(self, registration: Registration, scope: Scope, register: Register) -> None:
        super().__init__(registration.desk)
        self.scope = scope
        self._register = register
        # its calls may come from another task or thread than the one for which the scope was named
        self._registration = replace(registration, entity=scope.entity, process=scope.process, session=scope.session)

    def adopt(self, client: object) -> None:
        self._register(client, self._registration)


def running(point: PatchPoint, lookup: Lookup, register: Register) -> Driver:
    """What wrapt is to call in the place of a method that begins a run."""

    def drive(wrapped: Callable[..., Any], receiver: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        run = _begin(lookup(receiver), register)
        if run is None or point.hand is None:
            return wrapped(*args, **kwargs)
        given = point.hand(Arguments(args, kwargs), run)
        return wrapped(*given.args, **given.kwargs)

    return drive


def carrying(lookup: Lookup) -> Driver:
    """A script's ``attribution`` serves no task; in a synchronous call's own loop there is nobody else to be served."""

    def drive(wrapped: Callable[..., Any], receiver: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return (wrapped if lookup(receiver) is None else carry(wrapped))(*args, **kwargs)

    return drive


def _begin(registration: Registration | None, register: Register) -> AgentRun | None:
    if registration is None or not registration.active or is_paused():
        return None
    desk = registration.desk
    with desk.counts.guard("read"):
        scope = desk.scope_for(registration)
        return AgentRun(registration, scope, register) if scope is not None else None
    return None
