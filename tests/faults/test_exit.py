"""The end of a process: within two seconds, without a word on stderr, and nothing acknowledged is lost (D05, D06)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memori_wrap import Memori
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from tests.support.tally import Effective

SCRIPT = """
import os, sys, threading, time
began = time.time()
{first}
from openai import OpenAI
from memori_wrap import Memori, register
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
imported = time.time() - began

def memory(**options):
    return Memori(extractor=ScriptedExtractor(**options), embedder=HashEmbedder() if not {real} else None)

def talk(client, n=5):
    for i in range(n):
        client.chat.completions.create(model="m", messages=[{{"role": "user", "content": f"fact {{i}}"}}])

client = OpenAI(base_url={url!r}, api_key="x")
{body}
print("end", time.time(), imported, flush=True)
{last}
"""

ENDS = {
    "quietly": ("memory().register(client, entity='alice'); talk(client)", ""),
    "with slow work pending": ("memory(delay=0.5).register(client, entity='alice'); talk(client, 8)", ""),
    "by raising SystemExit": ("memory().register(client, entity='alice'); talk(client)", "raise SystemExit(3)"),
    "by sys.exit in a thread": (
        "memory().register(client, entity='alice'); talk(client)",
        "t = threading.Thread(target=sys.exit); t.start(); t.join()",
    ),
    "by an exception": ("memory().register(client, entity='alice'); talk(client)", "raise LookupError('of the user')"),
    "by os._exit": ("mem = memory(); mem.register(client, entity='alice'); talk(client); "
                    "[time.sleep(0.001) for _ in iter(lambda: mem.stats()['waiting'], 0)]", "os._exit(0)"),
    "while a thread still talks": (
        "memory().register(client, entity='alice'); talk(client); "
        "threading.Thread(target=lambda: (time.sleep(0.3), talk(client, 6))).start()",
        "",
    ),
    "during a stream": (
        "memory().register(client, entity='alice'); talk(client); "
        "s = client.chat.completions.create(model='m', messages=[{'role': 'user', 'content': 'last'}], stream=True); "
        "next(s)",
        "",
    ),
}  # fmt: skip

LATE = {
    "in atexit, before the memory closes": (
        "", "import atexit; atexit.register(talk, client, 6); memory().register(client, entity='alice'); talk(client)"
    ),
    "in atexit, after it": (
        "import atexit; atexit.register(lambda: talk(client, 6))",
        "memory().register(client, entity='alice'); talk(client)",
    ),
    "in a finaliser": (
        "",
        "import weakref; memory().register(client, entity='alice'); talk(client)\n"
        "class Last: pass\n"
        "last = Last(); weakref.finalize(last, talk, client, 7)",
    ),
    "on a thread that nobody waits for": (
        "",
        "memory().register(client, entity='alice'); talk(client)\n"
        "threading.Thread(target=lambda: [talk(client, 6) for _ in range(999)], daemon=True).start()",
    ),
}  # fmt: skip


SLOW = pytest.mark.slow
BUDGET = 1.5
"""Seconds that pending work may take at the end; the rest is the interpreter's own end."""


