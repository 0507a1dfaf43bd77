"""What a user can see of a call, as plain values that can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memori_wrap.testing.provider.dialect import Dialect
from memori_wrap.testing.script import Received

BLOCK = re.compile(r"<memory-([0-9a-f]{16})>\n.*?\n</memory-\1>", re.DOTALL)
"""The memory block in a text."""
_GONE: Any = object()
_PLAIN = (str, int, float, bool, type(None))


def name_of(kind: type) -> str:
    """A class by its full name."""
    return f"{kind.__module__}.{kind.__qualname__}"


@dataclass(frozen=True)
class Showing:
    """Turns values into comparable ones; ``has_block``: the request behind them carried a memory block."""

    dialect: Dialect
    has_block: bool = False

    def value(self, value: Any) -> Any:
        """Types, fields and texts, without ids and times."""
        value = self.dialect.comparable(value)
        if isinstance(value, _PLAIN):
            return self._text(value) if isinstance(value, str) else value
        if isinstance(value, bytes):
            return self._text(value.decode("utf-8", "replace"))
        if isinstance(value, type):
            return name_of(value)
        if isinstance(value, BaseException):
            return self.error(value)
        if hasattr(value, "model_dump"):
            return {"": name_of(type(value)), "set": sorted(value.model_fields_set), **self.value(_dump(value))}
        if isinstance(value, Mapping):
            return {str(k): self.value(v) for k, v in value.items() if not self._is_ignored(str(k))}
        if isinstance(value, Sequence):
            return [self.value(v) for v in value]
        if hasattr(value, "status_code") and hasattr(value, "headers"):
            return {"": name_of(type(value)), "status": value.status_code, "headers": self.value(value.headers)}
        return name_of(type(value))

    def error(self, error: BaseException) -> Any:
        """Class, text, fields and origin of an exception."""
        return {
            "": name_of(type(error)),
            "text": self._text(str(error)),
            "fields": self.value(vars(error)),
            "cause": error.__cause__ and name_of(type(error.__cause__)),
            "context": error.__context__ and name_of(type(error.__context__)),
        }

    def _text(self, text: str) -> Any:
        if self.has_block and "{" in text:
            # what an answer echoes of its request has to be left out of its raw form, too
            if "\ndata: {" in text:
                return [self._text(line) for line in text.splitlines()]
            try:
                return self.value(json.loads(text.removeprefix("data: ")))
            except ValueError:
                pass
        if self.has_block and BLOCK.search(text):
            text = BLOCK.sub("", text).strip()
            if not text:
                return None  # a field that held nothing else
        return self.dialect.volatile.sub(lambda m: f"{m.group(1)}*", text)

    def _is_ignored(self, key: str) -> bool:
        return key in self.dialect.ignored or (self.has_block and key in self.dialect.echoed)


def difference(a: Any, b: Any, path: str = "") -> str | None:
    """Where two shown values differ first, in words; None where they are equal."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next((d for k in a if (d := difference(a[k], b[k], f"{path}[{k!r}]"))), None)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return next((d for n in range(len(a)) if (d := difference(a[n], b[n], f"{path}[{n}]"))), None)
    return None if a == b else f"at {path or 'the top'}: the bare client shows {a!r}, the registered one {b!r}"


def _dump(value: Any) -> Any:
    return value.model_dump(warnings=False)


def block_of(received: Received) -> str | None:
    """The memory block of a request, None where there is none. More than one is an error."""
    found = [match.group() for text in _texts(received.body) for match in BLOCK.finditer(text)]
    assert len(found) <= 1, f"{len(found)} memory blocks in one request"
    return found[0] if found else None


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for v in inner for text in _texts(v)]


def without_block(value: Any) -> Any:
    """A request's body as it would be without the block: also without the field or part that held nothing else."""
    left = _strip(value)
    return None if left is _GONE else left


def _strip(value: Any) -> Any:
    if isinstance(value, str):
        match = BLOCK.search(value)
        if match is None:
            return value
        before, after = value[: match.start()], value[match.end() :]
        if after.startswith("\n\n"):
            after = after.removeprefix("\n\n")
        else:
            before = before.removesuffix("\n\n")
        return before + after if before + after else _GONE
    if isinstance(value, Mapping):
        kept = {k: s for k, v in value.items() if (s := _strip(v)) is not _GONE}
        return _GONE if len(kept) < len(value) and set(kept) <= {"type"} else kept
    if isinstance(value, list):
        return [s for v in value if (s := _strip(v)) is not _GONE]
    return value


def assert_same_requests(
    bare: Sequence[Received], ours: Sequence[Received], signed: frozenset[str] = frozenset()
) -> None:
    """The same requests on the wire: byte for byte, or, with a memory block, the same apart from that.

    Of the headers in ``signed`` only the names are the same.
    """

    def unlike(received: Received) -> dict[str, str]:
        return dict.fromkeys(signed & received.headers.keys(), "")

    assert len(bare) == len(ours), f"{len(bare)} requests by the bare client, {len(ours)} by the registered one"
    for a, b in zip(bare, ours, strict=True):
        assert (a.method, a.path, a.query) == (b.method, b.path, b.query)
        if block_of(b) is None:
            assert a.raw == b.raw
            assert {**a.headers, **unlike(a)} == {**b.headers, **unlike(b)}
        else:
            body: Any = without_block(b.body)
            # the block may have taken the place of a null
            assert body == {k: v for k, v in a.body.items() if v is not None or k in body}
            assert {**a.headers, **unlike(a), "content-length": ""} == {**b.headers, **unlike(b), "content-length": ""}
