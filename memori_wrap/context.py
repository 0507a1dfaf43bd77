"""Whose call it is: the scope in a ContextVar, the pause switch, and the rules of ``attribution``.

A scope that was named on one thread or in one task never serves another one that named nobody: threads start
with an empty context, tasks inherit what ``scope`` set, and ``attribution`` (made for scripts) is tied to the
very task or, on the main thread outside a loop, to the main thread and to what was carried from there.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
import threading
import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import ParamSpec, TypeVar

from memori_wrap.errors import ScopeError
from memori_wrap.types import MAX_ID_LENGTH, Mode, Scope

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)


def check_id(value: object, what: str) -> str:
    """An entity, process or session id as given, or ``ScopeError``: 1 to 100 characters, none of them NUL."""
    if not isinstance(value, str):
        raise ScopeError(f"{what} must be a string, not {type(value).__name__}: write {what}=str(...)")
    if not value.strip():
        raise ScopeError(f"{what} is empty: an id has 1 to {MAX_ID_LENGTH} characters")
    if len(value) > MAX_ID_LENGTH:
        raise ScopeError(f"{what} has {len(value)} characters; at most {MAX_ID_LENGTH} are possible: give its digest")
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise ScopeError(f"{what} contains NUL or a lone surrogate, which databases cannot store")
    return value


def make_scope(entity: object, process: object = None, session: object = None, mode: Mode = "rw") -> Scope:
    """A checked ``Scope``; raises ``ScopeError``."""
    if mode not in ("rw", "r", "w"):
        raise ScopeError(f'mode is "rw", "r" (recall only) or "w" (capture only), not {mode!r}')
    return Scope(
        check_id(entity, "entity"),
        None if process is None else check_id(process, "process"),
        None if session is None else check_id(session, "session"),
        mode,
    )


# ---------------------------------------------------------------- the pause switch

_paused: ContextVar[bool] = ContextVar("memori_wrap_paused", default=False)


@contextmanager
def paused() -> Generator[None]:
    """A stretch of the program in which nothing is recalled into calls and nothing captured."""
    token = _paused.set(True)
    try:
        yield
    finally:
        _reset(_paused, token)


def is_paused() -> bool:
    return _paused.get()


# ---------------------------------------------------------------- scopes

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Named:
    """A scope as it was named, None where it was said to be nobody's; ``task`` where it serves that task alone."""

    scope: Scope | None
    task: Callable[[], object | None] | None = None


# keyed by the weak identity of a Scopes, so that two Memori objects do not speak for each other
_named: ContextVar[Mapping[object, _Named]] = ContextVar("memori_wrap_scope")
_carried: ContextVar[Mapping[object, Scope]] = ContextVar("memori_wrap_carried")
_NONE: Mapping[object, _Named] = {}
_NO_DEFAULTS: Mapping[object, Scope] = {}
_defaults: weakref.WeakSet[Scopes] = weakref.WeakSet()
_warned_foreign = False


def _reset(variable: ContextVar[_T], token: Token[_T]) -> None:
    """Undo a set; where the block is left in another Context (generators, frameworks) there is nothing to undo."""
    global _warned_foreign  # noqa: PLW0603 (once a process is what is promised)
    try:
        variable.reset(token)
    except ValueError:
        if not _warned_foreign:
            _warned_foreign = True
            log.warning("a memori_wrap scope was left in another context than it was entered in: nothing to restore")


class ScopeContext:
    """What ``scope()`` returns: ``with`` or ``async with``, also more than once, also nested."""

    def __init__(self, owner: Scopes, scope: Scope) -> None:
        self.scope = scope
        self._owner = owner
        self._tokens: list[Token[Mapping[object, _Named]]] = []

    def __enter__(self) -> Scope:
        self._tokens.append(_named.set({**_named.get(_NONE), self._owner.key: _Named(self.scope)}))
        return self.scope

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _reset(_named, self._tokens.pop())

    async def __aenter__(self) -> Scope:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, tb)


