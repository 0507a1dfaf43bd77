"""The database is down when a program starts (D10): an error that says so, at once, and nothing left behind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from openai import OpenAI
from sqlalchemy.ext.asyncio import create_async_engine

from memori_wrap import Memori, StoreError, parts
from memori_wrap.settings import Settings
from memori_wrap.store.connect import connect
from memori_wrap.store.quirks import CONNECT_TIMEOUT
from memori_wrap.testing.openai_server import FakeOpenAI
from tests.support.handover import remembers
from tests.support.servers import POSTGRESQL, fresh_database
from tests.support.tally import Effective

DRIVERS = [
    "postgresql+psycopg",
    "postgresql+psycopg2",
    "postgresql+asyncpg",
    "mysql+pymysql",
    "mariadb+pymysql",
    "mysql+aiomysql",
]


@pytest.fixture
def port() -> Iterator[int]:
    """One that nobody listens to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def refused(conn: object) -> StoreError:
    before = {t.name for t in threading.enumerate()}
    with pytest.raises(StoreError) as error:
        Memori(conn, embedder="none", extractor="none")
    assert {t.name for t in threading.enumerate()} <= before, "threads were left behind"
    return error.value


@pytest.mark.fault("D10")
@pytest.mark.parametrize("driver", DRIVERS)
def test_nobody_listens(driver: str, port: int, effective: Effective) -> None:
    url = sa.make_url(f"{driver}://me:hunter2@127.0.0.1:{port}/db")
    hand = [url, url.render_as_string(hide_password=False)]
    is_async = driver.endswith(("asyncpg", "aiomysql"))
    hand.append(create_async_engine(url) if is_async else sa.create_engine(url))
    errors = [refused(conn) for conn in hand]
    effective(len(errors), floor=3)
    for error in errors:
        assert error.transient
        assert f"127.0.0.1:{port}/db" in str(error)
        assert "hunter2" not in str(error)


@pytest.mark.fault("D10")
@pytest.mark.parametrize("driver", [d for d in DRIVERS if "async" not in d and "aio" not in d])
def test_a_server_that_hangs(driver: str, effective: Effective) -> None:
    """It takes the connection and says nothing: the start ends all the same."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        assert refused(f"{driver}://me:hunter2@{where}/db?connect_timeout=2").transient
    effective(1, floor=1)


def test_there_is_always_a_timeout() -> None:
    for driver in ("psycopg", "psycopg2"):
        seen = {}
        engine = connect(f"postgresql+{driver}://127.0.0.1:1/db", None, 5).engine  # type: ignore[arg-type]
        sa.event.listen(engine, "do_connect", lambda *told, seen=seen: seen.update(told[-1]))
        with pytest.raises(sa.exc.OperationalError):
            engine.connect()
        assert seen["connect_timeout"] == CONNECT_TIMEOUT


@pytest.mark.fault("D10")
def test_the_program_goes_on_without_memory_and_with_it_later(port: int, effective: Effective) -> None:
    """What a program does about it: the client works as it is, and once more is tried later."""
    with FakeOpenAI("Noted.") as server, fresh_database(POSTGRESQL) as url:
        client = OpenAI(base_url=server.base_url, api_key="x")
        refused(sa.make_url(url).set(port=port))
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
        with Memori(url, embedder="none", extractor="none") as mem:
            mem.register(client, entity="alice")
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "I sail"}])
            assert mem.flush(10)
            assert mem.recall("sail", entity="alice")[0].text == "I sail"
        remembers(url)
    effective(1, floor=1)


@pytest.mark.control("D10")
def test_planted_thread_that_is_left_behind(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    before = parts.open_store

    def store(*given: object) -> object:
        threading.Thread(target=gate.wait, name="left behind", daemon=True).start()
        return before(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(parts, "open_store", store)
    with pytest.raises(AssertionError, match="left behind"):
        refused(f"postgresql+psycopg://me@127.0.0.1:{port}/db")
    gate.set()


@pytest.mark.control("D10")
def test_planted_start_that_goes_on_without_a_word(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes another database where the right one is down."""
    before = parts.open_store

    def store(target: object, settings: Settings) -> object:
        try:
            return before(target, settings)
        except StoreError:
            return before("memory://", settings)

    monkeypatch.setattr(parts, "open_store", store)
    with pytest.raises(pytest.fail.Exception):
        refused(f"postgresql+psycopg://me@127.0.0.1:{port}/db")
