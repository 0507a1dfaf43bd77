"""The table of faults: which were tried, how often they did happen, what survived, which controls were seen to fail.

A test names its faults, ``@pytest.mark.fault("D01")``, and counts how often they happened to it,
``effective(n, floor=...)``: too few, or none counted, and it fails. A control, ``@pytest.mark.control("D01")``, plants
a bug and passes where that is noticed. What is known goes along with the report, so that it arrives from xdist's
workers, too.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import pytest

FAULTS = {
    "C04": "database hung, not dead",
    "C05": "async call while the database is slow",
    "D01": "SIGKILL between reply and augmentation",
    "D02": "SIGKILL inside the capture's transaction",
    "D03": "lease runs out while its worker lives",
    "D04": "SIGTERM or Ctrl-C amid the work, and a second one",
    "D05": "the ways a process ends",
    "D06": "capture while the interpreter ends",
    "D07": "fork after register, under load",
    "D08": "preloading server, workers killed",
    "D09": "background thread dies",
    "D10": "database down at the start",
    "D11": "database down amid calls, then up",
    "D12": "outcome of a commit unknown",
    "D13": "disk full",
    "D14": "100 requests a second, 200 ms a statement",
    "D15": "processes and threads on one SQLite file",
    "D16": "files that cannot be used",
    "D17": "migrations at once, or killed",
    "D18": "the same fact from everywhere at once",
    "D19": "poison job among good ones",
    "D20": "bad answers of an LLM extractor",
    "D21": "rate limits of an LLM extractor",
    "D22": "clock jumps",
    "D23": "100,000 jobs at the start",
    "D24": "gevent, sub-interpreters, free-threaded",
    "D25": "event loops closed, several, one a request",
    "D26": "connection pool exhausted",
}
NOTES = {
    "D20": "no LLM extractor yet",
    "D21": "no LLM extractor yet",
    "D24": "free-threaded Python: not run",
}
_PROPERTY = "faults"
_counted = pytest.StashKey[int]()


class Effective:
    """Counts how often the fault did happen to this test."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def __call__(self, hits: int, floor: int) -> None:
        self._item.stash[_counted] = self._item.stash.get(_counted, 0) + hits
        assert hits >= floor, f"{hits} faults took effect, {floor} are wanted"


@pytest.fixture
def effective(request: pytest.FixtureRequest) -> Effective:
    return Effective(request.node)


@dataclass
class Row:
    """What is known of a fault; ``controls``: which passed, that is: noticed the planted bug."""

    tests: int = 0
    passed: int = 0
    effective: int = 0
    survived: int = 0
    controls: tuple[bool, ...] = ()

    def add(self, outcome: str, hits: int, is_control: bool) -> None:
        if outcome == "skipped":
            return
        is_passed = outcome == "passed"
        if is_control:
            self.controls += (is_passed,)
            return
        self.tests += 1
        self.passed += is_passed
        self.effective += hits
        self.survived += hits * is_passed


_rows: dict[str, Row] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(*ids): a test of these faults; it counts them with `effective`")
    config.addinivalue_line("markers", "control(*ids): a bug is planted, and the test of these faults notices it")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # a test that is skipped, or whose fixtures fail, has no "call"
    if report.when == "call" or (report.when == "setup" and report.failed):
        hits = item.stash.get(_counted, 0)
        for name in ("fault", "control"):
            ids = [id for mark in item.iter_markers(name) for id in mark.args]
            assert set(ids) <= set(FAULTS), ids
            if ids:
                report.user_properties.append((_PROPERTY, [name, ids, hits]))
            if ids and name == "fault" and report.passed and not hits:
                report.outcome, report.longrepr = "failed", "it counted no fault: effective(n, floor=...)"
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, about in report.user_properties if report.when != "teardown" else ():
        if name == _PROPERTY and isinstance(about, (list, tuple)):
            kind, ids, hits = about
            for id in ids:
                _rows.setdefault(id, Row()).add(report.outcome, hits, kind == "control")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _rows:
        terminalreporter.section("faults")
        terminalreporter.write_line(table(_rows))


def table(rows: Mapping[str, Row]) -> str:
    """Tests: passed of those that ran. Survived: the faults of tests that passed. Control: planted bugs noticed."""
    lines = [
        "| id | fault | tests | effective faults | survived | controls seen to fail | |",
        "|---|---" + "|---" * 5 + "|",
    ]
    for id, title in FAULTS.items():
        row = rows.get(id, Row())
        tests = f"{row.passed}/{row.tests}" if row.tests else "not run"
        controls = f"{sum(row.controls)}/{len(row.controls)}" if row.controls else "-"
        hits = (row.effective, row.survived) if row.tests else ("-", "-")
        lines.append(f"| {id} | {title} | {tests} | {hits[0]} | {hits[1]} | {controls} | {NOTES.get(id, '')} |")
    return "\n".join(lines)
