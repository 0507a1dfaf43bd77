"""Every example runs as it stands, against the loopback server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memori_wrap.testing.anthropic_server import FakeAnthropic
from memori_wrap.testing.bedrock_server import FakeBedrock
from memori_wrap.testing.google_server import FakeGoogle
from memori_wrap.testing.mistral_server import FakeMistral
from memori_wrap.testing.ollama_server import FakeOllama
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.provider.compare import block_of
from memori_wrap.testing.server import LoopbackServer
from memori_wrap.testing.xai_server import FakeXai

FOLDER = Path(__file__).parents[2] / "examples"
OWN = {FOLDER / "xai_chat.py", FOLDER / "ollama_chat.py", FOLDER / "mistral_chat.py", FOLDER / "google_chat.py"}
"""Examples with a server and a test of their own."""
OWN |= {FOLDER / "bedrock_chat.py", FOLDER / "anthropic_chat.py"}
OWN |= {FOLDER / "fastapi_server.py"}
OWN |= {FOLDER / "litellm_chat.py"}  # in tests/conformance/test_litellm.py
FRAMEWORKS = ("pydantic_ai_agent", "openai_agents_chat")
OWN |= {FOLDER / f"{name}.py" for name in FRAMEWORKS}
EXAMPLES = sorted({*FOLDER.glob("*.py")} - OWN)


def run(example: Path, server: FakeOpenAI, folder: Path, **more: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("MEMORI_WRAP_")}
    env |= {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "x", "MEMORI_WRAP_DATA_DIR": str(folder), **more}
    command = [sys.executable, str(example)]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    with FakeOpenAI("Noted.") as server:
        assert "Noted." in run(example, server, tmp_path)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_frameworks_example_remembers(name: str, tmp_path: Path) -> None:
    """Each user is answered from what he said himself."""
    with FakeOpenAI("Noted.") as server:
        assert "Noted." in run(FOLDER / f"{name}.py", server, tmp_path, MEMORI_WRAP_RECALL_BUDGET="20")
        asked = {w: r for r in server.requests for w in ("Where does my sister", "Which snack") if w in str(r.body)}
        assert "Anna lives in Lisbon" in str(asked["Where does my sister"].body)  # or, with a session, in its history
        block = block_of(asked["Which snack"]) or ""
        assert "allergic to nuts" in block
        assert "peanut" not in block


def test_fastapi_example_runs(tmp_path: Path) -> None:
    """Ben is asked about his own sister, by what streams after the endpoint has returned."""
    with FakeOpenAI("Noted.") as server:
        printed = run(FOLDER / "fastapi_server.py", server, tmp_path)
        assert printed.splitlines() == ['ben "Noted."', 'cleo "Noted."', "ben Noted."]
        carried = "".join(server.texts(2))
        assert "Anna lives in Lisbon" in carried
        assert "Maria" not in carried


def test_xai_example_runs(tmp_path: Path) -> None:
    """Its client knows no environment variable for the address, so that stands in for the default of its argument."""
    with FakeXai("Noted.") as server:
        code = f"""
import functools, runpy, sys, xai_sdk
for kind in (xai_sdk.Client, xai_sdk.AsyncClient):
    kind.__init__ = functools.partialmethod(kind.__init__, api_host={server.host!r}, use_insecure_channel=True)
runpy.run_path(sys.argv[1], run_name="__main__")
"""
        env = {k: v for k, v in os.environ.items() if not k.startswith("MEMORI_WRAP_")}
        env |= {"XAI_API_KEY": "x", "MEMORI_WRAP_DATA_DIR": str(tmp_path)}
        command = [sys.executable, "-c", code, str(FOLDER / "xai_chat.py")]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Noted." in done.stdout
        assert any("Anna lives in Lisbon" in text for text in server.texts(1))


def run_with(server: LoopbackServer, folder: Path, example: str, before: str = "", **env: str) -> str:
    """Runs an example against a server of its own, after the code ``before``."""
    code = f"{before}\nimport runpy, sys\nrunpy.run_path(sys.argv[1], run_name='__main__')"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MEMORI_WRAP_")}
    command = [sys.executable, "-c", code, str(FOLDER / example)]
    env = {**kept, **env, "MEMORI_WRAP_DATA_DIR": str(folder)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert any("Anna lives in Lisbon" in text for text in server.texts(1))
    return done.stdout


def test_ollama_example_runs(tmp_path: Path) -> None:
    with FakeOllama("Noted.") as server:
        assert "Noted." in run_with(server, tmp_path, "ollama_chat.py", OLLAMA_HOST=server.base_url)


def test_bedrock_example_runs(tmp_path: Path) -> None:
    with FakeBedrock("Noted.") as server:
        env = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.base_url}
        env |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
        assert "Noted." in run_with(server, tmp_path, "bedrock_chat.py", **env)


def test_anthropic_example_runs(tmp_path: Path) -> None:
    with FakeAnthropic("Noted.") as server:
        env = {"ANTHROPIC_BASE_URL": server.base_url, "ANTHROPIC_API_KEY": "x"}
        assert "Noted." in run_with(server, tmp_path, "anthropic_chat.py", **env)


def test_google_example_runs(tmp_path: Path) -> None:
    with FakeGoogle("Noted.") as server:
        env = {"GOOGLE_GEMINI_BASE_URL": server.base_url, "GEMINI_API_KEY": "x"}
        assert "Noted." in run_with(server, tmp_path, "google_chat.py", **env)


def test_mistral_example_runs(tmp_path: Path) -> None:
    """Its client knows no environment variable for the address, so that stands in for the default of its argument."""
    with FakeMistral("Noted.") as server:
        before = f"""
import functools
from mistralai.client import Mistral
Mistral.__init__ = functools.partialmethod(Mistral.__init__, server_url={server.base_url!r})
"""
        assert "Noted." in run_with(server, tmp_path, "mistral_chat.py", before, MISTRAL_API_KEY="x")


def test_memoris_quickstart_remembers(tmp_path: Path) -> None:
    """The third request carries what the first one said."""
    with FakeOpenAI("Noted.") as server:
        run(Path(__file__).parents[2] / "examples" / "memori_quickstart.py", server, tmp_path)
        assert "My favorite color is blue and I live in Paris" in "".join(server.texts(2))


def test_quickstart_differs_in_the_import_line_alone() -> None:
    text = (Path(__file__).parents[2] / "examples" / "memori_quickstart.py").read_text()
    assert [line for line in text.splitlines() if "memori_wrap" in line] == [
        "from memori_wrap import Memori  # was: from memori import Memori"
    ]
