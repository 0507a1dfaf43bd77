"""Prints the table of conformance items at the end, and shows the operands of the suites' assertions; servers."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("memori_wrap.testing.provider")

from memori_wrap.testing import store_shared  # noqa: E402
from memori_wrap.testing.provider_suite import (  # noqa: E402
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)
from tests.support.vectors import milvus_server, pgvector_server, pgvector_url  # noqa: E402

__all__ = [
    "milvus_server",
    "pgvector_server",
    "pgvector_url",
    "pytest_runtest_logreport",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
]


def pytest_configure(config: pytest.Config) -> None:
    """The stores' table is printed, too."""
    if not config.pluginmanager.has_plugin("memori_wrap_stores"):
        config.pluginmanager.register(store_shared, "memori_wrap_stores")
