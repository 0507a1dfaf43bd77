"""AWS's framing of a stream of events, as Bedrock sends it: the writing side."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

MEDIA = "application/vnd.amazon.eventstream"
_STRING = 7


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One event with its headers, which are strings, and its checksums."""
    head = b"".join(_header(name, value) for name, value in headers.items())
    prelude = (16 + len(head) + len(payload)).to_bytes(4, "big") + len(head).to_bytes(4, "big")
    whole = prelude + _checksum(prelude) + head + payload
    return whole + _checksum(whole)


def chunk(data: bytes) -> bytes:
    """A piece of a model's own answer."""
    kind = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return frame(kind, json.dumps({"bytes": base64.b64encode(data).decode()}).encode())


def exception(name: str, body: Mapping[str, Any]) -> bytes:
    """An error in the middle of a stream."""
    kind = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(kind, json.dumps(body).encode())


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return bytes([len(key)]) + key + bytes([_STRING]) + len(text).to_bytes(2, "big") + text


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")
