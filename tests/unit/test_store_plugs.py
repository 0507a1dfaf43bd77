"""A stranger's store is found by its URL's scheme, and by the package of what is handed over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOY = """
from memori_wrap.testing.observe import WatchedStore

class Toy(WatchedStore):
    location = ("toy", "box")

class Client: ...

def open_store(target, *, durability):
    print(target if isinstance(target, str) else type(target).__name__, durability)
    return Toy()
"""
USE = """
from pathlib import Path
import toybox
from memori_wrap import ConfigurationError, Memori

folder = Path({folder!r})
for given in ("toy://box", toybox.Client(), toybox.Toy()):
    with Memori(given, embedder="none", settings={{"data_dir": str(folder), "durability": "full"}}) as memory:
        memory.add("I like tea", entity="alice")
        assert memory.flush(30)
        journal = memory._parts.writer._journal
        print([r.text for r in memory.recall("tea", entity="alice")][:1], journal is not None and journal._file.name)
try:
    Memori("mongodb://127.0.0.1:9/x")
except ConfigurationError as error:
    print(error)
"""


def test_a_strangers_store(tmp_path: Path) -> None:
    (tmp_path / "toybox.py").write_text(TOY)
    info = tmp_path / "toybox-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toybox\nVersion: 1.0\n")
    points = "".join(f"{name} = toybox:open_store\n" for name in ("toy", "toybox"))
    (info / "entry_points.txt").write_text(f"[memori_wrap.stores]\n{points}")
    code = "import sys; sys.modules['pymongo'] = None\n" + USE.format(folder=str(tmp_path / "data"))
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path
    )
    assert child.returncode == 0, child.stderr
    said = child.stdout.splitlines()
    assert [line for line in said if line.endswith("full")] == ["toy://box full", "Client full"]
    remembered = [line for line in said if line.startswith("['I like tea']")]
    assert len(remembered) == 3
    assert len(set(remembered)) == 1, "the journal is named after the location"
    assert "journal-" in remembered[0]
    assert said[-1] == "pymongo is not installed: pip install 'memori-wrap[mongodb]'"
