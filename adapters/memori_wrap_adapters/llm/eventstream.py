"""AWS's framing of a stream of events (``application/vnd.amazon.eventstream``), as Bedrock sends it. Pure.

A frame: its length and that of its headers, four bytes each, a checksum; headers; a payload; a checksum.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

MEDIA = "vnd.amazon.eventstream"
_PRELUDE, _CHECKSUM = 12, 4


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """The payloads of whole frames, and the bytes that are left."""
    payloads: list[bytes] = []
    at = 0
    while len(data) - at >= _PRELUDE:
        length = int.from_bytes(data[at : at + 4], "big")
        if length < _PRELUDE + _CHECKSUM:
            return payloads, b""  # no such frame: whatever comes after is none either
        if len(data) - at < length:
            break
        begin = at + _PRELUDE + int.from_bytes(data[at + 4 : at + 8], "big")
        payloads.append(data[begin : at + length - _CHECKSUM])
        at += length
    return payloads, data[at:]


def events(payloads: list[bytes]) -> Iterator[Any]:
    """What the model said in them: Bedrock's chunks carry it in base64."""
    for payload in payloads:
        try:
            found = json.loads(payload.decode())
            yield json.loads(base64.b64decode(found["bytes"]).decode())
        except (ValueError, KeyError, TypeError):
            continue  # an exception frame, or another kind of event
