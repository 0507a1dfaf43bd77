"""An embedder in a process of its own: while its model loads, or computes, this interpreter is free.

    Memori(embedder="process")            # the usual embedder
    Memori(embedder="process:openai:text-embedding-3-small")

A spawned process and a pipe. It ends with this one, however that ends; where it dies it is started again.
"""

from __future__ import annotations

import json
import multiprocessing.spawn
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import numpy as np

from memori_wrap.embedders import frames
from memori_wrap.errors import ConfigurationError, MemoriError, MissingExtra
from memori_wrap.types import Vectors

ATTEMPTS = 2
"""How often the same texts are given to a process that dies over them."""
END = 1.0
"""Seconds for the process to end by itself."""
_CODE = """\
import json, sys
origin = json.loads(sys.argv[1])
sys.path[:] = origin["path"]
from memori_wrap.embedders.child import main
main(origin)
"""

_all: weakref.WeakSet[ProcessEmbedder] = weakref.WeakSet()


class ProcessEmbedder:
    """A ``QueryEmbedder``. ``name``: an installed embedder as a setting names it; or ``factory``, "module:attribute",
    called there with ``arguments`` (what JSON can hold).

    ``model`` and ``dimension`` are known once it is loaded. ``restarts``: how often the process had died. In a forked
    child it starts a process of that child's. Raises what the embedder's construction and ``load`` raise;
    ``MemoriError`` where the process dies again and again, or the embedder fails.
    """

    def __init__(
        self, name: str = "local", *, factory: str | None = None, arguments: Mapping[str, Any] | None = None
    ) -> None:
        self._origin = {"name": name, "factory": factory, "arguments": dict(arguments or {})}
        self.model = name
        self.dimension = 0
        self.restarts = 0
        self._reset()
        _all.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._is_closed = False

    def load(self) -> None:
        self._ready()

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self._ask("embed", texts)

    def embed_query(self, text: str) -> Vectors:
        """Shape (dimension,)."""
        row: Vectors = self._ask("query", [text])[0]
        return row

    def close(self) -> None:
        """Ends the process; what is being asked of it fails. Idempotent."""
        self._is_closed = True
        child = self._child
        if child is not None:
            child.end()

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()

    def forked(self) -> None:
        """In a forked child: the process is the parent's, and would outlive it by our copies of the pipe."""
        if self._child is not None:
            self._child.let_go()
        self._reset()

    def _ask(self, do: str, texts: Sequence[str]) -> Vectors:
        for _ in range(ATTEMPTS):
            child = self._ready()
            with suppress(_DiedError):
                head, blob = child.ask(do, texts)
                rows: Vectors = np.frombuffer(blob, np.float32).reshape(head["rows"], head["dimension"]).copy()
                return rows
        raise MemoriError(f"the process of the embedder {self.model} died {ATTEMPTS} times over the same texts")

    def _ready(self) -> _Child:
        """A living process whose embedder is loaded."""
        with self._lock:
            for _ in range(ATTEMPTS):
                if self._is_closed:
                    raise MemoriError("the embedder is closed")
                if self._child is None or self._child.is_dead:
                    if self._child is not None:
                        self._child.end()
                        self.restarts += 1
                    self._child = _Child(self._origin)
                    if self._is_closed:  # meanwhile, by somebody who saw no process yet
                        self._child.end()
                child = self._child
                if child.is_loaded:
                    return child
                with suppress(_DiedError):
                    head, _ = child.ask("load", ())
                    self.model, self.dimension = head["model"], head["dimension"]
                    child.is_loaded = True
                    return child
        if self._is_closed:
            raise MemoriError("the embedder is closed")
        raise MemoriError(f"the process of the embedder {self.model} dies while it loads")


class _DiedError(Exception):
    """The process ended before it answered."""


class _Child:
    """One process, and a thread here that reads its answers."""

    def __init__(self, origin: Mapping[str, Any]) -> None:
        given = json.dumps({**origin, "path": sys.path})
        executable = os.fsdecode(multiprocessing.spawn.get_executable() or sys.executable)
        self._process = subprocess.Popen(
            [executable, "-c", _CODE, given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._writing, self._lock = threading.Lock(), threading.Lock()
        self._waiting: dict[int, Future[tuple[dict[str, Any], bytes]]] = {}
        self._asked = 0
        self.is_dead, self.is_loaded = False, False
        threading.Thread(target=self._read, name="memori-embedder", daemon=True).start()

    def ask(self, do: str, texts: Sequence[str]) -> tuple[dict[str, Any], bytes]:
        future: Future[tuple[dict[str, Any], bytes]] = Future()
        with self._lock:
            if self.is_dead:
                raise _DiedError
            self._asked += 1
            number = self._asked
            self._waiting[number] = future
        try:
            with self._writing:
                frames.send(self._in.fileno(), frames.pack({"id": number, "do": do, "texts": list(texts)}))
        except (OSError, ValueError):  # ended, or closed by us: the reading thread tells all who wait
            pass
        head, blob = future.result()
        if "error" in head:
            kinds = {"MissingExtra": MissingExtra, "ConfigurationError": ConfigurationError}
            raise kinds.get(head["kind"], MemoriError)(head["error"])
        return head, blob

    def end(self) -> None:
        if not self._writing.acquire(timeout=END):  # a write that nobody reads
            self._process.kill()
            self._writing.acquire()
        try:
            self._in.close()  # it ends at the end of its input
        finally:
            self._writing.release()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def let_go(self) -> None:
        for pipe in (self._in, self._out):
            with suppress(OSError):
                pipe.close()
        self._process.returncode = 0  # not ours to wait for

    def _read(self) -> None:
        while (frame := frames.receive(self._out.fileno())) is not None:
            with self._lock:
                future = self._waiting.pop(frame[0]["id"], None)
            if future is not None:
                future.set_result(frame)
        with self._lock:
            self.is_dead = True
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.set_exception(_DiedError())
        self._out.close()
        self._process.poll()


def _forked() -> None:
    for embedder in list(_all):
        embedder.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
