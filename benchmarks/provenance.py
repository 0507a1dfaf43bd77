"""When, where and of what a figure was taken."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path


def provenance() -> str:
    """Date, commit (with a mark where the tree differs from it) and machine, in one line."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    found = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parent)
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    machine = f"{os.cpu_count()} cores{load}, {platform.system()} {platform.machine()}"
    return f"{when}, commit {found.stdout.strip() or 'unknown'}, Python {platform.python_version()}, {machine}"
