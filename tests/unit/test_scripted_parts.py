"""The deterministic embedder and extractor of the testing kit."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import datetime, timezone

import numpy as np
import pytest

from memori_wrap.errors import ExtractionError
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.types import StoredMessage


def message(text, role="user", id="m1"):
    return StoredMessage(id, "c", "e", 0, role, text, datetime(2026, 1, 1, tzinfo=timezone.utc))


def test_vectors_are_of_length_one_for_any_text_and_near_for_near_texts():
    texts = ["she drinks green tea", "She drinks tea.", "the invoice is due", "", "?!", "\ud800", "茶 が好き"]
    embedder = HashEmbedder(128)
    rows = embedder.embed(texts)
    assert (rows.shape, rows.dtype, embedder.model) == ((7, 128), np.float32, "hash-128")
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows[0] @ rows[1] > 0.6 > rows[0] @ rows[2]
    assert embedder.embed([]).shape == (0, 128)
    assert embedder.embedded == 7


def test_vectors_are_equal_in_every_process():
    code = "from memori_wrap.testing.embedders import HashEmbedder as H; print(H(16).embed(['green tea']).tolist())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(HashEmbedder(16).embed(["green tea"]).tolist())


def test_a_gate_freezes_loading_and_whoever_embeds_before():
    gate = threading.Event()
    embedder = HashEmbedder(8, gate=gate)
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(len(embedder.embed(["x"])))) for _ in range(3)]
    for thread in threads:
        thread.start()
    threads[0].join(0.05)
    assert not done
    gate.set()
    for thread in threads:
        thread.join(5)
    assert (done, embedder.loads) == ([1, 1, 1], 1)


def test_a_model_that_is_missing():
    embedder = HashEmbedder(error=FileNotFoundError("no weights"))
    for attempt in (embedder.load, lambda: embedder.embed(["x"])):
        with pytest.raises(FileNotFoundError):
            attempt()


def test_one_quoted_fact_per_user_message():
    spoken = [message(" I live in Oslo. "), message("Noted.", role="assistant", id="m2"), message("", id="m3")]
    extractor = ScriptedExtractor()
    [(source, fact)] = extractor.extract(spoken)
    assert source == "m1"
    assert fact.quote in spoken[0].text
    assert extractor.seen == [("m1", "m2", "m3")]


def test_scripted_failures():
    extractor = ScriptedExtractor(fail=2, poison="BAD")
    for _ in range(2):
        with pytest.raises(ExtractionError):
            extractor.extract([message("good")])
    assert extractor.extract([message("good")])
    for _ in range(2):
        with pytest.raises(ExtractionError, match="BAD"):
            extractor.extract([message("good"), message("so BAD")])
    with pytest.raises(MemoryError):
        ScriptedExtractor(fail=1, error=MemoryError).extract([message("x")])
    assert ScriptedExtractor(lambda m: ()).extract([message("x")]) == []
