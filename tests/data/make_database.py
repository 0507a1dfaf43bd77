"""Makes a database of the memori_wrap that is imported, for the releases to come: they must open it, data intact.

    python tests/data/make_database.py tests/data/first_release

writes first_release.db and first_release.json, which says what is in it. ``first_release`` was made by the first
release; its schema is 0001. Run it at a release that changes the schema, with a name of its own.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from memori_wrap.augment.extract.rules import RuleExtractor
from memori_wrap.augment.resolve import resolve
from memori_wrap.ids import new_id
from memori_wrap.store.connect import connect
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.types import Augmentation, Exchange, Message, Part, Scope, StoredVector

AT = datetime(2025, 3, 1, 12, 30, 15, 123456, tzinfo=timezone.utc)
MODEL = HashEmbedder(16)
SAID = {
    "alice": ("My boat is called Aurora.", "I live in Oslo.", "I moved to Bergen."),
    "Alice ": ("Я люблю чай 🎉",),
    "bob": ("I am vegetarian.",),
}


def exchange(entity: str, n: int, text: str) -> Exchange:
    call = Part("tool_call", '{"city": "Ōsaka"}', f"call-{n}", "weather")
    reply = (Message("assistant", f"Noted {n}."), Message("assistant", "", None, (call,)))
    at = AT.replace(day=1 + n)
    sent = (Message("user", text, "Ana", said_at=at),)
    usage = {"total_tokens": n}
    return Exchange(new_id(), Scope(entity, "bot", "s"), sent, reply, at, provider="openai", model="m", usage=usage)


def fill(store: SqlStore) -> None:
    for entity, texts in SAID.items():
        for n, text in enumerate(texts):
            store.capture([exchange(entity, n, text)])
            (job,) = store.claim("maker", 1)
            by_id = {m.id: m for m in job.messages}
            facts = [resolve(entity, by_id[id], fact) for id, fact in RuleExtractor().extract(job.messages)]
            made = MODEL.embed([m.text for m in job.messages])
            vectors = [StoredVector(m.id, v, "text") for m, v in zip(job.messages, made, strict=True)]
            store.complete([Augmentation(job, facts, vectors)], MODEL.model)
    store.capture([exchange("bob", 5, "What gave up?")])
    (job,) = store.claim("maker", 1)
    store.fail(job, "broken beyond repair", None)
    store.capture([exchange("carol", 6, "My cat is called Minka.")])  # not augmented yet
    store.capture([exchange("dave", 7, "My dog is called Rex.")])
    store.claim("a worker that never came back", 1)


def contents(file: Path) -> dict[str, Any]:
    """All rows of all tables of ours, as JSON knows values."""
    with sqlite3.connect(file) as conn:
        names = [n for (n,) in conn.execute("select name from sqlite_master where type = 'table' order by name")]
        out: dict[str, Any] = {}
        for name in names:
            cursor = conn.execute(f"select * from {name}")
            columns = [c[0] for c in cursor.description]
            rows = [
                dict(zip(columns, (v.hex() if isinstance(v, bytes) else v for v in row), strict=True)) for row in cursor
            ]
            out[name] = sorted(rows, key=str)
    return out


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.db"
        store = SqlStore(connect(f"sqlite:///{file}", Path(folder), 5))
        fill(store)
        store.close()
        with sqlite3.connect(file) as conn:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            conn.execute("PRAGMA journal_mode=DELETE")
            conn.execute("VACUUM")
        shutil.copy(file, target.with_suffix(".db"))
        said = json.dumps(contents(file), indent=1, ensure_ascii=False)
        target.with_suffix(".json").write_text(said + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
