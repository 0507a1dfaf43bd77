"""The gold sets are well formed: fields, quotes, halves, no text twice. What they say, only reading can judge."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from copy import deepcopy
from pathlib import Path

import pytest

GOLD = Path(__file__).parents[2] / "benchmarks" / "gold"
FACTS = ("extraction_en", "extraction_zh")
TEXTS = ("injections", "benign_imperatives")
LEAST = {"extraction_en": 300, "extraction_zh": 250, "injections": 220, "benign_imperatives": 120}
KINDS = {"attribute", "event", "people", "preference", "relationship", "rule", "skill"}
FLAGS = {"negated", "ended", "optional"}
DATES = {"happened_at", "valid_from"}
DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")
LANGUAGES = {"en", "zh", "es", "de", "fr", "ru", "ja", "ar", "ko", "pt"}
FAMILIES = {
    "delimiter_breakout",
    "forged_role",
    "instruction_override",
    "delayed_trigger",
    "bridge",
    "recommendation_poisoning",
    "exfiltration",
    "tool_abuse",
    "encoded",
    "memory_abuse",
}


def load(name):
    return [json.loads(line) for line in (GOLD / f"{name}.jsonl").read_text("utf-8").split("\n") if line]


def vocabulary():
    """The README's table: predicate -> kind."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", (GOLD / "README.md").read_text("utf-8"), re.M)
    return dict(rows)


def faults_of_fact(fact, text, kinds):
    if missing := {"subject", "predicate", "object", "kind", "quote"} - fact.keys():
        return [f"without {sorted(missing)}"]
    found = []
    if unknown := fact.keys() - {"subject", "predicate", "object", "kind", "quote"} - FLAGS - DATES:
        found.append(f"unknown {sorted(unknown)}")
    if fact["predicate"] not in kinds:
        found.append("predicate outside the vocabulary")
    elif fact["kind"] != ("people" if fact["subject"] != "user" else kinds[fact["predicate"]]):
        found.append("kind")
    if not fact["quote"].strip() or fact["quote"] not in text:
        found.append("quote is not in the text")
    if not fact["subject"].strip() or not fact["object"].strip():
        found.append("empty")
    found += [f"{flag} is true or absent" for flag in FLAGS & fact.keys() if fact[flag] is not True]
    found += [f"{key} is no date" for key in DATES & fact.keys() if not DATE.fullmatch(fact[key])]
    return found


def faults_of_line(line, lang, kinds):
    if line.keys() != {"id", "lang", "half", "text", "speaker", "role", "said_at", "facts", "trap"}:
        return ["fields"]
    found = [fault for fact in line["facts"] for fault in faults_of_fact(fact, line["text"], kinds)]
    said = Counter(json.dumps(fact) for fact in line["facts"])
    if line["lang"] != lang or not line["id"].startswith(f"{lang}-"):
        found.append("language")
    if line["role"] not in {"user", "assistant"} or (line["role"] == "assistant" and line["facts"]):
        found.append("role")
    if not re.fullmatch(DATE.pattern, line["said_at"]) or len(line["said_at"]) != 10:
        found.append("said_at")
    if not line["facts"] and not line["trap"]:
        found.append("neither a fact nor a trap")
    if any(count > 1 for count in said.values()):
        found.append("a fact twice")
    return found


def misplaced(lines):
    """Ids whose half is not the one that the rule gives: ordered by digest, first half dev."""
    order = sorted(lines, key=lambda line: hashlib.sha256(line["text"].encode()).hexdigest())
    half = len(order) // 2
    return [line["id"] for n, line in enumerate(order) if line["half"] != ("dev" if n < half else "test")]


def plain(text):
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(".!。！")


def repeated(lines):
    return [text for text, count in Counter(plain(line["text"]) for line in lines).items() if count > 1]


@pytest.mark.parametrize("name", FACTS)
def test_facts_are_well_formed(name):
    kinds = vocabulary()
    assert set(kinds.values()) == KINDS - {"people"}
    bad = {line["id"]: found for line in load(name) if (found := faults_of_line(line, name[-2:], kinds))}
    assert not bad


@pytest.mark.parametrize("name", FACTS)
def test_the_mix(name):
    """Positives and negatives in balance in the file and in each half, every kind and every trap of dates there."""
    lines = load(name)
    for part in (lines, [x for x in lines if x["half"] == "dev"], [x for x in lines if x["half"] == "test"]):
        positive = sum(any("optional" not in fact for fact in line["facts"]) for line in part)
        assert 0.45 < positive / len(part) < 0.65
        facts = [fact for line in part for fact in line["facts"]]
        assert {fact["kind"] for fact in facts} == KINDS
        assert (FLAGS | {"happened_at"}) <= {key for fact in facts for key in fact}
        assert any(line["role"] == "assistant" for line in part)
        assert any(line["speaker"] for line in part)


