"""A WSGI application that a preloading server imports once and forks: the memory is made before the fork.

An answer says which backends of a PostgreSQL its process has used; with PLANTED a child keeps its parent's connections.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import sqlalchemy as sa
from openai import OpenAI

from memori_wrap import Memori
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.extractors import ScriptedExtractor

backends: defaultdict[int, set[int]] = defaultdict(set)
"""By process."""


@sa.event.listens_for(sa.pool.Pool, "checkout")
def note(connection: Any, *_: object) -> None:
    if hasattr(connection, "info"):
        backends[os.getpid()].add(connection.info.backend_pid)


database: Any = os.environ["DATABASE"]
if os.environ.get("PLANTED"):
    SqlStore.leave = lambda self: None  # type: ignore[method-assign]
    database = sa.create_engine(database)
memory = Memori(database, embedder="none", extractor=ScriptedExtractor(), settings={"data_dir": os.environ["FOLDER"]})
parent = os.getpid()


@cache
def client_of(pid: int) -> OpenAI:
    """A client for each process: an HTTP connection does not survive a fork either."""
    return memory.register(OpenAI(base_url=os.environ["BASE_URL"], api_key="none"))


with memory.scope("preload"):  # the parent has spoken before it forks: its connections and threads are there
    client_of(os.getpid()).chat.completions.create(model="m", messages=[{"role": "user", "content": "before the fork"}])
memory.flush(10)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    query = parse_qs(environ["QUERY_STRING"])
    with memory.scope(query["user"][0]):
        client_of(os.getpid()).chat.completions.create(
            model="m", messages=[{"role": "user", "content": query["text"][0]}]
        )
    report = memory.flush(20)
    start_response("200 OK", [("content-type", "application/json")])
    used = {str(pid): sorted(backends[pid]) for pid in (parent, os.getpid())}
    return [json.dumps({"pid": os.getpid(), "done": report.done, "used": used}).encode()]
