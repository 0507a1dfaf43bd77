"""The end of a process: within two seconds, without a word on stderr, and nothing acknowledged is lost (D05)."""

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

SCRIPT = """
import os, sys, threading, time
from openai import OpenAI
from memori_wrap import Memori, register
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor

def memory(**options):
    return Memori(extractor=ScriptedExtractor(**options), embedder=HashEmbedder() if not {real} else None)

def talk(client, n=5):
    for i in range(n):
        client.chat.completions.create(model="m", messages=[{{"role": "user", "content": f"fact {{i}}"}}])

client = OpenAI(base_url={url!r}, api_key="x")
{body}
print("end", time.time(), flush=True)
{last}
"""

ENDS = {
    "quietly": ("memory().register(client, entity='alice'); talk(client)", ""),
    "with slow work pending": ("memory(delay=0.5).register(client, entity='alice'); talk(client, 8)", ""),
    "by an exception": ("memory().register(client, entity='alice'); talk(client)", "raise SystemExit(3)"),
    "by sys.exit in a thread": (
        "memory().register(client, entity='alice'); talk(client)",
        "t = threading.Thread(target=sys.exit); t.start(); t.join()",
    ),
    "by os._exit": ("mem = memory(); mem.register(client, entity='alice'); talk(client); "
                    "[time.sleep(0.001) for _ in iter(lambda: mem.stats()['waiting'], 0)]", "os._exit(0)"),
    "during a stream": (
        "memory().register(client, entity='alice'); talk(client); "
        "s = client.chat.completions.create(model='m', messages=[{'role': 'user', 'content': 'last'}], stream=True); "
        "next(s)",
        "",
    ),
    "by a call in atexit": (
        "import atexit; atexit.register(talk, client, 6); memory().register(client, entity='alice'); talk(client)",
        "",
    ),
}  # fmt: skip


def run(body: str, last: str, folder: Path, url: str, *, real: bool = False) -> tuple[float, str]:
    """(seconds from the script's last line to the end of the process, stderr)."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MEMORI_WRAP_")}
    env["MEMORI_WRAP_DATA_DIR"] = str(folder)
    script = SCRIPT.format(url=url, body=body, last=last, real=real)
    command = [sys.executable, "-c", script]
    child = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)
    ended = time.time()
    began = float(child.stdout.split("end ")[1])
    return ended - began, child.stderr


@pytest.mark.parametrize("how", ENDS)
def test_end(how: str, tmp_path: Path) -> None:
    with FakeOpenAI("Noted.") as server:
        seconds, stderr = run(*ENDS[how], tmp_path, server.base_url)
    assert stderr == ""
    assert seconds < 4, "1.5 s for pending work, the rest is the interpreter's own end on a busy machine"
    settings = {"data_dir": str(tmp_path), "embedder": "none", "lease": 0.3}
    with Memori(extractor=ScriptedExtractor(), settings=settings) as mem:
        assert mem.flush(60)
        said = {f.text for f in mem.facts(entity="alice")}
        assert {f"User said: fact {i}" for i in range(5)} <= said
        assert all(f.mentions == 1 or how == "by a call in atexit" for f in mem.facts(entity="alice"))


def test_end_while_the_real_model_loads(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="the local extra is not installed")
    with FakeOpenAI("Noted.") as server:
        for pause in ("0", "0.7", "2.5"):
            body = f"memory().register(client, entity='alice'); talk(client); time.sleep({pause})"
            seconds, stderr = run(body, "", tmp_path, server.base_url, real=True)
            assert stderr == ""
            assert seconds < 6


def test_one_line_without_a_name_loses_nothing(tmp_path: Path) -> None:
    """``Memori().register(client)`` keeps no Memori; its client must not lose a word for that."""
    with FakeOpenAI("Noted.") as server:
        body = "import gc; memory().register(client, entity='alice'); gc.collect(); talk(client); gc.collect()"
        _, stderr = run(body, "", tmp_path, server.base_url)
    assert stderr == ""
    with Memori(settings={"data_dir": str(tmp_path), "embedder": "none"}) as mem:
        assert mem.flush(20)
        assert len(mem.facts(entity="alice")) == 5