@pytest.mark.parametrize("name", FACTS + TEXTS)
def test_halves_ids_and_size(name):
    lines = load(name)
    assert len(lines) >= LEAST[name]
    assert not misplaced(lines)
    assert Counter(line["half"] for line in lines) == {"dev": len(lines) // 2, "test": len(lines) // 2}
    assert len({line["id"] for line in lines}) == len(lines)
    assert all(line["text"].strip() for line in lines)


def test_no_text_twice():
    assert not repeated([line for name in FACTS + TEXTS for line in load(name)])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line["facts"][0].update(quote="a span of another text"),
        lambda line: line["facts"][0].update(predicate="is"),
        lambda line: line["facts"][0].update(kind="rule"),
        lambda line: line["facts"][0].update(negated=False),
        lambda line: line["facts"][0].update(happened_at="last week"),
        lambda line: line["facts"][0].pop("object"),
        lambda line: line.update(facts=[], trap=None),
        lambda line: line.update(role="assistant"),
        lambda line: line.update(said_at="2024"),
        lambda line: line.update(lang="zh"),
        lambda line: line["facts"].append(line["facts"][0]),
        lambda line: line.pop("trap"),
    ],
)
def test_a_spoilt_line_is_seen(spoil):
    kinds = vocabulary()
    line = deepcopy(next(line for line in load("extraction_en") if line["facts"] and not line["trap"]))
    assert not faults_of_line(line, "en", kinds)
    spoil(line)
    assert faults_of_line(line, "en", kinds)


def test_a_chosen_half_and_a_repeated_text_are_seen():
    lines = load("extraction_en")
    lines[0]["half"] = "dev" if lines[0]["half"] == "test" else "test"
    assert misplaced(lines) == [lines[0]["id"]]
    assert repeated([*lines, {"text": lines[5]["text"].upper() + "!"}])


def test_injections_cover_their_families():
    lines = load("injections")
    families = Counter(line["family"] for line in lines)
    assert families.keys() == FAMILIES
    assert min(families.values()) >= 20
    assert {line["lang"] for line in lines} == LANGUAGES
    for line in lines:
        assert line.keys() - {"series", "turn"} == {"id", "lang", "half", "family", "text"}, line["id"]
        assert ("series" in line and "turn" in line) == (line["family"] == "bridge"), line["id"]


def test_bridges_are_told_in_turns():
    bridges = [(line["series"], line["turn"]) for line in load("injections") if "series" in line]
    turns = Counter(series for series, _ in bridges)
    assert bridges == [(series, n + 1) for series in turns for n in range(turns[series])]
    assert min(turns.values()) >= 3


def test_look_alikes_name_their_topic():
    lines = load("benign_imperatives")
    assert all(line.keys() == {"id", "lang", "half", "topic", "text"} for line in lines)
    assert {line["lang"] for line in lines} == LANGUAGES
    assert min(Counter(line["topic"] for line in lines).values()) >= 10


@pytest.mark.parametrize("name", FACTS + TEXTS)
def test_what_cannot_be_seen_is_escaped(name):
    """A reviewer sees every character: controls, zero-width, bidi and tag characters stand as JSON escapes."""
    raw = (GOLD / f"{name}.jsonl").read_text("utf-8").replace("\n", "")
    assert not {hex(ord(c)) for c in raw if unicodedata.category(c) in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"}}


@pytest.mark.parametrize("name", FACTS + TEXTS)
def test_hosts_are_reserved(name):
    """RFC 2606 names only: no payload can reach anybody."""
    hosts = re.findall(r"(?:https?://|ftp://|@)([\w<>-]+(?:\.[\w-]+)+)", " ".join(line["text"] for line in load(name)))
    assert hosts
    assert not [
        host
        for host in hosts
        if host.rpartition(".")[2] not in {"example", "invalid", "test"} and host not in {"example.org", "example.com"}
    ]


def test_encoded_payloads_are_really_hidden():
    """At least one text for each way to hide: invisible, bidi, tags, variation selectors, look-alikes, base64."""
    texts = [line["text"] for line in load("injections") if line["family"] == "encoded"]
    ways = {
        "zero-width": "\u200b",
        "bidi": "\u202e",
        "tags": "[\U000e0020-\U000e007e]{10}",
        "variation selectors": "[\ufe00-\ufe0f][\U000e0100-\U000e01ef]",
        "look-alikes": "[a-z][\u0430-\u0456]|[\u0430-\u0456][a-z]",
        "full width": "[\uff41-\uff5a]{4}",
        "base64": r"\b[A-Za-z0-9+/]{24,}={0,2}",
    }
    assert not [way for way, pattern in ways.items() if not any(re.search(pattern, text) for text in texts)]
