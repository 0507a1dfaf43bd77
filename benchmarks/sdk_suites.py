"""The tests that the openai package ships, once bare and then with every client registered: ``scripts/sdk_suites``.

A test that fails bare (its recordings are not in the source distribution, or it wants the vendor's mock server) is
compared all the same. One that differs is repeated, since some are about time or memory; one that still differs
makes the exit status 1. Columns: bare; registered, capturing and recalling; capturing only; and a memory block in
every request, where the tests of ``ABOUT_THE_FIELD`` see that block and must fail.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.provenance import provenance
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.openai_server import FakeOpenAI, Received

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "sdk_suites"
REQUIREMENTS = (
    *("pytest", "pytest-asyncio", "pytest-timeout", "inline-snapshot", "azure-identity", "trio", "Pillow", "rich"),
    *("respx", "dirty-equals", "nest-asyncio"),  # wanted by the suites of openai 2
)
GROUPS = {
    "clients and copies": (
        *("tests/test_client.py", "tests/test_module_client.py", "tests/test_client_runtime_bindings.py"),
        *("tests/lib/test_azure.py", "tests/lib/test_request_credentials.py", "tests/test_httpx2.py"),
    ),
    "streaming": ("tests/test_streaming.py", "tests/test_sse_framing.py", "tests/test_large_payload_contract.py"),
    "raw responses": ("tests/test_response.py", "tests/test_legacy_response.py"),
    "chat": ("tests/lib/chat", "tests/api_resources/chat/test_completions.py"),
    "responses": (
        *("tests/lib/responses", "tests/api_resources/test_responses.py", "tests/lib/test_responses_tool_runner.py"),
        "tests/test_request_body_routing_order.py",
    ),
}
COLUMNS: Mapping[str, Mapping[str, str] | None] = {
    "bare": None,
    "registered": {},
    "capture only": {"MEMORI_WRAP_INJECT_LIMIT": "0"},
    "always injected": {"SDK_ALWAYS": "1"},
}
ABOUT_THE_FIELD = (
    "tests/lib/test_responses_tool_runner.py::test_saved_run_request_omission_matches_native[instructions-",
    "tests/lib/test_responses_tool_runner.py::test_saved_run_retains_explicit_optional_null[",
)
"""They compare ``instructions`` with what the test sent, and that field carries the block."""
REPEATS = 2

Outcomes = dict[str, str]


class Lenient(FakeOpenAI):
    """Takes what the vendor's mock server takes: generated requests without a model, or with too much in them."""

    def respond(self, received: Received) -> Answer:
        if received.path.endswith("/responses") and isinstance(received.body, dict):
            body = {"model": "gpt-5", **received.body, "previous_response_id": None}
            received = replace(received, body=body)
        return super().respond(received)


def pip(python: Path | str, *arguments: str) -> None:
    command = [python, "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def source(wanted: str) -> Path:
    """The unpacked source distribution of this version."""
    folder = CACHE / f"openai-{wanted}"
    if not folder.is_dir():
        print(f"downloading the source of openai {wanted} (once)", flush=True)
        options = ("--no-binary", ":all:", "--no-deps", "-d", str(CACHE))
        pip(sys.executable, "download", *options, f"openai=={wanted}")
        shutil.unpack_archive(CACHE / f"{folder.name}.tar.gz", CACHE)
    return folder


def environment(wanted: str) -> Path:
    """The interpreter of an environment with the suite's needs, apart from the project's own."""
    folder = CACHE / "venv"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = folder / "installed"
    requirements = ["-e", str(ROOT), f"openai[aiohttp,realtime,bedrock,vertex]=={wanted}", *REQUIREMENTS]
    made_of = "\n".join([*requirements, (ROOT / "pyproject.toml").read_text("utf-8")])
    if not stamp.exists() or stamp.read_text("utf-8") != made_of:
        print("setting up the suite's environment (once)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip(python, "install", *requirements)
        stamp.write_text(made_of, "utf-8")
    return python


def run(python: Path, folder: Path, column: str, url: str, tests: Sequence[str]) -> tuple[Outcomes, dict[str, int]]:
    """Outcomes by test, and what the memory counted."""
    report, counts, log = (CACHE / f"{column.replace(' ', '-')}.{end}" for end in ("xml", "json", "log"))
    for file in (report, counts):
        file.unlink(missing_ok=True)
    settings = COLUMNS[column]
    command = [str(python), "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider", "-q", "--tb=short"]
    command += ["--timeout", "180", f"--junitxml={report}", *tests]
    if settings is not None:
        command[3:3] = ["-p", "benchmarks.sdk_plugin"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "AZURE_", "MEMORI_", "PYTHONPATH"))}
    made = {**clean, **(settings or {}), "TEST_API_BASE_URL": url, "SDK_COUNTS": str(counts)}
    with log.open("w") as out:
        done = subprocess.run(command, check=False, cwd=folder, env=made, stdout=out, stderr=subprocess.STDOUT)
    if done.returncode not in (0, 1) or not report.exists():
        raise SystemExit(f"pytest ended with {done.returncode}; its last words:\n{log.read_text('utf-8')[-2000:]}")
    found: Outcomes = {}
    for case in ET.parse(report).iter("testcase"):
        bad = sorted({child.tag for child in case if child.tag in ("failure", "error", "skipped")})
        found[_node(folder, case.get("classname", ""), case.get("name", ""))] = "+".join(bad) or "passed"
    return found, json.loads(counts.read_text("utf-8")) if counts.exists() else {}


