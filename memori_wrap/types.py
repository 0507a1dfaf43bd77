"""The records that travel between the parts: frozen, plain, without behaviour beyond reading themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["turn", "fact", "summary"]
Mode = Literal["rw", "r", "w"]
Origin = Literal["live", "history"]
Vectors = npt.NDArray[np.float32]
"""Embeddings, one per row: shape (n, dimension), float32, each row of length 1."""

MAX_ID_LENGTH = 100
"""Characters of an entity, process or session id."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memory a call reads and writes. ``mode``: "rw", "r" recalls only, "w" captures only."""

    entity: str
    process: str | None = None
    session: str | None = None
    mode: Mode = "rw"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message that is not its text: a tool call, a tool's result, an image, reasoning, a refusal.

    ``id`` is the provider's own (a tool call and its result share it), ``text`` the arguments or the content.
    """

    kind: str
    text: str = ""
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. ``speaker`` is a name, where the application gave one; ``said_at`` is aware UTC."""

    role: str
    text: str
    speaker: str | None = None
    parts: tuple[Part, ...] = ()
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a provider reads from a call's arguments, before anything is injected."""

    messages: tuple[Message, ...]
    model: str | None = None
    previous: str | None = None
    """The provider's id of the response that this request continues, where the provider keeps the conversation."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider reads from a response, or has gathered from a stream so far."""

    messages: tuple[Message, ...] = ()
    model: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    finish_reason: str | None = None
    complete: bool = True
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its reply, as captured: the unit of the writer, of a job and of deduplication.

    ``id`` is made when the call starts and is unique, so that writing an exchange twice changes nothing.
    ``resent`` says that the request repeats its history (every LLM call does): the writer then stores only what
    is new. ``add`` sets it to False: all of its messages are new.
    """

    id: str
    scope: Scope
    request: tuple[Message, ...]
    reply: tuple[Message, ...]
    said_at: datetime
    provider: str | None = None
    model: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    finish_reason: str | None = None
    complete: bool = True
    resent: bool = True
    response_id: str | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Triple:
    """subject, predicate, object: a fact for graphs."""

    subject: str
    predicate: str
    object: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What an extractor read out of one message.

    ``quote`` is a span that stands in that message, character for character. ``ends`` says that the triple holds
    no longer ("not X any more"): it closes a known fact instead of stating one.
    """

    text: str
    quote: str
    triple: Triple
    category: str
    rule: str
    confidence: float = 1.0
    ends: bool = False


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message row. ``position`` orders the messages of a conversation; ``revision`` those of an entity."""

    id: str
    conversation: str
    exchange: str
    position: int
    role: str
    text: str
    said_at: datetime
    speaker: str | None = None
    parts: tuple[Part, ...] = ()
    origin: Origin = "live"
    process: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class StoredFact:
    """A fact row with the messages that state it, oldest first. ``valid_to`` is set once it no longer holds."""

    id: str
    text: str
    triple: Triple
    category: str
    rule: str
    mentions: int
    sources: tuple[str, ...]
    said_at: datetime
    last_seen: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    confidence: float = 1.0
    process: str | None = None


@dataclass(frozen=True, slots=True)
class StoredVector:
    """The embedding of a message or fact: ``variant`` tells apart the several texts of one item."""

    item: str
    vector: Vectors
    variant: str = "text"


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed in an entity between two of its revisions. ``base`` 0 means from the beginning.

    A fact that was changed comes whole, under its old id.
    """

    entity: str
    base: int
    revision: int
    messages: Sequence[StoredMessage] = ()
    facts: Sequence[StoredFact] = ()
    vectors: Sequence[StoredVector] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """An exchange that waits for augmentation, claimed by one worker: ``lease`` is that claim's fencing token."""

    exchange: str
    entity: str
    conversation: str
    lease: str
    attempts: int
    messages: tuple[StoredMessage, ...]
    before: tuple[StoredMessage, ...] = ()
    """The messages that stand just before them in the conversation, oldest first."""


@dataclass(frozen=True, slots=True)
class DeadJob:
    """A job that was given up on after its last attempt, and why."""

    exchange: str
    entity: str
    reason: str
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ResolvedFact:
    """A fact with the id that it has however often it is said. ``ends`` tells which known triples it ends."""

    id: str
    message: str
    said_at: datetime
    fact: Fact
    ends: Callable[[Triple], bool] | None = None


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What became of one job: its facts, and vectors of messages and facts."""

    job: Job
    facts: Sequence[ResolvedFact] = ()
    vectors: Sequence[StoredVector] = ()


@dataclass(frozen=True, slots=True)
class Recollection:
    """Something remembered. ``why`` splits ``score`` by signal; ``sources`` are ids of the messages it rests on."""

    id: str
    kind: Kind
    text: str
    score: float
    said_at: datetime
    speaker: str | None = None
    why: Mapping[str, float] = field(default_factory=dict)
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    triple: Triple | None = None
    sources: tuple[str, ...] = ()


HookStage = Literal[
    "before_call",
    "after_call",
    "call_error",
    "before_recall",
    "after_recall",
    "recall_error",
    "before_inject",
    "after_inject",
    "inject_error",
    "before_capture",
    "after_capture",
    "capture_error",
]
"""Where a hook of the user's own may stand."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a hook is told. It may return a changed copy (``dataclasses.replace``), which then goes on.

    ``request`` is there in every stage but capture, ``recollections`` after a recall, ``block`` around the injection,
    ``exchange`` around the capture, ``error`` in the stages of errors. ``seconds``: how long it took.
    """

    stage: str
    scope: Scope
    request: Request | None = None
    recollections: tuple[Recollection, ...] = ()
    block: str | None = None
    exchange: Exchange | None = None
    error: BaseException | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Added:
    """What ``add`` stored: the ids of its messages, in the order given."""

    exchange_id: str
    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """What ``erase`` deleted. ``scrubbed``: no byte of it is left in the database's own files.

    None where that is the database server's business (its vacuum, its log, its backups).
    """

    messages: int
    facts: int
    vectors: int
    jobs: int
    journal: int = 0
    scrubbed: bool | None = None


@dataclass(frozen=True, slots=True)
class FlushReport:
    """``done``: everything captured so far is stored, augmented and indexed. Else what still waits, or died."""

    done: bool
    waiting: int = 0
    pending: int = 0
    dead: int = 0
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.done
