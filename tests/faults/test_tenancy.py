"""One user's turns never reach another's prompt or rows (T01-T06), through the real SDK."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from openai import AsyncOpenAI, OpenAI

from memori_wrap import Memori, ScopeError, carry
from memori_wrap.context import Scopes
from memori_wrap.testing.embedders import HashEmbedder
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.types import Scope

SECRET = "My locker code is canary-alice-7731."
QUESTION = "What is my locker code?"


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("Noted.") as server:
        yield server


@pytest.fixture
def mem(tmp_path) -> Iterator[Memori]:
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder=HashEmbedder()) as mem:
        yield mem


def ask(client: OpenAI, text: str, *, stream: bool = False) -> None:
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], stream=stream)
    for _ in answer if stream else ():
        pass


async def aask(client: AsyncOpenAI, text: str) -> None:
    await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])


def sync_client(mem: Memori, server: FakeOpenAI, **named: str) -> OpenAI:
    return mem.register(OpenAI(base_url=server.base_url, api_key="x"), **named)


def async_client(mem: Memori, server: FakeOpenAI) -> AsyncOpenAI:
    return mem.register(AsyncOpenAI(base_url=server.base_url, api_key="x"))


def said(server: FakeOpenAI, n: int = -1) -> str:
    return "\n".join(server.texts(n))


def test_alice_then_bob_on_one_object(mem: Memori, server: FakeOpenAI) -> None:
    client = sync_client(mem, server)
    mem.attribution("alice")
    ask(client, SECRET)
    mem.attribution("bob")
    ask(client, QUESTION)
    assert said(server) == QUESTION
    mem.flush(30)
    assert not [r for r in mem.recall(QUESTION, entity="bob") if "canary" in r.text]
    mem.attribution("alice")
    ask(client, QUESTION)
    assert "canary-alice" in said(server), "the control: alice herself is answered from memory"


def test_nobody_named_after_alice(mem: Memori, server: FakeOpenAI, caplog: pytest.LogCaptureFixture) -> None:
    """On the thread of a pool that served alice, on another thread and in another task: nothing of hers."""
    client, aclient = sync_client(mem, server), async_client(mem, server)
    with ThreadPoolExecutor(1) as pool:

        def as_alice() -> None:
            with mem.scope("alice"):
                ask(client, SECRET)

        pool.submit(as_alice).result()
        pool.submit(ask, client, QUESTION).result()
    assert said(server) == QUESTION
    mem.attribution("alice")
    thread = threading.Thread(target=ask, args=(client, QUESTION))
    thread.start()
    thread.join()
    assert said(server) == QUESTION
    asyncio.run(aask(aclient, QUESTION))
    assert said(server) == QUESTION
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert sum('register(client, entity="me")' in text for text in warnings) == 1


def test_attribution_in_a_task_serves_that_task_alone(mem: Memori, server: FakeOpenAI) -> None:
    client = async_client(mem, server)

    async def alice() -> None:
        mem.attribution("alice")
        await aask(client, SECRET)
        await aask(client, QUESTION)
        assert "canary-alice" in said(server)
        await asyncio.create_task(aask(client, QUESTION))
        assert said(server) == QUESTION

    async def main() -> None:
        await asyncio.create_task(alice())
        await asyncio.create_task(aask(client, QUESTION))
        assert said(server) == QUESTION

    asyncio.run(main())


def test_attribution_on_a_thread_is_refused(mem: Memori) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(ScopeError, match=r"with mem\.scope"):
        pool.submit(mem.attribution, "alice").result()


def test_carry_takes_the_scope_along(mem: Memori, server: FakeOpenAI) -> None:
    client = sync_client(mem, server)
    with mem.scope("alice"), ThreadPoolExecutor(1) as pool:
        pool.submit(carry(ask), client, SECRET).result()
        pool.submit(carry(ask), client, QUESTION).result()
        assert "canary-alice" in said(server)
        pool.submit(ask, client, QUESTION).result()
        assert said(server) == QUESTION


def test_what_was_carried_ends_when_somebody_else_is_named() -> None:
    scopes = Scopes()
    scopes.attribute(Scope("alice"))
    carried = carry(scopes.current)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(carried).result() == Scope("alice")
        scopes.attribute(Scope("bob"))
        assert pool.submit(carried).result() is None
        assert pool.submit(scopes.current).result() is None


def test_precedence(mem: Memori, server: FakeOpenAI) -> None:
    client = sync_client(mem, server, entity="registered")
    ask(client, "I am the registered one, canary-registered.")
    mem.attribution("attributed")
    ask(client, "I am the attributed one, canary-attributed.")
    with mem.scope("scoped"):
        ask(client, "I am the scoped one, canary-scoped.")
    mem.flush(30)
    for name in ("registered", "attributed", "scoped"):
        texts = [r.text for r in mem.recall("I am the one", entity=name) if "canary" in r.text]
        assert [t for t in texts if f"canary-{name}" not in t] == []
        assert texts


def test_a_stream_belongs_to_whom_it_began_for(mem: Memori, server: FakeOpenAI) -> None:
    client = sync_client(mem, server)
    with mem.scope("alice"):
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": SECRET}], stream=True)
    with mem.scope("bob"):
        for _ in stream:
            pass
    mem.flush(30)
    assert mem.recall("locker code", entity="alice")
    assert not mem.recall("locker code", entity="bob")


def crossings(server: FakeOpenAI) -> tuple[int, int]:
    """(canaries in a request of somebody else, requests that carried a memory)."""
    crossed = hits = 0
    for n in range(len(server.requests)):
        text = said(server, n)
        owner = text.rsplit("I am user ", 1)[1].split(" ", 1)[0].rstrip(".")
        canaries = {word.split("-", 1)[1] for word in text.replace('"', " ").split() if word.startswith("canary-")}
        crossed += len(canaries - {owner})
        hits += "<memory-" in text
    return crossed, hits


def line(user: int, n: int) -> str:
    return f"Note number {n}: canary-{user} is mine. I am user {user} ."


def run_threads(mem: Memori, server: FakeOpenAI, threads: int, calls: int, scope: Callable[[str], object]) -> None:
    client = sync_client(mem, server)
    gate = threading.Barrier(threads)

    def work(seed: int) -> None:
        choose = random.Random(seed)
        gate.wait()
        for n in range(calls):
            user = choose.randrange(16)
            with scope(str(user)):  # type: ignore[attr-defined]
                ask(client, line(user, n), stream=choose.random() < 0.3)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))


def test_64_threads(mem: Memori, server: FakeOpenAI) -> None:
    run_threads(mem, server, 64, 8, mem.scope)
    crossed, hits = crossings(server)
    assert crossed == 0
    assert hits > 50, "the control: memories did reach their own users"


def test_1000_tasks(mem: Memori, server: FakeOpenAI) -> None:
    client = async_client(mem, server)

    async def work(n: int) -> None:
        user = n % 40
        async with mem.scope(str(user)):
            await asyncio.sleep(random.random() / 50)
            await aask(client, line(user, n))

    async def main() -> None:
        running: set[asyncio.Task[None]] = set()
        for n in range(1000):
            running.add(asyncio.create_task(work(n)))
            if len(running) >= 100:
                _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*running)

    asyncio.run(main())
    assert len(server.requests) == 1000
    crossed, hits = crossings(server)
    assert crossed == 0
    assert hits > 100


def test_planted_scope_in_a_global_crosses(mem: Memori, server: FakeOpenAI) -> None:
    """The control: with the scope kept on the object, as Memori keeps it, the same test sees crossings."""

    class Shared:
        def __init__(self, name: str) -> None:
            self.name = name

        def __enter__(self) -> None:
            mem._scopes.default = Scope(self.name)
            time.sleep(0.005)  # what any server does between naming a user and asking the model

        def __exit__(self, *_: object) -> None: ...

    mem._scopes.current = lambda: mem._scopes.default  # type: ignore[method-assign]
    run_threads(mem, server, 16, 12, Shared)
    assert crossings(server)[0] > 0
