"""A process that has imported everything and forks a child for each line that it reads: a quick birth for kills.

Line in: JSON {"database", "base_url", "first", "split_commit"}. Line out: the child's pid. The child talks to a
registered client until it is killed and writes "ack N" to its own file for each exchange that was acknowledged.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from openai import OpenAI

from memori_wrap import Memori
from memori_wrap.store import knowledge, queue
from memori_wrap.store.capture import bump
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap_adapters.stores import mongo, mongo_facts, mongo_jobs
from memori_wrap_adapters.stores.mongo_commits import Change, Commits, View

SETTINGS = {"lease": 0.3, "embedder": "none", "workers": 2}


def talk(order: dict[str, Any]) -> None:
    if order["split_commit"]:
        SqlStore.complete = split_commit  # type: ignore[method-assign]
        mongo._completed = split_completion
    mem = Memori(order["database"], extractor=ScriptedExtractor(delay=0.004), settings=SETTINGS)
    client = mem.register(OpenAI(base_url=order["base_url"], api_key="x"), entity="alice")
    with Path(order["acks"]).open("a") as acks:
        for n in range(order["first"], order["first"] + 10_000):
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"fact {n}"}])
            while mem.stats()["waiting"]:
                time.sleep(0.001)
            print("ack", n, file=acks, flush=True)


def split_commit(self: SqlStore, results: Any, model: str | None) -> list[Any]:
    """The planted bug: "done" and the facts in two transactions."""
    for result in results:
        with self._session.write() as conn:
            queue.finish(conn, result.job)
        time.sleep(0.01)
        with self._session.write() as conn:
            revision = bump(conn, result.job.entity)
            for found in result.facts:
                knowledge.write_fact(conn, result.job.entity, revision, found)
    return []


def split_completion(view: View, results: Any, model: str | None) -> Any:
    """The same planted bug in MongoDB: the jobs end in a commit of their own."""
    change = Change(is_news=False)
    for result in results:
        mongo_jobs.finish(change, result.job.exchange)
    commits = Commits(view._database, view._database)
    assert commits.commit(view.head, change)
    time.sleep(0.01)
    view, change = commits.view(view.head.name), Change()
    mongo_facts.write_facts(view, change, [f for result in results for f in result.facts])
    commits.commit(view.head, change)
    return None, False


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                talk(json.loads(line))
            finally:
                os._exit(1)
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main()
