"""What ``add`` is given, turned into messages; what arguments mean, turned into values. Pure; typed errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timezone
from typing import Any

from memori_wrap.errors import ConfigurationError
from memori_wrap.types import Message


def when(value: object, name: str) -> datetime | None:
    """A time given as ``datetime``, ``date`` or ISO 8601 text; without a zone it is UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            hint = "write 2026-05-31 or 2026-05-31T18:00+02:00"
            raise ConfigurationError(f"{name}={value!r} is no time: {hint}") from None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    raise ConfigurationError(f"{name} is a {type(value).__name__}: give a datetime, a date or ISO 8601 text")


def messages_of(given: object, at: datetime) -> tuple[Message, ...]:
    """A text, a message or any iterable of them. A message is a mapping or an object with ``role`` and ``content``
    (or ``text``), and maybe ``name`` (the speaker) and ``at``; content is a text or a list of text parts."""
    if isinstance(given, (str, Mapping)) or hasattr(given, "role"):
        given = (given,)
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise ConfigurationError(f"add() takes a text, a message or a list of them, not {type(given).__name__}")
    return tuple(_message(m, n, at) for n, m in enumerate(given))


def _message(m: object, n: int, at: datetime) -> Message:
    if isinstance(m, str):
        return Message("user", m, said_at=at)
    content = _field(m, "content")
    if content is None:
        content = _field(m, "text")
    role = _field(m, "role")
    role = "user" if role is None else role
    speaker = _field(m, "name")
    if speaker is None:
        speaker = _field(m, "speaker")
    if not isinstance(role, str) or not (speaker is None or isinstance(speaker, str)):
        raise ConfigurationError(f"message {n}: role and name must be strings")
    own = when(_field(m, "at"), f"message {n}: at") or when(_field(m, "said_at"), f"message {n}: said_at")
    return Message(role, _text(content, n), speaker or None, said_at=own or at)


def _text(content: object, n: int) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, Iterable) and not isinstance(content, (bytes, Mapping)):
        parts = [p if isinstance(p, str) else _field(p, "text") for p in content]
        return "\n".join(p for p in parts if isinstance(p, str))
    raise ConfigurationError(f"message {n} has no text: give it a content of type str or a list of text parts")


def _field(thing: object, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
