"""Made-up turns and questions, the same on every machine: of the length of talk, no two alike."""

from __future__ import annotations

import random
from collections.abc import Iterator

_NAMES = ("Anna", "Ben", "Carla", "David", "Elif", "Farid", "Grete", "Hana", "Ivan", "Jonas", "Katrin", "Leo", "Mira")
_THINGS = ("bicycle", "guitar", "passport", "camera", "umbrella", "tent", "violin", "laptop", "kettle", "telescope")
_PLACES = ("Berlin", "Porto", "Oslo", "Kyoto", "Lima", "Vienna", "Dakar", "Bergen", "Malta", "Quito", "Riga", "Verona")
_DOINGS = ("repaired", "painted", "sold", "bought", "lent", "borrowed", "cleaned", "lost", "found", "packed", "shipped")
_REASONS = ("moving house", "a birthday", "the long weekend", "the wedding", "a course at work", "a bet")


def turns(number: int) -> Iterator[str]:
    """What was said, about 15 words a turn."""
    draw = random.Random(20)
    for n in range(number):
        name, place, thing = draw.choice(_NAMES), draw.choice(_PLACES), draw.choice(_THINGS)
        yield (
            f"In {place} {name} {draw.choice(_DOINGS)} the {thing} number {n} because of {draw.choice(_REASONS)}, "
            f"and {draw.choice(_NAMES)} helped for {draw.randint(2, 90)} minutes."
        )


def questions(number: int) -> Iterator[str]:
    """Each is new to every cache."""
    draw = random.Random(30)
    for n in range(number):
        yield (
            f"Question {n}: who {draw.choice(_DOINGS)} the {draw.choice(_THINGS)} when we were in "
            f"{draw.choice(_PLACES)}, and did {draw.choice(_NAMES)} help?"
        )
