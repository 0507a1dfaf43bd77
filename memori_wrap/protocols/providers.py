"""The plug of an SDK: what a ``Provider`` tells of its calls, requests and replies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from memori_wrap.types import (
    Reply,
    Request,
    Scope,
)


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
