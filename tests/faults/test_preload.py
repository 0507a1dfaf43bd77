"""A server that loads the application before it forks its workers (D08)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from memori_wrap import Memori
from memori_wrap.testing.openai_server import spawn
from tests.support.servers import POSTGRESQL, fresh_database
from tests.support.tally import Effective

ROOT = Path(__file__).parents[2]
WORKERS = 4


@contextmanager
def gunicorn(variables: dict[str, str], log: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"]
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*command, "tests.support.preloaded:app"], cwd=ROOT, env={**os.environ, **variables}, stdout=out, stderr=out
        ) as server,
    ):
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def ask(url: str, user: str, text: str) -> dict[str, Any] | None:
    """The worker's answer; None where it was killed meanwhile."""
    query = urllib.parse.urlencode({"user": user, "text": text})
    until = time.monotonic() + 40
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/?{query}", timeout=40) as answer:
                found: dict[str, Any] = json.loads(answer.read())
                return found
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                return None
            time.sleep(0.1)  # it is still starting
        except OSError:
            return None
    raise TimeoutError(url)


def shared(used: dict[str, set[int]]) -> set[int]:
    """Backends that more than one process has used."""
    of = Counter(backend for backends in used.values() for backend in backends)
    return {backend for backend, processes in of.items() if processes > 1}


@pytest.mark.slow
@pytest.mark.fault("D08")
def test_each_request_is_captured_once(tmp_path: Path, effective: Effective) -> None:
    with fresh_database(POSTGRESQL) as database, spawn() as base_url:
        variables = {"DATABASE": database, "BASE_URL": base_url, "FOLDER": str(tmp_path)}
        answered: list[tuple[str, str]] = []
        used: dict[str, set[int]] = defaultdict(set)
        killed: list[int] = []
        with gunicorn(variables, tmp_path / "log") as url:
            assert ask(url, "first", "are you there?")

            def talk(n: int) -> None:
                for i in range(10):
                    found = ask(url, f"user {n}", f"user {n} says number {i}")
                    if found is not None:
                        for pid, backends in found["used"].items():
                            used[pid] |= set(backends)
                        assert found["done"]
                        answered.append((f"user {n}", f"user {n} says number {i}"))

            threads = [threading.Thread(target=talk, args=(n,)) for n in range(6)]
            for thread in threads:
                thread.start()
            until = time.monotonic() + 30
            while len(used) < 3 and time.monotonic() < until:  # the parent and two workers
                time.sleep(0.01)
            for pid in list(used)[1:3]:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
                    killed.append(int(pid))
            for thread in threads:
                thread.join()
            engine = sa.create_engine(database)
            with engine.connect() as conn:
                ours = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
                there = set(conn.exec_driver_sql(ours).scalars())
            engine.dispose()
        effective(len(killed), floor=2)
        assert len(used) > 3
        assert shared(used) == set()  # each process has used backends of its own
        assert all(backends & there for pid, backends in used.items() if int(pid) not in killed)
        log = (tmp_path / "log").read_text()
        assert "Traceback" not in log, log
        with Memori(database, embedder="none", settings={"data_dir": tmp_path}) as memory:
            assert memory.flush(30)
            for n in range(6):
                said = Counter(
                    m.text for m in memory._parts.store.load(f"user {n}", 0, None).messages if m.role == "user"
                )
                wanted = [text for user, text in answered if user == f"user {n}"]
                assert set(wanted) <= set(said)
                assert set(said.values()) <= {1}


@pytest.mark.parametrize("text", ["before the fork"])
def test_what_the_parent_said_is_there_once(tmp_path: Path, text: str) -> None:
    url = f"sqlite:///{tmp_path}/m.db"
    with spawn() as base_url:
        with gunicorn({"DATABASE": url, "BASE_URL": base_url, "FOLDER": str(tmp_path)}, tmp_path / "log") as where:
            assert ask(where, "ann", "hello")
        with Memori(url, embedder="none") as memory:
            messages = memory._parts.store.load("preload", 0, None).messages
            assert [m.text for m in messages if m.role == "user"] == [text]


@pytest.mark.slow
@pytest.mark.control("D08")
def test_planted_child_that_keeps_its_parents_connections(tmp_path: Path) -> None:
    with fresh_database(POSTGRESQL) as database, spawn() as base_url:
        variables = {"DATABASE": database, "BASE_URL": base_url, "FOLDER": str(tmp_path), "PLANTED": "1"}
        used: dict[str, set[int]] = defaultdict(set)
        with gunicorn(variables, tmp_path / "log") as url:
            for n in range(20):
                found = ask(url, "ann", f"number {n}")
                for pid, backends in (found or {"used": {}})["used"].items():
                    used[pid] |= set(backends)
                if shared(used):
                    break
    assert shared(used)
