"""Re-rankers: one score per text, in their order, whatever the texts are. The real SDKs and a small cross-encoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cohere
import pytest

from memori_wrap import ConfigurationError, plugins
from memori_wrap.protocols import Reranker
from memori_wrap.testing.embedder_suite import ODD
from memori_wrap.testing.embedding_servers import FakeCohere, FakeVoyage
from memori_wrap.testing.openai_server import Scripted
from memori_wrap_adapters.embedders import weights
from memori_wrap_adapters.rerankers.cohere import CohereReranker
from memori_wrap_adapters.rerankers.cross_encoder import CrossEncoderReranker
from memori_wrap_adapters.rerankers.voyage import VoyageReranker

QUERY = "what tea does she drink"
TEXTS = ["the train leaves", "she likes what she does", "what tea does she drink", "", "tea"]


@pytest.fixture(params=["cohere", "voyage"])
def remote(request: pytest.FixtureRequest) -> Iterator[tuple[Reranker, FakeCohere | FakeVoyage]]:
    if request.param == "cohere":
        with FakeCohere() as server:
            yield CohereReranker(api_key="key", base_url=server.base_url), server
    else:
        with FakeVoyage() as voyage:
            yield VoyageReranker(api_key="key", base_url=voyage.base_url), voyage


def test_scores_are_in_the_order_of_the_texts(remote: tuple[Reranker, FakeCohere | FakeVoyage]) -> None:
    reranker, server = remote
    reranker.load()
    assert list(reranker.scores(QUERY, TEXTS)) == pytest.approx([0.0, 0.6, 1.0, 0.0, 0.2])
    assert server.last.body["documents"] == [text for text in TEXTS if text], "a blank text is not sent"
    assert reranker.model.startswith("rerank")


def test_many_and_odd_texts(remote: tuple[Reranker, FakeCohere | FakeVoyage]) -> None:
    reranker, server = remote
    many = [f"tea {n}" if n % 3 else "coffee" for n in range(1_100)]
    assert list(reranker.scores("tea", many)) == [1.0 if n % 3 else 0.0 for n in range(1_100)]
    assert [len(request.body["documents"]) for request in server.requests] == [500, 500, 100]
    assert len(reranker.scores("\ud800 tea", ODD)) == len(ODD)
    asked = len(server.requests)
    assert list(reranker.scores(" ", ["tea"])) == [0.0]
    assert list(reranker.scores("tea", [])) == []
    assert len(server.requests) == asked


def test_errors_are_the_sdks() -> None:
    with FakeCohere() as server:
        server.script(Scripted(status=401, message="invalid api token"))
        with pytest.raises(cohere.UnauthorizedError):
            CohereReranker(api_key="key", base_url=server.base_url).scores("tea", ["tea"])


def test_they_are_found_by_name() -> None:
    assert plugins.names("rerankers") == ["cohere", "cross-encoder", "voyage"]
    assert plugins.load("rerankers", "cross-encoder") is CrossEncoderReranker
    with pytest.raises(ConfigurationError, match="no reranker is called 'x'; installed: cohere"):
        plugins.load("rerankers", "x")


def small_model(folder: Path, labels: int) -> str:
    """A cross-encoder of random weights: for the mechanics, it knows nothing."""
    import torch
    import transformers

    there = weights.packaged()
    assert there is not None
    torch.manual_seed(3)
    config = transformers.BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        num_labels=labels,
        initializer_range=0.5,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(str(there), model_max_length=128).save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_a_cross_encoder_scores_pairs(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    reranker = CrossEncoderReranker(small_model(tmp_path / "one", 1))
    texts = [*TEXTS, *ODD]
    scores = reranker.scores(QUERY, texts)
    assert len(scores) == len(texts)
    expected = CrossEncoder(str(tmp_path / "one"), device="cpu").predict([(QUERY, text) for text in TEXTS])
    assert list(scores[: len(TEXTS)]) == pytest.approx([float(score) for score in expected], abs=1e-4)
    assert len({round(score, 6) for score in scores}) > 3
    assert list(reranker.scores(QUERY, texts[::-1])) == pytest.approx(list(scores[::-1]), abs=1e-4)
    assert list(reranker.scores(QUERY, [])) == []


@pytest.mark.slow
def test_a_classifier_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="3 scores for a pair"):
        CrossEncoderReranker(small_model(tmp_path / "three", 3)).load()
