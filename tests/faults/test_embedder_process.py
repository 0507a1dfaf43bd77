"""An embedder in a process of its own: it dies, hangs, prints; the program forks, is killed, ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from memori_wrap import ConfigurationError, Memori, MemoriError
from memori_wrap.embedders import apart
from memori_wrap.embedders.apart import ProcessEmbedder
from memori_wrap.errors import MissingExtra
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor

ODD = "tests.support.embedders:Odd"

PARENT = """
import sys, time
from memori_wrap.embedders.apart import ProcessEmbedder
embedder = ProcessEmbedder(factory="tests.support.embedders:Odd", arguments={"gate": "/nowhere"})
embedder.load()
print(embedder._child._process.pid, flush=True)
"""


def pid_of(embedder: ProcessEmbedder) -> int:
    assert embedder._child is not None
    return embedder._child._process.pid


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(done: Callable[[], bool], patience: float = 20.0) -> bool:
    end = time.monotonic() + patience
    while not done() and time.monotonic() < end:
        time.sleep(0.01)
    return done()


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[ProcessEmbedder]:
    embedder = ProcessEmbedder(factory=ODD, arguments={"gate": str(tmp_path / "gate")})
    yield embedder
    (tmp_path / "gate").touch()
    embedder.close()


def test_a_process_that_was_killed_is_started_again(odd: ProcessEmbedder) -> None:
    rows = odd.embed(["green tea"])
    first = pid_of(odd)
    os.kill(first, signal.SIGKILL)
    np.testing.assert_array_equal(odd.embed(["green tea"]), rows)
    assert (odd.restarts, pid_of(odd) != first) == (1, True)
    assert not is_running(first)


def test_one_that_dies_while_it_is_asked_is_asked_again(odd: ProcessEmbedder, tmp_path: Path) -> None:
    odd.load()
    got: list[object] = []
    asking = threading.Thread(target=lambda: got.append(odd.embed(["wait", "tea"])))
    asking.start()
    assert until(lambda: bool(odd._child and odd._child._waiting))
    os.kill(pid_of(odd), signal.SIGKILL)
    (tmp_path / "gate").touch()
    asking.join(20)
    assert np.shape(got[0]) == (2, 16)  # type: ignore[arg-type]
    assert odd.restarts == 1


def test_texts_that_kill_it_are_given_up(odd: ProcessEmbedder) -> None:
    with pytest.raises(MemoriError, match="died 2 times over the same texts"):
        odd.embed(["die"])
    assert odd.embed(["tea"]).shape == (1, 16)


def test_it_may_die_once_while_it_loads(tmp_path: Path) -> None:
    embedder = ProcessEmbedder(factory=ODD, arguments={"die_once": str(tmp_path / "died")})
    assert embedder.embed(["tea"]).shape == (1, 16)
    assert embedder.restarts == 1
    embedder.close()


def test_one_that_always_dies_says_so() -> None:
    embedder = ProcessEmbedder(factory=ODD, arguments={"die": True})
    with pytest.raises(MemoriError, match="dies while it loads"):
        embedder.load()
    embedder.close()


def test_what_a_library_prints_gets_nowhere_near_the_vectors(odd: ProcessEmbedder) -> None:
    np.testing.assert_array_equal(odd.embed(["print"]), HashEmbedder(16).embed(["print"]))


def test_errors_come_over(odd: ProcessEmbedder) -> None:
    with pytest.raises(MemoriError, match="ValueError: as asked"):
        odd.embed(["raise"])
    assert odd.restarts == 0
    for factory, error, told in (
        ("missing", MissingExtra, r"pip install 'memori-wrap\[nothing\]'"),
        ("misconfigured", ConfigurationError, "nothing is right"),
        ("absent", ConfigurationError, "module:attribute"),
    ):
        embedder = ProcessEmbedder(factory=f"tests.support.embedders:{factory}")
        with pytest.raises(error, match=told):
            embedder.load()
        embedder.close()


def test_a_question_does_not_wait_for_a_batch(odd: ProcessEmbedder, tmp_path: Path) -> None:
    odd.load()
    batch = threading.Thread(target=odd.embed, args=(["wait"],))
    batch.start()
    try:
        assert until(lambda: bool(odd._child and odd._child._waiting))
        assert odd.embed_query("tea").shape == (16,)
        assert batch.is_alive()
    finally:
        (tmp_path / "gate").touch()
        batch.join(20)


@pytest.mark.parametrize("how", ["killed", "ended", "killed while it computes"])
def test_it_ends_with_the_program(how: str) -> None:
    tail = "" if how == "ended" else "embedder.embed(['wait'])" if "computes" in how else "time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", PARENT + tail], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert how == "ended" or is_running(child)
        if how != "ended":
            parent.kill()
        assert until(lambda: not is_running(child))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_a_process_of_its_own(odd: ProcessEmbedder) -> None:
    rows, process = odd.embed(["tea"]), pid_of(odd)
    fork = os.fork()
    if not fork:
        signal.alarm(60)
        code = 3
        try:
            is_same = np.array_equal(odd.embed(["tea"]), rows) and pid_of(odd) != process
            odd.close()
            code = 0 if is_same else 2
        finally:
            os._exit(code)
    assert os.waitpid(fork, 0)[1] == 0
    assert (pid_of(odd), odd.restarts) == (process, 0)
    np.testing.assert_array_equal(odd.embed(["tea"]), rows)


def outlives_a_forked_sibling() -> bool:
    """Whether the process is gone once it is closed here, while a forked child, which inherited the pipe, lives."""
    embedder = ProcessEmbedder(factory=ODD)
    embedder.load()
    process = embedder._child
    assert process is not None
    read, write = os.pipe()
    fork = os.fork()
    if not fork:
        os.close(write)
        os.read(read, 1)  # until the parent lets go
        os._exit(0)
    os.close(read)
    process._in.close()
    is_gone = until(lambda: not is_running(process._process.pid), 3.0)
    os.close(write)
    os.waitpid(fork, 0)
    embedder.close()
    return is_gone


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_does_not_keep_the_parents_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outlives_a_forked_sibling()
    monkeypatch.setattr(ProcessEmbedder, "forked", lambda self: None)  # the planted bug
    assert not outlives_a_forked_sibling()


def test_the_end_of_a_memory_breaks_off_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ProcessEmbedder] = []

    def never(name: str) -> ProcessEmbedder:
        made.append(ProcessEmbedder(factory="tests.support.embedders:NeverLoads"))
        return made[-1]

    monkeypatch.setattr(apart, "ProcessEmbedder", never)
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder="process:onnx", extractor=ScriptedExtractor()) as mem:
        mem.add("I drink tea.", entity="ada")
        assert mem.recall("tea", entity="ada"), "words answer meanwhile"
        assert until(lambda: bool(made and made[0]._child))
        pid = pid_of(made[0])
    assert until(lambda: not is_running(pid))
    assert mem._parts.model._loader is not None
    assert not mem._parts.model._loader.is_alive()


def test_recalls_by_meaning_through_it(tmp_path: Path) -> None:
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder="process", extractor=ScriptedExtractor()) as mem:
        assert mem.warm(60)
        mem.add("I drink green tea every morning.", entity="ada")
        assert mem.flush(60)
        assert mem.recall("favourite beverage", entity="ada")
        assert mem.stats()["model"]["name"] == "sentence-transformers/all-MiniLM-L6-v2"
        embedder = mem._parts.model._embedder
        assert isinstance(embedder, ProcessEmbedder)
        pid = pid_of(embedder)
    assert until(lambda: not is_running(pid))


def test_a_users_own_is_left_open(odd: ProcessEmbedder, tmp_path: Path) -> None:
    for _ in range(2):
        with Memori(f"sqlite:///{tmp_path}/m.db", embedder=odd, extractor=ScriptedExtractor()) as mem:
            assert mem.warm(60)
    assert odd.embed(["tea"]).shape == (1, 16)
    assert odd.restarts == 0
    odd.close()
    odd.close()
    with pytest.raises(MemoriError, match="closed"):
        odd.embed(["tea"])
