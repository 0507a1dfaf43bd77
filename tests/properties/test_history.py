"""Applications resend their history: whatever they do to it, each live message is stored exactly once.

A model of an application plays random moves; what must have been stored is known from the moves alone.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memori_wrap.ids import new_id
from memori_wrap.rows import align
from memori_wrap.store.connect import connect
from memori_wrap.store.sql import SqlStore
from memori_wrap.types import Exchange, Message, Part, Scope

EXAMPLES = (Message("user", "2 + 2?"), Message("assistant", "4"), Message("user", "3 + 3?"), Message("assistant", "6"))
MOVES = st.lists(
    st.one_of(
        st.sampled_from(["say", "yes", "tool", "regenerate", "edit", "restart", "other process", "summarise", "same"]),
        st.tuples(st.sampled_from(["trim", "branch"]), st.integers(1, 6)),
    ),
    min_size=1,
    max_size=14,
)


class App:
    """An application with a visible history, a store behind it, and a ledger of what was really said."""

    def __init__(self, folder: Path, examples: bool) -> None:
        self.folder = folder
        self.stores = [self.open(), self.open()]
        self.store = self.stores[0]
        self.examples = list(EXAMPLES) if examples else []
        self.history: list[Message] = []
        self.live: Counter[tuple[str, str]] = Counter()
        self.stored: list[Message] = []
        self.stored_before_latest: list[Message] = []
        self.latest: str | None = None
        self.n = 0

    def open(self) -> SqlStore:
        return SqlStore(connect(f"sqlite:///{self.folder}/m.db", self.folder, 5))

    def unique(self, what: str) -> str:
        self.n += 1
        return f"{what} {self.n}"

    def request(self) -> list[Message]:
        return [Message("system", "You are kind."), *self.examples, *self.history]

    def call(self, user: Message) -> None:
        """Sends the history (and a new message of the user), stores the reply."""
        self.count(user)
        self.history.append(user)
        self.answer(Message("assistant", self.unique("reply")))

    def count(self, user: Message) -> None:
        """The user's message is live, unless it is the latest one again, behind nothing that came after that.

        Without anything before it, it is: who sends "hi" alone twice has said it twice.
        """
        before = [m for m in self.request() if m.role != "system"]
        is_known = all(m in self.stored_before_latest for m in before)
        if not (before and is_known and self.latest == user.text):
            self.live["user", user.text] += 1
            self.stored_before_latest = [*self.examples, *self.stored]
            self.stored.append(user)
        self.latest = user.text

    def answer(self, reply: Message) -> None:
        scope, now = Scope("alice", None, "s"), datetime.now(timezone.utc)
        self.store.capture([Exchange(new_id(), scope, tuple(self.request()), (reply,), now)])
        self.history.append(reply)
        self.stored.append(reply)
        self.live[reply.role, reply.text] += 1

    def play(self, move: str | tuple[str, int]) -> None:
        name, n = move if isinstance(move, tuple) else (move, 0)
        if name == "say":
            self.call(Message("user", self.unique("say")))
        elif name == "yes":
            self.call(Message("user", "yes"))
        elif name == "same" and self.history:
            self.call(Message("user", next((m.text for m in self.history if m.role == "user"), "yes")))
        elif name == "tool":
            self.use_tool()
        elif name == "regenerate" and len(self.history) >= 2 and self.history[-1].role == "assistant":
            self.regenerate()
        elif name == "edit":
            self.edit()
        elif name == "trim":
            del self.history[: 2 * n]
        elif name == "branch":
            del self.history[max(0, len(self.history) - 2 * n) :]
        elif name == "summarise" and len(self.history) > 2:
            self.history[:2] = [Message("system", self.unique("summary"))]
        elif name == "restart":
            self.stores = [self.open(), self.open()]
            self.store = self.stores[0]
        elif name == "other process":
            self.store = self.stores[self.store is self.stores[0]]

    def use_tool(self) -> None:
        question = Message("user", self.unique("look up"))
        self.count(question)
        self.history.append(question)
        call = new_id()
        self.answer(Message("assistant", "", parts=(Part("tool_call", "{}", call, "look_up"),)))
        result = Message("tool", self.unique("result"), parts=(Part("tool_result", id=call),))
        self.history.append(result)
        self.stored.append(result)
        self.live["tool", result.text] += 1
        self.latest = None
        self.answer(Message("assistant", self.unique("reply")))

    def regenerate(self) -> None:
        if self.history[-2].role != "user":
            return  # after a tool's result: the same request with the reply left out is a tool loop, not a message
        user = self.history[-2]
        del self.history[-2:]
        self.count(user)
        self.history.append(user)
        self.answer(Message("assistant", self.unique("another attempt")))

    def edit(self) -> None:
        users = [i for i, m in enumerate(self.history) if m.role == "user"]
        if users:
            del self.history[users[-1] :]
            self.call(Message("user", self.unique("edited")))

    def rows(self, origin: str) -> Counter[tuple[str, str]]:
        engine = sa.create_engine(f"sqlite:///{self.folder}/m.db")
        with engine.connect() as conn:
            query = sa.text("select role, text from memori_wrap_conversation_message where origin = :origin")
            return Counter((r.role, r.text) for r in conn.execute(query, {"origin": origin}))


@functools.cache
def template() -> Path:
    """An empty database with its tables: made once, copied for each play."""
    folder = Path(tempfile.mkdtemp())
    SqlStore(connect(f"sqlite:///{folder}/m.db", folder, 5)).close()
    return folder / "m.db"


def play(moves: list[str | tuple[str, int]], examples: bool) -> App:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(template(), Path(folder) / "m.db")
        app = App(Path(folder), examples)
        for move in moves:
            app.play(move)
        app.live = +app.live
        app.stored_live, app.stored_history = app.rows("live"), app.rows("history")  # type: ignore[attr-defined]
        for store in app.stores:
            store.close()
        return app


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MOVES, st.booleans())
def test_each_live_message_is_stored_once(moves: list[str | tuple[str, int]], examples: bool) -> None:
    app = play(moves, examples)
    assert app.stored_live == app.live  # type: ignore[attr-defined]
    shown = {(m.role, m.text): 1 for m in app.examples} if app.live else {}
    assert dict(app.stored_history) == shown  # type: ignore[attr-defined]


def test_examples_are_not_worked_on() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = App(Path(folder), examples=True)
        app.play("say")
        (job,) = app.store.claim("worker", 10)
        assert {m.text for m in job.messages}.isdisjoint(m.text for m in EXAMPLES)


def test_planted_storing_all_that_is_sent_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "memori_wrap.rows.placing.new_messages",
        lambda stored, request, known: [(i, "live") for i in range(len(request))],
    )
    app = play(["say", "say"], examples=False)
    assert app.stored_live != app.live  # type: ignore[attr-defined]


def test_planted_comparing_by_text_alone_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "memori_wrap.rows.placing.new_messages",
        lambda stored, request, known: [(i, "live") for i, (_, mark) in enumerate(request) if mark not in known],
    )
    app = play(["yes", "yes", "yes"], examples=False)
    assert app.stored_live != app.live  # type: ignore[attr-defined]


def test_longest_common_subsequence_is_longest() -> None:
    assert list(align._common("abcbdab", "bdcaba"))[-1][1] <= 5
    assert len(list(align._common("abcbdab", "bdcaba"))) == 4
