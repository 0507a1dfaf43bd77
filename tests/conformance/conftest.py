"""Prints the table of conformance items at the end, and shows the operands of the suites' assertions; servers."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("memori_wrap.testing.provider")

from memori_wrap.testing.provider_suite import (  # noqa: E402
    pytest_addoption,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from tests.support.vectors import milvus_server, pgvector_server, pgvector_url  # noqa: E402

__all__ = [
    "milvus_server",
    "pgvector_server",
    "pgvector_url",
    "pytest_addoption",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
]
