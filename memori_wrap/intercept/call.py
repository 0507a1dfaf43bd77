"""One call, a straight line: read, recall, inject, call, tee, capture. No I/O and no waiting here.

The rules that no provider may forget live in this file: capture before injection, one recall and one capture
however calls nest, nothing of ours ever raised into the user's call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol

from memori_wrap.background import Courtesy
from memori_wrap.context import is_paused
from memori_wrap.counts import Counts
from memori_wrap.ids import digest, new_id
from memori_wrap.intercept.hooks import Hooks
from memori_wrap.intercept.tee import Once, StreamTap
from memori_wrap.intercept.turns import Turn, current_turn
from memori_wrap.intercept.waiting import Waiting
from memori_wrap.intercept.windows import Windows, is_too_long
from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, Provider, ReplyBuilder
from memori_wrap.types import Event, Exchange, Message, Reply, Request, Scope


class Desk(Protocol):
    """What the interceptor asks of the memory. None of it raises or blocks."""

    closed: bool

    def is_there(self) -> bool:
        """Whether there are parts to work with; never raises."""
        ...

    @property
    def counts(self) -> Counts: ...

    @property
    def courtesy(self) -> Courtesy: ...

    @property
    def hooks(self) -> Hooks: ...

    @property
    def windows(self) -> Windows: ...

    def scope_for(self, registration: Registration) -> Scope | None: ...

    def start_recall(self, request: Request, scope: Scope) -> Waiting | None:
        """The memory block for this request, looked up on another thread."""
        ...

    def capture(self, exchange: Exchange) -> Waiting | None:
        """Queues the exchange: visible to recall when this returns, durable when the future is done."""
        ...

    def opened(self, tap: Once) -> None:
        """A stream has begun: should the program end before it does, what it brought is captured."""
        ...

    def capture_later(self, work: Callable[[], object]) -> None:
        """From a finaliser: takes no lock, runs nothing here."""
        ...


@dataclass(eq=False)
class Registration:
    """What ``register`` said about a client; its copies share it."""

    desk: Desk
    provider: Provider
    entity: Callable[[], str | None] | str | None = None
    process: str | None = None
    session: str | None = None
    key: str = field(default_factory=new_id)

    @property
    def active(self) -> bool:
        return not self.desk.closed and self.desk.is_there()


class _Mark:
    """Says that a call is under way, and about which user turn; ``block``: what was put into that.

    A framework may put a turn into an SDK's words in a way of its own, so that no text tells it any more.
    """

    __slots__ = ("block", "is_framework", "is_open", "turn")

    def __init__(self, turn: str, is_framework: bool) -> None:
        self.turn, self.is_framework = turn, is_framework
        self.block: str | None = None
        self.is_open = True

    def covers(self, messages: tuple[Message, ...]) -> bool:
        """Whether a request is this call's own, on its way down: there it may carry our block already."""
        return self.is_open and (self.is_framework or self.turn == _user_turn(messages, self.block))


_inside: ContextVar[_Mark | None] = ContextVar("memori_wrap_inside", default=None)


class _Entered:
    """For each chunk of a stream: a context manager that is a generator takes three times as long."""

    __slots__ = ("_mark", "_token")
    _token: Token[_Mark | None]

    def __init__(self, mark: _Mark) -> None:
        self._mark = mark

    def __enter__(self) -> None:
        self._token = _inside.set(self._mark)
        self._mark.is_open = True

    def __exit__(self, *error: object) -> None:
        self._mark.is_open = False
        _inside.reset(self._token)


def last_user(messages: tuple[Message, ...]) -> int:
    """Index of the last message of the user, -1 where there is none."""
    return next((i for i in range(len(messages) - 1, -1, -1) if messages[i].role == "user"), -1)


def _user_turn(messages: tuple[Message, ...], block: str | None = None) -> str:
    """Stands for the last message of the user, without ``block``."""
    texts = (m.text.replace(block, "") if block else m.text for m in messages[last_user(messages) :][:1])
    return digest(*(text.strip() for text in texts))


def turn_digest(messages: tuple[Message, ...]) -> str:
    """Stands for the conversation up to and including the last message of the user."""
    return digest(*(text for m in messages[: last_user(messages) + 1] for text in (m.role, m.text)))


def begin(registration: Registration | None, receiver: object, arguments: Arguments, point: PatchPoint) -> Call | None:
    """Reads the call and starts its recall; None where it is none of our business and goes straight through."""
    if registration is None or not registration.active or is_paused():
        return None
    desk, started = registration.desk, time.perf_counter()
    with desk.counts.guard("read"), desk.courtesy.call():
        endpoint = registration.provider.endpoint(receiver, arguments, point.method)
        if endpoint is None:
            return None
        request = endpoint.request(arguments)
        if request is None:
            desk.counts.add("skipped.unknown_shape")
            desk.counts.once("shape", "memori_wrap: arguments of an unknown shape: the call goes through untouched")
            return None
        outer = _inside.get()
        if outer is not None and outer.covers(request.messages):
            return None
        scope = desk.scope_for(registration)
        if scope is None or desk.hooks.run("before_call", Event("", scope, request)) is None:
            return None
        mark = _Mark(_user_turn(request.messages), point.is_framework)
        call = Call(registration, endpoint, arguments, request, scope, mark, started)
        call.label = registration.provider.label(receiver)
        if "r" in scope.mode:
            call.recalling = desk.start_recall(request, scope)
        return call
    return None


