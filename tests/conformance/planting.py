"""What a planted fault says about itself: the items, the test of the suite that has to notice it, and its shapes."""

from __future__ import annotations

from dataclasses import dataclass

from openai_dialect import Chat, Responses

from memori_wrap.testing.provider_suite import SYNC, ProviderSuite


class ChatSuite(ProviderSuite):
    __test__ = False
    dialect = Chat()


class ResponsesSuite(ProviderSuite):
    __test__ = False
    dialect = Responses()


@dataclass(frozen=True)
class Plant:
    items: tuple
    fault: object
    test: str
    shapes: tuple
    suite: type = ChatSuite
    variant: str | None = None

    def __str__(self):
        return f"{'_'.join(map(str, self.items))}-{self.fault.__name__}-{self.variant or self.test}".replace(" ", "_")


PLANTS = []


def plant(*items, test="test_variants", shapes=(SYNC,), suite=ChatSuite, variant=None):
    def add(fault):
        PLANTS.append(Plant(items, fault, test, shapes, suite, variant))
        return fault

    return add


def nothing(*_, **__):
    return None
