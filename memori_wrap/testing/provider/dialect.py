"""What a test of one SDK has to say about it, so that the suite can drive it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memori_wrap import Memori, plugins
from memori_wrap.testing.provider.shapes import SHAPES, Shape, settle
from memori_wrap.testing.script import Reply, Scripted, ToolCall

REPLY = "Thank you, that is noted down: a very fine thing to know indeed."
"""What the servers of the suite answer, in enough words for a stream to be left in the middle."""

Hook = Callable[[], Any]
"""Called by a client just before it sends; may return something to wait for where the client is asynchronous."""
Method = Callable[..., Any]


@dataclass(frozen=True)
class Variant:
    """Another way to make the call, or to read its answer.

    ``run`` gets (client, messages, shape) and returns whatever a user could see; the suite compares that of a bare
    client with that of a registered one. ``said`` is the text that the stored reply must have, None where nothing is
    to be captured; ``parts`` are the kinds of its other parts, ``usage`` says that it must carry token counts.
    """

    name: str
    items: tuple[int, ...]
    run: Callable[[Any, Any, Shape], Awaitable[Any]]
    shapes: Sequence[Shape] = SHAPES
    reply: Reply = REPLY
    said: str | None = REPLY
    parts: tuple[str, ...] = ()
    usage: bool = False
    complete: bool = True
    injects: bool = True

    def __str__(self) -> str:
        return self.name


class Dialect(ABC):
    """One API of one SDK. A synchronous client's methods return results, an asynchronous one's awaitables.

    Messages are dicts with ``role`` and ``content``, as most SDKs take them; ``method`` may translate. What a
    provider has no notion of keeps its default here, and the tests that need it are skipped.
    """

    name: str
    shapes: Sequence[Shape] = SHAPES
    """The shapes that the SDK has: a synchronous one leaves two out."""
    everyday: Sequence[Shape] = SHAPES
    """Those whose tests run every day; the others' get pytest's mark ``slow``, which the project then registers."""
    ignored: frozenset[str] = frozenset()
    """Fields and headers that differ from answer to answer: times."""
    echoed: frozenset[str] = frozenset()
    """Fields of an answer that tell about the request, such as its token count: they differ once a block is in it."""
    volatile: re.Pattern[str] = re.compile(r"(?!)")
    """What else differs from answer to answer, anywhere in a text: ids. Group 1 is kept."""

    signed: frozenset[str] = frozenset()
    """Headers of a request that differ each time: a signature, the time that it was made at."""

    is_lazy: bool = False
    """A stream is a plain generator: the request is sent when its first item is asked for, and fails there."""
    can_retry: bool = True
    """The SDK tries again by itself, where its client is told to."""
    retried: Sequence[Scripted] = (
        Scripted(reset=True),
        Scripted(status=500, retry_after=0.01),
        Scripted(status=429, retry_after=0.01),
    )
    """What it tries again after."""
    raises_error_events: bool = True
    """The SDK raises an error event of a stream; else its user finds it among the items."""
    shares_parts: bool = False
    """A shallow copy of a client has the client's own parts, at which its calls arrive: it is that client to us."""
    errors_hold_streams: bool = False
    """The SDK does not close a stream that breaks: it stays open as long as its error lives."""
    noise: re.Pattern[str] = re.compile(r"(?!)")
    """What asyncio complains of because of the SDK itself, after a bare client's calls as well."""
    tapped: frozenset[str] = frozenset()
    """Attributes of a stream that something else stands in once it has a tap, for want of a place further down."""

    @abstractmethod
    def server(self, reply: Reply) -> Any:
        """A running ``ScriptedServer`` that speaks this wire format and says ``reply``."""

    @abstractmethod
    def client(
        self, server: Any, *, is_async: bool, retries: int = 0, timeout: float | None = None, hook: Hook | None = None
    ) -> Any:
        """A new client of the SDK for ``server``."""

    @abstractmethod
    def method(self, client: Any) -> Method:
        """The bound method that makes a call, fetched from the client now: (messages, *, stream=..., **options)."""

    @abstractmethod
    def text(self, result: Any) -> str:
        """The text of a whole answer."""

    @abstractmethod
    def piece(self, chunk: Any) -> str:
        """The text in one item of a stream, empty where it has none."""

    def comparable(self, value: Any) -> Any:
        """An object of the SDK that cannot be compared by itself, as values that can; any other as it is."""
        return value

    def is_timeout(self, error: Exception) -> bool:
        """Whether the SDK says by this error that an answer took too long."""
        return "Timeout" in type(error).__name__

    def releases(self, shape: Shape) -> bool:
        """Whether the SDK lets go of a stream's connection as soon as its user has left the stream."""
        return True

    def receiver(self, client: Any) -> Any:
        """What the hooked method is bound to."""
        return client

    def target(self, client: Any) -> Any:
        """The object that is registered for this client: a module, where the SDK has functions instead of clients."""
        return client

    def register(self, mem: Memori, client: Any, **options: Any) -> Any:
        """Registers the client with a memory."""
        return mem.register(client, **options)

    def unregister(self, mem: Memori, client: Any) -> None:
        """Takes it out again."""
        mem.unregister(client)

    async def shut(self, client: Any) -> None:
        """Closes a client."""
        await settle(client.close())

    def hooked(self, client: Any) -> tuple[Any, str]:
        """The class or module, and the name of what is hooked there, for the calls that ``method`` makes."""
        target = self.target(client)
        points = plugins.provider_for(target).patch_points(target)
        return next((point.owner, point.method) for point in points if point.role == "call")

    def hooked_stream(self, client: Any) -> tuple[Any, str]:
        """The same for streams, where the SDK has a method of its own for them."""
        return self.hooked(client)

    async def close(self, stream: Any) -> None:
        """Ends a stream before its time."""
        await settle(stream.close())

    def variants(self) -> Iterable[Variant]:
        """Further ways to make the call."""
        return ()

    def forms(self) -> Mapping[str, Callable[[str], Any]]:
        """The forms in which messages may be given, each made anew from one text: a tuple, a generator, objects."""
        return {}

    def conversations(self) -> Mapping[str, Any]:
        """Messages of unusual make-up: without a user, with content lists, empty; also those that are refused."""
        return {}

    def copies(self, client: Any) -> Mapping[str, Any]:
        """Clients made from this one by the SDK's own means."""
        return {}

    def others(self, client: Any) -> Mapping[str, Callable[[], Any]]:
        """Calls that carry no conversation: embeddings, the list of models."""
        return {}

    def unknown(self, client: Any, stream: bool) -> Callable[[], Any] | None:
        """A call whose arguments the provider cannot read; None where there is no such call."""
        return None

    def tool_turn(self, call: ToolCall, result: str) -> Sequence[Mapping[str, Any]] | None:
        """The messages with which the next request of a tool loop goes on: the call and its result."""
        return None

    def tool_result(self, call: ToolCall, result: str) -> Sequence[Mapping[str, Any]] | None:
        """The result alone, for a provider that keeps the conversation."""
        return None

    def continued(self, answer: Any) -> Mapping[str, Any] | None:
        """Options that continue the conversation kept by the provider; ``answer`` is a result or a stream's items."""
        return None

    def inherited(self, server: Any) -> str:
        """All text that the newest request took over from the kept conversation."""
        return ""
