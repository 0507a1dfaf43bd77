"""The plugs. An adapter implements one of these and names itself as an entry point (see ``plugins``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from memori_wrap.types import (
    Augmentation,
    DeadJob,
    Delta,
    Erased,
    Exchange,
    Fact,
    Job,
    Recollection,
    Reply,
    Request,
    Scope,
    StoredFact,
    StoredMessage,
    StoredVector,
    Vectors,
)

# ---------------------------------------------------------------- providers


@dataclass(frozen=True, slots=True)
class Arguments:
    """The positional and keyword arguments of an intercepted call."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PatchPoint:
    """A method of a class, or a function of a module, to hook.

    ``role``: "call" is intercepted; "copy" returns a client that inherits the registration; "turn" runs a whole tool
    loop over intercepted calls, which are captured as one exchange; "run" begins an agent's run, which it is told of
    in its arguments, by ``hand``; "carry" runs an event loop of its own over such, into which the scope is carried.
    ``takes_receiver``: the arguments begin with the object that the method is bound to,
    for an SDK that keeps the conversation in one; ``inject`` may put a copy there. ``is_framework``: what is asked
    within such a call is its own request, in an SDK's words, and no call of its own. ``gives_context``: the method
    returns an asynchronous context manager, and the result is what that gives.
    A "copy" may be inherited: it is then hooked on ``owner`` and not on the class that has it.
    """

    owner: Any
    method: str
    role: Literal["call", "copy", "turn", "run", "carry"] = "call"
    is_async: bool = False
    takes_receiver: bool = False
    is_framework: bool = False
    gives_context: bool = False
    hand: Callable[[Arguments, Run], Arguments] | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """The releases of a distribution that the conformance suite has passed with, as a version specifier (PEP 440)."""

    distribution: str
    versions: str


class ReplyBuilder(Protocol):
    """Gathers the chunks of one stream. Must take any chunk without raising for its shape."""

    def feed(self, chunk: Any) -> None: ...

    def reply(self) -> Reply:
        """The reply so far. ``complete`` tells whether the provider has said that it is finished."""
        ...


class Tap(Protocol):
    """Where an endpoint puts the chunks of a stream. It never raises; the first end counts."""

    def feed(self, chunk: Any) -> None: ...

    def end(self) -> None:
        """Exhausted or closed: waits for the acknowledgement within the capture budget."""
        ...

    async def aend(self) -> None: ...

    def broken(self) -> None:
        """Cut or cancelled: what came so far is the reply; waits for nothing."""
        ...

    def dropped(self) -> None:
        """Given up, maybe by the collector, inside anyone's lock: takes none, and leaves the work to another thread."""
        ...

    def void(self) -> None:
        """The call failed before it brought anything: there is nothing to capture."""
        ...


class Run(Protocol):
    """One run of an agent. What its calls say for one turn of its user is captured as one exchange, at its end."""

    @property
    def scope(self) -> Scope:
        """Whose run it is, taken when it began."""
        ...

    def adopt(self, client: object) -> None:
        """Registers a client of the same SDK for this run and its scope."""

    def entered(self) -> AbstractContextManager[object]:
        """Calls that start inside belong to the run."""
        ...

    async def aend(self) -> None:
        """It is over: what its calls said is captured; waits for the acknowledgement within the capture budget."""

    def broken(self) -> None:
        """It failed or was cancelled: captures what there is, waits for nothing."""


class Endpoint(Protocol):
    """The translation of one kind of call. It never changes the arguments that it is given.

    Mostly one object for all calls. One that has to know at the end what it did at the beginning is made per call.
    """

    def request(self, arguments: Arguments) -> Request | None:
        """What is asked; None where the shape is unknown (the call then goes through untouched)."""
        ...

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        """A copy of the arguments with the block in its place, or None where there is no place for it."""
        ...

    def reply(self, result: Any) -> Reply | None:
        """The reply in a finished response, or None where ``result`` is a stream still to be read.

        Where the SDK echoes the request in its response, the block is taken out of it again.
        """
        ...

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        """Mounts a tap on a stream; returns what the user gets, or None where its shape is unknown.

        That is the SDK's own object. Only a plain generator, which has no place for a tap, is replaced: by another
        generator (see ``generators``). ``tap`` makes one for the builder that is to be fed. Where a context manager
        gave the result, the tap ends with the context, and need not be mounted: the builder may look at the stream.
        """
        ...


