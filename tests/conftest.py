"""What every test module leaves behind is taken away: a client that stays registered keeps its class hooked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def nobody_stays_registered() -> Iterator[None]:
    yield
    from memori_wrap.intercept import patch

    for reference, _ in list(patch._clients.values()):
        subject = reference()
        if subject is not None:
            patch.unregister(subject)
    for owner, name in list(patch._hooks):
        patch._unhook(owner, name)
