"""Single sentences, English and Chinese: the fact that the rules read in them, or that there is none.

Written by those who wrote the rules; what they are worth on others' words, ``scripts/bench extract`` says.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from benchmarks.extract import LANGUAGES, Count, measure
from memori_wrap.augment.extract.chinese.grammar import CHINESE
from memori_wrap.augment.extract.grammar import CATEGORIES, PREDICATES
from memori_wrap.augment.extract.rules import RuleExtractor
from memori_wrap.augment.extract.sentences import MAX_LENGTH
from memori_wrap.text import fold
from memori_wrap.types import Fact, StoredMessage

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "rules_cases.jsonl").read_text("utf-8").splitlines()
]


def facts(text: str, role: str = "user") -> list[Fact]:
    message = StoredMessage("m", "c", "e", 0, role, text, datetime.now(timezone.utc))
    return [fact for _, fact in RuleExtractor().extract([message])]


@pytest.mark.parametrize("language", LANGUAGES)
def test_cases(language: str) -> None:
    failures: list[str] = []
    for case in (case for case in CASES if case["lang"] == language):
        found = facts(case["text"])
        got = [(fact.triple.predicate, fold(fact.triple.object)) for fact in found]
        right = not got
        if case["predicate"]:
            right = any(p == case["predicate"] and fold(case["object"]) in thing for p, thing in got)
        if not right or any(fact.quote not in case["text"] for fact in found):
            failures.append(f"{case['text']}: {got}")
    assert not failures


def test_the_language_is_chosen_by_the_sentence() -> None:
    found = facts("I live in Oslo. 我养了一只橘猫。 My sister is a nurse. 我不吃香菜。")
    assert [fact.rule[:2] for fact in found] == ["en", "en", "zh", "zh"]


def test_a_subject_is_carried_on_and_no_further() -> None:
    assert [fact.triple.subject for fact in facts("我妻子是医生，会说日语。")] == ["user的妻子"] * 2
    assert {fact.triple.subject for fact in facts("My sister Ana lives in Rome and she teaches maths.")} > {
        "user's sister Ana"
    }
    assert facts("天气真好，住在北京。") == []
    assert facts("她病了，在杭州工作。") == []


@pytest.mark.parametrize("role", ["assistant", "system", "tool"])
def test_nothing_of_other_roles(role: str) -> None:
    assert facts("我住在北京。", role) == []


@pytest.mark.parametrize(
    "text",
    [
        "> 我住在北京",
        "```\n我住在北京\n```",
        "<memory-a1>我住在北京</memory-a1>",
        "“我住在北京”",
        "翻译：我住在北京。",
        "他说我住在北京。",
        "我住在北京吗？",
    ],
)
def test_nothing_of_others_words(text: str) -> None:
    assert facts(text) == []


def test_the_chinese_vocabulary_is_closed() -> None:
    ids = [rule.id for rule in CHINESE.rules]
    assert len(ids) == len(set(ids))
    for rule in (*CHINESE.rules, CHINESE.note_rule):
        assert rule.predicate in PREDICATES, rule.id
        assert rule.category in CATEGORIES, rule.id
        assert set(rule.pattern.groupindex) - {"o"} | {rule.kind} <= set(CHINESE.readers), rule.id


@pytest.mark.parametrize(
    "piece", ["我", "我是", "我在", "今年", "的", "我有一个", "是我妈妈的", "，我", "昨天我", "一"]
)
def test_no_chinese_pattern_is_worse_than_quadratic_in_a_sentence(piece: str) -> None:
    text = (piece * MAX_LENGTH)[:MAX_LENGTH]
    before = time.thread_time()
    for rule in CHINESE.rules:
        for _ in rule.pattern.finditer(text):
            pass
    assert time.thread_time() - before < 0.5


@pytest.mark.parametrize(("language", "recall"), [("en", 0.7), ("zh", 0.6)])
def test_the_half_that_the_rules_were_made_with(language: str, recall: float) -> None:
    total = Count()
    for _, line in measure(language, "dev", RuleExtractor()):
        for count in line.counts.values():
            total.said, total.right = total.said + count.said, total.right + count.right
            total.wanted, total.found = total.wanted + count.wanted, total.found + count.found
    assert total.right >= 0.95 * total.said
    assert total.found >= recall * total.wanted
