"""The rules extractor: what it reads, what it leaves alone, and how well on its gold file.

The gold file is a regression set, not a measurement: all of it was used to mend the grammar. Its first 231 lines were
written before the grammar, the rest in batches that were scored once before anything was mended for them.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from memori_wrap.augment.extract.english.grammar import ENGLISH
from memori_wrap.augment.extract.grammar import CATEGORIES, ENDS, PREDICATES, SINGLE_VALUED, closes, words_of
from memori_wrap.augment.extract.rules import RuleExtractor
from memori_wrap.protocols import Extractor
from memori_wrap.text import fold
from memori_wrap.types import Fact, Origin, StoredMessage, Triple

GOLD = Path(__file__).parents[1] / "data" / "rules_gold_en.jsonl"
Key = tuple[str, str, str, bool]


def said(text: str, speaker: str | None = None, role: str = "user", origin: Origin = "live") -> StoredMessage:
    return StoredMessage("m1", "c", "e", 0, role, text, datetime.now(timezone.utc), speaker=speaker, origin=origin)


def facts(text: str, speaker: str | None = None) -> list[Fact]:
    return [fact for _, fact in RuleExtractor().extract([said(text, speaker)])]


def triples(text: str) -> list[tuple[str, str, str]]:
    return [(fact.triple.subject, fact.triple.predicate, fact.triple.object) for fact in facts(text)]


def key(subject: str, predicate: str, thing: str, ends: bool) -> Key:
    return fold(subject), predicate, fold(thing), ends


def test_gold() -> None:
    right = wrong = missed = 0
    failures: list[str] = []
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        want = {key(*fact, False) for fact in case["facts"]} | {key(*fact, True) for fact in case["ends"]}
        got = {key(f.triple.subject, f.triple.predicate, f.triple.object, f.ends) for f in facts(case["text"])}
        right, wrong, missed = right + len(got & want), wrong + len(got - want), missed + len(want - got)
        if got != want:
            failures.append(f"{case['text']!r}: extra {sorted(got - want)}, missed {sorted(want - got)}")
    precision, recall = right / (right + wrong), right / (right + missed)
    report = f"precision {precision:.3f}, recall {recall:.3f}\n" + "\n".join(failures)
    print(report)
    assert precision >= 0.95, report
    assert recall >= 0.7, report


def test_it_is_an_extractor() -> None:
    extractor: Extractor = RuleExtractor()
    assert [message for message, _ in extractor.extract([said("I live in Oslo.")])] == ["m1"]


def test_subject_and_text() -> None:
    named, unnamed = facts("I live in Oslo.", "Caroline")[0], facts("I live in Oslo.")[0]
    assert (named.text, named.triple) == ("Caroline lives in Oslo", Triple("Caroline", "lives_in", "Oslo"))
    assert (unnamed.text, unnamed.triple) == ("The user lives in Oslo", Triple("user", "lives_in", "Oslo"))
    assert facts("I live in Oslo.", "user")[0] == unnamed
    assert facts("I live in Oslo.", "{o} {x}")[0].text == "{o} {x} lives in Oslo"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I no longer live in Oslo.", "The user no longer lives in Oslo"),
        ("I'm no longer a vegetarian.", "The user is no longer vegetarian"),
        ("I'm planning to visit my aunt in May.", "The user plans to visit their aunt in May"),
        ("I never fly on Fridays.", "The user never flies on Fridays"),
        ("I love to run.", "The user likes running"),
        ("My sister Anna no longer works at IBM.", "The user's sister Anna no longer works at IBM"),
        ("Remember that I am in room 12.", "The user asks to remember that they are in room 12"),
    ],
)
def test_texts_are_grammatical(text: str, told: str) -> None:
    assert told in [fact.text for fact in facts(text)]


@pytest.mark.parametrize(
    ("role", "origin"), [("assistant", "live"), ("tool", "live"), ("system", "live"), ("user", "history")]
)
def test_only_live_user_messages(role: str, origin: Origin) -> None:
    assert RuleExtractor().extract([said("I live in Oslo.", role=role, origin=origin)]) == []


def test_quotes_are_whole_sentences_verbatim() -> None:
    text = "Hi  there!\n\n- I’m  vegan  😀 and I live in\tOslo… My dog Rex barks."
    found = facts(text)
    assert {fact.triple.predicate for fact in found} == {"is", "lives_in", "named"}
    assert all(fact.quote in text for fact in found)


@pytest.mark.parametrize(
    "text",
    [
        "> I live in Oslo\nThanks",
        "```\nI live in Oslo\n```",
        "~~~\nI live in Oslo\n~~~",
        "see ```I live in Oslo",
        "<memory-a1b2>\nI live in Oslo\n</memory-zz>\nI have a dog\n</memory-a1b2>",
        "<memory-a1b2 about='x'>I live in Oslo",
        "“I live in Oslo. I love jazz,” he read.",
        "Translate to German:\n\nI live in Oslo.\n\nI have a dog.",
        "Imagine you are me. I live in Oslo. I have a dog.",
        "Remember that my password is I love tea",
    ],
)
def test_other_peoples_words(text: str) -> None:
    assert triples(text) == []


def test_own_words_around_other_peoples() -> None:
    code, block = "```\nI live in Rome\n```", "<memory-x1>I have a cat</memory-x1>"
    text = f"I live in Oslo.\n{code}\nI'm vegan.\n{block} I have a dog.\n> I love tea"
    assert triples(text) == [("user", "lives_in", "Oslo"), ("user", "is", "vegan"), ("user", "has", "dog")]


def test_a_fact_is_given_once_a_message() -> None:
    assert len(facts("I live in Oslo. Yes, I live in Oslo.")) == 1
    assert len(RuleExtractor().extract([said("I live in Oslo."), said("I live in Oslo.")])) == 2


def test_closes() -> None:
    def ends(text: str, known: str) -> bool:
        ending = next(fact for fact in facts(text) if fact.ends)
        return any(closes(ending.triple, fact.triple) for fact in facts(known))

    assert ends("I no longer live in Paris", "I live in Paris, France.")
    assert ends("I stopped drinking coffee.", "I drink coffee every day")
    assert ends("I stopped drinking coffee.", "I love coffee.")
    assert ends("I don't like jazz any more.", "I like Jazz!")
    assert ends("I sold my car.", "I have a car.")
    assert ends("I quit smoking.", "I smoke.")
    assert not ends("I no longer live in Paris", "I live in Rome")
    assert not ends("I no longer live in Paris", "I work at Paris")
    assert not ends("I don't like coffee any more.", "I drink coffee every day")
    assert not closes(Triple("user", "likes", "tea"), Triple("user", "likes", "tea ceremonies"))
    assert not closes(Triple("user", "lives_in", "Rome"), Triple("user's sister", "lives_in", "Rome"))


def test_the_vocabulary_is_closed() -> None:
    for rule in (*ENGLISH.rules, ENGLISH.note_rule):
        assert rule.predicate in PREDICATES, rule.id
        assert rule.category in CATEGORIES, rule.id
        assert 0 < rule.confidence <= 1
        assert set(rule.pattern.groupindex) - {"o"} | {rule.kind} <= set(ENGLISH.readers), rule.id
    ids = [rule.id for rule in ENGLISH.rules]
    assert len(ids) == len(set(ids))
    assert set(PREDICATES) >= SINGLE_VALUED | set(ENDS) | frozenset().union(*ENDS.values())
    assert {rule.predicate for rule in (*ENGLISH.rules, ENGLISH.note_rule)} == set(PREDICATES)


RARER = (
    "I go by Ace.", "I'm fluent in German.", "My native language is Polish.", "My time zone is UTC+2.",
    "I live at 12 Main Street.", "I come from Wales.", "My employer is Siemens.", "I'm working as a nurse.",
    "I've been a teacher for ten years.", "I became a nurse.", "I got a new job as a chef.", "I'm working in finance.",
    "I got laid off from Intel.", "My major is physics.", "I bought a telescope stand.", "I'm dating Kim.",
    "I no longer date Kim.", "My brother moved to Oslo.", "My mom works as a nurse.", "My son hates broccoli.",
    "I prefer to work alone.", "I started playing chess.", "I go running.", "I started surfing.", "I smoke.",
    "I'm planning on visiting Rome.", "I'm 1.85 m tall.", "I ski.", "I was diagnosed with Pompe.", "I'm on warfarin.",
)  # fmt: skip


CASES = [
    json.loads(line)["text"] for line in (GOLD.parent / "rules_cases.jsonl").read_text(encoding="utf-8").splitlines()
]


def test_every_rule_fires() -> None:
    """A rule whose cues never let it through would be dead."""
    texts = [json.loads(line)["text"] for line in GOLD.read_text(encoding="utf-8").splitlines()]
    fired = {fact.rule for text in (*texts, *RARER, *CASES) for fact in facts(text) if fact.rule.startswith("en.")}
    assert {rule.id for rule in (*ENGLISH.rules, ENGLISH.note_rule)} == fired


def test_a_hundred_words_are_cheap() -> None:
    text = "Thanks for that. I live in Berlin with my dog Rex, and I love hiking in the mountains near the city. " * 5
    extractor = RuleExtractor()
    extractor.extract([said(text)])
    best = min(_spent(extractor, text) for _ in range(10))
    assert best < 0.004  # measured: 1 ms for these hundred words full of facts, 0.45 ms for a hundred of LoCoMo's


def _spent(extractor: RuleExtractor, text: str) -> float:
    start = time.thread_time()
    extractor.extract([said(text)])
    return time.thread_time() - start


def test_the_shortcuts_leave_nothing_out() -> None:
    """``doubts`` and ``reports`` are the words without which the slow patterns cannot match."""
    for case in [
        "I'd",
        "we'd",
        "wouldn't",
        "let's say",
        "not sure",
        "don't think",
        "in my novel",
        "as though",
        "in case",
    ]:
        assert ENGLISH.hypothetical.search(case)
        assert not words_of(case).isdisjoint(ENGLISH.doubts), case
    for word in ENGLISH.reports - {"was", "were", "according"}:
        assert ENGLISH.reported_before.search(f"she {word} "), word
