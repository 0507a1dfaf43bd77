"""The suite that every ``Store`` passes. Subclass it and give a ``store`` fixture::

class TestMine(StoreSuite):
    @pytest.fixture
    def store(self): ...

    @pytest.fixture
    def another(self): ...  # a function that opens the same store once more

What a store cannot do, it declares: ``capabilities = frozenset({"durable"})``, see ``store_shared``; its hooks print
what was declared in a table at the end of the run.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from memori_wrap.ids import message_id, new_id
from memori_wrap.protocols import Store
from memori_wrap.store.transfer import TABLES, from_json, key_of, to_json
from memori_wrap.testing.store_shared import SharedTests
from memori_wrap.testing.store_values import ValueTests
from memori_wrap.types import (
    Augmentation,
    Exchange,
    Fact,
    Job,
    Message,
    Part,
    ResolvedFact,
    Scope,
    StoredVector,
    Triple,
)

NOW = datetime(2026, 5, 31, 12, 30, 15, 123456, tzinfo=timezone.utc)


def exchange(
    *texts: str, entity: str = "alice", session: str = "s", reply: str = "ok", resent: bool = True
) -> Exchange:
    """Alternating messages of user and assistant, and a reply."""
    request = tuple(Message(("user", "assistant")[i % 2], text) for i, text in enumerate(texts))
    return Exchange(new_id(), Scope(entity, None, session), request, (Message("assistant", reply),), NOW, resent=resent)


def fact(job: Job, said: str = "tea", *, at: datetime = NOW, ends: str | None = None) -> ResolvedFact:
    """A fact stated by the job's first message; ``ends`` names the object of those that it ends."""
    found = Fact(f"The user likes {said}", job.messages[0].text, Triple("user", "likes", said), "preference", "suite")

    def closes(known: Triple) -> bool:
        return known.object == ends

    return ResolvedFact(f"fact-{said}", job.messages[0].id, at, found, closes if ends else None)


