"""The conformance suite for providers: a registered client cannot be told from a bare one, and is remembered.

    from memori_wrap.testing.provider_suite import Dialect, ProviderSuite

    class MyDialect(Dialect):
        name = "my-sdk"
        ...                       # a fake server, a client for it, one call, and how to read its text

    class TestMySdk(ProviderSuite):
        dialect = MyDialect()

runs every test in the four shapes of a call (sync, async, stream, async stream) where it applies, with the real SDK
against a server on loopback. ``pytest_terminal_summary`` prints which items of the conformance list ran; to have that,
a ``conftest.py`` says ``from memori_wrap.testing.provider_suite import *``. Needs pytest, and nothing else of its
family.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memori_wrap.testing.provider.calls import CallTests
from memori_wrap.testing.provider.clients import ClientTests
from memori_wrap.testing.provider.dialect import REPLY, Dialect, Variant
from memori_wrap.testing.provider.faults import FaultTests
from memori_wrap.testing.provider.items import TITLES, items_of
from memori_wrap.testing.provider.shapes import ASYNC, ASYNC_STREAM, PLAIN, SHAPES, STREAM, STREAMS, SYNC, Shape
from memori_wrap.testing.provider.streams import StreamTests

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "ASYNC",
    "ASYNC_STREAM",
    "PLAIN",
    "REPLY",
    "SHAPES",
    "STREAM",
    "STREAMS",
    "SYNC",
    "Dialect",
    "ProviderSuite",
    "Shape",
    "Variant",
    "overview",
    "pytest_runtest_logreport",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
    "table",
]


class ProviderSuite(CallTests, StreamTests, ClientTests, FaultTests):
    """All parts. A subclass sets ``dialect``."""


Tally = dict[tuple[int, str], list[str]]
_ran: defaultdict[str, Tally] = defaultdict(dict)
_PROPERTY = "conformance"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """pytest's hook: notes on the report what it is about, so that it is known in whatever process the test ran."""
    report = yield
    cls = getattr(item, "cls", None)
    if report.when == "call" and cls is not None and issubclass(cls, ProviderSuite):
        numbers, shape = items_of(item)
        report.user_properties.append((_PROPERTY, [cls.dialect.name, list(numbers), str(shape)]))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """pytest's hook: gathers what ran."""
    for name, about in report.user_properties if report.when == "call" else ():
        if name == _PROPERTY and isinstance(about, (list, tuple)):
            dialect, numbers, shape = about
            for number in numbers:
                _ran[dialect].setdefault((number, shape), []).append(report.outcome)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """pytest's hook: prints a table of items and shapes for each dialect; that of all goes to ``CONFORMANCE_FILE``."""
    for name, tally in _ran.items():
        terminalreporter.section(f"conformance: {name}")
        terminalreporter.write_line(table(tally))
    file = os.environ.get("CONFORMANCE_FILE")
    if file and _ran:
        Path(file).write_text(f"{HEAD}\n{overview(_ran)}\n", "utf-8")


HEAD = """\
# Conformance

What holds for each SDK, as the tests found it: a cell counts the tests of an item that passed, of all that ran, over
the shapes of a call (sync, async, stream, async stream). "-": the item does not apply to that API, or no test of its
suite says so. Printed by `CONFORMANCE_FILE=docs/conformance.md pytest tests/conformance -n 4`; litellm, which wants an
openai of its own, has `scripts/test_litellm`.
"""


def overview(ran: Mapping[str, Tally]) -> str:
    """Items by dialects."""
    names = sorted(ran, key=str.casefold)
    lines = ["| item | | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    for number in sorted({number for tally in ran.values() for number, _ in tally}):
        cells: list[str] = []
        for name in names:
            outcomes = [o for (n, _), found in ran[name].items() if n == number for o in found if o != "skipped"]
            cells.append(f"{outcomes.count('passed')}/{len(outcomes)}" if outcomes else "-")
        lines.append(f"| {number} | {TITLES.get(number, '')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def table(tally: Mapping[tuple[int, str], list[str]]) -> str:
    """Items by shapes: how many tests passed of how many that ran; "-" where the item does not apply."""
    lines = ["| item | " + " | ".join(map(str, SHAPES)) + " |", "|---|" + "---|" * len(SHAPES)]
    for number in sorted({number for number, _ in tally}):
        cells: list[str] = []
        for shape in SHAPES:
            outcomes = [o for o in tally.get((number, str(shape)), ()) if o != "skipped"]
            cells.append(f"{outcomes.count('passed')}/{len(outcomes)}" if outcomes else "-")
        lines.append(f"| {number} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
