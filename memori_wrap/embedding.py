"""The embedding model, loaded in the background: calls never wait for it, they do without until it is there."""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from typing import Literal

import numpy as np

from memori_wrap.background import Courtesy
from memori_wrap.context import paused
from memori_wrap.counts import Counts
from memori_wrap.protocols import Embedder
from memori_wrap.types import Vectors

State = Literal["off", "idle", "loading", "ready", "failed"]

BATCH = 32
REMEMBERED = 512
"""Query vectors kept: tool loops and retries ask the same again."""
MAX_CHARS = 8_000
"""Characters of one text that are embedded: models read a few hundred words, a tokenizer reads them all."""


class Closing(Exception):
    """Broken off because the memory closes: no fault of what was being done."""


class _EndOfImports(MetaPathFinder):
    """Breaks off the loading thread at its next import once the model is closed: loading takes seconds, the end of
    a program must not."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._thread = threading.get_ident()

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if self._model.is_closed and threading.get_ident() == self._thread:
            raise ImportError("the program ends")


class Model:
    """An ``Embedder`` that may not be there yet, or not at all."""

    def __init__(
        self, make: Callable[[], Embedder] | None, counts: Counts, courtesy: Courtesy, *, owns: bool = True
    ) -> None:
        """``owns``: what ``make`` gives is closed with the model."""
        self._make, self._counts, self._courtesy, self._owns = make, counts, courtesy, owns
        self._made: Embedder | None = None
        self._embedder: Embedder | None = None
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._queries: OrderedDict[str, Vectors] = OrderedDict()
        self.state: State = "off" if make is None else "idle"
        self.reason = ""
        self.is_closed = False
        self._loader: threading.Thread | None = None
        self._native = threading.Condition()
        self._running = 0
        self.on_ready: Callable[[], None] = lambda: None
        if make is None:
            self._settled.set()

    @property
    def name(self) -> str | None:
        """The model's name once it is ready: the space of its vectors."""
        return self._embedder.model if self._embedder is not None and self.state == "ready" else None

    @property
    def dimension(self) -> int:
        """Numbers per vector; 0 where no model is loaded."""
        return self._embedder.dimension if self._embedder is not None else 0

    def start(self) -> None:
        """Begins to load on a thread; returns at once."""
        with self._lock:
            if self.state != "idle":
                return
            self.state = "loading"
        self._loader = threading.Thread(target=self._load, name="memori-model", daemon=True)
        self._loader.start()

    def settled(self, timeout: float) -> bool:
        """Whether it is decided, within ``timeout`` seconds, if there is a model or not."""
        self.start()
        return self._settled.wait(timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Until the model is ready or has failed for good; True where it is ready."""
        self.start()
        self._settled.wait(timeout)
        return self.state == "ready"

    def close(self, deadline: float) -> None:
        """Ends what is under way, by ``deadline`` (monotonic seconds).

        A thread that is inside native code when the interpreter ends takes the whole process down with SIGABRT.
        """
        self.is_closed = True
        if self.state == "loading":
            self._let_go()  # loading in another process is broken off by ending it
        if self._loader is not None and self._loader is not threading.current_thread():
            self._loader.join(max(0.0, deadline - time.monotonic()))
        with self._native:
            self._native.wait_for(lambda: not self._running, max(0.0, deadline - time.monotonic()))
        self._let_go()

    def query(self, text: str) -> Vectors | None:
        """The vector of a question, shape (dimension,); None while there is no model, or where it fails."""
        if self.state != "ready" or self.is_closed or not text.strip():
            return None
        known = self._queries.get(text)
        if known is not None:
            return known
        with self._counts.guard("embed"):
            vector = self._run(partial(_query, text[:MAX_CHARS]))
            self._queries[text] = vector
            while len(self._queries) > REMEMBERED:
                self._queries.popitem(last=False)
            return vector
        return None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension); in batches, with a pause for calls between two of them."""
        parts: list[Vectors] = []
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # equal lengths together pad less
        for at in range(0, len(order), BATCH):
            batch = [texts[i][:MAX_CHARS] for i in order[at : at + BATCH]]
            parts.append(self._run(partial(_documents, batch)))
            self._courtesy.breathe()
        gathered = np.concatenate(parts)
        out = np.empty_like(gathered)
        out[order] = gathered
        return out

    def _run(self, work: Callable[[Embedder], Vectors]) -> Vectors:
        with self._native:
            if self._embedder is None or self.is_closed:
                raise Closing("the memory is closing")
            self._running += 1
        try:
            with paused():  # an embedder that is itself a registered client is not part of the conversation
                return work(self._embedder)
        finally:
            with self._native:
                self._running -= 1
                self._native.notify_all()

    def _let_go(self) -> None:
        """Closes an embedder that was made for this model and has something to close: a process, connections."""
        close = getattr(self._made, "close", None)
        if self._owns and close is not None:
            with self._counts.guard("close"):
                close()

    def _load(self) -> None:
        end_of_imports = _EndOfImports(self)
        sys.meta_path.insert(0, end_of_imports)
        try:
            if self._make is not None:
                embedder = self._made = self._make()
                with paused():
                    embedder.load()
                self._embedder = embedder
        except BaseException as error:  # whatever an import or a model file may raise
            if self.is_closed or not threading.main_thread().is_alive():
                return  # the end of the program broke it off: that says nothing about the model
            self.reason = f"{type(error).__name__}: {error}"
            self._counts.once("model", "memori_wrap: no embedding model, recall is by words only: %s", self.reason)
        finally:
            sys.meta_path.remove(end_of_imports)
        self.state = "failed" if self._embedder is None else "ready"
        if self.state == "ready":
            with self._counts.guard("index"):
                self.on_ready()
        self._settled.set()


def _documents(texts: Sequence[str], embedder: Embedder) -> Vectors:
    return embedder.embed(texts)


def _query(text: str, embedder: Embedder) -> Vectors:
    """By ``QueryEmbedder.embed_query`` where it is one: looked up by name, since isinstance of a protocol is slow."""
    embed_query: Callable[[str], Vectors] | None = getattr(embedder, "embed_query", None)
    row: Vectors = embed_query(text) if embed_query is not None else embedder.embed([text])[0]
    return row
