"""Whether what a user hands over becomes a memory, and databases to hand over."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from memori_wrap import ConfigurationError, Memori

ROOT = Path(__file__).parents[2]


def remembers(conn: object) -> None:
    """What one memory stores, the next one finds."""
    entity = f"alice {uuid.uuid4()}"
    with Memori(conn, embedder="none", extractor="none") as mem:
        mem.add("my boat is called Аврора 🎉", entity=entity)
    with Memori(conn, embedder="none", extractor="none") as mem:
        assert [r.text for r in mem.recall("boat", entity=entity)] == ["my boat is called Аврора 🎉"]


def refused(conn: object) -> str:
    """What the error says."""
    with pytest.raises(ConfigurationError) as error:
        Memori(conn, embedder="none", extractor="none")
    return str(error.value)


def python(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own."""
    command = [sys.executable, "-c", code, *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
