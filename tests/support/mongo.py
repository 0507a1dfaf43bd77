"""A server that speaks MongoDB's wire protocol, in a process of its own: no package registry carries ``mongod``.

SecantusDB has MongoDB's storage engine, WiredTiger, under commands of its own. With ``TEST_MONGODB`` set to the URL
of a real server that one is taken instead.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

__all__ = ["fresh_mongodb", "mongodb", "mongodb_server", "mongodb_url"]

REAL = os.environ.get("TEST_MONGODB")
START = 60.0
PATIENT = "serverSelectionTimeoutMS=60000&connectTimeoutMS=60000&socketTimeoutMS=240000"
"""A machine that is busy with other tests answers late."""


@contextmanager
def mongodb_server(folder: Path, *options: str) -> Iterator[str]:
    """The URL of a server without a replica set, or as ``options`` say."""
    if REAL:
        yield REAL
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ("--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder / "mongodb"))
    command = (sys.executable, "-m", "secantus", *where, "--log-level", "ERROR", *(options or ("--standalone",)))
    with (folder / "mongodb.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        url = f"mongodb://127.0.0.1:{port}/"
        _wait_for(url, server, folder / "mongodb.log")
        yield url
    finally:
        server.kill()  # nothing of it is wanted any more
        server.wait(30)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START
    while True:
        client: MongoClient[dict[str, object]] = MongoClient(url, serverSelectionTimeoutMS=500)
        try:
            client.admin.command("ping")
        except PyMongoError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "no answer from the server"
        else:
            return
        finally:
            client.close()


@contextmanager
def fresh_mongodb(server: str) -> Iterator[str]:
    """The URL of a new database on the server, dropped afterwards."""
    name = f"memori_wrap_{uuid.uuid4().hex[:12]}"
    base, _, query = server.partition("?")
    try:
        yield f"{base.rstrip('/')}/{name}?{'&'.join(part for part in (query, PATIENT) if part)}"
    finally:
        with MongoClient[dict[str, object]](server) as client:
            client.drop_database(name)


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server without a replica set."""
    with mongodb_server(tmp_path_factory.mktemp("mongodb")) as url:
        yield url


@pytest.fixture
def mongodb_url(mongodb: str) -> Iterator[str]:
    with fresh_mongodb(mongodb) as url:
        yield url
