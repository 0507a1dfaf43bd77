"""A proxy before a database server, so that a test can slow, freeze and cut the way to it."""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import suppress

import sqlalchemy as sa


class Proxy:
    """Listens on loopback and passes bytes on to the server of ``url``; ``url`` (the attribute) leads through it.

    ``delay``: seconds before each piece that a client sends, which is about a statement. ``frozen``: nothing passes
    while it is set. ``cut_after``: bytes; a piece of the client's that holds them is passed on, then its connection
    is cut, so that the client never hears the answer: once.
    """

    def __init__(self, url: str) -> None:
        target = sa.make_url(url)
        self._address = (target.host or "127.0.0.1", target.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = target.set(host="127.0.0.1", port=self._listener.getsockname()[1]).render_as_string(
            hide_password=False
        )
        self.delay = 0.0
        self.frozen = threading.Event()
        self.down = threading.Event()
        self.cut_after: bytes | None = None
        self.cuts = self.pieces = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> int:
        """Ends every connection at once; how many there were."""
        with self._lock:
            for sock in list(self._open):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            return len(self._open) // 2

    def close(self) -> None:
        self._listener.close()
        self.frozen.clear()
        self.cut()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.down.is_set():
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._address)
        except OSError:
            client.close()
            return
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {client, server}
        try:
            while self._pass_on(client, server):
                pass
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {client, server}
            for sock in (client, server):
                sock.close()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> bool:
        ready, _, _ = select.select([client, server], [], [], 0.2)
        for source in ready:
            while self.frozen.is_set():
                time.sleep(0.01)
            piece = source.recv(65536)
            if not piece:
                return False
            is_clients = source is client
            if is_clients:
                self.pieces += 1
                if self.delay:
                    time.sleep(self.delay)
            (server if is_clients else client).sendall(piece)
            marker = self.cut_after
            if is_clients and marker is not None and marker in piece:
                self.cut_after = None
                self.cuts += 1
                time.sleep(0.2)  # the server does what it was told; the client never hears of it
                return False
        return True