class _CallTap(StreamTap):
    """``around``, ``anew``, ``begun``: for a stream that sends its request with its first item: see ``generators``."""

    def __init__(self, call: Call, *given: Any) -> None:
        super().__init__(*given)
        self.around, self.anew, self.begun = call.entered, call.anew, call.begun


class Call:
    """The state of one intercepted call between the steps that a driver takes."""

    label: str = ""
    recalling: Waiting | None = None
    _block: str | None

    def __init__(
        self,
        registration: Registration,
        endpoint: Endpoint,
        arguments: Arguments,
        request: Request,
        scope: Scope,
        mark: _Mark,
        started: float,
    ) -> None:
        self._desk = registration.desk
        self._endpoint, self._arguments, self._request, self._scope = endpoint, arguments, request, scope
        self._mark, self._started = mark, started
        self._id = new_id()
        self._said_at = datetime.now(timezone.utc)
        self._turn: Turn | None = current_turn()
        self._given = arguments
        self._block = None
        self.is_over = False
        self.result: Any = None
        self.make: Callable[[Arguments], Any] | None = None
        """Makes a result that is a generator once more; it is set where there is one."""

    def inject(self, block: str | None) -> None:
        """Puts the block into the arguments to call with; the very same object stays where nothing was recalled."""
        if block and not self._desk.windows.has_room(self.label, self._request, block):
            self._desk.counts.add("skipped.no_room")
        elif block:
            with self._desk.counts.guard("inject"), self._desk.courtesy.call():
                self._given = self._injected(Event("", self._scope, self._request, block=block))
        self._desk.counts.took(time.perf_counter() - self._started)

    def _injected(self, event: Event) -> Arguments:
        with self._desk.hooks.watching("inject", event):
            before = self._desk.hooks.run("before_inject", event)
            if before is None or not before.block:
                return self._arguments
            injected = self._endpoint.inject(self._arguments, before.block)
            self._desk.counts.add("injected" if injected is not None else "skipped.no_place")
            if injected is None:
                return self._arguments
            self._desk.hooks.run("after_inject", before)
            self._block = self._mark.block = before.block
            return injected

    @contextmanager
    def open(self) -> Generator[Arguments]:
        """Around the provider's own method: what runs inside for the same user turn is not a call of its own.

        Afterwards the call ``is_over``, but for one whose prompt was too long with the block in it: it is made once
        more, as it would have been without us.
        """
        token = _inside.set(self._mark)
        self._mark.is_open = True
        try:
            yield self._given
            self.is_over = True
        except BaseException as error:
            if not self._goes_without(error):
                self._desk.counts.add("provider_errors")
                seconds = time.perf_counter() - self._started
                event = Event("", self._scope, self._request, block=self._block, error=error, seconds=seconds)
                self._desk.hooks.run("call_error", event)
                raise
        finally:
            self._mark.is_open = False
            _inside.reset(token)

    def anew(self, error: BaseException) -> Any:
        """Another generator, without the block, where the first step of this one said that the prompt is too long.

        None: the error is the caller's.
        """
        return self.make(self._given) if self.make is not None and self._goes_without(error) else None

    def begun(self) -> None:
        """There is a first item: what would make another generator holds the client, and is let go."""
        self.make = None

    def _goes_without(self, error: BaseException) -> bool:
        if self._block is None or not is_too_long(error):
            return False
        self._desk.counts.add("skipped.no_room")
        self._desk.windows.learn(self.label, self._request, self._block)
        self._given, self._block = self._arguments, None
        return True

    def finish(self, made: list[StreamTap] | None = None) -> Waiting | None:
        """Captures a finished response; a stream gets its tap and is captured when it ends.

        ``result`` is then what the user gets: the same object, or a generator over it. ``made``: takes the tap, for
        whoever is to end it.
        """
        taps = [] if made is None else made

        def tap(builder: ReplyBuilder) -> StreamTap:
            taps.append(self._tap(builder))
            return taps[-1]

        with self._desk.counts.guard("capture"), self._desk.courtesy.call():
            reply = self._endpoint.reply(self.result)
            if reply is not None:
                return self._capture(reply)
            given = self._endpoint.attach(self.result, tap)
            if given is not None:
                self.result = given
            else:
                self._desk.counts.add("skipped.unknown_response")
                self._desk.counts.once("response", "memori_wrap: a response of an unknown shape is not captured")
        return None

    def taken(self) -> Any:
        """The result, let go of: a stream's tap holds this call, and would hold the stream in a circle."""
        result, self.result = self.result, None
        return result

    def entered(self) -> _Entered:
        """Around a step of a stream that calls as it is read: what runs inside is no call of its own."""
        return _Entered(self._mark)

    def _tap(self, builder: ReplyBuilder) -> StreamTap:
        return _CallTap(self, builder, self._capture, self._desk)

    def _capture(self, reply: Reply) -> Waiting | None:
        seconds = time.perf_counter() - self._started
        exchange = self._exchange(reply)
        self._desk.hooks.run("after_call", Event("", self._scope, self._request, exchange=exchange, seconds=seconds))
        if "w" not in self._scope.mode:
            return None
        if self._turn is not None and self._turn.add(exchange, self._mark.turn):
            return None
        return self._desk.capture(exchange)

    def _exchange(self, reply: Reply) -> Exchange:
        return Exchange(
            id=self._id,
            scope=self._scope,
            request=self._request.messages,
            reply=reply.messages,
            said_at=self._said_at,
            provider=self.label,
            model=reply.model or self._request.model,
            usage=reply.usage,
            finish_reason=reply.finish_reason,
            complete=reply.complete,
            response_id=reply.response_id,
            previous=self._request.previous,
        )
