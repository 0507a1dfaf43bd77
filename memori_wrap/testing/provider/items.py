"""Marks a suite's tests with the items of the conformance list that they are about, and with the shapes they take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from memori_wrap.testing.provider.dialect import Dialect
from memori_wrap.testing.provider.shapes import SHAPES, Shape, run
from memori_wrap.testing.provider.stage import Stage


class Part:
    """A part of the suite. ``dialect`` is set by the class that a test file derives from all of them."""

    dialect: Dialect

    def __init_subclass__(cls) -> None:
        """Takes out the tests of shapes that the SDK does not have."""
        dialect: Dialect | None = getattr(cls, "dialect", None)
        if dialect is None:
            return
        for name in dir(cls):
            shapes = getattr(getattr(cls, name), "shapes", None) if name.startswith("test_") else None
            if shapes is not None and not set(shapes) & set(dialect.shapes):
                setattr(cls, name, None)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """pytest's hook: one test for each shape, and for each variant of the dialect."""
        shapes = getattr(metafunc.function, "shapes", None)

        def case(shape: Shape, *more: object) -> Any:
            marks = () if shape in self.dialect.everyday else pytest.mark.slow
            return pytest.param(shape, *more, marks=marks)

        if "variant" in metafunc.fixturenames:
            pairs = [(shape, variant) for variant in self.dialect.variants() for shape in self._of(variant.shapes)]
            cases = [case(*pair) for pair in pairs]
            metafunc.parametrize(("shape", "variant"), cases, ids=lambda value: str(value).replace(" ", "_"))
        elif shapes is not None:
            cases = [case(shape) for shape in self._of(shapes)]
            metafunc.parametrize("shape", cases, ids=lambda value: str(value).replace(" ", "_"))

    def _of(self, shapes: Sequence[Shape]) -> list[Shape]:
        return [shape for shape in shapes if shape in self.dialect.shapes]


def item(*numbers: int, shapes: Sequence[Shape] = SHAPES) -> Callable[[Callable[[Any, Stage], Any]], Any]:
    """Makes a pytest test of ``body(self, stage)``, a coroutine function or, where it runs its own loop, a plain one.

    ``numbers`` are the items of the conformance list.
    """

    def mark(body: Callable[[Any, Stage], Any]) -> Any:
        def test(self: Part, shape: Shape) -> None:
            play(self.dialect, shape, lambda stage: body(self, stage))

        test.__name__, test.__qualname__, test.__doc__ = body.__name__, body.__qualname__, body.__doc__
        test.__module__ = body.__module__
        vars(test).update(items=numbers, shapes=tuple(shapes))
        return test

    return mark


def play(dialect: Dialect, shape: Shape, body: Callable[[Stage], Any]) -> None:
    """Sets the stage, and plays ``body`` on it."""
    with Stage(dialect, shape) as stage:
        work = body(stage)
        if inspect.isawaitable(work):
            run(shape, stage.play(work))


def items_of(test: pytest.Item) -> tuple[tuple[int, ...], Shape | None]:
    """The items and the shape that a collected test is about."""
    parameters = getattr(getattr(test, "callspec", None), "params", {})
    variant = parameters.get("variant")
    function = getattr(test, "function", None)
    numbers = variant.items if variant is not None else getattr(function, "items", ())
    return tuple(numbers), parameters.get("shape")


TITLES: dict[int, str] = {
    1: "a call: same type, equal value, one capture",
    2: "a stream: the SDK's own object, chunks as they are sent",
    3: "with: read to the end",
    4: "with: left in the middle",
    5: "closed before the first item",
    6: "dropped and collected",
    7: "next() by hand, then a loop",
    8: "cancelled",
    9: "broken by the provider",
    10: "HTTP errors and retries",
    11: "timeouts and interrupts",
    12: "parsed output",
    13: "stream helpers",
    14: "raw response",
    15: "raw, never parsed",
    16: "raw stream",
    17: "streaming response: parse, lines, read",
    18: "copies are registered",
    19: "copies are registered once",
    20: "what was fetched before",
    21: "registered twice; one client inside another",
    22: "unregister restores",
    23: "deepcopy, pickle, copy",
    24: "vars, repr, type, lifetime",
    25: "messages in every form, untouched",
    26: "sentinels and absent fields",
    27: "system: text, blocks, cache_control",
    28: "content lists, images",
    29: "tool loops: block stable, pairs intact",
    30: "conversations that the provider keeps",
    31: "automatic function calling is one exchange",
    32: "choices, refusals, thinking, server tools",
    33: "usage; stream options untouched",
    34: "structured output",
    35: "extra body",
    36: "recall raises or hangs",
    37: "capture raises or is full",
    38: "the event loop is not held",
    39: "50 threads on one client",
    40: "event loop closed before the stream ends",
    41: "the end of the program",
    42: "other calls are left alone",
    43: "what is captured is the caller's request",
    44: "unknown shapes go through",
    45: "other patchers, in every order",
}
"""The items of the conformance list, in a few words."""
