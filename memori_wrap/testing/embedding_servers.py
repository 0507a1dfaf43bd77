"""Servers that speak the wire formats of Cohere and Voyage: embeddings and re-ranking, with their limits.

    with FakeCohere() as server:
        client = cohere.ClientV2("key", base_url=server.base_url)

Vectors are ``HashEmbedder``'s; a re-ranker's score is the share of the question's words that a text has.
"""

from __future__ import annotations

import base64
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from memori_wrap.testing.connection import Answer
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.script import Received, Scripted
from memori_wrap.testing.server import LoopbackServer

DIMENSION = 64


class EmbeddingServer(LoopbackServer):
    """A subclass knows its paths and bodies. Scripted answers (``script``) are errors and faults only."""

    def texts_of(self, received: Received) -> list[str]:
        body = received.body if isinstance(received.body, Mapping) else {}
        return [str(text) for key in ("texts", "input", "documents") for text in body.get(key) or ()]

    def respond(self, received: Received) -> Answer:
        script = self.scripted(received)
        if script.is_override:
            body = script.body if script.body is not None else self.error(script.message or "scripted")
            return Answer(body.encode() if isinstance(body, str) else body, status=script.status or 200, script=script)
        body = received.body
        if objection := self.objection(received):
            return Answer(self.error(objection).encode(), status=400)
        if received.path.endswith("/rerank"):
            return self._answer(self.ranked(body, _ranking(body["query"], body["documents"])), script)
        rows = HashEmbedder(body.get("output_dimension") or DIMENSION).embed(self.texts_of(received))
        return self._answer(self.embedded(body, rows.tolist()), script)

    def broken_reply(self, error: Exception) -> Answer:
        return Answer(self.error(f"the scripted reply raised {error!r}").encode(), status=400)

    @abstractmethod
    def objection(self, received: Received) -> str | None:
        """Why the service refuses the request; None where it does not."""

    @abstractmethod
    def embedded(self, body: Mapping[str, Any], rows: Sequence[Sequence[float]]) -> dict[str, Any]:
        """The answer with vectors."""

    @abstractmethod
    def ranked(self, body: Mapping[str, Any], ranking: Sequence[tuple[int, float]]) -> dict[str, Any]:
        """The answer with (index, score) pairs, best first."""

    @abstractmethod
    def error(self, message: str) -> str:
        """The body of an error."""

    @staticmethod
    def _answer(body: Mapping[str, Any], script: Scripted) -> Answer:
        return Answer(json.dumps(body).encode(), script=script)


class FakeCohere(EmbeddingServer):
    """Cohere's ``/v2/embed`` and ``/v2/rerank``."""

    @property
    def base_url(self) -> str:
        return self.origin

    def objection(self, received: Received) -> str | None:
        body = received.body
        if not received.headers.get("authorization", "").startswith("Bearer "):
            return "no api key supplied"
        if received.path == "/v2/rerank":
            return None if body.get("query") and body.get("documents") else "query and documents must not be empty"
        if received.path != "/v2/embed":
            return f"unknown path {received.path}"
        if body.get("input_type") not in ("search_query", "search_document"):
            return "valid input_type must be provided with the provided model"
        if not 0 < len(body["texts"]) <= 96:
            return f"invalid request: total number of texts must be at most 96 - received {len(body['texts'])}"
        return None if all(body["texts"]) else "invalid request: texts must not be empty"

    def embedded(self, body: Mapping[str, Any], rows: Sequence[Sequence[float]]) -> dict[str, Any]:
        return {
            "id": "00000000-0000-0000-0000-000000000000",
            "texts": body["texts"],
            "embeddings": {"float": rows},
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 1}},
            "response_type": "embeddings_by_type",
        }

    def ranked(self, body: Mapping[str, Any], ranking: Sequence[tuple[int, float]]) -> dict[str, Any]:
        results = [{"index": index, "relevance_score": score} for index, score in ranking]
        return {"id": "00000000-0000-0000-0000-000000000000", "results": results}

    def error(self, message: str) -> str:
        return json.dumps({"message": message})


class FakeVoyage(EmbeddingServer):
    """Voyage's ``/v1/embeddings`` and ``/v1/rerank``."""

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def objection(self, received: Received) -> str | None:
        body = received.body
        if not received.headers.get("authorization", "").startswith("Bearer "):
            return "no api key supplied"
        if received.path == "/v1/rerank":
            return None if body.get("query") and body.get("documents") else "query and documents must not be empty"
        if received.path != "/v1/embeddings":
            return f"unknown path {received.path}"
        if body.get("input_type") not in (None, "query", "document"):
            return "the value of input_type is not one of query, document"
        if not 0 < len(body["input"]) <= 1000:
            return "the batch size limit is 1000"
        return None if all(body["input"]) else "Input cannot contain empty strings or empty lists"

    def embedded(self, body: Mapping[str, Any], rows: Sequence[Sequence[float]]) -> dict[str, Any]:
        is_packed = body.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "embedding": base64.b64encode(np.array(row, np.float32).tobytes()).decode() if is_packed else row,
                "index": i,
            }
            for i, row in enumerate(rows)
        ]
        return {"object": "list", "data": data, "model": body["model"], "usage": {"total_tokens": 1}}

    def ranked(self, body: Mapping[str, Any], ranking: Sequence[tuple[int, float]]) -> dict[str, Any]:
        data = [{"index": index, "relevance_score": score} for index, score in ranking]
        return {"object": "list", "data": data, "model": body["model"], "usage": {"total_tokens": 1}}

    def error(self, message: str) -> str:
        return json.dumps({"detail": message})


def _ranking(query: str, texts: Sequence[str]) -> list[tuple[int, float]]:
    wanted = set(query.casefold().split())
    scores = [(i, len(wanted & set(text.casefold().split())) / len(wanted)) for i, text in enumerate(texts)]
    return sorted(scores, key=lambda pair: -pair[1])
