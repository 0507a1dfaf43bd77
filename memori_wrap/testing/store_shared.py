"""What not every ``Store`` can do: it is declared, tested where it is declared, and printed in a table in any case."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from functools import partial
from typing import Any, ClassVar, TypeVar

import pytest

from memori_wrap.errors import StoreError
from memori_wrap.ids import new_id
from memori_wrap.protocols import Store
from memori_wrap.types import Augmentation, Exchange, Message, Scope

CAPABILITIES = {
    "durable": "what was stored is there when it is closed and opened again",
    "many_processes": "several processes have it open at the same time",
    "row_locks": "who writes one entity does not hold up who writes another",
}
PROCESSES, EACH = 3, 8

F = TypeVar("F", bound=Callable[..., Any])


def needs(capability: str) -> Callable[[F], F]:
    """Marks a test of a capability."""
    assert capability in CAPABILITIES

    def mark(test: F) -> F:
        test.needs = capability  # type: ignore[attr-defined]
        return test

    return mark


class SharedTests:
    """A part of ``StoreSuite``. ``another`` opens the same store again, as another process would."""

    capabilities: ClassVar[frozenset[str]] = frozenset(CAPABILITIES)

    @pytest.fixture
    def another(self) -> Callable[[], Store]:
        pytest.fail("give a fixture `another`, or declare `capabilities` without durable, many_processes and row_locks")

    def holding(self, store: Store, entity: str) -> AbstractContextManager[object]:
        """Inside it, a transaction has begun to write the entity."""
        raise NotImplementedError("give a method `holding`, or declare `capabilities` without row_locks")

    @pytest.fixture(autouse=True)
    def _declared(self, request: pytest.FixtureRequest) -> None:
        capability = getattr(request.function, "needs", None)
        if capability is not None and capability not in self.capabilities:
            pytest.skip(f"declared: no {capability}")

    @needs("durable")
    def test_what_is_stored_stays(self, store: Store, another: Callable[[], Store]) -> None:
        store.capture([_said("hi"), _said("ho", session="t")])
        key, loaded = store.key(), store.load("alice", 0, None)
        store.close()
        again = another()
        assert again.key() == key
        assert again.load("alice", 0, None) == loaded
        assert again.queue().pending == 2
        again.close()

    @needs("durable")
    def test_two_see_what_the_other_wrote(self, store: Store, another: Callable[[], Store]) -> None:
        other = another()
        for n in range(3):
            writer, reader = (store, other) if n % 2 else (other, store)
            writer.capture([_said(f"note {n}", session=str(n))])
            assert reader.revision("alice") == n + 1
            assert [m.text for m in reader.load("alice", n, None).messages] == [f"note {n}"]
        (job,) = store.claim("a", 1)
        assert job.exchange not in {j.exchange for j in other.claim("b", 3)}
        other.close()

    @needs("durable")
    def test_a_new_entity_from_everywhere_at_once(self, store: Store, another: Callable[[], Store]) -> None:
        """Both would make its row: one of them does, and no exchange is refused for it."""
        stores = [another() for _ in range(4)]
        barrier = threading.Barrier(len(stores))
        errors: list[StoreError] = []

        def first(mine: Store, entity: str, number: int) -> None:
            barrier.wait(30)
            try:
                mine.capture([_said(f"note {number}", entity, "same")])
            except StoreError as error:
                errors.append(error)

        for entity in ("alice", "bob", "carol", "dave", "eve"):
            threads = [threading.Thread(target=first, args=(s, entity, n)) for n, s in enumerate(stores)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            messages = store.load(entity, 0, None).messages
            assert sorted((m.position, m.conversation) for m in messages) == [
                (n, messages[0].conversation) for n in range(len(stores))
            ]
        assert errors == []
        for mine in stores:
            mine.close()

    @needs("durable")
    def test_who_follows_a_writer_misses_nothing(self, store: Store, another: Callable[[], Store]) -> None:
        """A delta holds all up to the revision that it names, whatever is committed while it is read."""
        writing, count = another(), 150

        def write() -> None:
            for n in range(count):
                writing.capture([_said(f"note {n}")])

        writer = threading.Thread(target=write)
        writer.start()
        seen: set[str] = set()
        revision = 0
        while revision < count:
            is_over = not writer.is_alive()
            delta = store.load("alice", revision, None)
            assert not (is_over and delta.revision == revision), f"{len(seen)} of {count} notes were seen"
            seen.update(m.text for m in delta.messages)
            revision = delta.revision
        writer.join()
        assert seen == {f"note {n}" for n in range(count)}
        writing.close()

    @needs("many_processes")
    def test_processes_write_and_work_side_by_side(self, store: Store, another: Callable[[], Store]) -> None:
        """Each exchange is stored once and worked on once."""
        fork = multiprocessing.get_context("fork")
        barrier, results = fork.Barrier(PROCESSES), fork.SimpleQueue()

        def child(number: int) -> None:
            code = 1
            try:
                mine = another()
                barrier.wait(60)
                for n in range(EACH):
                    said = _said(f"note {number}/{n}", session=f"{number}/{n}")
                    _patiently(partial(mine.capture, [said]))
                    for job in _patiently(lambda: mine.claim(str(number), 2)):
                        _patiently(partial(mine.complete, [Augmentation(job)], None))
                        results.put(job.exchange)
                code = 0
            finally:
                os._exit(code)

        children = [fork.Process(target=child, args=(n,)) for n in range(PROCESSES)]
        for process in children:
            process.start()
        done: list[str] = []
        while any(process.is_alive() for process in children) or not results.empty():
            if results.empty():
                time.sleep(0.01)
            else:
                done.append(results.get())
        assert [process.exitcode for process in children] == [0] * PROCESSES
        messages = store.load("alice", 0, None).messages
        expected = {f"note {number}/{n}" for number in range(PROCESSES) for n in range(EACH)}
        assert sorted(m.text for m in messages) == sorted(expected)
        assert store.revision("alice") == len(expected)
        assert len(done) == len(set(done))
        assert set(done) | {j.exchange for j in store.claim("last", 100)} == {m.exchange for m in messages}

    @needs("row_locks")
    def test_entities_do_not_wait_for_each_other(self, store: Store, another: Callable[[], Store]) -> None:
        other = another()
        store.capture([_said("hi"), _said("hi", "bob")])
        with self.holding(store, "alice"):
            writer = threading.Thread(target=other.capture, args=([_said("ho", "bob", "t")],))
            writer.start()
            writer.join(30)
            assert not writer.is_alive(), "bob waits for alice"
        assert [m.text for m in store.load("bob", 0, None).messages] == ["hi", "ho"]
        other.close()


def _said(text: str, entity: str = "alice", session: str = "s") -> Exchange:
    now = datetime(2026, 5, 31, tzinfo=timezone.utc)
    return Exchange(new_id(), Scope(entity, None, session), (Message("user", text),), (), now, resent=False)


def _patiently(act: Callable[[], Any]) -> Any:
    """Again where the database says that the same may succeed later, as the writer and the workers do."""
    for attempt in range(50):
        try:
            return act()
        except StoreError as error:
            if not error.transient and attempt:
                raise
            time.sleep(0.02)
    raise TimeoutError


# ---------------------------------------------------------------- the table

_ran: defaultdict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
_declared: dict[str, frozenset[str]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """pytest's hook: notes what ran."""
    report = yield
    cls = getattr(item, "cls", None)
    if report.when == "call" and cls is not None and issubclass(cls, SharedTests):
        name = cls.__name__.removeprefix("Test")
        _declared[name] = cls.capabilities
        capability = getattr(getattr(item, "function", None), "needs", "")
        _ran[name][capability].append(report.outcome)
        _ran[name]["tests"].append(report.outcome)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """pytest's hook: prints what each store passed, and what it declares not to do."""
    if _ran:
        terminalreporter.section("conformance: stores")
        terminalreporter.write_line(table())


def table() -> str:
    """Stores by capabilities: how many tests passed of how many that ran, or that it is declared not to be there."""
    lines = ["| store | tests | " + " | ".join(CAPABILITIES) + " |", "|---|---|" + "---|" * len(CAPABILITIES)]
    for name, ran in _ran.items():
        cells = [_cell(ran["tests"])]
        for capability in CAPABILITIES:
            cells.append(_cell(ran[capability]) if capability in _declared[name] else "declared: no")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(outcomes: list[str]) -> str:
    ran = [o for o in outcomes if o != "skipped"]
    return f"{ran.count('passed')}/{len(ran)}" if ran else "not run"
