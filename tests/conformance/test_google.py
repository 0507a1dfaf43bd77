"""The suite for Google's SDK, against the fake server over real HTTP."""

from __future__ import annotations

import copy
import gc
import sys
from functools import partial

import pytest
from google_dialect import Gemini, Vertex
from google_interactions import Interactions
from google_tests import GoogleTests

from memori_wrap.testing.provider.items import item
from memori_wrap.testing.provider.stage import QUESTION
from memori_wrap.testing.provider_suite import ProviderSuite


class TestGemini(GoogleTests, ProviderSuite):
    dialect = Gemini()

    @pytest.fixture(autouse=True)
    def what_aiohttp_complains_of(self, request, monkeypatch):
        """A response that outlives its event loop says so when it is collected, a bare client's too."""
        yield
        if "event_loop_ends" in request.node.name:
            monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
            gc.collect()

    @item(25, 28)
    async def test_contents_in_further_forms(self, stage):
        stage.know()
        for name, make in self.dialect.further_forms().items():
            given = make(QUESTION)
            before = copy.deepcopy(given)
            outcome = await stage.compare(partial(stage.see, messages=given))
            assert not isinstance(outcome.value, Exception), (name, outcome.value)
            assert given == before, name
            assert outcome.block, name


@pytest.mark.slow  # the same adapter by another door
class TestVertex(ProviderSuite):
    dialect = Vertex()


class TestInteractions(ProviderSuite):
    dialect = Interactions()
