"""How Memori and mem0 rank the same turns: their own stores and their own search, each in a process of its own.

Their answers are kept in ``.cache/rankings``, by what was asked of which version, so that a second run is quick.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import memori_model
from benchmarks.data import Conversation, Run
from benchmarks.plain import LIMIT

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "rankings"
SYSTEMS = {"memori": "memori", "mem0": "mem0ai", "mem0-words": "mem0ai"}
"""What the cell calls it -> the distribution."""
NAMES = {"memori": "Memori {}", "mem0": "mem0 {}", "mem0-words": "mem0 {} with BM25"}
NOTES = """\
Memori and mem0: their own stores and search, turns as items ("speaker: text"), all-MiniLM-L6-v2, the same weights.
Memori: Memori.recall(), its Rust engine on, with no limit to the newest 1,000 facts. Its key for equal facts keeps only
a-z and 0-9; it was replaced here, or it would have kept {kept} of {turns} turns. Its facts carry no date of their own.
mem0: add(infer=False) and search(), a local Qdrant, as `pip install mem0ai` brings it; "with BM25" adds fastembed with
scikit-learn's stop words (its own list and spaCy's model come from hubs). Both keep their other defaults."""


def runs(conversations: Sequence[Conversation]) -> tuple[dict[str, Run], list[str]]:
    """The rows of those that are installed, and what is to be said about them."""
    asked = json.dumps(
        [
            {
                "id": conversation.id,
                "texts": [f"{turn.speaker}: {turn.text}" for turn in conversation.turns],
                "questions": [str(question["question"]) for question in conversation.questions],
            }
            for conversation in conversations
        ]
    )
    out: dict[str, Run] = {}
    said: list[str] = []
    for system, distribution in SYSTEMS.items():
        try:
            version = metadata.version(distribution)
            found = _ranked(system, version, asked)
        except (metadata.PackageNotFoundError, RuntimeError) as error:
            said.append(f"{system} is left out: {str(error).strip()[-300:]}")
            continue
        out[NAMES[system].format(version)] = dict(_items(conversations, found["ranked"]))
        if "kept" in found:
            said.insert(0, NOTES.format(kept=f"{found['kept']:,}", turns=f"{found['turns']:,}"))
    return out, said


def _items(conversations: Sequence[Conversation], ranked: Sequence[Sequence[Sequence[int]]]) -> Iterator[Any]:
    for conversation, rows in zip(conversations, ranked, strict=True):
        for question, row in zip(conversation.questions, rows, strict=True):
            yield question["qid"], [conversation.turns[i].item for i in row]


def _ranked(system: str, version: str, asked: str) -> dict[str, Any]:
    """The other's answer, out of the cache where it was asked just that before. Raises ``RuntimeError``."""
    code = b"".join((Path(__file__).parent / f"{name}.py").read_bytes() for name in ("rankings_cell", "mem0_memory"))
    key = hashlib.sha256(b"\0".join((system.encode(), version.encode(), str(LIMIT).encode(), code, asked.encode())))
    cached = CACHE / f"{system}-{version}-{key.hexdigest()[:16]}.json"
    if not cached.exists():
        print(f"{system} {version} is asked (once)", flush=True)
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("MEMORI_", "MEM0_"))}
        variables |= {"MEMORI_API_URL_BASE": "http://127.0.0.1:9", "MEMORI_RECALL_EMBEDDINGS_LIMIT": "1000000"}
        if system == "memori":
            variables |= memori_model.environment()
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "asked.json").write_text(asked)
            command = [sys.executable, "-m", "benchmarks.rankings_cell", system, folder]
            done = subprocess.run(command, check=False, env=variables, cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(done.stderr)
            CACHE.mkdir(parents=True, exist_ok=True)
            (Path(folder) / "ranked.json").replace(cached)
    found: dict[str, Any] = json.loads(cached.read_text())
    return found
