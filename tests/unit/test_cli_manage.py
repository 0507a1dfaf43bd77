"""The commands that manage what is stored, and those of the background work, as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from memori_wrap import Memori
from memori_wrap.cli import app


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("MEMORI_WRAP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MEMORI_WRAP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MEMORI_WRAP_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("MEMORI_WRAP_EMBEDDER", "none")


def run(*args: str, **options: Any) -> Any:
    return CliRunner().invoke(app, list(args), **options)


def remember(n: int = 3, workers: int = 1) -> None:
    with Memori(settings={"workers": workers}) as memory:
        for i in range(n):
            memory.add(f"I like tea number {i}.", entity="ann", session=f"s{i}")
        if workers:
            assert memory.flush(20)


def recalled() -> list[str]:
    with Memori() as memory:
        return sorted(r.text for r in memory.recall("tea", entity="ann"))


def test_export_erase_import(tmp_path: Path) -> None:
    remember()
    before = recalled()
    file = tmp_path / "all.jsonl"
    assert run("export", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("export", "--entity", "ann").output == file.read_text("utf-8")
    assert run("erase", "ann", input="n\n").exit_code == 1
    assert recalled() == before
    erased = json.loads(run("erase", "ann", "--yes", "--json").output)
    assert (erased["messages"], erased["scrubbed"]) == (3, True)
    assert recalled() == []
    assert run("import", str(file)).exit_code == 0
    assert "0 new rows" in run("import", str(file)).output
    assert recalled() == before


def test_import_of_what_is_none(tmp_path: Path) -> None:
    assert run("import", str(tmp_path / "nowhere")).exit_code == 2
    file = tmp_path / "odd"
    file.write_text("{}\n")
    done = run("import", str(file))
    assert (done.exit_code, "line 1" in done.output) == (2, True)


def test_expire() -> None:
    with Memori() as memory:
        memory.add("I like old tea.", entity="ann", at="2020-01-01")
        memory.add("I like new tea.", entity="ann", at="2026-01-01")
    assert "1 messages" in run("expire", "2021-01-01").output
    assert recalled() == ["I like new tea."]
    assert run("expire", "soon").exit_code == 2


def test_reindex_names_the_missing_model() -> None:
    done = run("reindex")
    assert done.exit_code == 2
    assert "no embedding model" in done.output


def test_the_queue_and_a_worker() -> None:
    remember(5, workers=0)
    assert "5 waiting" in run("queue", "status").output
    assert run("worker", "--drain").exit_code == 0
    assert json.loads(run("queue", "status", "--json").output)["pending"] == 0
    assert recalled() == [f"I like tea number {i}." for i in range(5)]


def test_dead_jobs_on_the_command_line(tmp_path: Path) -> None:
    from memori_wrap.testing.extractors import ScriptedExtractor

    with Memori(extractor=ScriptedExtractor(poison="tea"), settings={"max_attempts": 1}) as memory:
        memory.add("I like tea.", entity="ann")
        memory.flush(20)
    shown = run("queue", "dead").output
    assert "ann" in shown
    assert "told to fail" in shown
    (dead,) = json.loads(run("queue", "dead", "--json").output)["dead"]
    assert "1 made waiting" in run("queue", "retry", dead["exchange"]).output
    assert run("worker", "--drain").exit_code == 0
    assert run("queue", "dead").output == ""


def test_the_tables() -> None:
    assert run("db", "check").exit_code == 3
    assert run("db", "upgrade").exit_code == 0
    done = run("db", "check", "--json")
    found = json.loads(done.output)
    assert (done.exit_code, found["found"] == found["wanted"]) == (0, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_at_a_signal(number: signal.Signals) -> None:
    """It gives its leases back, and says nothing on the way out."""
    remember(3, workers=0)
    worker = subprocess.Popen(
        [sys.executable, "-m", "memori_wrap.cli", "worker"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 30
    while json.loads(run("queue", "status", "--json").output)["pending"] and time.monotonic() < until:
        time.sleep(0.1)
    worker.send_signal(number)
    out, err = worker.communicate(timeout=30)
    assert (worker.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert json.loads(run("queue", "status", "--json").output)["pending"] == 0


def test_an_interrupted_import_goes_on(tmp_path: Path) -> None:
    remember(40)
    before = recalled()
    file = tmp_path / "all.jsonl"
    run("export", str(file))
    run("erase", "ann", "--yes")
    lines = file.read_text("utf-8").splitlines()
    code = f"""
import os, signal, sys
from memori_wrap.cli import app, manage
def lines(file):
    for n, line in enumerate(open(file)):
        if n == {len(lines) // 2}:
            os.kill(os.getpid(), signal.SIGINT)
        yield line
manage._lines = lines
app(["import", sys.argv[1]])
"""
    broken = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert broken.returncode == 130
    assert "it goes on" in broken.stderr
    assert "Traceback" not in broken.stderr
    assert run("import", str(file)).exit_code == 0
    assert recalled() == before