def _node(folder: Path, dotted: str, name: str) -> str:
    """pytest's id of a test, from the names in its report."""
    parts = dotted.split(".")
    at = next(n for n in range(len(parts), 0, -1) if folder.joinpath(*parts[:n]).with_suffix(".py").is_file())
    return "::".join(["/".join(parts[:at]) + ".py", *parts[at:], name])


def differing(columns: Mapping[str, Outcomes]) -> dict[str, dict[str, str]]:
    """The tests whose outcome is not the bare one in each column, with their outcomes."""
    names = sorted(set().union(*columns.values()))
    rows = {name: {column: found.get(name, "not run") for column, found in columns.items()} for name in names}
    return {name: row for name, row in rows.items() if len(set(row.values())) > 1}


def _is_about_the_field(name: str, row: Mapping[str, str]) -> bool:
    quiet = {outcome for column, outcome in row.items() if column in ("bare", "capture only")}
    return name.startswith(ABOUT_THE_FIELD) and len(quiet) == 1


def table(columns: Mapping[str, Outcomes]) -> None:
    print(f"\n{'passed / failed / skipped':28}" + "".join(f"{name:>20}" for name in columns))
    for group, paths in [*GROUPS.items(), ("all", ("",))]:
        cells = ""
        for found in columns.values():
            kinds = Counter(outcome for name, outcome in found.items() if name.startswith(paths))
            passed, skipped = kinds["passed"], kinds["skipped"]
            cells += f"{f'{passed} / {kinds.total() - passed - skipped} / {skipped}':>20}"
        print(f"{group:28}{cells}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/sdk_suites", description=__doc__)
    parser.add_argument("columns", nargs="*", help=f"beside bare: {', '.join(list(COLUMNS)[1:])} (default: all)")
    chosen = parser.parse_args().columns or list(COLUMNS)[1:]
    if unknown := set(chosen) - set(COLUMNS):
        parser.error(f"unknown: {', '.join(unknown)}")
    wanted = version("openai")
    CACHE.mkdir(parents=True, exist_ok=True)
    folder, python = source(wanted), environment(wanted)
    tests = [path for paths in GROUPS.values() for path in paths if (folder / path).exists()]
    print(f"openai {wanted}'s own tests; {provenance()}", flush=True)

    columns: dict[str, Outcomes] = {}
    problems: list[str] = []
    with Lenient("Noted.", record=False) as server:
        for column in ["bare", *(name for name in chosen if name != "bare")]:
            columns[column], counts = run(python, folder, column, server.base_url, tests)
            if column != "bare":
                shown = {name: counts.get(name, 0) for name in ("captured", "injected", "skipped.recall_slow")}
                failed = {name: n for name, n in counts.items() if name.startswith("failed.")}
                print(f"{column}: {', '.join(f'{n} {name}' for name, n in {**shown, **failed}.items())}", flush=True)
                if not counts.get("captured") or bool(counts.get("injected")) == (column == "capture only"):
                    problems.append(f"{column}: the memory did not do what the column is about")
        table(columns)
        rows = differing(columns)
        for _ in range(REPEATS):  # what is about time or memory comes out now one way, now the other
            again = [name for name, row in rows.items() if not _is_about_the_field(name, row)]
            if not again:
                break
            repeated = {column: run(python, folder, column, server.base_url, again)[0] for column in columns}
            still = differing(repeated)
            rows = {name: row for name, row in rows.items() if name not in again or name in still}
            print(f"differed once, not when repeated: {', '.join(set(again) - set(still)) or 'none'}")
    must = {name for name, row in rows.items() if _is_about_the_field(name, row)}
    if must:
        print(f"{len(must)} tests fail where the block is in the very field that they look at: as they must")
    problems += [f"{name}: {row}" for name, row in rows.items() if name not in must]
    for group, paths in GROUPS.items():
        if not any(name.startswith(paths) and kind == "passed" for name, kind in columns["bare"].items()):
            problems.append(f"{group}: nothing passes bare, so nothing is compared")
    print(f"{len(columns['bare'])} tests compared; {len(problems)} problems", *problems, sep="\n  ")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
