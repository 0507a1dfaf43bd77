"""Embedders for a process of their own, by ``factory="tests.support.embedders:..."``."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from memori_wrap.errors import ConfigurationError, MissingExtra
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.types import Vectors


class Odd(HashEmbedder):
    """Does what a text says: "die" ends the process, "print" prints, "wait" waits until ``gate`` is there, "raise"
    raises. ``die_once``: a file; where it is absent, it is made and the process ends while it loads."""

    def __init__(self, gate: str = "", die_once: str = "", die: bool = False) -> None:
        super().__init__(16)
        self._file, self._die_once, self._die = gate, die_once, die

    def load(self) -> None:
        if self._die or (self._die_once and not Path(self._die_once).exists()):
            if self._die_once:
                Path(self._die_once).touch()
            os._exit(7)

    def embed(self, texts: Sequence[str]) -> Vectors:
        if "die" in texts:
            os._exit(7)
        if "print" in texts:
            os.write(1, b"a library that prints\n" * 1000)
        if "raise" in texts:
            raise ValueError("as asked")
        while "wait" in texts and not Path(self._file).exists():
            time.sleep(0.005)
        return super().embed(texts)


class NeverLoads(HashEmbedder):
    def load(self) -> None:
        time.sleep(600)


def missing() -> HashEmbedder:
    raise MissingExtra("nothing is installed: pip install 'memori-wrap[nothing]'")


def misconfigured() -> HashEmbedder:
    raise ConfigurationError("nothing is right")
