"""Files that cannot be used: a clear error when they are opened, and never a byte of them changed (D16)."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memori_wrap import Memori, MigrationNeeded, StoreError
from memori_wrap.errors import MemoriError
from memori_wrap.store import schema
from tests.support.tally import Effective

NOBODY = 65534
fork = multiprocessing.get_context("fork")


def memory(conn: object) -> Memori:
    return Memori(conn, embedder="none", extractor="none")


def digests(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir()) if f.is_file()}


def refused(conn: object, folder: Path) -> str:
    """What the error says; nothing in the folder is changed, made or gone."""
    before = digests(folder)
    with pytest.raises(MemoriError) as error:
        memory(conn)
    assert digests(folder) == before
    return str(error.value)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A database with something in it, closed properly."""
    file = tmp_path / "m.db"
    with memory(f"sqlite:///{file}") as mem:
        mem.add("my boat is called Aurora", entity="alice")
    assert digests(tmp_path).keys() == {"m.db"}
    return file


def holds(file: Path) -> None:
    with memory(f"sqlite:///{file}") as mem:
        assert [r.text for r in mem.recall("boat", entity="alice")] == ["my boat is called Aurora"]


# ---------------------------------------------------------------- no right to write


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that another user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


def as_somebody(home: Path, run: Callable[[], None]) -> str:
    """What an error says in a process that is not root's."""
    receive, send = fork.Pipe(False)

    def child() -> None:
        memory("memory://").close()  # what is imported late is imported now
        if os.geteuid() == 0:
            os.environ["HOME"] = str(home)
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        try:
            run()
            send.send("")
        except BaseException as error:
            send.send(f"{type(error).__name__}: {error}")
        os._exit(0)

    process = fork.Process(target=child)
    process.start()
    assert receive.poll(60)
    said: str = receive.recv()
    process.join(10)
    return said


@pytest.mark.fault("D16")
@pytest.mark.parametrize("which", ["file", "folder", "both"])
def test_read_only(which: str, open_folder: Path, effective: Effective) -> None:
    file = open_folder / "m.db"
    with memory(f"sqlite:///{file}") as mem:
        mem.add("my boat is called Aurora", entity="alice")
    file.chmod(0o444 if which != "folder" else 0o666)
    open_folder.chmod(0o555 if which != "file" else 0o777)
    before = digests(open_folder)
    said = as_somebody(open_folder, lambda: memory(f"sqlite:///{file}").close())
    assert said.startswith("ConfigurationError")
    assert f"{file} cannot be written" in said
    assert digests(open_folder) == before
    # a connection that a user opens is not looked at beforehand: the database says it
    said = as_somebody(open_folder, lambda: memory(lambda: sqlite3.connect(file)).close())
    assert which == "folder" or "StoreError" in said
    assert which == "folder" or "cannot be written: check the rights" in said
    open_folder.chmod(0o777)
    file.chmod(0o666)
    holds(file)
    effective(1, floor=1)


