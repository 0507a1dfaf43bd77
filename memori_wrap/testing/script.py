"""What a fake server was asked (``Received``) and what it is told to answer (``Scripted``). Plain records."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Received:
    """One HTTP request as it arrived.

    ``path`` is without its query; names in ``headers`` are in lower case; ``body`` is the decoded JSON, or None;
    ``at`` is ``time.monotonic()`` when the last byte had been read.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any
    raw: bytes
    at: float


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for. Arguments that are no string are sent as JSON; no ``id``: one is made."""

    name: str
    arguments: str | Mapping[str, Any] = "{}"
    id: str | None = None

    @property
    def json(self) -> str:
        """The arguments as the wire carries them."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer, and the faults that befall it. Nothing but faults given: the server's usual reply suffers them.

    A "chunk" is one event of a stream. ``*_after=k`` means: when k chunks have been sent.
    """

    text: str | None = None
    tool_calls: Sequence[ToolCall] = ()
    refusal: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    """In the words of the chat format; "failed": a Responses answer of that status, with ``message`` and ``code``."""
    choices: Sequence[str | Scripted] = ()
    """The alternatives of an ``n > 1`` request, one by one, instead of the fields above."""
    headers: Mapping[str, str] = field(default_factory=dict)

    delay: float = 0.0
    """Seconds before the headers."""
    chunk_delay: float = 0.0
    """Seconds before each chunk but the first."""
    hold: threading.Event | None = None
    """A stream stops after ``hold_after`` chunks, a plain answer before its headers, until this is set."""
    hold_after: int = 1
    status: int | None = None
    """An error status: the provider's own error body is sent, with ``message`` and ``code`` where given."""
    message: str | None = None
    code: str | None = None
    retry_after: float | None = None
    body: str | bytes | None = None
    """These bytes instead of the answer's: wrong JSON, an empty body, a proxy's HTML page."""
    error_after: int | None = None
    """The stream ends with the provider's error event."""
    cut_after: int | None = None
    """The connection is closed in the middle of the answer; a plain body is cut in half."""
    cut_bytes: int | None = None
    """The same, counted in bytes of the body."""
    reset: bool = False
    """The connection is reset (RST): at once, or where ``cut_after`` or ``cut_bytes`` says."""

    @property
    def is_silent(self) -> bool:
        """Whether it says nothing of its own, so that the server's usual reply is meant."""
        return self.text is None and not (self.tool_calls or self.refusal or self.reasoning or self.choices)

    @property
    def is_override(self) -> bool:
        """Whether something else is sent than a reply: an error, or bytes of the test's own."""
        return self.status is not None or self.body is not None

    def alternatives(self, n: int) -> list[Scripted]:
        """The choices to send: as scripted, else this answer ``n`` times."""
        return [as_scripted(choice) for choice in self.choices] or [self] * n

    @property
    def finish(self) -> str:
        """The finish reason, in the words of OpenAI's chat format."""
        return self.finish_reason or ("tool_calls" if self.tool_calls else "stop")


Reply: TypeAlias = str | Scripted
Replier: TypeAlias = Reply | Callable[[Received], Reply]


def as_scripted(reply: Reply) -> Scripted:
    """A plain text is an answer without faults."""
    return Scripted(reply) if isinstance(reply, str) else reply
