"""Prints the table of conformance items at the end, and shows the operands of the suites' assertions."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("memori_wrap.testing.provider")

from memori_wrap.testing.provider_suite import pytest_runtest_makereport, pytest_terminal_summary  # noqa: E402

__all__ = ["pytest_runtest_makereport", "pytest_terminal_summary"]
