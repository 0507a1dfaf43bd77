"""FAISS on one thread, whatever the host lets it have."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def alone() -> Generator[Any]:
    """Gives the module ``faiss``, which inside of this starts no other thread.

    One query has nothing to share out, and on a busy machine waiting for the other threads takes many times as long
    as the search. The setting is this thread's own, and is put back.
    """
    import faiss

    module: Any = faiss
    before = module.omp_get_max_threads()
    module.omp_set_num_threads(1)
    try:
        yield module
    finally:
        module.omp_set_num_threads(before)
