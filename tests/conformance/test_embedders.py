"""The embedders that are shipped, under the suite that is shipped for others; and broken ones, which must fail it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import cohere
import numpy as np
import ollama
import openai
import pytest
import voyageai

from memori_wrap.embedders.apart import ProcessEmbedder
from memori_wrap.testing.embedder_suite import EmbedderSuite, MakeEmbedder
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.embedding_servers import FakeCohere, FakeVoyage
from memori_wrap.testing.ollama_server import FakeOllama
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.types import Vectors
from memori_wrap_adapters.embedders.cohere import CohereEmbedder
from memori_wrap_adapters.embedders.ollama import OllamaEmbedder
from memori_wrap_adapters.embedders.onnx import OnnxEmbedder
from memori_wrap_adapters.embedders.openai import OpenAIEmbedder
from memori_wrap_adapters.embedders.sentence_transformers import LocalEmbedder
from memori_wrap_adapters.embedders.voyage import VoyageEmbedder


class TestHash(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> MakeEmbedder:
        return HashEmbedder


class TestOnnx(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> MakeEmbedder:
        return OnnxEmbedder


@pytest.mark.slow
class TestOnnxInt8(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> MakeEmbedder:
        return lambda: OnnxEmbedder("int8")


@pytest.mark.slow
class TestSentenceTransformers(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> MakeEmbedder:
        return LocalEmbedder


class TestProcess(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> MakeEmbedder:
        return lambda: ProcessEmbedder(factory="memori_wrap.testing.embedders:HashEmbedder")


class TestOpenAI(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> Iterator[MakeEmbedder]:
        with FakeOpenAI() as server, openai.OpenAI(base_url=server.base_url, api_key="none") as client:
            yield lambda: OpenAIEmbedder(client=client, dimensions=256)


class TestOllama(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> Iterator[MakeEmbedder]:
        with FakeOllama() as server:
            yield lambda: OllamaEmbedder(client=ollama.Client(host=server.base_url))


class TestCohere(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> Iterator[MakeEmbedder]:
        with FakeCohere() as server:
            yield lambda: CohereEmbedder(client=cohere.ClientV2("key", base_url=server.base_url))


class TestVoyage(EmbedderSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def make_embedder(cls) -> Iterator[MakeEmbedder]:
        with FakeVoyage() as server:
            yield lambda: VoyageEmbedder(client=voyageai.Client("key", base_url=server.base_url))


# ---------------------------------------------------------------- planted bugs


class _Scaled(HashEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed(texts) * np.float32(2)


class _Double(HashEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed(texts).astype(np.float64)  # type: ignore[return-value]


class _Sorted(HashEmbedder):
    """Embeds by length, and forgets to put the rows back."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed(sorted(texts, key=len))


class _BatchScale(HashEmbedder):
    """Rounds to a grid of the batch, as a quantisation over a whole batch does."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = super().embed(texts)
        step = np.abs(rows).max(initial=1e-9) / 20
        rounded = np.round(rows / step) * step
        return (rounded / np.linalg.norm(rounded, axis=1, keepdims=True)).astype(np.float32)


class _SkipsBlank(HashEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed([text for text in texts if text.strip()])


class _Strict(HashEmbedder):
    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed([text.encode().decode() for text in texts])


class _Reuses(HashEmbedder):
    """Gives its own cache away."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        key = "|".join(texts)
        if key not in self._kept:
            self._kept[key] = super().embed(texts)
        return self._kept[key]


class _Shared(HashEmbedder):
    """Passes its texts through a field that all threads share."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        self._texts = texts
        time.sleep(0.01)
        return super().embed(self._texts)


class _WideQuery(HashEmbedder):
    def embed_query(self, text: str) -> Vectors:
        return self.embed([text, text])


class _First(HashEmbedder):
    """Only the first batch."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        return super().embed(texts[:100])


@pytest.mark.parametrize(
    ("planted", "caught_by"),
    [
        (_Scaled, "test_gives_a_row_of_length_1_per_text"),
        (_Double, "test_no_texts_give_no_rows"),
        (_Sorted, "test_rows_are_in_the_order_of_the_texts"),
        (_BatchScale, "test_a_row_does_not_depend_on_its_batch"),
        (_SkipsBlank, "test_takes_any_text"),
        (_Strict, "test_takes_any_text"),
        (_Reuses, "test_rows_belong_to_the_caller"),
        (_Shared, "test_serves_threads"),
        (_WideQuery, "test_a_question_has_a_row_of_its_kind"),
        (_First, "test_takes_many_texts"),
    ],
)
def test_a_planted_bug_is_caught(planted: Callable[[], HashEmbedder], caught_by: str) -> None:
    run = getattr(EmbedderSuite(), caught_by)
    run(HashEmbedder())
    with pytest.raises((AssertionError, ValueError)):
        run(planted())
