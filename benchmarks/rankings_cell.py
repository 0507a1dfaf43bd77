"""Another memory's own ranking of turns: ``python -m benchmarks.rankings_cell SYSTEM FOLDER``.

Reads ``asked.json`` (conversations with ``texts`` and ``questions``) in FOLDER and writes ``ranked.json``: for every
question of every conversation the places of the texts, best first.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from benchmarks import mem0_memory
from benchmarks.plain import LIMIT

BATCH = 32
Asked = Sequence[Mapping[str, Any]]


def memori(asked: Asked, folder: Path) -> dict[str, Any]:
    """Facts written through its own driver, with its own embeddings; asked through ``Memori.recall``."""
    from memori import Memori, _utils
    from memori.embeddings import embed_texts
    from memori.storage._connection import connection_context
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    keys = {(talk["id"], _utils.generate_uniq([text])) for talk in asked for text in talk["texts"]}
    _utils.generate_uniq = lambda terms: hashlib.sha256("\0".join(terms).encode()).hexdigest()
    memory = Memori(conn=sessionmaker(bind=create_engine(f"sqlite:///{folder}/memori.db")))
    storage: Any = memory.config.storage
    storage.build()
    ranked: list[list[list[int]]] = []
    for talk in asked:
        texts = list(dict.fromkeys(talk["texts"]))
        places: dict[str, list[int]] = {}
        for place, text in enumerate(talk["texts"]):
            places.setdefault(text, []).append(place)
        with connection_context(storage.conn_factory) as connected:
            _, adapter, driver = cast("tuple[Any, Any, Any]", connected)
            entity = driver.entity.create(talk["id"])
            for start in range(0, len(texts), BATCH):
                batch = texts[start : start + BATCH]
                driver.entity_fact.create(entity, batch, embed_texts(batch, memory.config.embeddings.model))
            adapter.commit()
        memory.attribution(talk["id"], "benchmark")
        found = [memory.recall(question, limit=LIMIT) for question in talk["questions"]]
        ranked.append([[place for fact in facts for place in places[fact["content"]]] for facts in found])
    return {"ranked": ranked, "kept": len(keys), "turns": sum(len(talk["texts"]) for talk in asked)}


def mem0(asked: Asked, folder: Path, words: bool) -> dict[str, Any]:
    """Turns as memories, without fact extraction; asked through ``Memory.search``."""
    memory = mem0_memory.make(folder, words)
    mem0_memory.embed_once(memory, [text for talk in asked for text in (*talk["texts"], *talk["questions"])])
    ranked: list[list[list[int]]] = []
    for talk in asked:
        messages = [{"role": "user", "content": text} for text in talk["texts"]]
        added = memory.add(messages, user_id=talk["id"], infer=False)["results"]
        place = {memory["id"]: n for n, memory in enumerate(added)}
        rows: list[list[int]] = []
        for question in talk["questions"]:
            found = memory.search(question, filters={"user_id": talk["id"]}, top_k=LIMIT)["results"]
            rows.append([place[memory["id"]] for memory in found])
        ranked.append(rows)
    return {"ranked": ranked}


def main() -> None:
    system, folder = sys.argv[1], Path(sys.argv[2])
    asked: Asked = json.loads((folder / "asked.json").read_text())
    found = memori(asked, folder) if system == "memori" else mem0(asked, folder, words=system == "mem0-words")
    (folder / "ranked.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
