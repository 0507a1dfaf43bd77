"""The same load on the servers that are used in production, each in processes of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memori_wrap import Memori
from memori_wrap.testing.openai_server import FakeOpenAI, Scripted
from tests.support.webload import NOBODY, drive, found, get, line

ROOT = Path(__file__).parents[2]
APP = "tests.support.webserved:application"
GUNICORN = ("gunicorn", "--worker-class", "gthread", "--threads", "8", "--workers", "2")
SERVED = {
    ("flask", "wsgi"): (GUNICORN, ("/sync", "/async", "/stream", "/stream_in_context", "/closed")),
    ("django", "wsgi"): (GUNICORN, ("/sync", "/async", "/stream")),
    ("django", "asgi"): (("uvicorn", "--workers", "2"), ("/sync", "/async", "/native", "/astream")),
    ("fastapi", "asgi"): (("uvicorn", "--workers", "2"), ("/sync", "/stream", "/adependency", "/astream")),
}


@contextmanager
def served(command: tuple[str, ...], variables: dict[str, str], log: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    at = ("--bind", f"127.0.0.1:{port}") if command[0] == "gunicorn" else ("--port", str(port))
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, "-m", *command, *at, APP],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=out,
            stderr=out,
        ) as server,
    ):
        try:
            while not _answers(port):
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
            yield port
        finally:
            server.terminate()
            server.wait(60)


def _answers(port: int) -> bool:
    try:
        return get(port, "/sync", NOBODY, line(NOBODY, 0))[0] == 200
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(("framework", "kind"), SERVED)
def test_20_users_at_once(tmp_path: Path, framework: str, kind: str) -> None:
    database = f"sqlite:///{tmp_path}/m.db"
    command, paths = SERVED[framework, kind]
    with FakeOpenAI(Scripted("Noted for you.", delay=0.005, chunk_delay=0.001)) as server:
        named = {"FRAMEWORK": framework, "KIND": kind, "DATABASE": database, "BASE_URL": server.base_url}
        named["MEMORI_WRAP_DATA_DIR"] = str(tmp_path)
        with served(command, named, tmp_path / "log") as port:
            drive(port, paths, 8)
        with Memori(database, embedder="none", extractor="none", settings={"data_dir": tmp_path}) as mem:
            result = found(mem, server)
            assert all(len(mem._parts.store.load(str(n), 0, None).messages) >= 16 for n in range(20)), "all captured"
    assert result.crossed == 0
    assert result.carried >= 20 * 7 // 2, f"the control: memories did reach their own users: {result}"
    assert "Traceback" not in (tmp_path / "log").read_text()
    print(f"{framework} ({' '.join(command)}): {result}")
