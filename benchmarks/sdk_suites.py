"""The tests that an SDK ships, once bare and then with every client registered: ``scripts/sdk_suites``.

A test that fails bare (its recordings are not in the source distribution, or it wants the vendor's mock server) is
compared all the same. One that differs is repeated, since some are about time or memory; one that still differs
makes the exit status 1. Columns: bare; registered, capturing and recalling; capturing only; and a memory block in
every request. With a block a test must fail that compares the whole request with what it expects: it shows the block
in its failure, or is named in the table of SDKs.
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
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks.provenance import provenance
from benchmarks.sdk_table import SDKS, Sdk

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "sdk_suites"
COLUMNS: Mapping[str, Mapping[str, str] | None] = {
    "bare": None,
    "registered": {},
    "capture only": {"MEMORI_WRAP_INJECT_LIMIT": "0"},
    "always injected": {"SDK_ALWAYS": "1"},
}
QUIET = ("bare", "capture only")
"""The columns in which no request carries a block."""
BLOCK = "<memory-"
REPEATS = 2


@dataclass
class Run:
    """One column: outcomes by test, the tests whose failure shows a block, and what the memory counted."""

    outcomes: dict[str, str] = field(default_factory=dict)
    showing: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)


def pip(python: Path | str, *arguments: str) -> None:
    command = [python, "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def source(sdk: Sdk, wanted: str) -> Path:
    """The unpacked source distribution of this version."""
    name = sdk.distribution
    found = _unpacked(name, wanted)
    if not found:
        print(f"downloading the source of {name} {wanted} (once)", flush=True)
        folder = CACHE / name
        pip(sys.executable, "download", "--no-binary", name, "--no-deps", "-d", str(folder), f"{name}=={wanted}")
        for archive in folder.glob("*.tar.gz"):
            shutil.unpack_archive(archive, folder)
        found = _unpacked(name, wanted)
    return found[0]


def _unpacked(name: str, wanted: str) -> list[Path]:
    """An archive is named by its distribution, with either kind of dash."""
    return [path for path in (CACHE / name).glob(f"*-{wanted}") if path.is_dir()]


def packages(python: Path) -> Path:
    """Where the environment's packages are."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip())


