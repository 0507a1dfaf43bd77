"""SIGKILL between reply and augmentation: every acknowledged exchange has its facts, once (D01)."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from memori_wrap import Memori
from memori_wrap.settings import load_settings
from memori_wrap.stores import open_store
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from tests.support.mongo import fresh_mongodb, mongodb_server
from tests.support.nursery import SETTINGS
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database
from tests.support.tally import Effective

KINDS = ("SQLite", "PostgreSQL", "MariaDB", pytest.param("MongoDB", marks=pytest.mark.slow))
ROOT = Path(__file__).parents[2]


class Kills:
    """Children that talk, are killed, and leave work behind."""

    def __init__(self, database: str, folder: Path, *, split_commit: bool) -> None:
        self.database, self.acks = database, folder / "acks"
        self.split_commit = split_commit
        self.effective = self.tried = 0
        Memori(self.database, settings=SETTINGS).close()
        self.store = open_store(self.database, load_settings(SETTINGS))

    def run(self, wanted: int) -> None:
        choose = random.Random(20261120)
        with FakeOpenAI("Noted.") as server, self._nursery() as nursery:
            assert nursery.stdin
            assert nursery.stdout
            while self.effective < wanted:
                self.tried += 1
                assert self.tried <= 4 * wanted, "too few kills hit a process with work pending"
                before = self.acked()
                order = {
                    "database": self.database,
                    "base_url": server.base_url,
                    "first": 1000 * self.tried,
                    "split_commit": self.split_commit,
                    "acks": str(self.acks),
                }
                nursery.stdin.write(json.dumps(order) + "\n")
                nursery.stdin.flush()
                pid = int(nursery.stdout.readline())
                limit = time.monotonic() + 20
                while len(self.acked()) - len(before) < 3 and time.monotonic() < limit:
                    time.sleep(0.002)  # the handshake: it is talking
                time.sleep(choose.random() * 0.05)
                os.kill(pid, signal.SIGKILL)
                assert nursery.stdout.readline() == "gone\n"
                self.effective += self.pending() > 0

    def _nursery(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.support.nursery"]
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def acked(self) -> list[int]:
        if not self.acks.exists():
            return []
        return [int(line.split()[1]) for line in self.acks.read_text().splitlines() if line.startswith("ack ")]

    def pending(self) -> int:
        return self.store.queue().pending

    def missing_and_doubled(self) -> tuple[list[int], list[str]]:
        """After a restart has worked everything off: acknowledged without a fact; facts that count twice."""
        with Memori(self.database, extractor=ScriptedExtractor(), settings=SETTINGS) as mem:
            assert mem.flush(60)
            facts = {f.text: f for f in mem.facts(entity="alice")}
        if self.database.startswith("sqlite"):
            with closing(sqlite3.connect(self.database.removeprefix("sqlite:///"))) as conn:
                assert conn.execute("pragma integrity_check").fetchone() == ("ok",)
        missing = [n for n in self.acked() if not any(f"fact {n}" == t or t.endswith(f"fact {n}") for t in facts)]
        doubled = [t for t, f in facts.items() if f.mentions != 1 or len(f.sources) != 1]
        return missing, doubled


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "SQLite":
        yield f"sqlite:///{folder}/m.db"
    elif kind == "MongoDB":
        with mongodb_server(folder) as server, fresh_mongodb(server) as url:
            yield url
    else:
        with fresh_database({"PostgreSQL": POSTGRESQL, "MariaDB": MARIADB}[kind]) as url:
            yield url


def killed(kind: str, folder: Path, n: int, *, split_commit: bool = False) -> tuple[int, list[int], list[str]]:
    """(effective kills, acknowledged without a fact, facts that count twice)."""
    with database(kind, folder) as url:
        kills = Kills(url, folder, split_commit=split_commit)
        try:
            kills.run(n)
            return (kills.effective, *kills.missing_and_doubled())
        finally:
            kills.store.close()


@pytest.mark.fault("D01")
@pytest.mark.parametrize("kind", KINDS)
def test_few_kills(tmp_path: Path, kind: str, effective: Effective) -> None:
    hits, missing, doubled = killed(kind, tmp_path, 6)
    effective(hits, floor=6)
    assert (missing, doubled) == ([], [])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.fault("D01")
@pytest.mark.parametrize("kind", KINDS)
def test_80_kills(tmp_path: Path, kind: str, effective: Effective) -> None:
    hits, missing, doubled = killed(kind, tmp_path, 80)
    effective(hits, floor=80)
    assert (missing, doubled) == ([], [])


@pytest.mark.control("D01")
@pytest.mark.parametrize("kind", KINDS)
def test_planted_split_commit_loses_facts(tmp_path: Path, kind: str) -> None:
    """The control: with "done" committed apart from the facts, the same kills lose some."""
    _, missing, _ = killed(kind, tmp_path, 12, split_commit=True)
    assert missing
