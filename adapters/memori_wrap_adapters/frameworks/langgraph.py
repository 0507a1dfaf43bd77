"""What users of LangGraph import: ``from memori_wrap_adapters.frameworks.langgraph import MemoriStore``.

Names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memori_wrap.plugins import lazily

if TYPE_CHECKING:
    from memori_wrap_adapters.frameworks.langchain_runs import entity_of_run
    from memori_wrap_adapters.frameworks.langgraph_store import MemoriStore

__all__ = ["MemoriStore", "entity_of_run"]

_HOMES = {"MemoriStore": "langgraph_store", "entity_of_run": "langchain_runs"}

if not TYPE_CHECKING:
    __getattr__ = lazily(__package__, _HOMES)
