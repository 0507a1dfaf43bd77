"""The retriever, signal by signal, on memories of a few turns."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from memori_wrap.errors import ConfigurationError
from memori_wrap.index.flat import FlatIndex
from memori_wrap.protocols import Query
from memori_wrap.retrieve import question, words
from memori_wrap.retrieve.dates import spans
from memori_wrap.retrieve.hybrid import HybridRetriever
from memori_wrap.retrieve.texts import embedding_texts, passages
from memori_wrap.types import Delta, StoredVector
from tests.support.memories import EMBEDDER, START, asked, embedded, fact, told, turn, vectors


@pytest.fixture
def memory() -> HybridRetriever:
    return HybridRetriever(FlatIndex)


def texts(found: object) -> list[str]:
    return [item.text for item in found]  # type: ignore[attr-defined]


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("I have been painting sunrises", "Which paintings of a sunrise?"),
        ("Meine Häuser stehen in Bremen, und der Garten ist groß", "Wo steht das Haus?"),
        ("J'aime les chansons de la mer et je chante", "Quelle chanson aimes-tu ?"),
        ("Моя сестра живёт в Туле и читает книги", "Где живёт сестра?"),
        ("我的同事他是做记者的。", "我同事的工作是什么？"),
        ("東京タワーに行きました", "東京へはいつ？"),
        ("고양이를 좋아해요", "고양이 이름은?"),
        ("ＰＹＴＨＯＮ and ﬁsh", "python fish"),
        ("αγαπώ τα σπίτια", "σπίτι"),
        ("write to li.qiang0807@gzpolice.gov.cn", "whose address is li.qiang0807@gzpolice.gov.cn?"),
        ("it’s Zoë’s birthday", "Zoë's birthday"),
    ],
)
def test_words_are_found_in_every_script(memory: HybridRetriever, said: str, query: str) -> None:
    told(memory, turn("a", "Something else entirely, number 1"), turn("b", said), turn("c", "別の話です 42"))
    assert asked(memory, query)[0].id == "b"


def test_a_single_turn_has_a_positive_score(memory: HybridRetriever) -> None:
    told(memory, turn("a", "My cat is called Tibbles"))
    (found,) = asked(memory, "cat")
    assert found.score > 0
    assert found.sources == ("a",)


def test_nothing_is_returned_for_nothing(memory: HybridRetriever) -> None:
    assert asked(memory, "anything") == []
    told(memory, turn("a", "My cat is called Tibbles"))
    assert asked(memory, "bicycle") == []
    assert asked(memory, "what is the one that was") == []


def test_languages_may_be_mixed(memory: HybridRetriever) -> None:
    german = [turn(f"g{i}", f"Ich habe mir ein rotes Auto Nummer {i} gekauft") for i in range(5)]
    told(memory, *german, turn("a", "My sisters have the keys of the boat"))
    assert asked(memory, "sister boat")[0].id == "a"
    assert asked(memory, "Autos gekauft")[0].id.startswith("g")


def test_terms_have_no_stop_words() -> None:
    assert list(words.terms_of("What is the colour of the bikes?")) == ["colour", "bike"]


# ---------------------------------------------------------------- meaning


def test_a_turn_without_a_vector_is_judged_by_its_words(memory: HybridRetriever) -> None:
    same = "Tibbles sleeps on the sofa"
    told(
        memory,
        turn("with", same, conversation="c1"),
        turn("other", "A boat on the lake", conversation="c2"),
        model=True,
    )
    told(memory, turn("without", same, conversation="c3"))
    found = {item.id: item for item in asked(memory, same, model=True)}
    assert "meaning" not in found["without"].why
    assert found["without"].score == pytest.approx(found["with"].score, rel=0.4)
    assert found["without"].score > found["other"].score


def test_a_vector_may_come_later_or_earlier_than_its_turn(memory: HybridRetriever) -> None:
    message = turn("a", "The boat is blue")
    told(memory)
    memory.apply(Delta("alice", 1, 2, (), (), vectors([message])))
    memory.apply(Delta("alice", 2, 3, [message]))
    (found,) = asked(memory, Query("blue boat", engine="dense"), model=True)
    assert found.why["meaning"] > 0


def test_engines(memory: HybridRetriever) -> None:
    told(memory, turn("a", "The boat is blue"), turn("b", "Bread"), model=True)
    lexical = asked(memory, Query("boat", engine="lexical"), model=True)
    assert [item.id for item in lexical] == ["a"]
    assert not any("meaning" in name for name in lexical[0].why)
    dense = asked(memory, Query("boat", engine="dense"), model=True)
    assert {item.id for item in dense} == {"a", "b"}
    assert "words" not in dense[0].why
    assert asked(memory, Query("boat", engine="dense")) == []
    with pytest.raises(ConfigurationError, match="auto, lexical, dense"):
        asked(memory, Query("boat", engine="psychic"))


def test_the_best_passage_of_a_long_message_counts(memory: HybridRetriever) -> None:
    filler = "The weather was of no interest to anybody at all on that day. " * 30
    long = turn("long", f"{filler} We named the boat Calypso. {filler}")
    assert len(passages(long.text)) > 2
    variants = [variant for _, variant, _ in embedding_texts([long], ())]
    assert variants[:2] == ["text", "text/1"]
    told(memory, long)
    near, far = embedded("boat Calypso"), embedded("weather")
    given = [StoredVector("long", near if variant == "text/1" else far, variant) for variant in variants]
    memory.apply(Delta("alice", 1, 2, (), (), given))
    (found,) = asked(memory, Query("boat Calypso", engine="dense"), model=True)
    told(memory, turn("exact", "boat Calypso", conversation="c2"), model=True)
    exact = {item.id: item.why for item in asked(memory, Query("boat Calypso", engine="dense"), model=True)}["exact"]
    assert found.why["meaning"] == pytest.approx(exact["meaning"], rel=1e-3)


def test_the_focus_has_no_names_and_no_stop_words(memory: HybridRetriever) -> None:
    told(memory, turn("a", "Hello", speaker="Caroline"))
    assert memory.focus("When did Caroline's sister paint the sunrise?") == "sister paint sunrise?"
    assert memory.focus("What was it?") == "What was it?"


# ---------------------------------------------------------------- around, session, speaker, time


def test_a_reply_is_found_by_what_it_answers(memory: HybridRetriever) -> None:
    told(
        memory,
        turn("q", "Do you have any pets?", speaker="Ann"),
        turn("a", "Yes, two of them!", speaker="Bob"),
        turn("z", "Yes, indeed!", speaker="Bob", conversation="c2"),
    )
    found = {item.id: item for item in asked(memory, "Which pets does Bob have?")}
    assert found["a"].why["context"] > 0
    assert "z" not in found
    contexts = [
        text
        for _, variant, text in embedding_texts([turn("a", "Yes", speaker="Bob")], [turn("q", "Pets?", speaker="Ann")])
    ]
    assert contexts == ["Yes", "Pets?\nYes"]


def test_a_long_answer_of_a_machine_does_not_inherit(memory: HybridRetriever) -> None:
    answer = turn("a", "Let me explain this step by step. " * 20, role="assistant")
    assert all(variant != "context" for _, variant, _ in embedding_texts([answer], [turn("q", "Pets?")]))


def test_who_asks_has_told_it_the_machine_repeats(memory: HybridRetriever) -> None:
    told(
        memory,
        turn("machine", "Your budget is 500 euros, so here is a plan. " * 12, role="assistant"),
        turn("user", "My budget for the trip is 500 euros, what do you think of it?"),
    )
    assert asked(memory, "What is my budget?")[0].id == "user"
    named = {item.id: item for item in asked(memory, "What budget plan did you recommend?")}
    assert "long answer" not in named["machine"].why


def test_the_named_speaker_comes_first(memory: HybridRetriever) -> None:
    told(
        memory,
        turn("a", "I went to Rome", speaker="Ann Lee", conversation="c1"),
        turn("b", "I went to Rome", speaker="Bob", conversation="c2"),
    )
    assert asked(memory, "Where did Ann go to, Rome?")[0].id == "a"
    assert asked(memory, "Where did Bob go to, Rome?")[0].id == "b"
    assert {item.id for item in asked(memory, "Bob")} <= {"a", "b"}


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("What did I read on 2 March 2024?", "d1"),
        ("What did I read in April?", "d40"),
        ("What did I read on April 10, 2024?", "d40"),
        ("What did I read yesterday?", "d40"),
        ("What did I read 40 days ago?", "d1"),
        ("我在3月2日读了什么 read?", "d1"),
    ],
)
def test_a_named_time_lifts_what_was_said_then(memory: HybridRetriever, query: str, first: str) -> None:
    told(memory, *(turn(f"d{n}", "I read a book", conversation=f"c{n}", days=n) for n in (1, 20, 40)))
    now = START + timedelta(days=41)
    assert asked(memory, Query(query, now=now))[0].id == first


def test_a_time_alone_is_a_question(memory: HybridRetriever) -> None:
    told(memory, turn("a", "Bread", days=0), turn("b", "Butter", days=30))
    assert [item.id for item in asked(memory, Query("what was it yesterday?", now=START + timedelta(days=31)))] == ["b"]


@pytest.mark.parametrize("query", ["When did the cat come?", "Since what year is the cat here?", "Wann kam die cat?"])
def test_who_asks_when_gets_what_tells_when(memory: HybridRetriever, query: str) -> None:
    told(memory, turn("no", "The cat did come here", conversation="c1"), turn("yes", "The cat did come in 2019"))
    why = {item.id: item.why for item in asked(memory, query)}
    assert why["yes"]["time words"] > 0
    assert "time words" not in why["no"]
    assert not any("time words" in item.why for item in asked(memory, "Where did the cat come from?"))


def test_impossible_dates_are_no_dates() -> None:
    assert spans("on 31 February, or 45 May", START, 0, START.timestamp()) == []
    assert all(start < end for start, end in spans("99 years ago, 0 days ago, 31.13.2024, year 2099", START, 0, 1))


def test_length_and_questions_cost(memory: HybridRetriever) -> None:
    told(memory, turn("long", "tea " + "and so forth it goes " * 60), turn("asks", "tea?"), turn("tells", "tea."))
    found = {item.id: item.why for item in asked(memory, "tea")}
    assert found["long"]["length"] < 0 > found["asks"]["asks"]
    assert not {"length", "asks"} & set(found["tells"])


def test_each_of_two_questions_is_answered(memory: HybridRetriever) -> None:
    told(
        memory,
        turn("cat", "The cat is called Tibbles", conversation="c1"),
        turn("car", "The car is a green Fiat from Turin", conversation="c2"),
        *(turn(f"n{i}", f"The green cat number {i} saw something", conversation=f"n{i}") for i in range(4)),
    )
    assert {item.id for item in asked(memory, Query("What is the cat called? What make is the car?", limit=2))} == {
        "cat",
        "car",
    }


# ---------------------------------------------------------------- facts


def test_a_fact_is_a_key_to_its_turn(memory: HybridRetriever) -> None:
    told(
        memory,
        turn("a", "Yes, I do, every morning."),
        turn("b", "The bicycle is in the cellar."),
        facts=[fact("f", "Alice drinks espresso", "a")],
    )
    (found,) = asked(memory, "espresso")
    assert (found.id, found.kind, found.sources) == ("a", "turn", ("a",))
    assert found.why["fact"] > 0


def test_facts_as_items(memory: HybridRetriever) -> None:
    told(
        memory,
        turn("a", "Yes, I drink espresso"),
        facts=[
            fact("f", "Alice drinks espresso", "a"),
            fact("old", "Alice drinks tea", "a", ended=True),
            fact("lost", "Alice drinks milk", "gone"),
        ],
    )
    drinks = Query("What does Alice drink?", kinds=frozenset({"fact"}))
    assert {item.id for item in asked(memory, drinks)} == {"f", "lost"}
    before = replace(drinks, now=START + timedelta(hours=2))
    assert {item.id for item in asked(memory, before)} == {"f", "lost", "old"}
    # without kinds a fact is an item only where its turn is not remembered
    assert {item.id for item in asked(memory, "What does Alice drink?")} == {"a", "lost"}
    both = asked(memory, Query("What does Alice drink?", kinds=frozenset({"fact", "turn"})))
    assert {item.id for item in both} == {"a", "f", "lost"}


def test_a_fact_that_comes_again_replaces_itself(memory: HybridRetriever) -> None:
    told(memory, turn("a", "One"), turn("b", "Two"), facts=[fact("f", "Alice drinks espresso", "a")])
    told(memory, facts=[fact("f", "Alice drinks matcha", "a", "b")])
    only = frozenset({"fact"})
    assert asked(memory, Query("espresso", kinds=only)) == []
    (found,) = asked(memory, Query("matcha", kinds=only))
    assert found.sources == ("a", "b")
    assert {item.id for item in asked(memory, "matcha")} == {"a", "b"}


def test_a_fact_may_come_before_its_turn(memory: HybridRetriever) -> None:
    told(memory, facts=[fact("f", "Alice drinks espresso", "a")])
    told(memory, turn("a", "Every morning"))
    assert [item.id for item in asked(memory, "espresso")] == ["a"]


# ---------------------------------------------------------------- what is not stored yet


def test_recent_turns_take_part(memory: HybridRetriever) -> None:
    (found,) = asked(memory, "What is my code word?", turn("r", "My code word is heliotrope"))
    assert (found.id, found.sources) == ("r", ("r",))
    told(
        memory,
        *(turn(f"t{i}", f"Plain remark number {i} about my words", conversation=f"c{i}") for i in range(30)),
        model=True,
    )
    first = asked(memory, "What is my code word?", turn("r", "My code word is heliotrope"), model=True)[0]
    assert first.id == "r"
    assert "meaning" not in first.why


def test_recent_turns_that_are_known_come_once(memory: HybridRetriever) -> None:
    told(memory, turn("a", "My code word is heliotrope"))
    again = turn("r", "My code word is heliotrope")
    assert [item.id for item in asked(memory, "code word", again)] == ["a"]
    new = turn("n", "My other code word is azure")
    assert sorted(item.id for item in asked(memory, "code word", new, replace(new, id="m"))) == ["a", "n"]


# ---------------------------------------------------------------- filters and order


def test_filters(memory: HybridRetriever) -> None:
    told(
        memory,
        turn("a", "tea", days=0, conversation="c1", process="p", session="s"),
        turn("b", "tea", days=5, conversation="c2", process="q"),
    )
    recent = turn("r", "tea please", days=9, process="q")
    for query, ids in (
        (Query("tea"), {"a", "b", "r"}),
        (Query("tea", process="p"), {"a"}),
        (Query("tea", process="q"), {"b", "r"}),
        (Query("tea", session="s"), {"a"}),
        (Query("tea", since=START + timedelta(days=1)), {"b", "r"}),
        (Query("tea", until=START + timedelta(days=1)), {"a"}),
        (Query("tea", threshold=100.0), set()),
        (Query("tea", limit=0), set()),
        (Query("tea", kinds=frozenset({"summary"})), set()),
    ):
        assert {item.id for item in asked(memory, query, recent)} == ids, query


def test_equal_scores_are_ordered_by_time_then_id(memory: HybridRetriever) -> None:
    told(
        memory, *(turn(id, "tea", conversation=id, days=days) for id, days in (("b", 1), ("c", 0), ("a", 1), ("d", 2)))
    )
    assert [item.id for item in asked(memory, "tea")] == ["d", "a", "b", "c"]
    assert [item.id for item in asked(memory, Query("tea", limit=2))] == ["d", "a"]


def test_a_large_memory_is_searched_by_candidates(memory: HybridRetriever) -> None:
    many = [
        turn(f"t{i}", f"Remark {i} about topic {i % 50}", conversation=f"c{i // 20}", days=i / 10) for i in range(3000)
    ]
    told(memory, *many, turn("x", "The heliotrope is the flower of Ann", conversation="c1"), model=True)
    found = asked(memory, Query("heliotrope flower", limit=50), model=True)
    assert found[0].id == "x"
    assert len(found) == 50
    only = asked(memory, Query("topic 7", limit=500, since=START + timedelta(days=290)), model=True)
    assert only
    assert all(item.said_at >= START + timedelta(days=290) for item in only)


# ---------------------------------------------------------------- deltas


def test_deltas_follow_each_other(memory: HybridRetriever) -> None:
    told(memory, turn("a", "tea"))
    with pytest.raises(ValueError, match="revision 5"):
        memory.apply(Delta("alice", 5, 6, [turn("b", "milk")]))
    memory.apply(Delta("alice", 1, 2, [turn("a", "tea"), turn("b", "milk")]))
    assert memory.revision == 2
    assert len(asked(memory, "tea")) == 1
    memory.apply(Delta("alice", 0, 7, [turn("c", "coffee")]))
    assert (memory.revision, asked(memory, "tea")) == (7, [])


def test_applying_is_polite() -> None:
    pauses: list[int] = []
    memory = HybridRetriever(FlatIndex, breathe=lambda: pauses.append(1))
    messages = [turn(f"t{i}", "Some words that have to be read, and some more of them. " * 3) for i in range(200)]
    told(memory, *messages, turn("big", "word salad " * 20_000), model=True)
    assert len(pauses) > 120


def test_the_size_grows(memory: HybridRetriever) -> None:
    empty = memory.nbytes()
    told(memory, *(turn(f"t{i}", f"Remark number {i}") for i in range(500)), model=True)
    assert memory.nbytes() - empty > 500 * EMBEDDER.dimension * 4


# ---------------------------------------------------------------- hostile questions


@pytest.mark.parametrize(
    "query",
    [
        "x" * 10_000_000,
        "word salad " * 900_000,
        "字" * 3_000_000,
        "\x00\x00 boat \x00",
        "the of and to",
        "😀😀🎉",
        "\ud800 boat \udfff",
        "boat",
        " \n\t ",
        "'''’’’",
        "١٢٣ ٤",
        "a\u0301" * 5000,
        "." * 100_000,
    ],
    ids=range(13),
)
@pytest.mark.parametrize("model", [True, False])
def test_hostile_questions_are_answered(memory: HybridRetriever, query: str, model: bool) -> None:
    odd = ["", "\x00", "\ud800 lone", "😀", "boat", "字字", "?" * 500]
    told(memory, *(turn(f"t{i}", text) for i, text in enumerate(odd)))
    memory.apply(Delta("alice", 1, 2, (), (), [StoredVector("t4", embedded("boat"))]))
    vector = EMBEDDER.embed([memory.focus(query)[:5000]])[0] if model else None
    found = memory.rank(Query(query), vector, [turn("r", query[:100_000])])
    assert all(np.isfinite(item.score) for item in found)
    assert len(question.cut(query)) <= question.HEAD + question.TAIL + 1
