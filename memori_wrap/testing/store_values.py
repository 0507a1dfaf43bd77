"""Values that every ``Store`` keeps as they are: ids byte for byte, text of any script and size, times of any year."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from memori_wrap.ids import new_id
from memori_wrap.protocols import Store
from memori_wrap.text import clean
from memori_wrap.types import Exchange, Message, Part, Scope

LOOK_ALIKES = [
    "Alice",
    "alice",
    "ALICE",
    "alice ",
    "alice  ",
    " alice",
    "alice\t",
    "alice\u00a0",
    "alice\u200b",
    "álice",
    unicodedata.normalize("NFD", "álice"),
    "ａｌｉｃｅ",
    "аlice",  # a Cyrillic one
    "straße",
    "strasse",
    "STRASSE",
    "I",
    "i",
    "ı",
    "İ",
    "ﬁ",
    "fi",
    "Ω",
    "\u2126",
    "🎉",
    "🎊",
    "👩‍👩‍👧",
    "👩👩👧",
    "e",
    "é",
    "1",
    "01",
    "1.0",
    "null",
    "%",
    "_",
    "\\",
    "'",
    '"',
    "'; drop table memori_wrap_entity; --",
    "x" * 100,
    "x" * 99,
    "🎉" * 100,
    "🎉" * 99,
]
"""Ids that some database or normal form takes for one another; each is somebody else."""

TEXTS = [
    "Übergrößenträger, ça va? Żółć",
    "Привет, мир — Ελληνικά — Հայերեն — ქართული",
    "مرحبا بالعالم — שלום עולם \u202eabc\u202c",
    "नमस्ते दुनिया — வணக்கம் — สวัสดี — မင်္ဂလာပါ",
    "你好世界 — こんにちは — 안녕하세요 — 𠜎𠜱𡿺",
    "👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈 ☕️",
    unicodedata.normalize("NFD", "Ångström é") + unicodedata.normalize("NFC", "Ångström é"),
    "  blanks before and behind, and a line end\r\n\t\n ",
    "quotes ' \" ` ´ and \\ \\\\ \\n \\0 %s %(x)s :name {} $1 ? ?? @a -- /* */ ; \x1a",
    "control \x01\x07\x08\x0b\x1b[31m\x7f\x85\u2028\u2029",
    "edges \ufffd\ufffe\uffff\U0010ffff\ue000",
    "null",
    "0",
    "{}",
    "z\u0300" + "\u0301" * 300,
]

TIMES = [
    datetime(1000, 1, 1, tzinfo=timezone.utc),
    datetime(1900, 2, 28, 23, 59, 59, 999999, tzinfo=timezone.utc),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc),
    datetime(1970, 1, 1, tzinfo=timezone.utc),
    datetime(2001, 9, 9, 1, 46, 40, 1, tzinfo=timezone.utc),
    datetime(2026, 3, 29, 3, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),  # an hour that Berlin lacks
    datetime(2038, 1, 19, 3, 14, 8, 999999, tzinfo=timezone.utc),
    datetime(2106, 2, 7, 6, 28, 17, tzinfo=timezone.utc),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc),
]

LONG = {
    "8 MB of ASCII": "0123456789abcde\n" * 500_000,
    "8 MB of emoji": "🎉🎊👩🏽" * 500_000,
    "8 MB of quotes": "'\"\\\n" * 2_000_000,
}


class ValueTests:
    """A part of ``StoreSuite``."""

    def test_ids_are_compared_byte_for_byte(self, store: Store) -> None:
        """As entities: messages, revisions, jobs, facts and erasure are those of this very id."""
        store.capture([said(f"I am {name!r}", name) for name in LOOK_ALIKES])
        for name in LOOK_ALIKES:
            assert [m.text for m in store.load(name, 0, None).messages] == [f"I am {name!r}"]
            assert store.revision(name) == 1
        claimed = [job.entity for _ in LOOK_ALIKES for job in store.claim("w", 1)]
        assert sorted(claimed) == sorted(LOOK_ALIKES)
        for name in LOOK_ALIKES[::2]:
            assert store.erase(name).messages == 1
        for n, name in enumerate(LOOK_ALIKES):
            assert len(store.load(name, 0, None).messages) == n % 2

    @pytest.mark.parametrize("kind", ["process", "session"])
    def test_other_ids_are_compared_byte_for_byte(self, store: Store, kind: str) -> None:
        for n, name in enumerate(LOOK_ALIKES):
            scope = Scope("alice", name, "s") if kind == "process" else Scope("alice", "p", name)
            store.capture([replace(said(f"note {n}"), scope=scope)])
        messages = store.load("alice", 0, None).messages
        assert {m.text: getattr(m, kind) for m in messages} == {f"note {n}": name for n, name in enumerate(LOOK_ALIKES)}
        assert len({m.conversation for m in messages}) == len(LOOK_ALIKES)

    @pytest.mark.parametrize("text", TEXTS, ids=ascii)
    def test_text_of_any_script(self, store: Store, text: str) -> None:
        parts = (Part("tool_call", text, "id", text[:100]),)
        sent = replace(said(text), reply=(Message("assistant", text, text[:100], parts),), model=text[:100])
        store.capture([sent])
        user, reply = store.load("alice", 0, None).messages
        assert (user.text, reply.text, reply.speaker) == (text, text, text[:100])
        assert reply.parts == parts

    def test_every_character(self, store: Store) -> None:
        """Each of Unicode's, but for what ``clean`` takes out: NUL and lone surrogates."""
        planes = [clean("".join(map(chr, range(start, start + 0x8000))), 10**6) for start in range(0, 0x30000, 0x8000)]
        assert "\0" not in planes[0]
        store.capture([said(text, session=str(n)) for n, text in enumerate(planes)])
        assert sorted(m.text for m in store.load("alice", 0, None).messages) == sorted(planes)

    @pytest.mark.parametrize("text", LONG.values(), ids=LONG)
    def test_long_text(self, store: Store, text: str) -> None:
        store.capture([said(text)])
        (found,) = store.load("alice", 0, None).messages
        assert found.text == text

    def test_too_long_is_cut_and_not_refused(self, store: Store) -> None:
        """Past what a statement of the database may hold: stored with a mark, or whole, and always the same."""
        text = "é'" * 6_000_000
        store.capture([said(text), said("more", session="t")])
        messages = {m.session: m.text for m in store.load("alice", 0, None).messages}
        assert messages["t"] == "more"
        kept = messages["s"].partition(" […")[0]
        assert text.startswith(kept)
        assert len(kept) > 5_000_000
        assert kept == text or messages["s"].endswith("characters left out]")

    def test_times_to_the_microsecond(self, store: Store) -> None:
        for n, at in enumerate(TIMES):
            store.capture([replace(said(f"note {n}", session=str(n)), said_at=at)])
        found = {m.text: m.said_at for m in store.load("alice", 0, None).messages}
        assert found == {f"note {n}": at for n, at in enumerate(TIMES)}
        assert all(at.utcoffset() == timedelta(0) for at in found.values())


def said(text: str, entity: str = "alice", session: str = "s") -> Exchange:
    """One message without a reply."""
    now = datetime(2026, 5, 31, tzinfo=timezone.utc)
    return Exchange(new_id(), Scope(entity, None, session), (Message("user", text),), (), now, resent=False)