class PiecewiseScope:
    """What ``piecewise()`` returns: ``with`` around each piece of the work, on whatever thread, one after the other.

    Between the pieces nothing of it is left on the thread. A scope that one piece has entered and not left (a
    generator that yields inside of ``with scope``) is in force again in the next one.
    """

    def __init__(self, owner: Scopes, scope: Scope | None) -> None:
        self._owner, self._left = owner, _Named(scope)
        self._tokens: list[Token[Mapping[object, _Named]]] = []

    def __enter__(self) -> None:
        self._tokens.append(_named.set({**_named.get(_NONE), self._owner.key: self._left}))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._left = _named.get(_NONE).get(self._owner.key, self._left)
        _reset(_named, self._tokens.pop())


def _task() -> object | None:
    """The running asyncio (or, through anyio, trio) task; None outside of an event loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        return asyncio.current_task() or loop
    if "trio" in sys.modules:
        import anyio

        try:
            return anyio.get_current_task().id
        except Exception:  # not inside trio: each anyio release says it with another class
            return None
    return None


def _held(task: object) -> Callable[[], object | None]:
    """A way back to ``task`` that does not keep it alive."""
    try:
        return weakref.ref(task)
    except TypeError:  # trio's id is a plain integer
        return lambda: task


def _same(a: object | None, b: object | None) -> bool:
    return a is not None and (a is b or (isinstance(a, int) and a == b))


@dataclass(eq=False)
class Scopes:
    """The named scopes of one ``Memori``."""

    on_threads: str = "refuse"
    key: object = field(default_factory=object)
    default: Scope | None = None

    def __post_init__(self) -> None:
        _defaults.add(self)

    def enter(self, scope: Scope) -> ScopeContext:
        return ScopeContext(self, scope)

    def piecewise(self, scope: Scope | None) -> PiecewiseScope:
        return PiecewiseScope(self, scope)

    def attribute(self, scope: Scope) -> None:
        """Names the scope in the manner of Memori's ``attribution``; see the rules at the top."""
        task = _task()
        if task is not None:
            _named.set({**_named.get(_NONE), self.key: _Named(scope, _held(task))})
        elif threading.current_thread() is threading.main_thread():
            self.default = scope
        elif self.on_threads == "allow":
            _named.set({**_named.get(_NONE), self.key: _Named(scope)})
        else:
            raise ScopeError(
                "attribution() on a thread would stay there for whoever uses the thread next. Write\n"
                f"    with mem.scope({scope.entity!r}):\n        ...\n"
                'or, for a ported script only, Memori(settings={"attribution_on_threads": "allow"})'
            )

    def current(self) -> Scope | None:
        """The scope that this very call runs under, or None where nobody was named for it."""
        named = self._serving()
        if named is not None:
            return named.scope
        if _task() is None and threading.current_thread() is threading.main_thread():
            return self.default
        carried = _carried.get(_NO_DEFAULTS).get(self.key)
        if carried is not None and self.default is not None and self.default.entity == carried.entity:
            return carried
        return None

    def is_nobodys(self) -> bool:
        """Whether it was said of this very call that it is nobody's, so that no default stands in."""
        named = self._serving()
        return named is not None and named.scope is None

    def _serving(self) -> _Named | None:
        named = _named.get(_NONE).get(self.key)
        return named if named is not None and _serves(named) else None


def carry(fn: Callable[P, R]) -> Callable[P, R]:
    """``fn`` under the scope of the place where ``carry`` was called, for executors and threads of one's own."""
    named = {key: _Named(value.scope) for key, value in _named.get(_NONE).items() if _serves(value)}
    defaults = dict(_carried.get(_NO_DEFAULTS))
    if _task() is None and threading.current_thread() is threading.main_thread():
        defaults |= {scopes.key: scopes.default for scopes in _defaults if scopes.default is not None}
    is_off = _paused.get()

    @functools.wraps(fn)
    def carried(*args: P.args, **kwargs: P.kwargs) -> R:
        tokens = _named.set(named), _carried.set(defaults), _paused.set(is_off)
        try:
            return fn(*args, **kwargs)
        finally:
            _reset(_named, tokens[0])
            _reset(_carried, tokens[1])
            _reset(_paused, tokens[2])

    return carried


def _serves(named: _Named) -> bool:
    return named.task is None or _same(named.task(), _task())
