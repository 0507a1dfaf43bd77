"""What `scripts/test --all` runs: the rows, one after the other, and a table of them with date and commit.

A row names what it shows; where that is said in an issue's list, by its numbers. Further arguments go to pytest.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "bench"
PYTEST = (sys.executable, "-m", "pytest")


@dataclass(frozen=True, slots=True)
class Row:
    """A command that shows something; it is left out where one of ``needs`` (a path or a program) is not there."""

    name: str
    shows: str
    command: Sequence[str]
    needs: Sequence[str | Path] = ()
    is_pytest: bool = False

    def missing(self) -> str:
        lacks = [str(n) for n in self.needs if not (n.exists() if isinstance(n, Path) else shutil.which(n))]
        return f"no {', '.join(lacks)}" if lacks else ""


EVERYDAY = "2: 1, 5, 7, 8; 3: 1, 3, 5-7; 4: 1, 2, 5; 5: 3, 4; 8: 2-4"

ROWS = (
    Row("demo", "2: 1", ("scripts/demo",)),
    Row("demo without network", "2: 1", ("scripts/offline", "scripts/demo"), needs=("unshare",)),
    Row("Memori's quickstart", "2: 4", (*PYTEST, "tests/unit/test_examples.py", "-k", "quickstart")),
    Row("everyday tests", EVERYDAY, (*PYTEST, "-m", "not slow"), is_pytest=True),
    Row("slow tests", "2: 5-7; 3: 1; 4: 2, 4; 7: 5; 8: 2, 3", (*PYTEST, "-m", "slow"), is_pytest=True),
    Row("check", "2: the house", ("scripts/check",)),
    *(
        Row(f"recall on {name}", "2: 2; 5: 1", ("scripts/bench", "recall", str(DATA / name)), needs=(DATA / name,))
        for name in ("locomo_dev", "beam_dev", "memdaily_dev")
    ),
    Row("overhead", "2: 3; 5: 2", ("scripts/bench", "overhead", "--pairs", "100")),
    Row("scale", "5: 2", ("scripts/bench", "scale", "--entities", "1000")),
    Row("embedders", "5: embedders", ("scripts/bench", "embedders")),
    *(
        Row(f"{sdk}'s own tests", shows, ("scripts/sdk_suites", "--sdk", sdk))
        for sdk, shows in (("openai", "2: 9; 3: 2"), ("anthropic", "3: 2"), ("google", "3: 2"))
    ),
    Row("litellm, and openai 2", "3: 1, 7", ("scripts/test_litellm",)),
    Row("LangChain's standard tests", "8: 1", ("scripts/test_langchain",)),
    Row("streams", "3: 4", ("scripts/bench", "streams")),
    Row("ingest", "4: 3", ("scripts/bench", "ingest")),
    Row("a slow database", "4: 3", ("scripts/bench", "soak")),
    Row("frameworks, newest and oldest", "8: 5", ("scripts/test", "--versions")),
)


def run(row: Row, pytest_arguments: Sequence[str]) -> tuple[str, float]:
    if lacks := row.missing():
        return f"not run: {lacks}", 0.0
    print(f"\n=== {row.name}\n", flush=True)
    began = time.monotonic()
    try:
        code = subprocess.run((*row.command, *(pytest_arguments if row.is_pytest else ())), cwd=ROOT).returncode
    except OSError as error:
        return f"FAILED: {error}", 0.0
    return f"FAILED ({code})" if code else "passed", time.monotonic() - began


def commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(("git", *arguments), cwd=ROOT, capture_output=True, text=True).stdout.strip()

    return f"{git('rev-parse', '--short', 'HEAD') or 'no commit'}{' with changes' if git('status', '--short') else ''}"


def main() -> int:
    results = [(row, *run(row, sys.argv[1:])) for row in ROWS]
    width = max(len(row.name) for row in ROWS)
    shown = max(len(row.shows) for row in ROWS)
    print(f"\n{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, commit {commit()}")
    for row, result, seconds in results:
        print(f"{row.name:{width}}  {row.shows:{shown}}  {seconds:7.0f} s  {result}")
    counts = [sum(result.startswith(word) for _, result, _ in results) for word in ("passed", "FAILED", "not run")]
    print("{} passed, {} failed, {} skipped".format(*counts))
    return min(1, counts[1])


if __name__ == "__main__":
    sys.exit(main())
