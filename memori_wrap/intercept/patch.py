"""Apply and undo: wrapt hooks on client classes, and the registry that says which instances they serve.

The hook sits on the class, once, however many clients are registered: so ``vars(client)``, pickling, copying
and lifetimes of instances stay what they were. A client that is not registered pays one dictionary look-up.
"""

from __future__ import annotations

import copy
import inspect
import os
import threading
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import wrapt

from memori_wrap.intercept.call import Registration
from memori_wrap.intercept.drivers import Driver, Lookup, driver
from memori_wrap.intercept.runs import carrying, running
from memori_wrap.protocols import PatchPoint, Provider

_lock = threading.RLock()
_clients: dict[int, tuple[weakref.ref[object], Registration]] = {}
_hooks: dict[tuple[Any, str], tuple[Any, Any]] = {}
"""(class or module, name) -> (our wrapper, what stood there before, None where that was inherited)."""
_providers: dict[tuple[Any, str], Provider] = {}
"""Whose hooks they are."""


def _forked() -> None:
    global _lock  # noqa: PLW0603 (another thread of the parent may have held it)
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def lookup(subject: object) -> Registration | None:
    """The registration of exactly this object: ids are reused, so the reference decides."""
    entry = _clients.get(id(subject))
    return entry[1] if entry is not None and entry[0]() is subject else None


def _through(provider: Provider) -> Lookup:
    """Looks up what a method is bound to. Also for clients that nobody registered, so nothing may be raised here."""

    def find(receiver: Any) -> Registration | None:
        try:
            return lookup(provider.subject(receiver))
        except Exception:
            return None

    return find


def register(client: object, registration: Registration) -> None:
    """Hooks the client's class where that is not done yet, and enters the client."""
    provider = registration.provider
    points, subject = list(provider.patch_points(client)), provider.subject(client)
    key = id(subject)

    def forget(reference: weakref.ref[object]) -> None:
        # runs inside the collector: no lock; the entry may already be that of a new client with the same id
        entry = _clients.get(key)
        if entry is not None and entry[0] is reference:
            _clients.pop(key, None)

    with _lock:
        for point in points:
            _hook(point, provider)
        _clients[key] = (weakref.ref(subject, forget), registration)


def unregister(subject: object) -> bool:
    """Takes the client out; with an SDK's last one its classes are restored. False where it was not registered."""
    with _lock:
        registration = lookup(subject)
        if registration is None:
            return False
        del _clients[id(subject)]
        if all(other.provider is not registration.provider for _, other in _clients.values()):
            for hook in [hook for hook in _hooks if _providers.get(hook) is registration.provider]:
                _unhook(*hook)
        return True


def _hook(point: PatchPoint, provider: Provider) -> None:
    before = vars(point.owner).get(point.method)
    known = _hooks.get((point.owner, point.method))
    if known is not None and _stands_on(before, known[0]):
        return
    find = _through(provider)
    kind = _Function if isinstance(point.owner, ModuleType) else wrapt.FunctionWrapper
    beneath = before or inspect.getattr_static(point.owner, point.method)
    wrapper = kind(beneath, _driver(point, find))
    setattr(point.owner, point.method, wrapper)
    _hooks[point.owner, point.method] = (wrapper, before)
    _providers[point.owner, point.method] = provider


def _driver(point: PatchPoint, find: Lookup) -> Driver:
    if point.role == "run":
        return running(point, find, register)
    if point.role == "carry":
        return carrying(find)
    return _copying(find) if point.role == "copy" else driver(point, find)


class _Function(wrapt.FunctionWrapper):  # type: ignore[type-arg]
    """A hooked function of a module: a copy of it is itself, as with any function; pickled, it is the one beneath."""

    def __copy__(self) -> _Function:
        return self

    def __deepcopy__(self, _: object) -> _Function:
        return self

    def __reduce_ex__(self, _: object) -> Any:
        return copy.copy, (self.__wrapped__,)


def _stands_on(method: Any, wrapper: object) -> bool:
    """Whether our wrapper is still there, maybe under others'. A patcher that came before us and restores what it
    found takes us out with it."""
    while method is not None and method is not wrapper:
        method = getattr(method, "__wrapped__", None)
    return method is wrapper


def _unhook(owner: Any, name: str) -> None:
    wrapper, before = _hooks[owner, name]
    if vars(owner).get(name) is not wrapper:
        return  # another patcher stands on ours: it stays, as a pass-through
    del _hooks[owner, name]
    if before is None:
        delattr(owner, name)
    else:
        setattr(owner, name, before)


def _copying(find: Lookup) -> Callable[..., Any]:
    """A copy of a registered client is registered, of a bare one is not."""

    def drive(wrapped: Callable[..., Any], receiver: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made = wrapped(*args, **kwargs)
        registration = find(receiver)
        if registration is not None and registration.active:
            register(made, registration)
        return made

    return drive
