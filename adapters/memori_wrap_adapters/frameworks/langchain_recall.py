"""Recall on demand: a retriever for chains, and a tool for models.

Whose memory it is, the application says: by ``entity``, ``mem.scope``, or the run's context or config. It is no
argument of the tool, for a model would take it from what somebody wrote.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import run_in_executor
from langchain_core.tools import BaseTool, StructuredTool

from memori_wrap_adapters.frameworks.langchain_runs import Memory, entity_in, present

_given: ContextVar[RunnableConfig | None] = ContextVar("memori_wrap_config", default=None)


def _whose(mem: Memory, entity: str | None, config: RunnableConfig | None) -> str | None:
    """None where ``mem`` is to say whose: it knows its scope, its own entity, and that it must be somebody's."""
    if entity is not None or mem.current_scope is not None:
        return entity
    return entity_in(*present(config))


class MemoriRetriever(BaseRetriever):
    """``MemoriRetriever(mem=mem)``: what is remembered that bears on a question, as documents, best first.

    ``k``: how many at most. ``entity``: whose memory; not given: that of ``mem.scope``, else of the run, named by its
    context or ``{"configurable": {"user_id": "alice"}}``. A document's metadata are the fields of a ``Recollection``:
    ``kind``, ``score``, ``speaker``, ``said_at`` (as ISO 8601), ``sources``. Raises ``ScopeError``, ``StoreError``.
    """

    mem: Any
    k: int = 10
    entity: str | None = None

    def invoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> list[Document]:
        token = _given.set(config)
        try:
            return super().invoke(input, config, **kwargs)
        finally:
            _given.reset(token)

    async def ainvoke(self, input: str, config: RunnableConfig | None = None, **kwargs: Any) -> list[Document]:
        token = _given.set(config)
        try:
            return await super().ainvoke(input, config, **kwargs)
        finally:
            _given.reset(token)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        whose = _whose(self.mem, self.entity, _given.get())
        return [_document(r) for r in self.mem.recall(query, self.k if k is None else k, entity=whose)]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        return await run_in_executor(None, self._get_relevant_documents, query, run_manager=run_manager.get_sync(), k=k)


def _document(found: Any) -> Document:
    about = {
        "kind": found.kind,
        "score": found.score,
        "speaker": found.speaker,
        "said_at": found.said_at.isoformat(),
        "sources": list(found.sources),
    }
    return Document(page_content=found.text, id=found.id, metadata=about)


def recall_tool(
    mem: Memory,
    *,
    limit: int = 10,
    max_tokens: int = 1000,
    entity: str | None = None,
    name: str = "recall",
    description: str = "Looks up what is remembered of earlier conversations with this user.",
) -> BaseTool:
    """A tool with which a model asks the memory. Its only argument is ``query``; whose memory: as the retriever's.

    It answers with the fenced block that a registered model would be sent, of at most ``limit`` items and about
    ``max_tokens``. Nothing of that is captured again.
    """

    def recall(query: str, config: RunnableConfig) -> str:
        found = mem.recall(query, limit, entity=_whose(mem, entity, config)) if query.strip() else None
        return (found.to_prompt(max_tokens) if found is not None else "") or "Nothing is remembered of that."

    async def arecall(query: str, config: RunnableConfig) -> str:
        return await run_in_executor(None, recall, query, config)

    return StructuredTool.from_function(recall, arecall, name=name, description=description)
