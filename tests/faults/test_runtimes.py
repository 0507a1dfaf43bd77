"""Under gevent, and in sub-interpreters: it works, or says clearly that it does not (D24).

Python without its lock was not run: no SDK's wheels and no such interpreter were at hand.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from memori_wrap.testing.openai_server import FakeOpenAI
from tests.faults.test_tenancy import crossings
from tests.support.handover import ROOT
from tests.support.tally import Effective

GREENLETS, EACH = 12, 4
GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, json, sys
from openai import OpenAI
from memori_wrap import Memori
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.types import Scope
from tests.faults.test_tenancy import line

url, database, is_planted, greenlets, each = *sys.argv[1:4], *map(int, sys.argv[4:])
mem = Memori(database, embedder="none", extractor=ScriptedExtractor(), settings={"recall_budget": 5})
client = mem.register(OpenAI(base_url=url, api_key="x"))
if is_planted == "True":  # one scope for the whole process
    mem._scopes.current = lambda: mem._scopes.default
beside = most = 0

def talk(user):
    global beside, most
    with mem.scope(str(user)):
        mem._scopes.default = Scope(str(user))
        for n in range(each):
            beside += 1
            most = max(most, beside)
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": line(user, n)}])
            beside -= 1

jobs = [gevent.spawn(talk, n) for n in range(greenlets)]
gevent.joinall(jobs, timeout=60, raise_error=True)
done = bool(mem.flush(30))
facts = [len(mem.facts(entity=str(user))) for user in range(greenlets)] if done else []
mem.close()
print(json.dumps({"most": most, "done": done, "facts": facts}))
"""


def under_gevent(folder: Path, *, is_planted: bool = False) -> tuple[dict[str, object], int, int]:
    """(what the program says, canaries in requests of others, requests with a memory)."""
    if find_spec("gevent") is None:
        pytest.fail("gevent is not installed: it is one of the dev extra's packages")
    with FakeOpenAI("Noted.") as server:
        given = [server.base_url, f"sqlite:///{folder}/m.db", str(is_planted), str(GREENLETS), str(EACH)]
        command = [sys.executable, "-c", GEVENT, *given]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        found: dict[str, object] = json.loads(done.stdout)
        return found, *crossings(server)


@pytest.mark.fault("D24")
def test_under_gevent(tmp_path: Path, effective: Effective) -> None:
    """Greenlets that talk side by side keep their scopes apart, and all that they said is stored and augmented."""
    found, crossed, hits = under_gevent(tmp_path)
    effective(int(str(found["most"])), floor=2)
    assert found["done"]
    assert found["facts"] == [EACH] * GREENLETS
    assert crossed == 0
    assert hits


@pytest.mark.control("D24")
def test_planted_scope_of_the_process_crosses_under_gevent(tmp_path: Path) -> None:
    assert under_gevent(tmp_path, is_planted=True)[1] > 0


INTERPRETER = """
import sys, warnings
warnings.simplefilter("ignore")  # NumPy's, which says that it does not support them
sys.path[:] = {path!r}
from memori_wrap import Memori
memory = Memori("memory://", embedder="none", extractor="none")
try:
    memory.add("I like tea", entity="alice")
    said = memory.recall("tea", entity="alice")[0].text
except Exception as error:
    said = f"{{type(error).__name__}}: {{error}}"
with open({out!r}, "w") as out:
    out.write(said)
"""
OUTER = """
import os, sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
kind = sys.argv[1]
made = interpreters.create(isolated=kind == "isolated") if sys.version_info < (3, 13) else interpreters.create(kind)
print(interpreters.run_string(made, sys.argv[2]) or "", end="", flush=True)
os._exit(0)  # NumPy has no end in an isolated one
"""


@pytest.mark.fault("D24")
@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_in_a_sub_interpreter(kind: str, tmp_path: Path, effective: Effective) -> None:
    """One that shares everything works; where Python allows no threads, the first use says so."""
    out = tmp_path / "said"
    code = INTERPRETER.format(path=[str(ROOT), *sys.path], out=str(out))
    command = [sys.executable, "-c", OUTER, kind, code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    effective(out.exists(), floor=1)
    said = out.read_text()
    if kind == "legacy":
        assert said == "I like tea"
    else:
        assert "subinterpreter" in said, done.stderr
