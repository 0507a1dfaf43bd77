"""What goes through the pipe between an embedder's process and ours: lengths, a JSON head, the bytes of vectors."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from typing import Any

_LENGTHS = struct.Struct("<IQ")


def pack(head: Mapping[str, Any], blob: bytes = b"") -> bytes:
    """ASCII JSON, so that a lone surrogate in a text goes through."""
    text = json.dumps(head).encode("ascii")
    return _LENGTHS.pack(len(text), len(blob)) + text + blob


def send(fd: int, frame: bytes) -> None:
    """Writes all of it; ``OSError`` where nobody reads any more."""
    rest = memoryview(frame)
    while rest:
        rest = rest[os.write(fd, rest) :]


def receive(fd: int) -> tuple[dict[str, Any], bytes] | None:
    """The next frame, or None where the other end is gone. By the bare descriptor: a buffer would hold a lock that
    the end of the interpreter trips over."""
    lengths = _read(fd, _LENGTHS.size)
    if lengths is None:
        return None
    of_text, of_blob = _LENGTHS.unpack(lengths)
    text, blob = _read(fd, of_text), _read(fd, of_blob)
    return None if text is None or blob is None else (json.loads(text), blob)


def _read(fd: int, size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        try:
            part = os.read(fd, min(size, 1 << 20))
        except OSError:
            return None
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
