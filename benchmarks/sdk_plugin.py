"""A pytest plugin for an SDK's own tests: every client that is constructed remembers.

Loaded by ``scripts/sdk_suites`` with ``-p benchmarks.sdk_plugin``. At the end it writes what the memory counted to
the file that ``SDK_COUNTS`` names: a run in which nothing was captured would prove nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import wrapt

from memori_wrap import Memori

memori = Memori("memory://", entity="sdk-suite", embedder="none")


def _register(init: Callable[..., None], client: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    init(*args, **kwargs)
    memori.register(client)


for _class in (openai.OpenAI, openai.AsyncOpenAI):  # Azure's, Bedrock's and the module's clients are subclasses
    # wrapt keeps the signature, which a test compares with that of ``copy``
    setattr(_class, "__init__", wrapt.FunctionWrapper(vars(_class)["__init__"], _register))  # noqa: B010


def pytest_unconfigure() -> None:
    counts = {**memori.stats()["counts"], "pid": os.getpid()}
    Path(os.environ["SDK_COUNTS"]).write_text(json.dumps(counts, sort_keys=True))
    memori.close()
