"""What users of LangChain import: ``from memori_wrap_adapters.frameworks.langchain import MemoriMiddleware``.

For ``mem.register(model)`` nothing of this is needed. Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memori_wrap.plugins import lazily

if TYPE_CHECKING:
    from memori_wrap_adapters.frameworks.langchain_middleware import MemoriMiddleware
    from memori_wrap_adapters.frameworks.langchain_recall import MemoriRetriever, recall_tool
    from memori_wrap_adapters.frameworks.langchain_runs import entity_of_run

__all__ = ["MemoriMiddleware", "MemoriRetriever", "entity_of_run", "recall_tool"]

_HOMES = {
    "MemoriMiddleware": "langchain_middleware",
    "MemoriRetriever": "langchain_recall",
    "entity_of_run": "langchain_runs",
    "recall_tool": "langchain_recall",
}

if not TYPE_CHECKING:
    __getattr__ = lazily(__package__, _HOMES)
