"""Builds the wheel and looks into it: its top level is exactly the two packages, and nothing they need is missing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"memori_wrap", "memori_wrap_adapters"}
NEEDED = {
    "memori_wrap/py.typed",
    "memori_wrap/store/migrations/script.py.mako",
    "memori_wrap/store/migrations/versions/0001_first_schema.py",
    "memori_wrap_adapters/py.typed",
}


def complaints(names: set[str]) -> list[str]:
    top = {name.split("/", 1)[0] for name in names}
    extra = {name for name in top - PACKAGES if not name.endswith(".dist-info")}
    sources = {
        file.relative_to(base).as_posix()
        for base in (ROOT, ROOT / "adapters")
        for package in PACKAGES
        for file in (base / package).rglob("*.py")
    }
    return [
        *(f"not one of our packages: {name}" for name in sorted(extra)),
        *(f"missing: {name}" for name in sorted((NEEDED | sources | PACKAGES & (PACKAGES - top)) - names)),
    ]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, str(ROOT)]
        subprocess.run(build, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            found = complaints(set(archive.namelist()))
    print("\n".join(found) or f"{wheel.name} is complete")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