class StoreSuite(SharedTests, ValueTests):
    """What is captured comes back, once; jobs are held by one worker; an entity sees itself alone."""

    def test_messages_come_back_whole(self, store: Store) -> None:
        parts = (Part("tool_call", '{"city": "Ōsaka"}', "call-1", "weather"),)
        sent = Exchange(
            new_id(),
            Scope("alice", "bot", "s"),
            (Message("user", "héllo 世界 🎉\n\tend  ", "Ana", said_at=NOW),),
            (Message("assistant", "", None, parts),),
            NOW,
            provider="openai",
            model="m",
            usage={"total_tokens": 3},
        )
        (delta,) = store.capture([sent])
        loaded = store.load("alice", 0, None)
        assert list(loaded.messages) == list(delta.messages)
        first, second = loaded.messages
        assert (first.text, first.speaker, first.said_at) == (sent.request[0].text, "Ana", NOW)
        assert (first.process, first.session, first.position, second.position) == ("bot", "s", 0, 1)
        assert second.parts == parts
        assert [m.id for m in loaded.messages] == [message_id(sent.id, 0), message_id(sent.id, 1)]

    def test_writing_an_exchange_twice_changes_nothing(self, store: Store) -> None:
        one = exchange("hi")
        store.capture([one, one])
        revision = store.revision("alice")
        assert list(store.capture([one])) == []
        assert store.revision("alice") == revision
        assert len(store.load("alice", 0, None).messages) == 2
        assert store.queue().pending == 1

    def test_only_what_is_new_is_stored(self, store: Store) -> None:
        store.capture([exchange("hi")])
        (delta,) = store.capture([exchange("hi", "ok", "more", reply="fine")])
        assert [m.text for m in delta.messages] == ["more", "fine"]

    def test_entities_do_not_see_each_other(self, store: Store) -> None:
        names = ["Alice", "alice", "alice ", "álice", "a%", "a_ice", "'; drop table x; --", "🎉" * 100]
        store.capture([exchange(f"I am {name}", entity=name) for name in names])
        for name in names:
            assert [m.text for m in store.load(name, 0, None).messages if m.role == "user"] == [f"I am {name}"]
        assert store.load("a", 0, None).messages == []
        assert store.revision("nobody") == 0

    def test_deltas_follow_one_another(self, store: Store) -> None:
        store.capture([exchange("one", session="a")])
        known = store.load("alice", 0, None)
        store.capture([exchange("two", session="b")])
        delta = store.load("alice", known.revision, None)
        assert (delta.base, [m.text for m in delta.messages]) == (known.revision, ["two", "ok"])
        assert delta.revision == store.revision("alice") > known.revision

    def test_a_job_is_held_by_one_worker(self, store: Store) -> None:
        store.capture([exchange(f"hi {n}", session=f"s{n}") for n in range(5)])
        first, second = store.claim("a", 3), store.claim("b", 5)
        assert (len(first), len(second)) == (3, 2)
        assert {j.exchange for j in first}.isdisjoint(j.exchange for j in second)
        assert store.claim("c", 5) == []
        assert set(store.leases()) == {j.lease for j in [*first, *second]}

    def test_many_workers_claim_each_job_once(self, store: Store) -> None:
        store.capture([exchange(f"hi {n}", session=f"s{n}") for n in range(40)])
        claimed: list[str] = []

        def work(name: str) -> None:
            while jobs := store.claim(name, 3):
                claimed.extend(j.exchange for j in jobs)

        threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(claimed) == len(set(claimed)) == 40

    def test_a_conversation_is_worked_on_in_order(self, store: Store) -> None:
        store.capture([exchange("one")])
        store.capture([exchange("one", "ok", "two")])
        (first,) = store.claim("a", 1)
        assert store.claim("b", 5) == []
        store.complete([Augmentation(first)], None)
        (second,) = store.claim("b", 5)
        assert second.messages[0].text == "two"
        assert [m.text for m in second.before] == ["one", "ok"]

    def test_a_lost_lease_writes_nothing(self, store: Store) -> None:
        store.capture([exchange("I like tea")])
        (slow,) = store.claim("slow", 1)
        store.heartbeat([slow.lease])
        assert store.leases() == {slow.lease: 1}
        (quick,) = store.claim("quick", 1, stale=[slow.lease])
        assert quick.exchange == slow.exchange
        assert list(store.complete([Augmentation(slow, [fact(slow)])], None)) == []
        assert store.facts("alice") == []
        (delta,) = store.complete([Augmentation(quick, [fact(quick)])], None)
        assert [f.mentions for f in delta.facts] == [1]
        assert store.queue().pending == 0

    def test_the_same_fact_again_counts(self, store: Store) -> None:
        for n in range(3):
            store.capture([exchange(f"I like tea {n}", session=f"s{n}")])
        jobs = store.claim("a", 3)
        later = NOW + timedelta(days=1)
        store.complete([Augmentation(j, [fact(j, at=later if n else NOW)]) for n, j in enumerate(jobs)], None)
        (known,) = store.facts("alice")
        assert (known.mentions, len(known.sources), known.said_at, known.last_seen) == (3, 3, NOW, later)

    def test_an_ended_fact_keeps_its_end(self, store: Store) -> None:
        self._state(store, "I like tea")
        self._state(store, "no tea any more", at=NOW + timedelta(days=2), ends="tea", said="no tea")
        assert [f.text for f in store.facts("alice")] == ["The user likes no tea"]
        ended = {f.id: f.valid_to for f in store.facts("alice", ended=True)}
        assert ended["fact-tea"] == NOW + timedelta(days=2)

    def test_vectors_come_back_for_their_model_only(self, store: Store) -> None:
        store.capture([exchange("hi")])
        (job,) = store.claim("a", 1)
        vector = np.array([0.6, 0.8], dtype=np.float32)
        (delta,) = store.complete([Augmentation(job, (), [StoredVector(job.messages[0].id, vector)])], "one")
        for found in (delta, store.load("alice", 0, "one")):
            assert [v.vector.tolist() for v in found.vectors] == [vector.tolist()]
        assert list(store.load("alice", 0, "two").vectors) == []
        assert list(store.other_models("two")) == ["one"]

    def test_failed_jobs_come_back_and_dead_ones_do_not(self, store: Store) -> None:
        store.capture([exchange("hi", session="a"), exchange("ho", session="b")])
        one, two = store.claim("a", 2)
        store.fail(one, "broken", 0.0)
        store.fail(two, "broken", None)
        (again,) = store.claim("a", 2)
        assert (again.exchange, again.attempts) == (one.exchange, 2)
        assert (store.queue().pending, store.queue().dead) == (1, 1)

    def test_the_key_stays(self, store: Store) -> None:
        assert store.key() == store.key()
        assert len(store.key()) == 32

    def _state(
        self, store: Store, text: str, *, at: datetime = NOW, said: str = "tea", ends: str | None = None
    ) -> None:
        store.capture([exchange(text, session=new_id())])
        jobs: Sequence[Job] = store.claim("a", 1)
        store.complete([Augmentation(jobs[0], [fact(jobs[0], said, at=at, ends=ends)])], None)

    # ------------------------------------------------------------ fairness, dead jobs

    def test_a_noisy_entity_delays_nobody(self, store: Store) -> None:
        store.capture([exchange(f"noise {n}", entity="noisy", session=f"s{n}") for n in range(60)])
        store.capture([exchange("quiet", entity=f"quiet {n}") for n in range(3)])
        served = [job.entity for _ in range(3) for job in store.claim("a", 4)]
        assert {f"quiet {n}" for n in range(3)} <= set(served)
        assert served.count("noisy") >= 3

    def test_entities_take_turns_around_the_end(self, store: Store) -> None:
        store.capture([exchange(f"{name} {n}", entity=name, session=f"s{n}") for name in "abc" for n in range(4)])
        served = [store.claim("w", 1)[0].entity for _ in range(12)]
        assert sorted(served) == sorted("abc" * 4)
        assert all(set(served[i : i + 3]) == {"a", "b", "c"} for i in (0, 3, 6, 9))
        assert store.claim("w", 1) == []

    def test_dead_jobs_are_listed_and_tried_again(self, store: Store) -> None:
        store.capture([exchange("hi", session=f"s{n}") for n in range(3)])
        jobs = store.claim("a", 3)
        for job in jobs:
            store.fail(job, "broken beyond repair", None)
        dead = store.dead()
        assert [d.exchange for d in dead] == sorted((j.exchange for j in jobs), reverse=True)
        assert {(d.entity, d.reason, d.attempts) for d in dead} == {("alice", "broken beyond repair", 1)}
        assert len(store.dead(limit=2)) == 2
        assert store.retry([jobs[0].exchange]) == 1
        assert [(j.exchange, j.attempts) for j in store.claim("a", 3)] == [(jobs[0].exchange, 1)]
        assert store.retry() == 2
        assert (store.queue().dead, len(store.claim("a", 3))) == (0, 2)

    # ------------------------------------------------------------ taking away

    def test_an_erased_entity_is_gone(self, store: Store) -> None:
        late = exchange("begun before, written after", session="late")
        for name in ("alice", "bob"):
            store.capture([exchange(f"I am {name} and like tea", entity=name, session=f"s{n}") for n in range(3)])
        jobs = store.claim("a", 6)
        vector = np.array([0.6, 0.8], dtype=np.float32)
        done = [Augmentation(j, [fact(j)], [StoredVector(j.messages[0].id, vector)]) for j in jobs[:4]]
        store.complete(done, "m")
        before = repr(store.load("bob", 0, "m"))
        revision = store.revision("alice")
        erased = store.erase("alice")
        assert (erased.messages, erased.jobs, erased.facts) == (6, 1, 1)
        assert store.load("alice", 0, "m").messages == []
        assert store.facts("alice", ended=True) == []
        assert store.revision("alice") == 0
        # what was under way: an exchange in a queue, a job in a worker's hands
        assert list(store.capture([late])) == []
        assert list(store.complete([Augmentation(j, [fact(j)]) for j in jobs[4:] if j.entity == "alice"], "m")) == []
        assert store.load("alice", 0, "m").messages == []
        assert repr(store.load("bob", 0, "m")) == before
        # who comes again begins anew, and no cache takes the new for the old
        store.capture([exchange("hello again")])
        again = store.load("alice", revision, "m")
        assert again.base == 0
        assert again.revision > revision
        assert [m.text for m in again.messages] == ["hello again", "ok"]

    def test_erasing_nobody_is_nothing(self, store: Store) -> None:
        assert store.erase("nobody").messages == 0
        store.capture([exchange("hi", entity="nobody")])
        assert len(store.load("nobody", 0, None).messages) == 2

    def test_what_is_too_old_goes(self, store: Store) -> None:
        old = [Message("user", "I like tea", said_at=NOW - timedelta(days=400))]
        store.capture([Exchange(new_id(), Scope("alice", None, "old"), tuple(old), (), NOW - timedelta(days=400))])
        store.capture([exchange("I like tea too", session="new")])
        jobs = store.claim("a", 2)
        store.complete([Augmentation(j, [fact(j, "tea" if n else "mate")]) for n, j in enumerate(jobs)], None)
        known = store.load("alice", 0, None)
        assert store.expire("alice", NOW - timedelta(days=365)) == 1
        assert store.expire("alice", NOW - timedelta(days=365)) == 0
        after = store.load("alice", known.revision, None)
        assert after.base == 0
        assert [m.text for m in after.messages] == ["I like tea too", "ok"]
        assert len(store.facts("alice")) == 1
        assert list(store.load("alice", after.revision, None).messages) == []

    # ------------------------------------------------------------ moving

    def test_rows_out_and_in_again(self, store: Store) -> None:
        texts = ["héllo 世界 🎉", "I like tea", "x" * 100_000]
        store.capture([exchange(text, entity="ålice ", session=f"s{n}") for n, text in enumerate(texts)])
        jobs = store.claim("a", 1)
        vector = np.array([0.6, 0.8], dtype=np.float32)
        store.complete([Augmentation(jobs[0], [fact(jobs[0])], [StoredVector(jobs[0].messages[0].id, vector)])], "m")
        before = store.load("ålice ", 0, "m")
        rows = rows_of(store, "ålice ")
        assert store.insert("ålice ", rows) == 0
        store.erase("ålice ")
        assert store.insert("ålice ", rows) == len(rows)
        assert store.insert("ålice ", rows) == 0
        after = store.load("ålice ", 0, "m")
        assert [(m.id, m.text, m.said_at, m.parts) for m in after.messages] == [
            (m.id, m.text, m.said_at, m.parts) for m in before.messages
        ]
        assert [(f.id, f.text, f.sources) for f in after.facts] == [(f.id, f.text, f.sources) for f in before.facts]
        assert [v.vector.tolist() for v in after.vectors] == [v.vector.tolist() for v in before.vectors]
        assert store.queue().pending == 2

    def test_a_conversation_of_the_same_name_is_kept_apart(self, store: Store) -> None:
        store.capture([exchange("old")])
        rows = rows_of(store, "alice")
        store.erase("alice")
        store.capture([exchange("new")])
        store.insert("alice", rows)
        assert sorted(m.text for m in store.load("alice", 0, None).messages) == ["new", "ok", "ok", "old"]

    def test_what_a_model_has_no_vector_of(self, store: Store) -> None:
        for name in ("alice", "bob"):
            store.capture([exchange("I like tea", entity=name), exchange("I like tea", "ok", "a lot", entity=name)])
        for job in store.claim("a", 9):
            store.complete([Augmentation(job, [fact(job)])], None)
        found, last = store.unembedded("m", ("", ""), 3)
        assert (len(found), last) == (3, (found[-1][0], found[-1][1].id))
        assert last is not None
        rest, end = store.unembedded("m", last, 9)
        everything = [*found, *rest]
        assert len({m.id for _, m, _ in everything}) == len(everything) == 8
        assert [before.text for _, m, before in everything if m.text == "a lot" and before is not None] == ["ok"] * 2
        assert end is not None
        assert store.unembedded("m", end, 9) == ([], None)
        vector = np.array([0.6, 0.8], dtype=np.float32)
        store.embed("alice", "m", [StoredVector(m.id, vector) for name, m, _ in everything if name == "alice"])
        assert {name for name, *_ in store.unembedded("m", ("", ""), 99)[0]} == {"bob"}
        assert [name for name, *_ in store.unembedded_facts("m", ("", ""), 9)] == ["alice", "bob"]
        assert store.forget_models("other") == 4
        assert len(store.unembedded("m", ("", ""), 99)[0]) == 8

    def test_entities_in_pages(self, store: Store) -> None:
        names = [f"e{n:02}" for n in range(7)]
        for name in names:
            store.capture([exchange("hi", entity=name)])
        first = store.entities(limit=4)
        assert [*first, *store.entities(first[-1], 4)] == names


def rows_of(store: Store, entity: str) -> list[tuple[str, dict[str, Any]]]:
    """All rows of an entity, as ``insert`` takes them."""
    out: list[tuple[str, dict[str, Any]]] = []
    for table in TABLES:
        after = None
        while rows := store.page(table, entity, after):
            out += [(table, from_json(table, json.loads(json.dumps(to_json(row))))) for row in rows]
            after = key_of(table, rows[-1])
    return out
