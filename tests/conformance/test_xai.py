"""The suite for xAI's SDK, against the fake server over real gRPC."""

from __future__ import annotations

import pytest
from xai_dialect import Xai

from memori_wrap.testing.provider_suite import ProviderSuite

# copying an asynchronous client copies its event loop, which fails half-way: with a bare client, too
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <function BaseEventLoop.__del__")


class TestXai(ProviderSuite):
    dialect = Xai()
