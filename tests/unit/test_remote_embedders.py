"""Embedders over an API: what they send, what they do with refusals, faults and strange texts. The real SDKs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cohere
import numpy as np
import openai
import pytest
import sqlalchemy as sa

from memori_wrap import Memori, MemoriError
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.embedding_servers import FakeCohere, FakeVoyage
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.ollama_server import FakeOllama
from memori_wrap.testing.openai_server import FakeOpenAI, Scripted
from memori_wrap_adapters.embedders.cohere import CohereEmbedder
from memori_wrap_adapters.embedders.ollama import OllamaEmbedder
from memori_wrap_adapters.embedders.openai import OpenAIEmbedder
from memori_wrap_adapters.embedders.voyage import VoyageEmbedder

SOME = [f"text number {n}" for n in range(200)]


@pytest.fixture
def an_openai() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("Noted.") as server:
        yield server


@pytest.fixture
def a_cohere() -> Iterator[FakeCohere]:
    with FakeCohere() as server:
        yield server


@pytest.fixture
def a_voyage() -> Iterator[FakeVoyage]:
    with FakeVoyage() as server:
        yield server


def openai_embedder(server: FakeOpenAI, **options: object) -> OpenAIEmbedder:
    return OpenAIEmbedder(base_url=server.base_url, api_key="none", dimensions=64, **options)  # type: ignore[arg-type]


# ---------------------------------------------------------------- questions and documents


def test_cohere_is_told_what_is_a_question(a_cohere: FakeCohere) -> None:
    embedder = CohereEmbedder(api_key="key", base_url=a_cohere.base_url)
    embedder.embed(["she drinks tea"])
    embedder.embed_query("what does she drink?")
    kinds = [request.body["input_type"] for request in a_cohere.requests]
    assert kinds == ["search_document", "search_document", "search_query"], "the first is asked for the dimension"
    assert {request.body["truncate"] for request in a_cohere.requests} == {"END"}


def test_voyage_is_told_what_is_a_question(a_voyage: FakeVoyage) -> None:
    embedder = VoyageEmbedder(api_key="key", base_url=a_voyage.base_url)
    embedder.embed(["she drinks tea"])
    embedder.embed_query("what does she drink?")
    assert [request.body["input_type"] for request in a_voyage.requests] == ["document", "document", "query"]
    assert {request.body["truncation"] for request in a_voyage.requests} == {True}


def test_others_put_a_prompt_before_the_text(an_openai: FakeOpenAI) -> None:
    prompts = {"query": "search_query: ", "document": "search_document: "}
    with FakeOllama() as server:
        by_ollama = OllamaEmbedder(host=server.base_url, prompts=prompts)
        by_openai = openai_embedder(an_openai, prompts=prompts)
        for embedder, said in ((by_ollama, server), (by_openai, an_openai)):
            embedder.embed(["tea"])
            embedder.embed_query("drink?")
            assert [text for request in said.requests[1:] for text in request.body["input"]] == [
                "search_document: tea",
                "search_query: drink?",
            ]
        plain = OllamaEmbedder(host=server.base_url)
    assert by_ollama.model != plain.model == "nomic-embed-text", "other vectors of the same texts: another space"


def test_dimensions_are_asked_for_and_name_the_space(a_cohere: FakeCohere) -> None:
    embedder = CohereEmbedder(api_key="key", base_url=a_cohere.base_url, dimensions=32)
    assert embedder.embed(["tea"]).shape == (1, 32)
    assert (embedder.model, embedder.dimension) == ("embed-v4.0@32", 32)


# ---------------------------------------------------------------- batches and odd texts


def test_batches_are_as_large_as_the_provider_takes(a_cohere: FakeCohere, a_voyage: FakeVoyage) -> None:
    CohereEmbedder(api_key="key", base_url=a_cohere.base_url).embed(SOME)
    assert [len(request.body["texts"]) for request in a_cohere.requests] == [1, 96, 96, 8]
    VoyageEmbedder(api_key="key", base_url=a_voyage.base_url).embed(SOME)
    assert [len(request.body["input"]) for request in a_voyage.requests] == [1, 64, 64, 64, 8]


def test_blank_texts_are_not_sent(an_openai: FakeOpenAI) -> None:
    rows = openai_embedder(an_openai).embed(["", "tea", " \n"])
    assert an_openai.last.body["input"] == ["tea"]
    assert (rows[0] == rows[2]).all()
    np.testing.assert_allclose(rows[1], HashEmbedder(64).embed(["tea"])[0], atol=1e-6)


def test_too_long_a_text_is_cut_and_the_others_are_whole() -> None:
    with FakeOpenAI(context_tokens=300) as server:
        long = "Largo " * 2_000
        rows = openai_embedder(server).embed(["tea", long, "coffee"])
    expected = HashEmbedder(64).embed(["tea", long, "coffee"])
    np.testing.assert_allclose((rows * expected).sum(axis=1), 1.0, atol=1e-3)
    np.testing.assert_allclose(rows[[0, 2]], expected[[0, 2]], atol=1e-6)


def test_a_server_that_takes_fewer_texts_gets_fewer(an_openai: FakeOpenAI) -> None:
    def limited(received: object) -> Scripted:
        texts = received.body["input"]  # type: ignore[attr-defined]
        return Scripted(status=413, message="batch size > 32") if len(texts) > 32 else Scripted()

    an_openai.script(*[limited] * 50, to="embeddings")
    rows = openai_embedder(an_openai).embed(SOME)
    np.testing.assert_allclose(rows, HashEmbedder(64).embed(SOME), atol=1e-6)


# ---------------------------------------------------------------- faults


def test_a_busy_server_is_asked_again(an_openai: FakeOpenAI) -> None:
    embedder = openai_embedder(an_openai)
    embedder.load()
    an_openai.script(Scripted(status=429, retry_after=0.01), Scripted(status=503, retry_after=0.01), to="embeddings")
    assert embedder.embed(["tea"]).shape == (1, 64)
    assert len(an_openai.requests) == 4


@pytest.mark.slow
def test_the_sdks_of_cohere_and_voyage_ask_again(a_cohere: FakeCohere, a_voyage: FakeVoyage) -> None:
    for server, embedder in (
        (a_cohere, CohereEmbedder(api_key="key", base_url=a_cohere.base_url)),
        (a_voyage, VoyageEmbedder(api_key="key", base_url=a_voyage.base_url)),
    ):
        server.script(Scripted(status=429, message="slow down"))
        assert embedder.embed(["tea"]).shape == (1, 64)
        assert len(server.requests) == 3


@pytest.mark.parametrize("status", [401, 404])
def test_what_no_smaller_request_mends_is_raised_at_once(an_openai: FakeOpenAI, status: int) -> None:
    embedder = openai_embedder(an_openai)
    embedder.load()
    an_openai.script(Scripted(status=status, message="no"), to="embeddings")
    with pytest.raises(openai.APIStatusError):
        embedder.embed(SOME[:8])
    assert len(an_openai.requests) == 2


def test_a_refusal_for_another_reason_ends(an_openai: FakeOpenAI) -> None:
    embedder = openai_embedder(an_openai)
    embedder.load()
    an_openai.script(*[Scripted(status=400, message="model not loaded")] * 99, to="embeddings")
    with pytest.raises(openai.BadRequestError):
        embedder.embed(["word " * 400, "tea"])
    assert len(an_openai.requests) < 10


@pytest.mark.parametrize(
    "wrong", ['"embedding": [1.0, 2.0]', '"embedding": []', '"embedding": [' + "NaN," * 63 + "NaN]"]
)
def test_rows_that_do_not_fit_are_refused(an_openai: FakeOpenAI, wrong: str) -> None:
    embedder = openai_embedder(an_openai)
    embedder.load()
    row = json.loads(f'{{"object": "embedding", "index": 0, {wrong}}}')
    body = json.dumps({"object": "list", "data": [row], "model": "m", "usage": {}})
    an_openai.script(Scripted(body=body), to="embeddings")
    with pytest.raises(MemoriError, match="was expected"):
        embedder.embed(["tea"])


def test_a_memory_without_its_server_recalls_by_words(tmp_path: Path, an_openai: FakeOpenAI) -> None:
    embedder = openai_embedder(an_openai)
    an_openai.script(Scripted(status=401, message="bad key"), to="embeddings")
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder=embedder, extractor=ScriptedExtractor()) as mem:
        assert not mem.warm(30)
        mem.add("I drink tea.", entity="ada")
        assert mem.recall("tea", entity="ada")
        assert "AuthenticationError" in mem.stats()["model"]["reason"]


# ---------------------------------------------------------------- in a memory


def test_its_calls_are_not_part_of_the_conversation(tmp_path: Path, an_openai: FakeOpenAI) -> None:
    with (
        openai.OpenAI(base_url=an_openai.base_url, api_key="none") as client,
        Memori(f"sqlite:///{tmp_path}/m.db", embedder=OpenAIEmbedder(client=client), extractor="none") as mem,
    ):
        mem.register(client, entity="ada")
        assert mem.warm(30)
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "I drink green tea."}])
        assert mem.flush(30)
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "What do I drink?"}])
        assert mem.flush(30)
        paths = [request.path.rpartition("/")[2] for request in an_openai.requests]
        assert paths.count("completions") == 2
        assert paths.count("embeddings") > 3, "the dimension, the turns, the question"
    with sa.create_engine(f"sqlite:///{tmp_path}/m.db").connect() as db:
        stored = db.exec_driver_sql("SELECT count(*) FROM memori_wrap_conversation_message").scalar()
    assert stored == 4, "two questions and two answers"


def test_a_memory_asks_with_the_type_of_a_question(tmp_path: Path, a_cohere: FakeCohere) -> None:
    embedder = CohereEmbedder(client=cohere.ClientV2("key", base_url=a_cohere.base_url))
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder=embedder, extractor=ScriptedExtractor()) as mem:
        assert mem.warm(30)
        mem.add("I drink green tea.", entity="ada")
        assert mem.flush(30)
        before = len(a_cohere.requests)
        assert all(request.body["input_type"] == "search_document" for request in a_cohere.requests)
        mem.recall("What did she drink yesterday?", entity="ada")
        asked = a_cohere.requests[before:]
        assert [request.body["input_type"] for request in asked] == ["search_query"]


def test_the_sdks_own_variables_are_enough(monkeypatch: pytest.MonkeyPatch, an_openai: FakeOpenAI) -> None:
    from memori_wrap.embedders.choice import make

    monkeypatch.setenv("OPENAI_BASE_URL", an_openai.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("VOYAGE_API_KEY", "key")
    with FakeOllama() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.base_url)
        for name, dimension in (("openai:text-embedding-3-large", 1536), ("ollama:nomic-embed-text:v1.5", 384)):
            embedder = make(name)
            embedder.load()
            assert (embedder.model, embedder.dimension) == (name.partition(":")[2], dimension)
    assert isinstance(make("voyage:voyage-3.5-lite"), VoyageEmbedder)
