"""One of the fake servers in a process of its own: ``python -m benchmarks.stream_server MODULE CLASS REPLY``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib import import_module


@contextmanager
def serving(server: str, reply: str) -> Generator[str, None, None]:
    """``server``: "module:class" in memori_wrap.testing. Gives its base URL."""
    command = [sys.executable, "-m", "benchmarks.stream_server", *server.split(":"), reply]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(10)


def main() -> None:
    module, name, reply = sys.argv[1:]
    with getattr(import_module(f"memori_wrap.testing.{module}"), name)(reply, record=False) as server:
        print(json.dumps(server.base_url), flush=True)
        with suppress(KeyboardInterrupt):
            sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
