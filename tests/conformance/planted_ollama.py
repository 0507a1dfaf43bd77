"""Faults in Ollama's adapter."""

from __future__ import annotations

import dataclasses

from ollama_dialect import Chat, Generate
from planting import nothing, plant
from test_ollama import TestChat, TestGenerate

from memori_wrap import generators
from memori_wrap.intercept import call
from memori_wrap.testing.provider_suite import ASYNC, ASYNC_STREAM, PLAIN, SHAPES, STREAM, STREAMS, SYNC
from memori_wrap_adapters.llm import ollama as adapter


class OllamaChat(TestChat):
    __test__ = False
    dialect = Chat()


class OllamaGenerate(TestGenerate):
    __test__ = False
    dialect = Generate()


@plant(25, 28, test="test_messages_in_every_form", shapes=(SYNC, STREAM), suite=OllamaChat)
@plant(1, 43, test="test_a_memory_adds_its_block_and_nothing_else", shapes=SHAPES, suite=OllamaChat)
def loses_fields_of_the_last_message(monkeypatch):
    before = adapter._with

    def changed(arguments, changes):
        messages = [{k: m[k] for k in ("role", "content") if k in m} for m in changes.get("messages", ())]
        return before(arguments, {"messages": messages[-1:], "keep_alive": 1})

    monkeypatch.setattr(adapter, "_with", changed)


@plant(25, 28, test="test_conversations_of_any_make_up", suite=OllamaChat)
def adds_a_message(monkeypatch):
    def inject(self, arguments, block):
        messages = [*arguments.kwargs["json"]["messages"], {"role": "system", "content": block + "\n"}]
        return adapter._with(arguments, {"messages": messages})

    monkeypatch.setattr(adapter._Chat, "inject", inject)


@plant(25, test="test_messages_in_every_form", shapes=SHAPES, suite=OllamaGenerate)
@plant(1, test="test_the_result_is_the_bare_clients_and_is_captured_once", shapes=SHAPES, suite=OllamaGenerate)
def takes_no_prompt_for_talk(monkeypatch):
    monkeypatch.setattr(adapter, "_is_talk", lambda _: False)


@plant(42, test="test_other_calls_are_left_alone", shapes=PLAIN, suite=OllamaChat)
@plant(42, test="test_other_calls_are_left_alone", shapes=PLAIN, suite=OllamaGenerate)
def takes_every_prompt_for_talk(monkeypatch):
    monkeypatch.setattr(adapter, "_is_talk", lambda _: True)


@plant(42, test="test_other_calls_are_left_alone", shapes=PLAIN, suite=OllamaChat)
def takes_a_load_for_talk(monkeypatch):
    monkeypatch.setattr(adapter, "_given", lambda *_: True)


@plant(42, test="test_progress_is_the_sdks_own_generator", shapes=PLAIN, suite=OllamaChat)
def taps_every_stream(monkeypatch):
    monkeypatch.setattr(adapter.OllamaProvider, "endpoint", lambda *_: adapter._CHAT)
    monkeypatch.setattr(adapter._Chat, "request", lambda *_: call.Request(()))


@plant(30, test="test_a_kept_context_holds_one_block_at_most", shapes=SHAPES, suite=OllamaGenerate)
@plant(30, variant="a context", shapes=(SYNC,), suite=OllamaGenerate)
def piles_up_in_the_context(monkeypatch):
    def inject(self, arguments, block):
        return adapter._with(arguments, {"prompt": f"{block}\n\n{arguments.kwargs['json']['prompt']}"})

    monkeypatch.setattr(adapter._Generate, "inject", inject)


@plant(36, test="test_the_block_is_not_what_makes_a_prompt_too_long", shapes=(SYNC,), suite=OllamaChat)
@plant(36, variant="a short window", shapes=(SYNC,), suite=OllamaGenerate)
def overlooks_the_window(monkeypatch):
    monkeypatch.setattr(adapter, "_fits", lambda *_: True)


@plant(29, 32, test="test_a_tool_turn_is_read", shapes=SHAPES, suite=OllamaChat)
@plant(32, variant="thinking, words and a tool call", shapes=SHAPES, suite=OllamaChat)
@plant(32, test="test_what_the_answer_tells_is_captured", shapes=SHAPES, suite=OllamaChat)
@plant(26, 32, test="test_the_request_is_read", shapes=SHAPES, suite=OllamaGenerate)
def loses_parts(monkeypatch):
    before = adapter._message
    monkeypatch.setattr(adapter, "_message", lambda m: dataclasses.replace(before(m), parts=()))


@plant(29, test="test_a_tool_turn_is_read", shapes=(SYNC,), suite=OllamaChat)
def takes_a_result_for_the_users_word(monkeypatch):
    before = adapter._message

    def message(m):
        made = before(m)
        return dataclasses.replace(made, role="user") if made.role == "tool" else made

    monkeypatch.setattr(adapter, "_message", message)


@plant(32, variant="usage", shapes=SHAPES, suite=OllamaChat)
def loses_the_counts(monkeypatch):
    monkeypatch.setattr(adapter, "numbers", lambda *_: {})


@plant(4, test="test_a_break_within_with", shapes=STREAMS, suite=OllamaChat)
@plant(9, test="test_streams_that_break", shapes=STREAMS, suite=OllamaGenerate)
def calls_everything_complete(monkeypatch):
    before = adapter._Builder.reply
    monkeypatch.setattr(
        adapter._Builder, "reply", lambda self: dataclasses.replace(before(self), complete=True, finish_reason="stop")
    )


@plant(2, 3, test="test_a_full_read_within_with", shapes=STREAMS, suite=OllamaChat)
@plant(6, test="test_dropped_unread", shapes=STREAMS, suite=OllamaGenerate)
def knows_no_streams(monkeypatch):
    monkeypatch.setattr(adapter, "_attach", nothing)


@plant(2, test="test_the_stream_is_the_sdks_own_object", shapes=STREAMS, suite=OllamaChat)
def gives_an_iterator(monkeypatch):
    monkeypatch.setattr(adapter, "tee", lambda inner, tap: iter(list(generators.tee(inner, tap))))

    class Items:
        def __init__(self, inner, tap):
            self._inner = generators.atee(inner, tap)

        def __aiter__(self):
            return self._inner

    monkeypatch.setattr(adapter, "atee", Items)


@plant(21, test="test_a_client_inside_a_client_is_one_call", shapes=STREAMS, suite=OllamaChat)
def forgets_whose_step_it_is(monkeypatch):
    monkeypatch.setattr(call.Call, "_tap", lambda self, builder: call.StreamTap(builder, self._capture, self._desk))


@plant(18, test="test_what_was_fetched_before_is_registered_too", shapes=(SYNC, ASYNC), suite=OllamaChat)
def hooks_the_instance(monkeypatch):
    before = adapter.OllamaProvider.patch_points

    def points(self, client):
        for point in before(self, client):
            owner = type("Other", (point.owner,), {"_request": vars(point.owner)["_request"]})
            yield dataclasses.replace(point, owner=owner)

    monkeypatch.setattr(adapter.OllamaProvider, "patch_points", points)


@plant(8, test="test_a_cancelled_reader", shapes=(ASYNC_STREAM,), suite=OllamaChat)
def forgets_cancelled_streams(monkeypatch):
    monkeypatch.setattr(call.StreamTap, "broken", call.StreamTap.void)
