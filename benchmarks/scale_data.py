"""Databases of many turns for ``scripts/bench scale``: filled once through ``add``, kept in ``.cache/scale``."""

from __future__ import annotations

import hashlib
import time
from itertools import islice
from pathlib import Path

from benchmarks.turns import turns
from memori_wrap import Memori
from memori_wrap.store import migrations
from memori_wrap.testing.embedders import HashEmbedder

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "scale"
DIMENSION = 384
"""As all-MiniLM-L6-v2 has it."""
SESSION = 20
"""Turns of one conversation."""
WAITING = 2000
"""Exchanges that may wait for the pool while more is told."""


def entity(number: int) -> str:
    return f"user-{number}"


def filled(each: int, entities: int = 1) -> Path:
    """A SQLite file in which each of the ``entities`` has said and heard ``each`` turns; made where it is not there.

    The vectors are those of the deterministic embedder: a million turns would take a model hours.
    """
    steps = sorted((Path(migrations.__file__).parent / "versions").glob("*.py"))
    code = b"".join(path.read_bytes() for path in (Path(__file__), *steps))
    path = CACHE / f"{entities}x{each}-{hashlib.sha256(code).hexdigest()[:8]}.db"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    for left in CACHE.glob(f"{partial.name}*"):
        left.unlink()
    began = time.monotonic()
    said = turns(each * entities)
    settings = {"data_dir": CACHE, "workers": 1}
    with Memori(
        f"sqlite:///{partial}", embedder=HashEmbedder(DIMENSION), extractor="none", settings=settings
    ) as memory:
        told = 0
        for number in range(entities):
            for start in range(0, each, SESSION):
                texts = islice(said, min(SESSION, each - start))
                memory.add(
                    [{"role": "assistant" if n % 2 else "user", "content": text} for n, text in enumerate(texts)],
                    entity=entity(number),
                    session=f"told-{start}",
                )
                told += 1
                if told % WAITING == 0:
                    memory.flush()
        memory.flush()
    partial.rename(path)
    print(f"  {entities:,} x {each:,} turns told and augmented in {time.monotonic() - began:.0f} s (once)", flush=True)
    return path
