"""The suite that every ``Store`` passes. Subclass it and give a ``store`` fixture::

class TestMine(StoreSuite):
    @pytest.fixture
    def store(self): ...
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import numpy as np

from memori_wrap.ids import message_id, new_id
from memori_wrap.protocols import Store
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


class StoreSuite:
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
