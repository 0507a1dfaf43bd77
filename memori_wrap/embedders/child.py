"""The embedder's own process: answers what comes through the pipe, and ends with it.

The thread that reads ends the process as soon as the other end is gone, whatever the others compute: no orphan.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from memori_wrap.embedders import frames
from memori_wrap.embedders.origin import made_from
from memori_wrap.errors import ConfigurationError, MissingExtra
from memori_wrap.protocols import Embedder
from memori_wrap.types import Vectors

THREADS = 4
"""A question does not wait for the batches of the background."""


def main(origin: Mapping[str, Any]) -> None:
    """Serves standard input and output until the former ends."""
    if sys.platform == "win32":
        import msvcrt

        for stream in (0, 1):
            msvcrt.setmode(stream, os.O_BINARY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the program, which then ends the pipe
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not get between the frames
    _Service(origin, out).run()


class _Service:
    def __init__(self, origin: Mapping[str, Any], out: int) -> None:
        self._origin, self._out = origin, out
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._embedder: Embedder | None = None

    def run(self) -> None:
        threads = ThreadPoolExecutor(THREADS)
        while (frame := frames.receive(0)) is not None:
            threads.submit(self._answer, frame[0])
        os._exit(0)

    def _answer(self, head: Mapping[str, Any]) -> None:
        try:
            answer, blob = self._work(head)
        except BaseException as error:  # told to the other side, whatever it is
            kind = next((k.__name__ for k in (MissingExtra, ConfigurationError) if isinstance(error, k)), "")
            told = str(error) if kind else f"{type(error).__name__}: {error}"
            answer, blob = {"error": told, "kind": kind}, b""
        try:
            with self._writing:
                frames.send(self._out, frames.pack({"id": head["id"], **answer}, blob))
        except OSError:
            os._exit(0)

    def _work(self, head: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            if self._embedder is None:
                embedder = made_from(self._origin)
                embedder.load()
                self._embedder = embedder
        embedder = self._embedder
        told = {"model": embedder.model, "dimension": embedder.dimension}
        embed_query = getattr(embedder, "embed_query", None)
        if head["do"] == "load":
            return told, b""
        if head["do"] == "query" and embed_query is not None:
            rows: Vectors = embed_query(head["texts"][0])[None]
        else:
            rows = embedder.embed(head["texts"])
        return {**told, "rows": len(rows)}, np.ascontiguousarray(rows, np.float32).tobytes()
