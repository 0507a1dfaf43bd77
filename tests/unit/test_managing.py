"""What is stored, managed through the public face: out and in again, away for good, by age, by another model."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from memori_wrap import ConfigurationError, Memori
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor

CANARY = "zanzibar-lumen-7"


def memory(folder: Path, **options: object) -> Memori:
    options = {"embedder": HashEmbedder(), "extractor": ScriptedExtractor(), **options}
    return Memori(f"sqlite:///{folder}/m.db", settings={"data_dir": folder}, **options)  # type: ignore[arg-type]


def fill(mem: Memori) -> None:
    for name in ("ada", "bob"):
        for n in range(5):
            mem.add(f"My canary number {n} is called {CANARY} and sings for {name}.", entity=name, session=f"s{n}")
    assert mem.flush(20)


def seen(mem: Memori, entity: str = "ada") -> list[tuple[str, str, float]]:
    return [(r.id, r.text, round(r.score, 6)) for r in mem.recall("What is my canary called?", 20, entity=entity)]


def test_export_and_import_give_equal_recall(tmp_path: Path) -> None:
    with memory(tmp_path) as mem:
        mem.warm()
        fill(mem)
        before, facts = seen(mem), mem.facts(entity="ada")
        lines = list(mem.export())
        assert json.loads(lines[0]) == {"format": "memori_wrap", "version": 1}
        ada = list(mem.export(entity="ada"))
        assert not any("bob" in line for line in ada)
        erased = mem.erase("ada")
        assert (erased.messages, seen(mem)) == (5, [])
        assert mem.import_(ada) > 0
        assert mem.import_(ada) == 0
        assert seen(mem) == before
        assert [f.text for f in mem.facts(entity="ada")] == [f.text for f in facts]
    (tmp_path / "other").mkdir()
    with memory(tmp_path / "other") as other:
        other.warm()
        done: list[int] = []
        other.import_(lines, done.append)
        assert sum(done) == len(lines) - 1
        assert seen(other) == before


def test_an_import_that_was_broken_off_is_begun_again(tmp_path: Path) -> None:
    with memory(tmp_path) as mem:
        fill(mem)
        lines = list(mem.export())
        mem.erase("ada")
        mem.erase("bob")

        def broken() -> object:
            yield from lines[: len(lines) // 2]
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            mem.import_(broken())  # type: ignore[arg-type]
        mem.import_(lines)
        assert len(seen(mem)) == len(seen(mem, "bob")) > 0
        assert mem.import_(lines) == 0


@pytest.mark.parametrize(
    "line",
    [
        "{nope",
        "[]",
        "7",
        '{"format": "other", "version": 1}',
        '{"format": "memori_wrap", "version": 99}',
        '{"entity": "a", "table": "sqlite_master", "row": {}}',
        '{"entity": "a", "table": "conversation", "row": {"id": "x"}}',
        '{"entity": "a", "table": "conversation", "row": 7}',
        '{"entity": "", "table": "conversation", "row": {}}',
        '{"table": "conversation", "row": {}}',
    ],
)
def test_lines_that_are_none(tmp_path: Path, line: str) -> None:
    with memory(tmp_path) as mem, pytest.raises(ConfigurationError, match="line 2"):
        mem.import_(['{"format": "memori_wrap", "version": 1}', line])


def test_no_byte_is_left(tmp_path: Path) -> None:
    """Nor in the log of the database, nor in the journal, which was used before."""
    with memory(tmp_path) as mem:
        fill(mem)
        assert seen(mem)
        parts = mem._parts
        assert parts.writer._journal is not None
        from memori_wrap.ids import new_id
        from memori_wrap.types import Exchange, Message, Scope

        left = Exchange(
            new_id(), Scope("ada"), (Message("user", f"spilled {CANARY} for ada"),), (), datetime.now(timezone.utc)
        )
        parts.writer._journal.append([left], "refused")
        found = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"for ada" in found
        erased = mem.erase("ada")
        assert erased.scrubbed
        assert (erased.messages, erased.facts, erased.journal) == (5, 5, 1)
        assert erased.vectors >= 10
        found = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"for ada" not in found
        assert b"for bob" in found
        assert seen(mem) == []


def test_planted_no_scrubbing_leaves_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from memori_wrap.store.session import Session

    monkeypatch.setattr(Session, "scrubbing", Session.write)
    monkeypatch.setattr(Session, "scrub", lambda self: True)
    with memory(tmp_path) as mem:
        fill(mem)
        mem.erase("ada")
        assert b"for ada" in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_a_reader_in_the_way_is_reported(tmp_path: Path) -> None:
    with memory(tmp_path) as mem:
        fill(mem)
        engine = sa.create_engine(f"sqlite:///{tmp_path}/m.db")
        with engine.connect() as conn:
            conn.exec_driver_sql("BEGIN")
            conn.exec_driver_sql("SELECT count(*) FROM memori_wrap_conversation_message").scalar()
            assert mem.erase("ada").scrubbed is False
        assert mem.erase("ada").scrubbed is True
        engine.dispose()


def test_another_memory_forgets_too(tmp_path: Path) -> None:
    """A process that read the entity before must not answer from what it knows."""
    with memory(tmp_path) as mem, memory(tmp_path) as other:
        fill(mem)
        assert seen(other)
        mem.erase("ada")
        assert seen(other) == []
        mem.add("A new canary.", entity="ada")
        assert [text for _, text, _ in seen(other)] == ["A new canary."]


def test_what_is_older_goes(tmp_path: Path) -> None:
    with memory(tmp_path) as mem:
        then = datetime.now(timezone.utc) - timedelta(days=100)
        mem.add("An old canary.", entity="ada", at=then)
        mem.add("A new canary.", entity="ada")
        mem.flush(10)
        assert {f.text for f in mem.facts(entity="ada")} == {"User said: A new canary.", "User said: An old canary."}
        assert mem.expire(then + timedelta(days=1)) == 1
        assert {text for _, text, _ in seen(mem)} == {"A new canary."}
        assert {f.text for f in mem.facts(entity="ada")} == {"User said: A new canary."}
        with pytest.raises(ConfigurationError):
            mem.expire("the day before yesterday's")


class Other(HashEmbedder):
    """The same vectors in another space."""

    @property
    def model(self) -> str:
        return "other"


def test_another_model_is_named_and_reindexed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with memory(tmp_path) as mem:
        mem.warm()
        fill(mem)
        before = seen(mem)
    with memory(tmp_path, embedder=Other()) as mem:
        mem.warm()
        assert any("reindex" in r.getMessage() for r in caplog.records)
        assert {w for _, _, w in seen(mem)} != {w for _, _, w in before}  # by words only: nothing unlike is compared
        done: list[int] = []
        n = mem.reindex(done.append)
        assert n == sum(done) == 20
        assert seen(mem) == before
        assert mem.reindex(prune=True) == 0
        store = mem._parts.store
        assert isinstance(store, SqlStore)
        assert list(store.other_models("other")) == []


def test_reindex_without_a_model(tmp_path: Path) -> None:
    with memory(tmp_path, embedder="none") as mem, pytest.raises(ConfigurationError, match="no embedding model"):
        mem.reindex()


def test_dead_jobs(tmp_path: Path) -> None:
    extractor = ScriptedExtractor(poison="poison")
    with Memori(
        f"sqlite:///{tmp_path}/m.db",
        embedder="none",
        extractor=extractor,
        settings={"max_attempts": 1, "data_dir": tmp_path},
    ) as mem:
        mem.add("poison", entity="ada")
        mem.add("tea", entity="ada")
        mem.flush(20)
        (dead,) = mem.dead_jobs()
        assert dead.entity == "ada"
        assert dead.reason
        extractor._poison = None
        assert mem.retry_dead() == 1
        assert mem.flush(20)
        assert mem.dead_jobs() == []
        assert len(mem.facts(entity="ada")) == 2


def test_vectors_survive_the_journey(tmp_path: Path) -> None:
    with memory(tmp_path) as mem:
        mem.warm()
        fill(mem)
        before = {(v.item, v.variant): v.vector for v in mem._parts.store.load("ada", 0, HashEmbedder().model).vectors}
        lines = list(mem.export())
        mem.erase("ada")
        mem.import_(lines)
        after = {(v.item, v.variant): v.vector for v in mem._parts.store.load("ada", 0, HashEmbedder().model).vectors}
        assert before.keys() == after.keys()
        assert all(np.array_equal(before[key], after[key]) for key in before)
