"""A program that calls in every shape and ends without a word: run by the suite in a process of its own.

    python -m memori_wrap.testing.provider.leaving FILE CLASS BASE_URL DATABASE

The dialect is ``CLASS`` in ``FILE``. It prints when it began to end, on the clock that all processes share.
"""

from __future__ import annotations

import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from memori_wrap import Memori
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.provider.dialect import Dialect
from memori_wrap.testing.provider.shapes import STREAM, Shape, drain, run, settle, take
from memori_wrap.testing.provider.stage import ENTITY

_left: list[Any] = []
"""Streams that are still open at the end."""


def words(shape: Shape) -> str:
    """What is said in this shape."""
    return f"These words were said in the shape of a {shape} call."


def load(file: str, name: str) -> Dialect:
    """The dialect of that name in a Python file."""
    spec = spec_from_file_location("dialect_of_the_suite", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.path.insert(0, str(Path(file).parent))
    spec.loader.exec_module(module)
    made: Dialect = getattr(module, name)()
    return made


def main(file: str, name: str, base_url: str, database: str) -> None:
    """Makes the calls and leaves."""
    dialect, server = load(file, name), SimpleNamespace(base_url=base_url)
    mem = Memori(database, embedder=HashEmbedder(), extractor="none")

    async def call(shape: Shape) -> None:
        client = dialect.register(mem, dialect.client(server, is_async=shape.is_async), entity=ENTITY)
        messages = [{"role": "user", "content": words(shape)}]
        result = await settle(dialect.method(client)(messages, stream=shape.is_stream))
        if shape.is_stream:
            await drain(result)
        if shape is STREAM:
            _left.append(dialect.method(client)(messages, stream=True))
            await take(_left[-1])

    for shape in dialect.shapes:
        run(shape, call(shape))
    sys.stdout.write(str(time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
