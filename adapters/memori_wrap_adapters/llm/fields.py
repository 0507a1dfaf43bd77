"""Reading a field of a dict or of an SDK object alike: SDKs hand over both, sometimes in one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def get(thing: Any, name: str) -> Any:
    """The field, or None; sentinels such as ``Omit``, ``NotGiven`` and ``Unset`` also count as absent."""
    if thing.__class__ is dict:  # asked of each chunk of a stream: ``Mapping`` takes its time
        value = thing.get(name)
    else:
        value = thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
    return None if type(value).__name__ in ("NotGiven", "Omit", "Unset") else value


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
