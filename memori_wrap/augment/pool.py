"""The worker threads: claim jobs by lease, augment them, commit facts and "done" together, fenced.

A lease whose heartbeat counter has stood still for the lease time, on the claimer's own monotonic clock, is
taken over; no wall clock decides.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence

from memori_wrap.augment.pipeline import Pipeline
from memori_wrap.counts import Counts
from memori_wrap.embedding import Closing
from memori_wrap.errors import StoreError
from memori_wrap.ids import new_id
from memori_wrap.protocols import Store
from memori_wrap.types import Delta, Job

log = logging.getLogger(__name__)

BATCH = 16
POLL = 2.0
"""Seconds between looks for jobs that nobody announced: other processes' leavings and delayed ones."""


class Pool:
    """``notify`` says that there may be work; ``stored`` is told what was committed."""

    def __init__(
        self,
        store: Store,
        pipeline: Pipeline,
        counts: Counts,
        stored: Callable[[Sequence[Delta]], None],
        *,
        size: int,
        lease: float,
        max_attempts: int,
    ) -> None:
        self._store, self._pipeline, self._counts, self._stored = store, pipeline, counts, stored
        self._size, self._lease, self._max_attempts = size, lease, max_attempts
        self._work = threading.Condition()
        self._news = 0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._held: set[str] = set()
        self._seen: dict[str, tuple[int, float]] = {}
        self._name = new_id()

    @property
    def is_running(self) -> bool:
        return bool(self._threads)

    def start(self) -> None:
        with self._work:
            if self._threads or not self._size or self._stop.is_set():
                return
            self._threads = [
                threading.Thread(target=self._run, name=f"memori-augment-{n}", daemon=True) for n in range(self._size)
            ]
            self._threads.append(threading.Thread(target=self._beat, name="memori-heartbeat", daemon=True))
        for thread in self._threads:
            thread.start()

    def notify(self) -> None:
        with self._work:
            self._news += 1
            self._work.notify()

    def stop(self) -> None:
        """No further batch is begun."""
        self._stop.set()
        with self._work:
            self._work.notify_all()

    def join(self, deadline: float) -> None:
        """Until the threads have ended or ``deadline`` (monotonic seconds); leases left over run out by themselves."""
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        seen = -1
        while not self._stop.is_set():
            with self._work:
                if self._news == seen:
                    self._work.wait(POLL * random.uniform(0.5, 1.5))  # jitter
                seen = self._news
            try:
                while not self._stop.is_set() and (not self._pipeline.is_ready(0.1) or self.run_once()):
                    pass
            except Closing:
                return
            except StoreError as error:
                self._counts.add("store_errors")
                log.debug("no jobs: %s", error)
                self._stop.wait(POLL)
            except BaseException as error:  # the thread goes on, whatever it met
                self._counts.add("failed.augment")
                self._counts.once("augment", "memori_wrap: augmentation failed (%s)", type(error).__name__)
                log.debug("augmentation failed", exc_info=True)
                self._stop.wait(POLL)

    def run_once(self) -> bool:
        """Works off one batch; False where there was none."""
        jobs = self._store.claim(self._name, BATCH, self._stale())
        if not jobs:
            return False
        leases = {job.lease for job in jobs}
        self._held |= leases
        try:
            outcome = self._pipeline.run(jobs, self._stop.is_set)
            deltas = self._store.complete(outcome.done, outcome.model)
            for job, error in outcome.failed:
                self._give_back(job, error)
        except BaseException as error:
            for job in jobs:
                with self._counts.guard("augment"):
                    self._give_back(job, error)
            raise
        finally:
            self._held -= leases
        self._counts.add("augmented", len(outcome.done))
        self._stored(deltas)
        return True

    def _give_back(self, job: Job, error: BaseException) -> None:
        if isinstance(error, Closing):
            self._store.fail(job, "", 0.0)
            return
        # a database that is away or busy says nothing about the job, nor does a worker that was killed
        is_dead = job.attempts >= self._max_attempts and not (isinstance(error, StoreError) and error.transient)
        delay = None if is_dead else min(60.0, 0.5 * 2**job.attempts) * random.uniform(0.5, 1.5)
        self._store.fail(job, f"{type(error).__name__}: {error}", delay)
        self._counts.add("dead" if is_dead else "retried")
        if is_dead:
            self._counts.once("dead", "memori_wrap: an exchange could not be augmented (%s)", type(error).__name__)

    def _stale(self) -> list[str]:
        """Leases that gave no sign of life for the lease time, as far as this process has watched them."""
        now = time.monotonic()
        beats = self._store.leases()
        self._seen = {
            lease: self._seen[lease] if self._seen.get(lease, (None,))[0] == beat else (beat, now)
            for lease, beat in beats.items()
            if lease not in self._held
        }
        return [lease for lease, (_, since) in self._seen.items() if now - since >= self._lease]

    def _beat(self) -> None:
        while not self._stop.wait(self._lease / 4):
            if held := list(self._held):
                try:
                    self._store.heartbeat(held)
                except BaseException as error:  # this thread goes on, too
                    self._counts.failed("heartbeat", error)
