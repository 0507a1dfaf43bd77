"""Reading a field of a dict or of an SDK object alike: SDKs hand over both, sometimes in one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any


def get(thing: Any, name: str) -> Any:
    """The field, or None; sentinels such as ``Omit``, ``NotGiven`` and ``Unset`` also count as absent."""
    kind = thing.__class__  # asked of each chunk of a stream: ``isinstance`` of a ``Mapping`` takes its time
    value = thing.get(name) if kind is dict or _is_mapping(kind) else getattr(thing, name, None)
    if value is None or value.__class__ is str:
        return value
    return None if type(value).__name__ in ("NotGiven", "Omit", "Unset") else value


@lru_cache(maxsize=1024)
def _is_mapping(kind: type) -> bool:
    return issubclass(kind, Mapping)


def text(thing: Any, name: str) -> str:
    value = get(thing, name)
    return value if isinstance(value, str) else ""


def items(thing: Any, name: str) -> Sequence[Any]:
    value = get(thing, name)
    return value if isinstance(value, (list, tuple)) else ()


def numbers(thing: Any, *names: str) -> dict[str, int]:
    """The fields that hold whole numbers, by name."""
    found = {name: get(thing, name) for name in names}
    return {name: value for name, value in found.items() if isinstance(value, int)}
