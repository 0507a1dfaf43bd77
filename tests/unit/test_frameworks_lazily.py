"""A framework is not imported until it is used; where it is missing, the error names the command."""

from __future__ import annotations

import subprocess
import sys

import pytest

CASES = [
    ("pydantic_ai", "pydantic_ai", "MemoriCapability", "pydantic-ai"),
    ("openai_agents", "agents", "MemoriSession", "openai-agents"),
]


@pytest.mark.parametrize(("module", "package", "name", "extra"), CASES)
def test_lazily_and_missing(module: str, package: str, name: str, extra: str) -> None:
    code = f"""
import importlib, sys
from memori_wrap import Memori, MissingExtra
module = importlib.import_module("memori_wrap_adapters.frameworks.{module}")
assert module.provider
assert {package!r} not in sys.modules, "not before it is used"
sys.modules[{package!r}] = None  # as if it were not installed
try:
    module.{name}
except MissingExtra as error:
    assert "pip install 'memori-wrap[{extra}]'" in str(error), error
else:
    raise AssertionError("no error")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
