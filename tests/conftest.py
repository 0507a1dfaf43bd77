"""What every test module leaves behind is taken away: a client that stays registered keeps its class hooked.

The table of faults is printed at the end, where some were tried.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.tally import (
    effective,
    pytest_configure,
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)

__all__ = [
    "effective",
    "pytest_configure",
    "pytest_runtest_logreport",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
]


@pytest.fixture(scope="module", autouse=True)
def nobody_stays_registered() -> Iterator[None]:
    yield
    from memori_wrap.intercept import patch

    for reference, _ in list(patch._clients.values()):
        subject = reference()
        if subject is not None:
            patch.unregister(subject)
    for owner, name in list(patch._hooks):
        patch._unhook(owner, name)