def environment(sdk: Sdk, wanted: str) -> Path:
    """The interpreter of an environment with the suite's needs, apart from the project's own."""
    folder = CACHE / sdk.distribution / "venv"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = folder / "installed"
    requirements = ["-e", str(ROOT), f"{sdk.distribution}{sdk.extras}=={wanted}", *sdk.needs]
    made_of = "\n".join([*requirements, (ROOT / "pyproject.toml").read_text("utf-8")])
    if not stamp.exists() or stamp.read_text("utf-8") != made_of:
        print("setting up the suite's environment (once)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip(python, "install", *requirements)
        stamp.write_text(made_of, "utf-8")
    return python


def run(sdk: Sdk, python: Path, folder: Path, column: str, url: str, tests: Sequence[str]) -> Run:
    """pytest over these tests, in a process of its own."""
    here = CACHE / sdk.distribution
    report, counts, log = (here / f"{column.replace(' ', '-')}.{end}" for end in ("xml", "json", "log"))
    for file in (report, counts):
        file.unlink(missing_ok=True)
    settings = COLUMNS[column]
    command = [str(python), "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider", "--tb=short"]
    command += ["-vv", "--showlocals"]  # so that a request which was compared is in the report, and its block
    command += [*sdk.options, "--timeout", "180", f"--junitxml={report}", *tests]
    if settings is not None:
        command[3:3] = ["-p", "benchmarks.sdk_plugin"]
    hidden = (*sdk.hidden, "MEMORI_", "PYTHONPATH")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    ours = {"TEST_API_BASE_URL": url, "SDK_COUNTS": str(counts), "SDK_CLIENTS": " ".join(sdk.clients)}
    with log.open("w") as out:
        done = subprocess.run(
            command, check=False, cwd=folder, env={**clean, **(settings or {}), **ours}, stdout=out, stderr=out
        )
    if done.returncode not in (0, 1) or not report.exists():
        raise SystemExit(f"pytest ended with {done.returncode}; its last words:\n{log.read_text('utf-8')[-2000:]}")
    made = Run(counts=json.loads(counts.read_text("utf-8")) if counts.exists() else {})
    for case in ET.parse(report).iter("testcase"):
        name = _node(folder, case.get("classname", ""), case.get("name", ""))
        bad = sorted({child.tag for child in case if child.tag in ("failure", "error", "skipped")})
        made.outcomes[name] = "+".join(bad) or "passed"
        if any(BLOCK in "".join((child.get("message", ""), child.text or "")) for child in case):
            made.showing.add(name)
    return made


def _node(folder: Path, dotted: str, name: str) -> str:
    """pytest's id of a test, from the names in its report."""
    parts = dotted.split(".")
    at = next(n for n in range(len(parts), 0, -1) if folder.joinpath(*parts[:n]).with_suffix(".py").is_file())
    return "::".join(["/".join(parts[:at]) + ".py", *parts[at:], name])


def differing(columns: Mapping[str, Run]) -> dict[str, dict[str, str]]:
    """The tests whose outcome is not the bare one in each column, with their outcomes."""
    names = sorted(set().union(*(column.outcomes for column in columns.values())))
    rows = {name: {c: made.outcomes.get(name, "not run") for c, made in columns.items()} for name in names}
    return {name: row for name, row in rows.items() if len(set(row.values())) > 1}


def must_fail(sdk: Sdk, name: str, row: Mapping[str, str], columns: Mapping[str, Run]) -> bool:
    """Whether a test differs only where there are blocks, and because of them; or looks at where a tap stands."""
    if name.startswith(sdk.sees_taps):
        return row["bare"] == "passed" and {o for column, o in row.items() if column != "bare"} == {"failure"}
    quiet = {outcome for column, outcome in row.items() if column in QUIET}
    others = [column for column, outcome in row.items() if column not in QUIET and outcome != row["bare"]]
    return len(quiet) == 1 and (name.startswith(sdk.sees) or all(name in columns[c].showing for c in others))


def table(sdk: Sdk, columns: Mapping[str, Run]) -> None:
    print(f"\n{'passed / failed / skipped':28}" + "".join(f"{name:>20}" for name in columns))
    for group, paths in [*sdk.groups.items(), ("all", ("",))]:
        cells = ""
        for made in columns.values():
            kinds = Counter(outcome for name, outcome in made.outcomes.items() if name.startswith(paths))
            passed, skipped = kinds["passed"], kinds["skipped"]
            cells += f"{f'{passed} / {kinds.total() - passed - skipped} / {skipped}':>20}"
        print(f"{group:28}{cells}")


def told(column: str, counts: Mapping[str, int]) -> list[str]:
    """Prints what the memory did; a problem, where that is not what the column is about."""
    shown = {name: counts.get(name, 0) for name in ("captured", "injected", "skipped.no_place", "skipped.recall_slow")}
    failed = {name: n for name, n in counts.items() if name.startswith("failed.")}
    print(f"{column}: {', '.join(f'{n} {name}' for name, n in {**shown, **failed}.items())}", flush=True)
    if not counts.get("captured") or bool(counts.get("injected")) == (column == "capture only"):
        return [f"{column}: the memory did not do what the column is about"]
    return []


def compare(sdk: Sdk, chosen: Sequence[str]) -> int:
    """Runs the columns and prints what differs; how many problems there are."""
    wanted = version(sdk.distribution)
    (CACHE / sdk.distribution).mkdir(parents=True, exist_ok=True)
    python = environment(sdk, wanted)
    folder = packages(python) if sdk.is_installed else source(sdk, wanted)
    tests = [path for paths in sdk.groups.values() for path in paths if (folder / path).exists()]
    print(f"{sdk.distribution} {wanted}'s own tests; {provenance()}", flush=True)

    columns: dict[str, Run] = {}
    problems: list[str] = []
    must: set[str] = set()
    with sdk.server() as server:
        for column in ["bare", *(name for name in chosen if name != "bare")]:
            columns[column] = run(sdk, python, folder, column, server.base_url, tests)
            if column != "bare":
                problems += told(column, columns[column].counts)
        table(sdk, columns)
        rows = differing(columns)
        must = {name for name, row in rows.items() if must_fail(sdk, name, row, columns)}
        rows = {name: row for name, row in rows.items() if name not in must}
        for _ in range(REPEATS):  # what is about time or memory comes out now one way, now the other
            if not rows:
                break
            again = {column: run(sdk, python, folder, column, server.base_url, list(rows)) for column in columns}
            still = differing(again)
            print(f"differed once, not when repeated: {', '.join(set(rows) - set(still)) or 'none'}")
            must |= {name for name, row in still.items() if must_fail(sdk, name, row, again)}
            rows = {name: row for name, row in still.items() if name not in must}
    if must:
        print(f"{len(must)} tests look at the block itself, or at the body where the tap stands, and must fail:")
        print(*sorted(must), sep="\n  ")
    problems += [f"{name}: {row}" for name, row in rows.items()]
    for group, paths in sdk.groups.items():
        if not any(name.startswith(paths) and kind == "passed" for name, kind in columns["bare"].outcomes.items()):
            problems.append(f"{group}: nothing passes bare, so nothing is compared")
    print(f"{len(columns['bare'].outcomes)} tests compared; {len(problems)} problems", *problems, sep="\n  ")
    return len(problems)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/sdk_suites", description=__doc__)
    parser.add_argument("--sdk", choices=[*SDKS], default="openai", help="whose tests (default: openai's)")
    parser.add_argument("columns", nargs="*", help=f"beside bare: {', '.join(list(COLUMNS)[1:])} (default: all)")
    options = parser.parse_args()
    chosen = options.columns or list(COLUMNS)[1:]
    if unknown := set(chosen) - set(COLUMNS):
        parser.error(f"unknown: {', '.join(unknown)}")
    return bool(compare(SDKS[options.sdk], chosen))


if __name__ == "__main__":
    sys.exit(main())
