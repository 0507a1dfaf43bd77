"""The framing of AWS event streams (``application/vnd.amazon.eventstream``). Pure functions.

A frame: its length, the length of its headers, their checksum; headers; payload; the checksum of all.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

from memori_wrap.testing.openai_wire import encode

MEDIA = "application/vnd.amazon.eventstream"
_STRING = 7


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame; all headers are strings."""
    packed = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    head = prelude + struct.pack("!I", zlib.crc32(prelude)) + packed + payload
    return head + struct.pack("!I", zlib.crc32(head))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(text)) + text


def event(kind: str, payload: Any) -> bytes:
    """An event of a stream, its payload as JSON."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, encode(payload))


def exception(kind: str, payload: Any) -> bytes:
    """An error that the service's model knows, such as ``modelStreamErrorException``."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, encode(payload))


def error(code: str, message: str) -> bytes:
    """An error that it does not know: all is in the headers."""
    return frame({":error-code": code, ":error-message": message, ":message-type": "error"}, b"")
