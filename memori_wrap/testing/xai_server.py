"""A server that speaks xAI's wire format, gRPC, for tests and demos.

    with FakeXai("Noted.") as server:
        client = xai_sdk.Client(api_key="none", api_host=server.host, use_insecure_channel=True)

It calls no model: it says what it is told to, else it echoes. Needs ``xai-sdk``, whose messages it uses.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
from xai_sdk.proto import chat_pb2, deferred_pb2

from memori_wrap.testing import xai_wire as wire
from memori_wrap.testing.openai_wire import tokens
from memori_wrap.testing.script import Received, Replier, Scripted, ToolCall
from memori_wrap.testing.scripted import ScriptedServer

__all__ = ["FakeXai", "Received", "Scripted", "ToolCall"]

THREADS = 128
"""How many calls are answered at once."""
ARRIVES = 0.05
"""Seconds that what was sent before a cut has to arrive: a gRPC client drops what it has not read by then."""
_POLL = 0.01
_CHAT = "/xai_api.Chat/"


@dataclass(frozen=True)
class Answer:
    """What is sent: messages, then the end, or an error. ``script`` holds the faults of its delivery."""

    messages: Sequence[bytes] = ()
    error: wire.Refusal | None = None
    script: Scripted = field(default_factory=Scripted)


class FakeXai(ScriptedServer):
    """xAI's Chat service with stored and deferred completions, and a little of Tokenize, Models and Image.

    What calls come with stands in ``requests``: ``path`` is the method's, ``headers`` the metadata, ``body`` the
    message as a dict, ``raw`` the message as it was sent. Asking how a deferred completion is getting on is left out:
    how often that is done is a matter of time. ``context_tokens``: a longer request gets the error of a full context.
    """

    def __init__(
        self, reply: Replier | None = None, *, port: int = 0, record: bool = True, context_tokens: int | None = None
    ) -> None:
        self._context_tokens = context_tokens
        self._stored: dict[str, tuple[list[chat_pb2.Message], chat_pb2.GetChatCompletionResponse]] = {}
        self._deferred: dict[str, tuple[Scripted, chat_pb2.GetChatCompletionResponse]] = {}
        self._inherited: list[tuple[Received, list[chat_pb2.Message]]] = []
        self._pipes: dict[int, _Pipe] = {}
        self._threads = ThreadPoolExecutor(THREADS, type(self).__name__)
        self._grpc = grpc.server(self._threads, handlers=[_Router(self)])
        self._inner: int = self._grpc.add_insecure_port("127.0.0.1:0")
        self._grpc.start()
        super().__init__(reply, port=port, record=record)
        self.host = self.base_url = f"127.0.0.1:{self.port}"

    def inherited(self, received: Received | None = None) -> list[dict[str, Any]]:
        """The messages that a request (the newest, if none is given) took over from a stored conversation."""
        wanted = received or self.last
        found = next((messages for request, messages in self._inherited if request is wanted), [])
        return [wire.shown(message) for message in found]

    def stored(self, response_id: str) -> list[dict[str, Any]]:
        """The messages stored under the id of a response: what the next request would inherit."""
        messages, _ = self._stored.get(response_id, ([], None))
        return [wire.shown(message) for message in messages]

    def close(self) -> None:
        """Stops serving and drops every connection. Idempotent."""
        super().close()
        self._grpc.stop(0).wait(1)
        self._threads.shutdown(wait=False)

    # ------------------------------------------------------------ connections

    def serve(self, sock: socket.socket) -> None:
        """Passes a connection through to the gRPC server: only so it can be counted, cut and reset."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._inner)) as inner:
            inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            name = inner.getsockname()[1]
            pipe = self._pipes[name] = _Pipe(sock, inner)
            pipe.run()
            del self._pipes[name]
        sock.close()

    def pipe(self, context: grpc.ServicerContext) -> _Pipe | None:
        """The connection that a call has come by."""
        return self._pipes.get(int(context.peer().rpartition(":")[2]))

    # ------------------------------------------------------------ the wire

    def texts_of(self, received: Received) -> list[str]:
        """The texts of the messages."""
        messages = received.body.get("messages") or received.body.get("input") or ()
        return ["\n".join(part["text"] for part in m.get("content", ()) if "text" in part) for m in messages]

    def respond(self, method: str, metadata: dict[str, str], raw: bytes) -> Answer:
        """Records a call and answers it."""
        name = method.removeprefix(_CHAT)
        if name == "GetDeferredCompletion":
            return self._poll(raw)
        if name in ("GetCompletion", "GetCompletionChunk", "StartDeferredCompletion"):
            request = chat_pb2.GetCompletionsRequest.FromString(raw)
            received = self._received(method, metadata, wire.shown(request), raw)
            try:
                return self._complete(name, request, received)
            except Exception as error:
                # it has to reach the test, by way of the client
                return Answer(error=(grpc.StatusCode.UNKNOWN, f"the scripted reply raised {error!r}"))
        if name in ("GetStoredCompletion", "DeleteStoredCompletion"):
            stored = chat_pb2.GetStoredCompletionRequest.FromString(raw)
            self._received(method, metadata, wire.shown(stored), raw)
            return self._keep(name, stored.response_id)
        body = wire.shown(chat_pb2.CompactContextRequest.FromString(raw)) if name == "CompactContext" else {}
        received = self._received(method, metadata, body, raw)
        script = self.scripted(received, to=method.rpartition("/")[2])
        if script.status is not None:
            return Answer(error=wire.refusal(script), script=script)
        known = wire.OTHERS.get(method)
        if known is None:
            return Answer(error=(grpc.StatusCode.UNIMPLEMENTED, "Method not implemented!"))
        return Answer([known(raw)], script=script)

    def _received(self, method: str, metadata: dict[str, str], body: Any, raw: bytes) -> Received:
        received = Received("POST", method, "", metadata, body, raw, time.monotonic())
        self.note(received)
        return received

    def _complete(self, name: str, request: chat_pb2.GetCompletionsRequest, received: Received) -> Answer:
        if not received.headers.get("authorization", "").startswith("Bearer "):
            return Answer(error=wire.refusal(Scripted(status=401)))
        refused = wire.objection(request, self._stored) or self._too_long(request)
        if refused is not None:
            return Answer(error=refused)
        script = self.scripted(received)
        if script.status is not None:
            return Answer(error=wire.refusal(script), script=script)
        if script.body is not None:
            body = script.body.encode() if isinstance(script.body, str) else script.body
            return Answer([body], script=script)
        if script.refusal is not None:
            return Answer(error=(grpc.StatusCode.PERMISSION_DENIED, script.refusal), script=script)
        inherited, _ = self._stored.get(request.previous_response_id, ([], None))
        if self.record:
            self._inherited.append((received, inherited))
        whole = wire.completion(request, script)
        if request.store_messages:
            said = [chat_pb2.Message(role=o.message.role, tool_calls=o.message.tool_calls) for o in whole.outputs]
            for message, output in zip(said, whole.outputs, strict=True):
                message.content.add(text=output.message.content)
            self._stored[whole.id] = ([*inherited, *request.messages, *said], whole)
        if name == "StartDeferredCompletion":
            self._deferred[whole.id] = (script, whole)
            return Answer([deferred_pb2.StartDeferredResponse(request_id=whole.id).SerializeToString()])
        if name == "GetCompletion":
            return Answer([whole.SerializeToString()], script=script)
        is_verbose = chat_pb2.INCLUDE_OPTION_VERBOSE_STREAMING in request.include
        chunks = [chunk.SerializeToString() for chunk in wire.chunks(whole, is_verbose=is_verbose)]
        if script.error_after is None:
            return Answer(chunks, script=script)
        return Answer(chunks[: script.error_after], wire.refusal(script), script)

    def _poll(self, raw: bytes) -> Answer:
        name = deferred_pb2.GetDeferredRequest.FromString(raw).request_id
        if name not in self._deferred:
            return Answer(error=(grpc.StatusCode.NOT_FOUND, f"Deferred request {name} not found."))
        script, whole = self._deferred[name]
        if script.hold is not None and not script.hold.is_set():
            made = chat_pb2.GetDeferredCompletionResponse(status=deferred_pb2.PENDING)
        else:
            made = chat_pb2.GetDeferredCompletionResponse(status=deferred_pb2.DONE, response=whole)
        return Answer([made.SerializeToString()])

    def _keep(self, name: str, response_id: str) -> Answer:
        if response_id not in self._stored:
            return Answer(error=(grpc.StatusCode.NOT_FOUND, f"Response with id={response_id} not found."))
        _, whole = self._stored[response_id]
        if name == "GetStoredCompletion":
            return Answer([whole.SerializeToString()])
        del self._stored[response_id]
        return Answer([chat_pb2.DeleteStoredCompletionResponse(response_id=response_id).SerializeToString()])

    def _too_long(self, request: chat_pb2.GetCompletionsRequest) -> wire.Refusal | None:
        limit, used = self._context_tokens, tokens(*(wire.text_of(m) for m in request.messages))
        if limit is None or used <= limit:
            return None
        text = f"This model's maximum prompt length is {limit} but the request contains {used} tokens."
        return grpc.StatusCode.INVALID_ARGUMENT, text


