"""A WSGI application that a preloading server imports once and forks: the memory is made before the fork."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from openai import OpenAI

from memori_wrap import Memori
from memori_wrap.testing.extractors import ScriptedExtractor

memory = Memori(
    os.environ["DATABASE"], embedder="none", extractor=ScriptedExtractor(), settings={"data_dir": os.environ["FOLDER"]}
)


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
    return [json.dumps({"pid": os.getpid(), "done": report.done}).encode()]
