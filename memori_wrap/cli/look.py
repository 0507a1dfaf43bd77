"""``recall`` and ``facts``: looking into a memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from memori_wrap.cli.options import open_memory, who
from memori_wrap.cli.screen import Screen
from memori_wrap.memory import Memori
from memori_wrap.types import StoredFact


def recall(
    query: str,
    limit: int,
    entity: str | None,
    process: str | None,
    database: str | None,
    options: Mapping[str, Any],
    as_json: bool,
) -> None:
    screen = Screen()
    with open_memory(database, words_only=options["engine"] == "lexical") as memory:
        name = who(entity, memory.settings)
        if options["engine"] != "lexical":
            with Screen(stderr=True).busy("the embedding model loads; --engine lexical does without"):
                memory.warm()
        found = memory.recall(query, limit, entity=name, process=process, **options)
    if as_json:
        screen.json([asdict(item) for item in found])
        return
    if not found:
        screen.line(f"nothing is remembered of {name} that bears on this")
    rows = [[f"{r.score:.3f}", f"{r.said_at:%Y-%m-%d}", r.speaker or r.kind, r.text] for r in found]
    if rows:
        screen.table(["score", "said", "by", "text"], rows)


def facts(entity: str | None, process: str | None, database: str | None, ended: bool, as_json: bool) -> None:
    screen = Screen()
    with open_memory(database, words_only=True) as memory:
        name = who(entity, memory.settings)
        found = [f for f in memory.facts(entity=name, ended=ended) if process in (None, f.process)]
        waiting = memory.stats()["pending"]
    if as_json:
        screen.json([asdict(fact) for fact in found])
    else:
        show_facts(screen, found, name)
    if waiting:
        # the facts of these are not read out yet: whoever sees too few of them should know why
        Screen(stderr=True).line(f"{waiting} exchanges wait to be read by a program that uses this memory", "yellow")


def show_facts(screen: Screen, found: list[StoredFact], name: str) -> None:
    if not found:
        screen.line(f"no facts of {name}")
        return
    rows = [
        [f"{f.said_at:%Y-%m-%d}", f"{f.valid_to:%Y-%m-%d}" if f.valid_to else "", str(f.mentions), f.category, f.text]
        for f in found
    ]
    screen.table(["said", "ended", "times", "category", "fact"], rows)


def chat_facts(screen: Screen, memory: Memori, name: str) -> None:
    """The facts so far, those of the last lines among them where that takes no more than two seconds."""
    with screen.busy("reading what was said"):
        memory.flush(2.0)
    show_facts(screen, memory.facts(entity=name), name)
