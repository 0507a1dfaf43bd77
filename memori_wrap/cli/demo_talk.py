"""What is said in the demo, and what is asked afterwards. Data."""

from __future__ import annotations

from dataclasses import dataclass

ENTITY, SPEAKER = "sam", "Sam"
REPLY = "Noted. (scripted)"

STAGES = ("cold", "warm")
"""The rounds of questions: at once, while a model may be loading, and when it is there."""
HEADER = "x-demo-question"
"""Tells the server's record which request belongs to which question and round."""

Turns = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OldSession:
    """A conversation of ``days`` ago: pairs of what Sam and what the assistant said."""

    days: int
    turns: Turns


@dataclass(frozen=True)
class Question:
    """``evidence`` must stand in the memory block of the request, where ``by_meaning`` once a model is loaded."""

    text: str
    evidence: str
    by_meaning: bool = False


OLD_SESSIONS = (
    OldSession(
        118,
        (
            (
                "We adopted a beagle from the shelter and named him Biscuit.",
                "Congratulations! He will want long walks.",
            ),
            ("I moved to Lisbon in spring because of my job at Altamar.", "Lisbon is a fine place to start over."),
            ("Which plants survive on a windy balcony?", "Lavender and thyme do not mind the wind."),
        ),
    ),
    OldSession(
        74,
        (
            (
                "It turns out that I am allergic to cashews: one night in the emergency room.",
                "That sounds frightening.",
            ),
            ("My sister Ines will get married in Porto on June 14th.", "How lovely. Will you give a speech?"),
            ("We cancelled the gym, nobody went there anyway.", "Then that money is better spent elsewhere."),
        ),
    ),
    OldSession(
        29,
        (
            ("I can only fall asleep with the sound of rain playing.", "Many people find that soothing."),
            ("The spare key is under the blue flowerpot.", "I will keep that in mind."),
            ("At work we move from MySQL to PostgreSQL over Christmas.", "Plan a rehearsal before the holidays."),
        ),
    ),
)

TODAY = (
    "My dentist moved the check-up to Thursday at 3 pm.",
    "Somebody stole my bike outside the library last night.",
    "I booked the flight to Oslo for the conference, and got seat 14C.",
)
"""Said through the SDK: a plain call, a streamed one, and one of the Responses API."""

QUESTIONS = (
    Question("What did we name the beagle?", "Biscuit"),
    Question("Which nuts am I allergic to?", "cashews"),
    Question("When is my dentist appointment?", "Thursday at 3 pm"),
    Question("Which seat did I get on the flight to Oslo?", "14C"),
    Question("What helps me at bedtime?", "sound of rain", by_meaning=True),
    Question("Was any of my property taken by a thief?", "stole my bike", by_meaning=True),
)