def run(body: str, last: str, folder: Path, url: str, *, real: bool = False, first: str = "") -> tuple[float, str]:
    """(what the end took, in the time that this machine takes just now to import what the script needs; stderr)."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MEMORI_WRAP_")}
    env["MEMORI_WRAP_DATA_DIR"] = str(folder)
    script = SCRIPT.format(url=url, body=body, last=last, real=real, first=first)
    command = [sys.executable, "-c", script]
    child = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)
    ended = time.time()
    began, imported = map(float, child.stdout.split("end ")[1].split())
    return max(0.0, ended - began - BUDGET) / imported, child.stderr


def lost(folder: Path) -> tuple[set[int], list[int]]:
    """After the next start: which of the five exchanges have no fact, and how often each fact was counted."""
    settings = {"data_dir": str(folder), "embedder": "none", "lease": 0.3}
    with Memori(extractor=ScriptedExtractor(), settings=settings) as mem:
        assert mem.flush(60)
        facts = mem.facts(entity="alice")
        said = {f.text for f in facts}
        return {n for n in range(5) if f"User said: fact {n}" not in said}, [f.mentions for f in facts]


@pytest.mark.fault("D05")
@pytest.mark.parametrize("how", [pytest.param(how, marks=SLOW if "thread still" in how else ()) for how in ENDS])
def test_end(how: str, tmp_path: Path, effective: Effective) -> None:
    with FakeOpenAI("Noted.") as server:
        took, stderr = run(*ENDS[how], tmp_path, server.base_url)
        effective(len(server.requests), floor=5)
    if how == "by an exception":
        assert stderr.splitlines()[-1] == "LookupError: of the user"
        assert (stderr.count("Traceback"), stderr.count("File ")) == (1, 1)
    else:
        assert stderr == ""
    assert took < 4
    missing, mentions = lost(tmp_path)
    assert missing == set()
    assert how == "while a thread still talks" or set(mentions) == {1}


@pytest.mark.fault("D06")
@pytest.mark.parametrize("how", [pytest.param(how, marks=SLOW if "thread" in how else ()) for how in LATE])
def test_a_call_at_the_end(how: str, tmp_path: Path, effective: Effective) -> None:
    first, body = LATE[how]
    with FakeOpenAI("Noted.") as server:
        _, stderr = run(body, "", tmp_path, server.base_url, first=first)
        effective(len(server.requests) - 5, floor=1)
    assert stderr == ""
    assert lost(tmp_path)[0] == set()


@pytest.mark.control("D05")
def test_planted_end_without_a_flush(tmp_path: Path) -> None:
    """A queue that nobody waits for at the end, and a database that is slow."""
    first = "import atexit; from memori_wrap import memory as m; atexit.unregister(m._close_all)\n"
    first += "from memori_wrap.store.sql import SqlStore as S; real = S.capture\n"
    first += "S.capture = lambda *given: (time.sleep(1), real(*given))[1]"
    with FakeOpenAI("Noted.") as server:
        run(ENDS["quietly"][0], "", tmp_path, server.base_url, first=first)
    assert lost(tmp_path)[0]


@pytest.mark.control("D06")
def test_planted_executor_of_the_standard_library(tmp_path: Path) -> None:
    """It takes nothing any more while the program ends, and nobody guards the call against what it says then."""
    first = "from contextlib import nullcontext; from memori_wrap.counts import Counts\n"
    first += "Counts.guard = lambda *_: nullcontext()\n"
    first += "from concurrent.futures import ThreadPoolExecutor; from memori_wrap.background import Threads\n"
    first += "pool = ThreadPoolExecutor(1); Threads.submit = lambda self, call: pool.submit(call)"
    with FakeOpenAI("Noted.") as server:
        _, stderr = run(LATE["in atexit, before the memory closes"][1], "", tmp_path, server.base_url, first=first)
    assert "cannot schedule new futures" in stderr


def test_end_while_the_real_model_loads(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="the local extra is not installed")
    with FakeOpenAI("Noted.") as server:
        for pause in ("0", "0.7", "2.5"):
            body = f"memory().register(client, entity='alice'); talk(client); time.sleep({pause})"
            took, stderr = run(body, "", tmp_path, server.base_url, real=True)
            assert stderr == ""
            assert took < 6


def test_one_line_without_a_name_loses_nothing(tmp_path: Path) -> None:
    """``Memori().register(client)`` keeps no Memori; its client must not lose a word for that."""
    with FakeOpenAI("Noted.") as server:
        body = "import gc; memory().register(client, entity='alice'); gc.collect(); talk(client); gc.collect()"
        _, stderr = run(body, "", tmp_path, server.base_url)
    assert stderr == ""
    with Memori(settings={"data_dir": str(tmp_path), "embedder": "none"}) as mem:
        assert mem.flush(20)
        assert len(mem.facts(entity="alice")) == 5
