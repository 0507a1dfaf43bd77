"""Fork after register: the child works on connections and threads of its own, whatever the parent is doing (D07)."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

import pytest
from openai import OpenAI

from memori_wrap import Memori
from memori_wrap.desk import MemoryDesk
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import spawn
from tests.support.tally import Effective

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
FORKS = 12


def ask(client: OpenAI, text: str) -> None:
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])


def child(mem: Memori, client: OpenAI, n: int) -> int:
    """What a worker of a preloading server does; 0 where it saw its own words."""
    ask(client, f"child {n}")
    found = mem.recall(f"child {n}", entity="alice")
    until = time.monotonic() + 20
    while mem.stats()["waiting"] and time.monotonic() < until:
        time.sleep(0.01)
    return 0 if any(f"child {n}" in r.text for r in found) and not mem.stats()["waiting"] else 2


@pytest.mark.fault("D07")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forks(tmp_path: Path, effective: Effective) -> None:
    url = f"sqlite:///{tmp_path}/m.db"
    with (
        spawn() as base_url,
        Memori(url, embedder=HashEmbedder(), extractor=ScriptedExtractor(), settings={"lease": 0.5}) as mem,
    ):
        client = mem.register(OpenAI(base_url=base_url, api_key="x"), entity="alice")
        ask(client, "parent first")
        assert mem.flush(30)
        mem.recall("warm the index", entity="alice")
        children = []
        for n in range(FORKS):
            pid = os.fork()
            if pid == 0:
                signal.alarm(40)  # a deadlock ends the child, and the test
                code = 1
                try:
                    # a client of its own: an HTTP connection does not survive a fork either
                    own = mem.register(OpenAI(base_url=base_url, api_key="x"), entity="alice")
                    code = child(mem, own, n)
                except Exception:
                    (tmp_path / f"child-{n}").write_text(traceback.format_exc())
                finally:
                    os._exit(code)
            children.append(pid)
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        effective(len(codes), floor=FORKS)
        assert codes == [0] * FORKS, [file.read_text() for file in tmp_path.glob("child-*")]
        assert mem.flush(60)
        said = Counter({f.text: f.mentions for f in mem.facts(entity="alice")})
        assert said == {f"User said: child {n}": 1 for n in range(FORKS)} | {"User said: parent first": 1}


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_without_the_database_goes_through_untouched(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    with spawn() as base_url, Memori(f"sqlite:///{folder}/m.db", embedder="none", extractor="none") as mem:
        client = mem.register(OpenAI(base_url=base_url, api_key="x"), entity="alice")
        folder.rename(tmp_path / "gone")
        pid = os.fork()
        if pid == 0:
            signal.alarm(40)
            code = 1
            try:
                for n in range(3):
                    ask(client, f"child {n}")
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        (tmp_path / "gone").rename(folder)


def talk(client: OpenAI, stop: threading.Event, said: list[str]) -> None:
    n = 0
    while not stop.is_set():
        ask(client, f"{threading.current_thread().name} says number {n}")
        said.append(f"{threading.current_thread().name} says number {n}")
        n += 1


def forks_under_load(folder: Path, forks: int, patience: float = 20) -> tuple[list[int], Counter[str], list[str]]:
    """Three threads of the parent talk while children are forked that do, too: (exit codes, facts, what was said)."""
    with (
        spawn() as base_url,
        Memori(
            f"sqlite:///{folder}/m.db",
            embedder=HashEmbedder(),
            extractor=ScriptedExtractor(),
            settings={"lease": 0.5, "data_dir": folder},
        ) as mem,
    ):
        stop, said = threading.Event(), list[str]()
        clients = [mem.register(OpenAI(base_url=base_url, api_key="x"), entity="alice") for _ in range(3)]
        threads = [
            threading.Thread(target=talk, args=(client, stop, said), name=f"thread {n}")
            for n, client in enumerate(clients)
        ]
        for thread in threads:
            thread.start()
        codes = []
        while len(said) < 9:  # the SDK imports its parts at the first call, and a fork in the middle of that is its own
            time.sleep(0.01)
        for n in range(forks):
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                faulthandler.dump_traceback_later(25, file=(folder / f"child-{n}-stacks").open("w"))
                signal.alarm(30)  # a deadlock ends the child, and the test
                code = 1
                try:
                    own = mem.register(OpenAI(base_url=base_url, api_key="x"), entity="bob")
                    code = child_of_load(mem, own, n, patience)
                except BaseException:
                    (folder / f"child-{n}").write_text(traceback.format_exc())
                finally:
                    os._exit(code)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        stop.set()
        for thread in threads:
            thread.join()
        assert mem.flush(120)
        facts = Counter({f.text: f.mentions for name in ("alice", "bob") for f in mem.facts(entity=name)})
        return codes, facts, said


def child_of_load(mem: Memori, client: OpenAI, n: int, patience: float) -> int:
    ask(client, f"child {n}")
    until = time.monotonic() + patience
    while mem.stats()["waiting"] and time.monotonic() < until:
        time.sleep(0.005)
    return 0 if not mem.stats()["waiting"] else 2


def check(folder: Path, forks: int, effective: Effective) -> None:
    codes, facts, said = forks_under_load(folder, forks)
    effective(min(len(codes), len(said)), floor=forks)  # the parent went on talking meanwhile
    assert codes == [0] * forks, [file.read_text() for file in sorted(folder.glob("child-*"))]
    expected = {f"User said: child {n}" for n in range(forks)} | {f"User said: {text}" for text in said}
    assert set(facts) == expected
    assert set(facts.values()) == {1}


@pytest.mark.fault("D07")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forks_under_load(tmp_path: Path, effective: Effective) -> None:
    check(tmp_path, 10, effective)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.fault("D07")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_200_forks_under_load(tmp_path: Path, effective: Effective) -> None:
    check(tmp_path, 200, effective)


@pytest.mark.control("D07")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_planted_child_that_keeps_what_it_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parent's threads are not there, so nobody writes what it says."""
    monkeypatch.setattr(MemoryDesk, "forked", lambda self: None)
    codes, facts, _ = forks_under_load(tmp_path, 1, patience=2)
    assert codes != [0]
    assert "User said: child 0" not in facts
