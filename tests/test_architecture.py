"""The house: floors, file lengths, and what an import may cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (ROOT / "memori_wrap", ROOT / "adapters" / "memori_wrap_adapters")
HEAVY = (
    "torch",
    "sentence_transformers",
    "onnxruntime",
    "onnx",
    "faiss",
    "sqlalchemy",
    "alembic",
    "openai",
    "anthropic",
)
LINES = 400


def loaded_after(code: str) -> set[str]:
    """The root packages that a fresh interpreter has loaded after ``code``."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert child.returncode == 0, child.stderr
    assert child.stderr == ""
    return set(json.loads(child.stdout.splitlines()[-1]))


def test_floors_of_the_house() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    child = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stdout + child.stderr


def test_adapters_is_a_source_root() -> None:
    assert not (ROOT / "adapters" / "__init__.py").exists(), "a package named adapters exists on PyPI"


def test_files_are_short() -> None:
    files = [file for package in PACKAGES for file in package.rglob("*.py")]
    lengths = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in files}
    assert lengths
    assert {file: n for file, n in lengths.items() if n > LINES} == {}


def test_importing_the_package_loads_nothing_of_others() -> None:
    assert loaded_after("import memori_wrap").isdisjoint({*HEAVY, "numpy", "pydantic", "wrapt", "anyio"})


def test_importing_the_names_loads_nothing_heavy() -> None:
    assert loaded_after("from memori_wrap import Memori, register, scope").isdisjoint(HEAVY)


@pytest.mark.parametrize("name", ["star", "each"])
def test_all_public_names_are_there(name: str) -> None:
    star = "from memori_wrap import *\nimport memori_wrap\nassert not set(memori_wrap.__all__) - set(globals())"
    each = "import memori_wrap\nfor name in memori_wrap.__all__: getattr(memori_wrap, name)"
    assert loaded_after(star if name == "star" else each).isdisjoint(HEAVY)


def test_opening_an_up_to_date_database_loads_only_sqlalchemy(tmp_path: Path) -> None:
    code = f"""
from memori_wrap import Memori
Memori("sqlite:///" + {str(tmp_path / "memory.db")!r}, settings={{"data_dir": {str(tmp_path)!r}}}).close()
"""
    assert "alembic" in loaded_after(code), "a new database is made by the migrations"
    loaded = loaded_after(code)
    assert "sqlalchemy" in loaded
    assert loaded.isdisjoint(set(HEAVY) - {"sqlalchemy"})
