"""The loopback server under every fake provider that speaks HTTP."""

from __future__ import annotations

import socket
from abc import abstractmethod

from memori_wrap.testing import connection
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.script import Received, Replier
from memori_wrap.testing.scripted import ScriptedServer


class LoopbackServer(ScriptedServer):
    """A subclass turns a request into an ``Answer`` in its wire format; see ``ScriptedServer`` for the rest.

    ``compress``: plain bodies are sent with gzip to clients that take it.
    """

    def __init__(
        self, reply: Replier | None = None, *, port: int = 0, compress: bool = True, record: bool = True
    ) -> None:
        self.compress = compress
        super().__init__(reply, port=port, record=record)

    # ------------------------------------------------------------ for the wire formats

    @abstractmethod
    def respond(self, received: Received) -> Answer:
        """The answer in the provider's format."""

    @abstractmethod
    def broken_reply(self, error: Exception) -> Answer:
        """The answer when a scripted function raised: it has to reach the test, by way of the client."""

    # ------------------------------------------------------------ for the connections

    def serve(self, sock: socket.socket) -> None:
        """One request after the other."""
        connection.serve(sock, self)

    def handle(self, received: Received) -> Answer:
        """Records a request and answers it."""
        self.note(received)
        try:
            return self.respond(received)
        except Exception as error:
            return self.broken_reply(error)
