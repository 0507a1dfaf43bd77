"""LangChain's standard tests end alike with bare models and with registered ones; the retriever passes its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("langchain_tests", reason="its plugins are kept apart: scripts/test_langchain has an environment")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
FILE = Path(__file__).with_name("langchain_standard.py")
LINE = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) \S*?::(\S+)", re.MULTILINE)


def outcomes(*, registered: bool) -> dict[str, str]:
    """Each test's end, by its name."""
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=line", "-p", "no:cacheprovider", str(FILE)]
    command += ["--override-ini", "addopts=", "--override-ini", "filterwarnings=default"]
    # one loop for all: LangChain's models of one address share their connections, which belong to a loop
    for option in ("asyncio_mode=auto", *(f"asyncio_default_{of}_loop_scope=session" for of in ("test", "fixture"))):
        command += ["--override-ini", option]
    env = {**os.environ, "MEMORI_REGISTERED": "1" if registered else "0", "COLUMNS": "300"}
    done = subprocess.run(command, env=env, cwd=FILE.parents[2], capture_output=True, text=True, check=False)
    found = {name: end for end, name in LINE.findall(done.stdout)}
    assert found, done.stdout[-3000:] + done.stderr[-3000:]
    print(("registered" if registered else "bare"), dict(Counter(found.values())))
    return found


def test_they_end_alike() -> None:
    bare, registered = outcomes(registered=False), outcomes(registered=True)
    differing = {name: (end, registered.get(name)) for name, end in bare.items() if registered.get(name) != end}
    assert differing == {}
    assert bare.keys() == registered.keys()
    print("fail with and without:", sorted(name for name, end in bare.items() if end in ("FAILED", "ERROR")))
    assert sum(end == "PASSED" for end in bare.values()) >= 90
    retriever = {name: end for name, end in bare.items() if name.startswith("TestRetriever")}
    assert retriever
    assert set(retriever.values()) == {"PASSED"}
