"""Ids, made before the insert so that writing twice changes nothing."""

from __future__ import annotations

import os
import threading
import time
import uuid
from hashlib import blake2b

_lock = threading.Lock()
_last = (0, 0)


def _forked() -> None:
    global _lock  # noqa: PLW0603 (another thread of the parent may have held it)
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def new_id() -> str:
    """A UUIDv7 (RFC 9562): sorts by time, and within one process strictly in the order of the calls."""
    global _last  # noqa: PLW0603 (the counter of the process)
    now = time.time_ns() // 1_000_000
    with _lock:
        millisecond, count = _last
        millisecond, count = (now, 0) if now > millisecond else (millisecond, count + 1)
        if count > 0xFFF:
            millisecond, count = millisecond + 1, 0
        _last = millisecond, count
    low = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return str(uuid.UUID(int=(millisecond << 80) | (7 << 76) | (count << 64) | (2 << 62) | low))


def message_id(exchange: str, n: int) -> str:
    """The id of message ``n`` (0-based, request then reply) of an exchange: the same on every attempt."""
    digest = blake2b(f"{exchange}/{n}".encode(), digest_size=8).digest()
    low = int.from_bytes(digest, "big") & ((1 << 62) - 1)
    high = uuid.UUID(exchange).int >> 64
    return str(uuid.UUID(int=(high << 64) | (2 << 62) | low))


def fact_id(entity: str, key: str) -> str:
    """The id of the fact with this key (see ``augment.resolve``): said again, it finds its row."""
    return str(uuid.UUID(bytes=blake2b(f"{entity}\0{key}".encode(), digest_size=16).digest()))


def digest(*parts: str) -> str:
    """32 hex digits that stand for these strings."""
    h = blake2b(digest_size=16)
    for part in parts:
        h.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return h.hexdigest()


def vector_key(item: str, variant: str) -> int:
    """The key of an item's vector in an index that processes share: 63 bits, so that SQL and Milvus can hold it."""
    return int.from_bytes(blake2b(f"{item}\0{variant}".encode(), digest_size=8).digest(), "big") >> 1


def owner_id(key: bytes, entity: str) -> str:
    """32 hex digits that stand for an entity of the store with this secret, and tell nobody who it is."""
    secret = blake2b(key, digest_size=32).digest()
    return blake2b(entity.encode("utf-8", "surrogatepass"), key=secret, digest_size=16, person=b"vectors").hexdigest()