class _Router(grpc.GenericRpcHandler):  # type: ignore[misc, unused-ignore]
    """Takes every method, with the bytes as they come."""

    def __init__(self, host: FakeXai) -> None:
        self._host = host

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        method: str = handler_call_details.method

        def stream(raw: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
            delivery = _Delivery(self._host, context, self._host.respond(method, metadata, raw))
            yield from delivery.stream()

        def unary(raw: bytes, context: grpc.ServicerContext) -> bytes:
            metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
            return _Delivery(self._host, context, self._host.respond(method, metadata, raw)).unary()

        if method.endswith(("Chunk", "Streaming")):
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(unary)


class _Delivery:
    """Sends one answer with the faults of its script."""

    def __init__(self, host: FakeXai, context: grpc.ServicerContext, answer: Answer) -> None:
        self._host, self._context, self._answer, self._script = host, context, answer, answer.script
        self._is_done = False
        self._is_cut = self._script.cut_after is not None or self._script.cut_bytes is not None
        if not context.add_callback(self._ended):
            self._ended()

    def unary(self) -> bytes:
        self._pause(self._script.delay)
        if self._is_cut or self._script.reset:
            self._cut()
        self._wait_for_release()
        self._is_done = True
        if self._answer.error is not None:
            self._fail(self._answer.error)
        return self._answer.messages[0]

    def stream(self) -> Iterator[bytes]:
        script, messages, room = self._script, self._answer.messages, self._script.cut_bytes
        self._pause(script.delay)
        if script.reset and not self._is_cut:
            self._cut()
        for sent, message in enumerate(messages):
            room = room if room is None else room - len(message)
            if sent == script.cut_after or (room is not None and room < 0):
                self._cut()
            if sent == script.hold_after:
                self._wait_for_release()
            if sent:
                self._pause(script.chunk_delay)
            self._look()
            # a client that leaves at the last message has not left early
            self._is_done = sent == len(messages) - 1 and not self._is_cut and self._answer.error is None
            yield message
        if self._is_cut:
            self._cut()
        self._is_done = True
        if self._answer.error is not None:
            if messages:
                time.sleep(ARRIVES)
            self._fail(self._answer.error)

    def _fail(self, error: wire.Refusal) -> None:
        if self._script.retry_after is not None:
            wait = str(round(self._script.retry_after * 1000))
            self._context.set_trailing_metadata((("grpc-retry-pushback-ms", wait),))
        self._context.abort(*error)

    def _cut(self) -> None:
        self._is_done = True
        time.sleep(ARRIVES)
        pipe = self._host.pipe(self._context)
        if pipe is not None:
            pipe.cut(reset=self._script.reset)
        self._leave()

    def _ended(self) -> None:
        """gRPC tells that the call is over, whoever ended it."""
        if not self._is_done and not self._host.closing.is_set():
            self._host.left_early()
        self._is_done = True

    def _wait_for_release(self) -> None:
        hold: threading.Event | None = self._script.hold
        while hold is not None and not hold.wait(_POLL):
            self._look()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _POLL))
            self._look()

    def _look(self) -> None:
        """Raises when nobody is left to answer."""
        if self._host.closing.is_set() or not self._context.is_active():
            self._leave()

    def _leave(self) -> None:
        """Ends a call that nobody waits for any more; gRPC logs any other way as the server's error."""
        self._context.abort(grpc.StatusCode.UNAVAILABLE, "The connection is closed.")


class _Pipe:
    """Bytes both ways between two sockets, until one of them ends or the connection is cut."""

    def __init__(self, outer: socket.socket, inner: socket.socket) -> None:
        self._outer, self._inner = outer, inner
        self._is_reset = False

    def run(self) -> None:
        ways: dict[socket.socket, Callable[[bytes], None]] = {
            self._outer: self._inner.sendall,
            self._inner: self._outer.sendall,
        }
        with suppress(OSError):
            while True:
                for sock in select.select(list(ways), [], [])[0]:
                    data = sock.recv(65536)
                    if not data:
                        return self._end()
                    ways[sock](data)
        return self._end()

    def cut(self, *, reset: bool) -> None:
        """Ends the connection: with a reset, or as if the server had closed it."""
        self._is_reset = reset
        with suppress(OSError):
            self._inner.shutdown(socket.SHUT_RDWR)

    def _end(self) -> None:
        if self._is_reset:
            self._outer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
