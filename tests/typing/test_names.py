"""One set of public names: what mypy, pyright, ``dir()`` and a star-import see is ``memori_wrap.__all__``."""

from __future__ import annotations

import ast
import builtins
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import memori_wrap

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = set(memori_wrap.__all__)


def _candidates() -> list[str]:
    """The public names, and every other name that stands in the package or in the modules that they come from."""
    found = set(PUBLIC)
    for file in (ROOT / "memori_wrap").glob("*.py"):
        found.add(file.stem)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found.add(node.name)
            elif isinstance(node, ast.alias):
                found.add((node.asname or node.name).partition(".")[0])
    return sorted(name for name in found if name.isidentifier() and not hasattr(builtins, name) and name != "_")


@pytest.fixture(scope="module")
def candidates() -> list[str]:
    return _candidates()


def _probe(folder: Path, names: list[str], form: str) -> Path:
    """One name a line, so that a complaint about a line is one about a name."""
    file = folder / "probe.py"
    if form == "star":
        lines = ["from memori_wrap import *  # noqa", *(f"print({name})" for name in names)]
    else:
        lines = ["import memori_wrap", *(f"print(memori_wrap.{name})" for name in names)]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def _mypy(file: Path) -> set[int]:
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(file)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not told.stderr, told.stderr
    return {int(n) for n in re.findall(rf"{re.escape(file.name)}:(\d+): error", told.stdout)}


def _pyright(file: Path) -> set[int]:
    settings = file.with_name("pyrightconfig.json")
    settings.write_text(
        json.dumps({"include": [file.name], "extraPaths": [str(ROOT), str(ROOT / "adapters")]}), "utf-8"
    )
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(settings)]
    told = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout)
    found = [d for d in told["generalDiagnostics"] if d["severity"] == "error"]
    return {d["range"]["start"]["line"] + 1 for d in found}


@pytest.mark.parametrize("checker", [_mypy, _pyright])
def test_type_checkers_see_the_public_names(checker, candidates, tmp_path) -> None:  # type: ignore[no-untyped-def]
    refused = checker(_probe(tmp_path, candidates, "star"))
    assert {name for line, name in enumerate(candidates, 2) if line not in refused} == PUBLIC


@pytest.mark.parametrize("checker", [_mypy, _pyright])
def test_type_checkers_refuse_a_misspelt_name(checker, tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert checker(_probe(tmp_path, ["Memory", "registre", "Memori"], "attribute")) == {2, 3}


def test_dir_and_star_import() -> None:
    assert {name for name in dir(memori_wrap) if not name.startswith("_")} == PUBLIC
    names: dict[str, object] = {}
    exec("from memori_wrap import *", names)
    assert names.keys() - {"__builtins__"} == PUBLIC


def test_each_name_is_written_once_in_each_place() -> None:
    tree = ast.parse(Path(str(memori_wrap.__file__)).read_text("utf-8"))
    for_checkers = [
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("memori_wrap")
        for alias in node.names
    ]
    homes = vars(memori_wrap)["_HOMES"]
    assert sorted(for_checkers, key=str) == list(memori_wrap.__all__) == sorted(homes) == sorted(PUBLIC)