@pytest.mark.fault("D16")
def test_read_only_folder_without_a_file(open_folder: Path, effective: Effective) -> None:
    open_folder.chmod(0o555)
    said = as_somebody(open_folder, lambda: memory(f"sqlite:///{open_folder}/m.db").close())
    assert said.startswith("ConfigurationError")
    assert "check the rights" in said
    said = as_somebody(
        open_folder, lambda: Memori(embedder="none", extractor="none", settings={"data_dir": open_folder / "data"})
    )
    assert said.startswith("ConfigurationError")
    assert "MEMORI_WRAP_DATA_DIR" in said
    effective(2, floor=2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be in the home directory of another user")
def test_home_of_another_user(open_folder: Path) -> None:
    home = open_folder / "home"
    (home / ".config").mkdir(parents=True)
    home.chmod(0o700)
    said = as_somebody(home, lambda: memory(f"sqlite:///{open_folder}/m.db").close())
    assert said.startswith("ConfigurationError")
    assert "set MEMORI_WRAP_CONFIG" in said


@pytest.mark.fault("D16")
def test_opened_for_reading_only(filled: Path, effective: Effective) -> None:
    before = filled.read_bytes()
    with pytest.raises(StoreError, match="cannot be written: check the rights"):
        memory(f"sqlite:///file:{filled}?mode=ro&uri=true")
    assert filled.read_bytes() == before
    holds(filled)
    effective(1, floor=1)


# ---------------------------------------------------------------- what is no database, or not this one's


@pytest.mark.fault("D16")
@pytest.mark.parametrize(
    "junk",
    [b"this is a letter to my aunt\n" * 100, b"\0" * 8192, b"PK\x03\x04" + os.urandom(5000), b"x"],
    ids=["text", "zeros", "archive", "short"],
)
def test_junk(junk: bytes, tmp_path: Path, effective: Effective) -> None:
    file = tmp_path / "m.db"
    file.write_bytes(junk)
    assert f"{file} is not a SQLite database" in refused(f"sqlite:///{file}", tmp_path)
    assert "not" in refused(f"duckdb:///{file}", tmp_path)
    effective(2, floor=2)


@pytest.mark.fault("D16")
def test_cut_off(filled: Path, effective: Effective) -> None:
    with filled.open("r+b") as f:
        f.truncate(filled.stat().st_size // 2)
    assert "damaged" in refused(f"sqlite:///{filled}", filled.parent)
    effective(1, floor=1)


@pytest.mark.fault("D16")
def test_scrambled(filled: Path, effective: Effective) -> None:
    data = bytearray(filled.read_bytes())
    data[100:4096] = os.urandom(3996)
    filled.write_bytes(data)
    assert "damaged" in refused(f"sqlite:///{filled}", filled.parent)
    effective(1, floor=1)


@pytest.mark.fault("D16")
def test_newer_schema(filled: Path, effective: Effective) -> None:
    with sqlite3.connect(filled) as conn:
        conn.execute("update memori_wrap_alembic_version set version_num = '9999'")
    conn.close()
    with pytest.raises(MigrationNeeded):
        memory(f"sqlite:///{filled}")
    assert "pip install -U memori-wrap" in refused(f"sqlite:///{filled}", filled.parent)
    effective(1, floor=1)


def test_empty_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / "m.db").touch()
    with memory(f"sqlite:///{tmp_path}/m.db") as mem:
        mem.add("hello", entity="alice")


# ---------------------------------------------------------------- logs that stayed behind


def killed_with_a_log(file: Path) -> None:
    """A process that dies with all that it wrote still in the log."""

    def child() -> None:
        mem = memory(f"sqlite:///{file}")
        mem.add("my boat is called Aurora", entity="alice")
        os.kill(os.getpid(), signal.SIGKILL)

    process = fork.Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert file.with_name("m.db-wal").stat().st_size > 0


@pytest.mark.fault("D16")
def test_log_of_a_killed_process(tmp_path: Path, effective: Effective) -> None:
    killed_with_a_log(tmp_path / "m.db")
    holds(tmp_path / "m.db")
    effective(1, floor=1)


@pytest.mark.fault("D16")
def test_log_without_its_database(tmp_path: Path, effective: Effective) -> None:
    """The database was moved or deleted; SQLite itself would throw the log away, and with it what was said last."""
    file = tmp_path / "m.db"
    killed_with_a_log(file)
    file.rename(tmp_path / "kept.db")
    said = refused(f"sqlite:///{file}", tmp_path)
    assert f"{file} is gone, but m.db-wal of it is there" in said
    (tmp_path / "kept.db").rename(file)
    holds(file)
    effective(1, floor=1)


@pytest.mark.fault("D16")
@pytest.mark.parametrize("name", ["m.db-wal", "m.db-shm"])
def test_junk_for_a_log(filled: Path, name: str, effective: Effective) -> None:
    filled.with_name(name).write_bytes(os.urandom(40_000))
    holds(filled)
    effective(1, floor=1)


@pytest.mark.fault("D16")
def test_log_of_another_database(filled: Path, tmp_path: Path, effective: Effective) -> None:
    """Its check sums do not fit where it was cut: what the database holds is there."""
    other = tmp_path / "other"
    other.mkdir()
    killed_with_a_log(other / "m.db")
    log = bytearray((other / "m.db-wal").read_bytes())
    log[100] ^= 0xFF
    filled.with_name("m.db-wal").write_bytes(log)
    holds(filled)
    effective(1, floor=1)


def test_file_system_without_shared_memory(tmp_path: Path) -> None:
    """SQLite's dot-file locking has none, as some network file systems: no write-ahead log, and it works."""
    url = f"sqlite:///file:{tmp_path}/m.db?vfs=unix-dotfile&uri=true"
    for n in range(2):
        with memory(url) as mem:
            mem.add(f"boat {n}", entity="alice")
            assert len(mem.recall("boat", entity="alice")) == n + 1
            assert not (tmp_path / "m.db-wal").exists()


@pytest.mark.fault("D16")
def test_file_with_a_log_on_such_a_file_system(filled: Path, effective: Effective) -> None:
    said = refused(f"sqlite:///file:{filled}?vfs=unix-dotfile&uri=true", filled.parent)
    assert "cannot be opened" in said
    effective(1, floor=1)


# ---------------------------------------------------------------- the control


@pytest.mark.control("D16")
def test_planted_repair_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that empties what it cannot read, and goes on to fail."""
    real = schema.explained

    def repair(error: StoreError, url: object) -> StoreError | None:
        (tmp_path / "m.db").write_bytes(b"")
        return real(error, url)  # type: ignore[arg-type]

    monkeypatch.setattr(schema, "explained", repair)
    with pytest.raises(AssertionError):
        test_junk(b"this is a letter to my aunt\n" * 100, tmp_path, lambda *_, **__: None)  # type: ignore[arg-type]
