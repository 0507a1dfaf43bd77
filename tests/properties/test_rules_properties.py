"""What holds of the rules extractor for any text at all."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memori_wrap.augment.extract.english.grammar import ENGLISH
from memori_wrap.augment.extract.grammar import CATEGORIES, PREDICATES
from memori_wrap.augment.extract.rules import RuleExtractor
from memori_wrap.augment.extract.sentences import MAX_LENGTH, MAX_SENTENCES, plain, sentences
from memori_wrap.types import Fact, StoredMessage

STATEMENTS = (
    "I live in Berlin", "my name is Bob", "I like tea and chess", "I have a dog named Rex", "I work at Siemens",
    "My sister Anna lives in Rome", "I no longer live in Paris", "I'm allergic to nuts", "I plan to visit Rome",
    "My birthday is May 3", "I never eat meat", "remember that my code is 12", "I stopped drinking coffee",
    "I prefer tea to coffee", "I'm a nurse", "My favorite color is blue", "I’m vegan", "I moved to Oslo",
)  # fmt: skip
GLUE = (
    " ", ". ", ", ", " and ", "! ", "\n", "; ", " - ", "? ", " if ", "“", "”", '"', "'", "```", "> ", "<memory-ab>",
    "</memory-ab>", " because ", "…", "😀", "\x00", "\ud800", " said ", "(", ")", "\t", "\u3000", "。", " would ",
)  # fmt: skip
DOUBTS = (
    "Do you think ", "If ", "I wish ", "What if ", "Suppose ", "Imagine ", "She said ", "> ", "```\n", '"', "Should ",
)  # fmt: skip

speech = st.lists(st.sampled_from(STATEMENTS + GLUE) | st.text(max_size=12), max_size=30).map("".join)
any_text = st.text(st.characters(), max_size=400) | speech


def facts(text: str, speaker: str | None = None) -> list[Fact]:
    message = StoredMessage("m", "c", "e", 0, "user", text, datetime.now(timezone.utc), speaker=speaker)
    return [fact for _, fact in RuleExtractor().extract([message])]


@given(any_text, st.none() | st.text(st.characters(), max_size=20))
@settings(max_examples=400, deadline=None)
@example("I like {o} and {s}", "{p}")
def test_any_text_gives_well_formed_facts(text: str, speaker: str | None) -> None:
    for fact in facts(text, speaker):
        assert fact.quote
        assert fact.quote in text
        assert fact.text.strip()
        assert all((fact.triple.subject.strip(), fact.triple.predicate, fact.triple.object.strip()))
        assert fact.triple.predicate in PREDICATES
        assert fact.category in CATEGORIES
        assert 0 < fact.confidence <= 1


@given(speech)
@settings(max_examples=200, deadline=None)
def test_the_same_text_gives_the_same_facts(text: str) -> None:
    assert facts(text) == facts(text)


@given(any_text)
@settings(max_examples=300, deadline=None)
def test_sentences_stand_where_they_say(text: str) -> None:
    for sentence in sentences(text):
        assert text[sentence.start :].startswith(sentence.text)
        assert 0 < len(sentence.text) <= MAX_LENGTH
        assert all(0 <= start < end <= len(sentence.text) for start, end in sentence.quoted)
        plain(sentence)


@given(
    st.sampled_from(STATEMENTS), st.sampled_from(("?", " ?", "?!", "??", "？", ", right?", ", don't you think?", "? "))
)
def test_nothing_from_questions(statement: str, mark: str) -> None:
    assert facts(statement + mark) == []


@given(st.sampled_from(DOUBTS), st.sampled_from(STATEMENTS))
def test_nothing_under_a_doubt(start: str, statement: str) -> None:
    assert facts(start + statement) == []


@given(speech)
@settings(max_examples=100, deadline=None)
def test_nothing_from_what_was_injected(text: str) -> None:
    fence = text.replace("</memory-zz9", "")
    assert facts(f"<memory-zz9>\n{fence}\n</memory-zz9>") == []


def test_work_on_a_message_is_capped() -> None:
    assert len(list(sentences("I like tea. " * 5000))) == MAX_SENTENCES
    assert facts("I like " + "a" * 10_000) == []
    assert facts("I live in Rome. " + "x" * 10_000_000)[0].triple.object == "Rome"


def _repeats() -> list[str]:
    """The words that open something in a pattern, repeated: what makes a careless pattern go back and forth."""
    return [
        *STATEMENTS, *(glue for glue in GLUE if glue.strip()), "I ", "my ", "I really really ", "and I ", "a", " ",
        "I'm a ", "and ", ", ", "i have a a a ", "\"'", "' ", "''", "<memory-", "<memory-a>", "my friend ", "A", "Aa ",
        "I like a, ", "I like a and ", "my favorite a a ", "1", "I will a ", "is my favorite ", "I prefer a to ",
        "remember ", "I don't a ", "my dog, Aa, ", "St.", ".", "...", "’", "I work as a a a a at ", "~~~\n",
        "actually ", "-", "not any more ", "named Aa and Aa ", "the a ", "of the a in ",
    ]  # fmt: skip


@pytest.mark.parametrize("piece", _repeats())
def test_a_megabyte_of_anything_is_quick(piece: str) -> None:
    unbroken = piece * (1_000_000 // len(piece))
    sentence = piece * (580 // len(piece))
    many = (sentence + ".\n") * 1_700
    for text in (unbroken, many):
        start = time.thread_time()
        facts(text)
        assert time.thread_time() - start < 1.5


@pytest.mark.parametrize("piece", _repeats())
def test_no_pattern_is_worse_than_quadratic_in_a_sentence(piece: str) -> None:
    """Every pattern of the grammar, on one sentence of the greatest length, in every way that a rule may begin."""
    body = (piece * MAX_LENGTH)[: MAX_LENGTH - 20]
    for start in ("", "I ", "I'm ", "my ", "I've ", "my dog "):
        text = start + body
        before = time.thread_time()
        for rule in ENGLISH.rules:
            for _ in rule.pattern.finditer(text):
                pass
        assert time.thread_time() - before < 0.25
