"""As ``test_planted``, for litellm: in the environment that has it."""

from __future__ import annotations

import pytest

pytest.importorskip("litellm", reason="litellm wants openai 2: scripts/test_litellm has an environment for it")

import litellm
import planted_litellm
from litellm_dialect import BARE
from planting import PLANTS

from memori_wrap.intercept import patch
from memori_wrap.testing.provider import faults, stage, streams

pytestmark = pytest.mark.filterwarnings("ignore")
MINE = [planted for planted in PLANTS if planted.fault.__module__ == planted_litellm.__name__]


@pytest.fixture(autouse=True)
def functions_as_they_were(monkeypatch):
    """Takes out what a planted fault leaves standing; and what takes forever with a fault takes less."""
    for part in (stage, streams):
        monkeypatch.setattr(part, "PATIENCE", 0.5)
    monkeypatch.setattr(stage, "BUDGET", 1.5)
    for part in (faults, streams):
        monkeypatch.setattr(part, "SOON", 1.0)
    yield
    vars(litellm).update(BARE)
    patch._hooks.clear()
    patch._clients.clear()


@pytest.mark.parametrize(("planted", "shape"), [(p, s) for p in MINE for s in p.shapes], ids=str)
def test_the_suite_notices(planted, shape, monkeypatch):
    suite = planted.suite()
    arguments = [shape]
    if planted.variant is not None:
        arguments += [v for v in suite.dialect.variants() if str(v) == planted.variant]
        assert len(arguments) == 2
    with monkeypatch.context() as planting:
        planted.fault(planting)
        with pytest.raises(BaseException) as noticed:  # noqa: PT011 (whatever it is)
            getattr(suite, planted.test)(*arguments)
    print(f"{type(noticed.value).__name__}: {str(noticed.value)[:300]}")
