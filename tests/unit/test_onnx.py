"""all-MiniLM-L6-v2 on ONNX Runtime: the vectors of the original, without PyTorch; what is damaged or strange."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memori_wrap import ConfigurationError
from memori_wrap_adapters.embedders import weights
from memori_wrap_adapters.embedders.onnx import OnnxEmbedder
from memori_wrap_adapters.embedders.sentence_transformers import LocalEmbedder
from tests.support.corpus import KEPT, MIXED, closeness, original

WITHOUT_TORCH = """
import os, sys
for name in ("torch", "transformers", "sentence_transformers"):
    sys.modules[name] = None  # importing it fails
from memori_wrap import Memori
with Memori("memory://") as mem:
    assert mem.warm(60), mem.stats()
    mem.add("I drink green tea every morning.", entity="ada")
    assert mem.flush(60)
    print(mem.stats()["model"]["name"], mem.recall("what is her favourite beverage", entity="ada")[0].why)
"""

FORK = """
import os, signal, sys
import numpy as np
from memori_wrap_adapters.embedders.onnx import OnnxEmbedder
embedder = OnnxEmbedder()
rows = embedder.embed(["one", "two"])
for embeds in (True, False):
    child = os.fork()
    if not child:
        signal.alarm(30)
        is_same = not embeds or np.allclose(embedder.embed(["one", "two"]), rows, atol=1e-5)
        sys.exit(0 if is_same else 3)  # a plain end, with every destructor
    assert os.waitpid(child, 0)[1] == 0, embeds
assert np.allclose(embedder.embed(["one", "two"]), rows, atol=1e-5)
"""


QUIET = """
import os, sys
seen = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
from memori_wrap_adapters.embedders.onnx import OnnxEmbedder
OnnxEmbedder().load()
print(seen[-1], os.environ.get("ORT_DISABLE_TELEMETRY"))
"""


def python(code: str, **environment: str) -> str:
    given = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_fp32_gives_the_vectors_of_the_original() -> None:
    embedder = OnnxEmbedder()
    assert closeness(embedder.embed(MIXED), np.load(KEPT)).min() > 0.9999
    assert embedder.model == LocalEmbedder().model, "one space: what the other has stored is compared with"


def test_int8_is_near_and_a_space_of_its_own() -> None:
    embedder = OnnxEmbedder("int8")
    near = closeness(embedder.embed(MIXED), np.load(KEPT))
    assert 0.9 < near.min() < 0.9999
    assert embedder.model == f"{weights.MINILM}:int8"
    assert OnnxEmbedder(precision="int8").model == OnnxEmbedder(f"{weights.MINILM}:int8").model == embedder.model


@pytest.mark.slow
def test_the_kept_vectors_are_the_originals() -> None:
    assert closeness(original(), np.load(KEPT)).min() > 0.9999


def test_recalls_by_meaning_without_pytorch(tmp_path: Path) -> None:
    told = python(WITHOUT_TORCH, MEMORI_WRAP_DATA_DIR=str(tmp_path), MEMORI_WRAP_EMBEDDER="auto")
    assert told.startswith(weights.MINILM)
    assert "dense" in told or "meaning" in told


def test_serves_a_forked_child_which_ends_as_others_do() -> None:
    python(FORK)


def test_onnxruntime_is_told_to_report_nothing() -> None:
    assert python(QUIET).split() == ["1", "None"]


# ---------------------------------------------------------------- what is damaged or strange


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the packaged model, which is taken for the package."""
    there = weights.packaged()
    assert there is not None
    shutil.copytree(there, tmp_path / "model")
    monkeypatch.setattr(weights, "packaged", lambda: tmp_path / "model")
    return tmp_path / "model"


def test_tampered_weights_are_refused(copied: Path) -> None:
    OnnxEmbedder().load()  # the copy is good
    with (copied / weights.WEIGHTS).open("r+b") as file:
        file.seek(-5, 2)
        file.write(b"\x01")
    with pytest.raises(ConfigurationError, match="not the official checkpoint"):
        OnnxEmbedder().load()


def test_missing_weights_are_named(copied: Path) -> None:
    (copied / weights.WEIGHTS).unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        OnnxEmbedder().load()


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"model_type": "mpnet"}),
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"position_embedding_type": "relative_key"}),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}),
        ("modules.json", [{"type": "sentence_transformers.models.Dense"}]),
    ],
)
def test_another_architecture_is_refused(copied: Path, file: str, change: Any) -> None:
    there = json.loads((copied / file).read_text())
    (copied / file).write_text(json.dumps({**there, **change} if isinstance(change, dict) else [*there, *change]))
    with pytest.raises(ConfigurationError, match="no BERT"):
        OnnxEmbedder(str(copied)).load()


def test_half_a_file_is_refused(copied: Path) -> None:
    whole = (copied / weights.WEIGHTS).read_bytes()
    for length in (4, 1000, len(whole) // 2):
        (copied / weights.WEIGHTS).write_bytes(whole[:length])
        with pytest.raises(ConfigurationError, match="safetensors"):
            OnnxEmbedder(str(copied)).load()


def test_without_a_network_the_message_says_what_would_do() -> None:
    code = (
        "from memori_wrap_adapters.embedders.onnx import OnnxEmbedder\n"
        "try: OnnxEmbedder('nobody/has-this-model').load()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    told = python(code, HF_HUB_OFFLINE="1")
    assert told.startswith("ConfigurationError the model nobody/has-this-model is neither a folder nor")


@pytest.mark.parametrize("wrong", ["int4", "fp16"])
def test_another_precision_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="precision"):
        OnnxEmbedder(precision=wrong)


# ---------------------------------------------------------------- other models of the family


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_other_models_equal_sentence_transformers(tmp_path: Path, kind: str, pooling: str) -> None:
    """Small ones with random weights: what is checked is the architecture."""
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer, models

    there = weights.packaged()
    assert there is not None
    torch.manual_seed(7)
    shape = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 96}
    options = {**shape, "vocab_size": 30522, "max_position_embeddings": 130, "initializer_range": 0.4}
    config = (transformers.BertConfig if kind == "bert" else transformers.XLMRobertaConfig)(
        **options, **({} if kind == "bert" else {"pad_token_id": 0, "type_vocab_size": 1})
    )
    made = (transformers.BertModel if kind == "bert" else transformers.XLMRobertaModel)(config)
    made.save_pretrained(tmp_path / "bare")
    transformers.AutoTokenizer.from_pretrained(str(there)).save_pretrained(tmp_path / "bare")
    transformer = models.Transformer(str(tmp_path / "bare"), max_seq_length=128)
    prompts = {"query": "query: ", "document": "passage: "}
    whole = SentenceTransformer(
        modules=[transformer, models.Pooling(48, pooling_mode=pooling)], device="cpu", prompts=prompts
    )
    whole.save(str(tmp_path / "model"))
    one, other = LocalEmbedder(str(tmp_path / "model")), OnnxEmbedder(str(tmp_path / "model"))
    one.load()
    other.load()
    assert (one.model, one.dimension) == (other.model, other.dimension)
    assert closeness(one.embed(MIXED), other.embed(MIXED)).min() > 0.9999
    assert one.embed_query("tea?") @ other.embed_query("tea?") > 0.9999
    assert one.embed_query("tea?") @ one.embed(["tea?"])[0] < 0.9999, "the prompts count"
