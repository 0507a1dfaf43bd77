"""An event loop for each request, several at once, one that is closed while the memory is still writing (D25)."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from memori_wrap import Memori
from memori_wrap.intercept.waiting import Waiting
from memori_wrap.store.sql import SqlStore
from memori_wrap.testing.extractors import ScriptedExtractor
from memori_wrap.testing.openai_server import FakeOpenAI
from tests.support.tally import Effective

LOOPS = 4


async def request(mem: Memori, base_url: str, text: str) -> None:
    async with AsyncOpenAI(base_url=base_url, api_key="x") as bare:
        client = mem.register(bare, entity="alice")
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])


async def cancelled(mem: Memori, base_url: str, text: str) -> None:
    """A call that is given up while it waits for its acknowledgement."""
    task = asyncio.create_task(request(mem, base_url, text))
    while not mem._parts.writer.waiting:
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])


def loops(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[BaseException], int]:
    """A store that answers when the loop of its call is gone: (facts, errors, calls that did not wait for it)."""
    before = SqlStore.capture
    monkeypatch.setattr(SqlStore, "capture", lambda *given: (time.sleep(0.15), before(*given))[1])
    errors: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            errors.append(error)

    with FakeOpenAI("Noted.") as server:
        settings = {"data_dir": folder, "embedder": "none"}
        mem = Memori(f"sqlite:///{folder}/m.db", extractor=ScriptedExtractor(), settings=settings)
        for n in range(LOOPS):
            run(request(mem, server.base_url, f"one after the other {n}"))
        assert mem.flush(20)
        run(cancelled(mem, server.base_url, "given up"))
        assert mem.flush(20)
        threads = [
            threading.Thread(target=run, args=(request(mem, server.base_url, f"beside {n}"),)) for n in range(LOOPS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run(mem.aflush(20))
        facts = [f.text.removeprefix("User said: ") for f in mem.facts(entity="alice")]
        late = mem.stats()["counts"].get("capture_late", 0)
        for _ in range(2):
            run(mem.aclose())
    return facts, errors, late


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]


@pytest.mark.fault("D25")
def test_a_loop_for_each_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, effective: Effective
) -> None:
    facts, errors, late = loops(tmp_path, monkeypatch)
    effective(late, floor=3)
    assert errors == []
    assert complaints(caplog) == []
    wanted = [f"{how} {n}" for how in ("one after the other", "beside") for n in range(LOOPS)]
    assert sorted(facts) == sorted([*wanted, "given up"])


@pytest.mark.control("D25")
def test_planted_future_of_another_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A future of the first loop that every call awaits."""
    first: list[asyncio.Future[None]] = []

    async def wait_async(waiting: Waiting | None) -> object:
        here = asyncio.get_running_loop()
        first.append(first[0] if first else here.create_future())
        if first[0].get_loop() is not here:
            await first[0]
        return None

    monkeypatch.setattr("memori_wrap.intercept.drivers.wait_async", wait_async)
    monkeypatch.setattr(sys.modules[__name__], "cancelled", request)  # it would wait for what never comes
    _, errors, _ = loops(tmp_path, monkeypatch)
    assert any("different loop" in str(error) for error in errors)