class Provider(Protocol):
    """Knows one SDK. Found by the entry point group ``memori_wrap.providers``; the key is the root package.

    A ``receiver`` is what a hooked method is bound to: the client, or a part of it; None for a module's function.
    """

    @property
    def tested(self) -> Tested: ...

    def supports(self, client: object) -> bool: ...

    def patch_points(self, client: object) -> Iterable[PatchPoint]: ...

    def subject(self, receiver: Any) -> object:
        """The object that is registered: the client itself, or, where calls arrive at its parts, what they share.

        It must live as long as the client, and be of a class that allows weak references.
        """
        ...

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        """The endpoint that the call is for; None for one that carries no conversation (embeddings, files)."""
        ...

    def label(self, receiver: Any) -> str:
        """Who answers, for the stored exchange: "openai", "groq" ..."""
        ...


# ---------------------------------------------------------------- storage


@dataclass(frozen=True, slots=True)
class QueueState:
    """Jobs not yet done, jobs given up on, and the age of the oldest waiting one in seconds."""

    pending: int
    dead: int
    oldest_age: float = 0.0


class Store(Protocol):
    """Durable truth. Every method is one transaction and raises ``StoreError``.

    What a row holds, and which messages of an exchange are new, is decided in ``memori_wrap.rows``, for every store;
    ``memori_wrap.testing.store_suite`` tells whether one is whole. See ``storage`` for how one is found.
    """

    def capture(self, exchanges: Sequence[Exchange]) -> Sequence[Delta]:
        """Writes exchanges with their jobs, each once by its id; one delta per changed entity."""
        ...

    def claim(self, worker: str, limit: int, stale: Sequence[str] = ()) -> Sequence[Job]:
        """Leases up to ``limit`` jobs that wait, or are held by a lease in ``stale``: the entities in turn, an
        entity's oldest first. Writes nothing where no job waits."""
        ...

    def heartbeat(self, leases: Sequence[str]) -> None: ...

    def leases(self) -> Mapping[str, int]:
        """The heartbeat counter of every lease that is held."""
        ...

    def complete(self, results: Sequence[Augmentation], model: str | None) -> Sequence[Delta]:
        """Writes facts and vectors and ends the jobs; a job whose lease was lost writes nothing."""
        ...

    def fail(self, job: Job, reason: str, delay: float | None) -> None:
        """Gives a job back, to be tried again after ``delay`` seconds, or never where that is None."""
        ...

    def dead(self, limit: int = 100) -> Sequence[DeadJob]:
        """The newest jobs that were given up on."""
        ...

    def retry(self, exchanges: Sequence[str] | None = None) -> int:
        """Makes dead jobs waiting ones, all or those of the given exchanges; how many."""
        ...

    def revision(self, entity: str) -> int:
        """Grows with every commit that changes the entity; 0 where it is unknown."""
        ...

    def load(self, entity: str, since: int, model: str | None) -> Delta:
        """What the entity has gained after revision ``since``, with the vectors of ``model`` only."""
        ...

    def facts(self, entity: str, ended: bool = False) -> Sequence[StoredFact]: ...

    def exchange_messages(self, entity: str, exchange: str) -> Sequence[StoredMessage]: ...

    def other_models(self, model: str) -> Sequence[str]:
        """Names of embedding models that wrote vectors here, beside ``model``."""
        ...

    def queue(self, until: str | None = None) -> QueueState:
        """The state of the queue, of the exchanges up to the id ``until`` only where one is given."""
        ...

    def entities(self, after: str = "", limit: int = 500) -> Sequence[str]:
        """Who is remembered, in the order of the ids, behind ``after``."""
        ...

    def erase(self, entity: str) -> Erased:
        """Deletes all of an entity; exchanges that began before this are not taken afterwards."""
        ...

    def expire(self, entity: str, before: datetime) -> int:
        """Deletes some of what was said before then, with the facts that rest on it alone; again until it is 0."""
        ...

    def page(self, table: str, entity: str, after: Sequence[str] | None) -> Sequence[Mapping[str, Any]]:
        """Rows of one of the tables of ``store.transfer``, in the order of their keys, behind ``after``."""
        ...

    def insert(self, entity: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> int:
        """Writes (table, row) pairs that are not there yet; how many."""
        ...

    def unembedded(
        self, model: str, after: tuple[str, str], limit: int
    ) -> tuple[Sequence[tuple[str, StoredMessage, StoredMessage | None]], tuple[str, str] | None]:
        """(entity, message, the one before it) without a vector of ``model``, behind (entity, id); and the last key."""
        ...

    def unembedded_facts(self, model: str, after: tuple[str, str], limit: int) -> Sequence[tuple[str, str, str]]:
        """(entity, fact id, text) without a vector of ``model``, behind (entity, id)."""
        ...

    def embed(self, entity: str, model: str, vectors: Sequence[StoredVector]) -> None:
        """Writes vectors."""
        ...

    def forget_models(self, model: str) -> int:
        """Deletes the vectors of every other model; how many."""
        ...

    def key(self) -> bytes:
        """The secret that all processes of this database share, made at migration."""
        ...

    def close(self) -> None: ...

    def leave(self) -> None:
        """In a forked child: lets go of the parent's connections without closing them."""
        ...


@runtime_checkable
class VectorIndex(Protocol):
    """Nearest neighbours by inner product. Disposable: it is rebuilt from the store. Keys are small integers.

    One that has work to do which no answer waits for says so in ``is_behind``, and does a step of some milliseconds of
    it in ``tend()``. One that holds more than its vectors tells the bytes of all in ``nbytes()``.
    """

    def __len__(self) -> int: ...

    def add(self, keys: Sequence[int], vectors: Vectors) -> None:
        """Adds rows; a key that is there already is replaced."""
        ...

    def remove(self, keys: Sequence[int]) -> None: ...

    def search(self, query: Vectors, k: int) -> tuple[Sequence[int], Sequence[float]]:
        """The ``k`` best keys and their scores, best first, equal scores by smaller key."""
        ...

    def scores(self, query: Vectors, keys: Sequence[int]) -> Sequence[float]:
        """The score of each given key, in their order."""
        ...


# ---------------------------------------------------------------- understanding


class Embedder(Protocol):
    """Texts to vectors. ``model`` names the space: only vectors of equal ``model`` are compared."""

    @property
    def model(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def load(self) -> None:
        """Does the slow part (imports, weights). Called on a background thread, once; idempotent."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), float32, rows of length 1. Any text, also an empty one, is taken."""
        ...


class QueryEmbedder(Embedder, Protocol):
    """An ``Embedder`` whose model treats a question otherwise than what is to be found (a prompt, an input type)."""

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimension,), float32, of length 1."""
        ...


class Reranker(Protocol):
    """Reads a question and a text together, which says more than two vectors do, and takes longer."""

    @property
    def model(self) -> str: ...

    def load(self) -> None:
        """Does the slow part. Called on a background thread, once; idempotent."""
        ...

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """One per text, in their order; higher is better. Only scores of one model are comparable."""
        ...


class Extractor(Protocol):
    """Facts from the new messages of one exchange. Pure of the store; may raise ``ExtractionError``."""

    def extract(self, messages: Sequence[StoredMessage]) -> Sequence[tuple[str, Fact]]:
        """(message id, fact) pairs; a fact's quote stands in the message that it is paired with."""
        ...


@dataclass(frozen=True, slots=True)
class Query:
    """A question to an entity's memory. ``limit`` counts items; ``now`` is what "yesterday" is relative to."""

    text: str
    limit: int = 10
    now: datetime | None = None
    kinds: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    process: str | None = None
    session: str | None = None
    engine: str = "auto"
    threshold: float | None = None


class Retriever(Protocol):
    """Ranks what one entity remembers. One instance per entity; calls come one at a time.

    ``is_behind`` and ``tend()``, where it has them, are as an index's.
    """

    revision: int

    def apply(self, delta: Delta) -> None:
        """Takes in a delta whose ``base`` is the present revision, in small pieces (see design, politeness)."""
        ...

    def focus(self, text: str) -> str:
        """The part of a question that is worth embedding: without stop words and known names."""
        ...

    def rank(self, query: Query, vector: Vectors | None, recent: Sequence[StoredMessage]) -> Sequence[Recollection]:
        """Best first. ``vector``: the query's embedding, shape (dimension,), None while no model is at hand.

        ``recent``: messages captured but not yet stored, oldest first; they take part by their words alone, and
        not at all where their text is known already (a request repeats its history).
        """
        ...

    def nbytes(self) -> int:
        """About how much memory it holds, in bytes."""
        ...


RetrieverFactory = Callable[[], Retriever]

EmbeddingTexts = Callable[[Sequence[StoredMessage], Sequence[StoredMessage]], Sequence[tuple[str, str, str]]]
"""(new messages, the messages just before them) -> (message id, variant, text to embed)."""
