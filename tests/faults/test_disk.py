"""A full disk (D13): calls go on, and what the journal has is stored once there is room; the file stays whole."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from openai import OpenAI

from memori_wrap import Memori, StoreError
from memori_wrap.store import session
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from tests.support.tally import Effective


def full_database(folder: Path) -> tuple[int, int]:
    """No page can be added to the database, while its journal has room: (facts in the end, what found it full)."""
    with FakeOpenAI("Noted.") as server, OpenAI(base_url=server.base_url, api_key="x") as bare:
        engine = sa.create_engine(f"sqlite:///{folder}/m.db")
        pages = {"max": 1_000_000}

        @sa.event.listens_for(engine, "checkout")
        def limit(raw: sqlite3.Connection, *_: object) -> None:
            raw.execute(f"PRAGMA max_page_count={pages['max']}")

        with Memori(engine, embedder="none", extractor=ScriptedExtractor(), settings={"data_dir": folder}) as mem:
            client = mem.register(bare, entity="alice")

            def ask(text: str) -> None:
                answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
                assert answer.choices[0].message.content == "Noted."

            ask("I like tea")
            assert mem.flush(20)
            pages["max"] = 1  # what there is stays, nothing can be added
            for n in range(5):
                ask(f"full {n} " + "x" * 20_000)
            until = time.monotonic() + 20
            while mem._parts.writer._items and time.monotonic() < until:
                time.sleep(0.05)
            counts = mem._parts.counts.snapshot()
            pages["max"] = 1_000_000
            until = time.monotonic() + 60
            while not mem.flush(5) and time.monotonic() < until:
                time.sleep(0.1)
            facts = len(mem.facts(entity="alice"))
        with engine.connect() as conn:
            assert conn.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        engine.dispose()
        return facts, counts.get("spilled", 0) + counts.get("dropped.refused", 0)


@pytest.mark.fault("D13")
def test_a_full_database(tmp_path: Path, effective: Effective) -> None:
    facts, met = full_database(tmp_path)
    effective(met, floor=5)
    assert facts == 6


@pytest.mark.control("D13")
def test_planted_full_disk_that_counts_as_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = session.as_store_error

    def as_store_error(*given: object) -> StoreError:
        return StoreError(str(before(*given)))  # type: ignore[arg-type]

    monkeypatch.setattr(session, "as_store_error", as_store_error)
    facts, _ = full_database(tmp_path)
    assert facts < 6


# ---------------------------------------------------------------- no room for anything, the journal's file included

SCRIPT = """
import json, logging, resource, sys, time
from pathlib import Path
from openai import OpenAI
from memori_wrap import Memori
from memori_wrap.testing.extractors import ScriptedExtractor

warnings = []
class Listener(logging.Handler):
    def emit(self, record):
        warnings.append(record.getMessage())
listener = Listener(logging.WARNING)
logging.getLogger("memori_wrap").addHandler(listener)

folder, url, how = Path(sys.argv[1]), *sys.argv[2:]

def fill():
    if how == "files":
        largest = max(file.stat().st_size for file in folder.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 100_000, resource.RLIM_INFINITY))
        return
    with open(folder / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(4096))
        except OSError:
            pass

def clear():
    if how == "files":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        (folder / "filler").unlink()

mem = Memori(f"sqlite:///{folder}/m.db", embedder="none", extractor=ScriptedExtractor(), settings={"data_dir": folder})
client = mem.register(OpenAI(base_url=url, api_key="x"), entity="alice")
asked = 0
def ask(n):
    global asked
    for _ in range(n):
        asked += 1
        messages = [{"role": "user", "content": f"number {asked} " + "x" * 20_000}]
        assert client.chat.completions.create(model="m", messages=messages).choices[0].message.content == "Noted."

ask(3)
assert mem.flush(20)
fill()
ask(40)
while mem._parts.writer._items:
    time.sleep(0.02)
full = mem.stats()["counts"]
clear()
for _ in range(200):
    try:
        if mem.flush(5):
            break
    except Exception:
        pass
ask(3)
assert mem.flush(20)
said = {"asked": asked, "facts": len(mem.facts(entity="alice")), "counts": mem.stats()["counts"], "full": full}
mem.close()
print(json.dumps({**said, "warnings": warnings}))
"""


def full(folder: Path, how: str) -> tuple[int, int]:
    """(exchanges for which there was no room, exchanges that are neither stored nor counted as dropped)."""
    with FakeOpenAI("Noted.") as server:
        command = [sys.executable, "-c", SCRIPT, str(folder), server.base_url, how]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout)
    assert len(found["warnings"]) == len(set(found["warnings"])) <= 3, found["warnings"]
    with closing(sqlite3.connect(folder / "m.db")) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    dropped = found["counts"].get("dropped.no_journal", 0)
    return dropped + found["full"].get("spilled", 0), found["asked"] - found["facts"] - dropped


@pytest.mark.fault("D13")
def test_no_file_can_grow(tmp_path: Path, effective: Effective) -> None:
    met, unaccounted = full(tmp_path, "files")
    effective(met, floor=10)
    assert unaccounted == 0


@pytest.mark.slow
@pytest.mark.fault("D13")
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root of a Linux can mount a small disk")
def test_a_small_disk(tmp_path: Path, effective: Effective) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)], check=True)
    try:
        met, unaccounted = full(tmp_path, "disk")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    effective(met, floor=10)
    assert unaccounted == 0
