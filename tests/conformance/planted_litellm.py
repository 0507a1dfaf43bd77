"""Faults in litellm's adapter: where it is hooked, its streams, its markers, what stands beneath it."""

from __future__ import annotations

import copy

import wrapt
from litellm_dialect import Chat, Handled, Responses
from litellm_suite import ChatSuite as OverOpenAI
from litellm_suite import LiteLLMSuite
from planting import nothing, plant

from memori_wrap.intercept import call, patch
from memori_wrap.testing.provider_suite import ASYNC, ASYNC_STREAM, SHAPES, STREAMS, SYNC
from memori_wrap_adapters.llm import http, litellm, litellm_streams, openai_chat


class ChatSuite(OverOpenAI):
    dialect = Chat()


class HandledSuite(LiteLLMSuite):
    dialect = Handled()


class ResponsesSuite(LiteLLMSuite):
    dialect = Responses()


RESULT = "test_the_result_is_the_bare_clients_and_is_captured_once"


@plant(1, test=RESULT, suite=ChatSuite, shapes=(ASYNC, ASYNC_STREAM))
@plant(1, test=RESULT, suite=ResponsesSuite, shapes=(ASYNC, ASYNC_STREAM))
def forgets_the_asynchronous_functions(monkeypatch):
    before = litellm.LiteLLMProvider.patch_points
    monkeypatch.setattr(
        litellm.LiteLLMProvider, "patch_points", lambda *given: [p for p in before(*given) if not p.is_async]
    )


@plant(1, variant="by position", suite=ChatSuite, shapes=(SYNC,))
@plant(1, variant="by position", suite=ResponsesSuite, shapes=(SYNC,))
def reads_names_only(monkeypatch):
    before = litellm._given

    def given(arguments, names):
        return before(litellm.Arguments((), arguments.kwargs), names)

    monkeypatch.setattr(litellm, "_given", given)


@plant(2, test="test_the_stream_is_the_sdks_own_object", suite=ChatSuite, shapes=STREAMS)
def replaces_the_stream(monkeypatch):
    before = litellm_streams.attach
    monkeypatch.setattr(litellm_streams, "attach", lambda result, tap: wrapt.ObjectProxy(before(result, tap)))


@plant(3, test="test_a_full_read_within_with", suite=ChatSuite, shapes=STREAMS)
@plant(6, test="test_dropped_unread", suite=HandledSuite, shapes=STREAMS)
@plant(7, test="test_next_by_hand_and_then_a_loop", suite=HandledSuite, shapes=STREAMS)
def taps_nothing(monkeypatch):
    monkeypatch.setattr(litellm_streams, "_tapped", lambda stream, tap, builder: (tap.void(), stream)[1])


@plant(1, variant="mock_response", suite=ChatSuite, shapes=STREAMS)
def waits_for_a_finish_reason(monkeypatch):
    monkeypatch.setattr(litellm_streams._Tapped, "is_over", lambda self: self._builder.reply().complete)


@plant(2, test="test_chunks_come_as_they_are_sent", suite=HandledSuite, shapes=STREAMS)
def does_not_see_the_farewell(monkeypatch):
    monkeypatch.setattr(litellm_streams._Tapped, "is_farewell", lambda *_: False)


@plant(4, test="test_a_break_within_with", suite=ChatSuite, shapes=STREAMS)
@plant(9, test="test_streams_that_break", suite=ChatSuite, shapes=STREAMS)
def calls_everything_complete(monkeypatch):
    monkeypatch.setattr(litellm_streams._Chunks, "is_finished", lambda self: True)


@plant(33, variant="usage chunk", suite=ChatSuite, shapes=STREAMS)
def ends_at_the_finish_reason(monkeypatch):
    monkeypatch.setattr(litellm_streams._Tapped, "is_farewell", lambda self, item: self._builder.is_finished())


@plant(4, test="test_a_break_within_with", suite=ChatSuite, shapes=STREAMS)
def keeps_the_connection(monkeypatch):
    monkeypatch.setattr(litellm_streams._Tapped, "_closing", lambda self, close: self._tap.end)


@plant(30, test="test_nothing_piles_up_in_a_kept_conversation", suite=ResponsesSuite, shapes=(SYNC,))
def injects_into_the_input(monkeypatch):
    def inject(given, block):
        return {"input": [{"role": "user", "content": block}, *given["input"]]}

    monkeypatch.setattr(litellm.openai_responses, "inject", inject)


@plant(17, test=RESULT, suite=ResponsesSuite, shapes=STREAMS)
def does_not_know_responses_streams(monkeypatch):
    monkeypatch.setattr(http, "attach", nothing)


@plant(20, test="test_what_was_fetched_before_is_registered_too", suite=ChatSuite, shapes=SHAPES)
def hooks_nothing(monkeypatch):
    monkeypatch.setattr(patch, "_hook", nothing)


@plant(23, test="test_copy_and_pickle_do_what_they_do", suite=ChatSuite, shapes=(SYNC,))
def cannot_be_copied(monkeypatch):
    monkeypatch.setattr(patch, "_Function", wrapt.FunctionWrapper)


@plant(22, test="test_unregister_restores_the_class", suite=ChatSuite, shapes=(SYNC,))
def leaves_its_hooks(monkeypatch):
    monkeypatch.setattr(patch, "_unhook", nothing)


@plant(25, test="test_messages_in_every_form", suite=ChatSuite, shapes=(SYNC,))
def changes_the_callers_messages(monkeypatch):
    before = openai_chat.inject

    def inject(body, block):
        changes = before(body, block)
        body["messages"][:] = copy.deepcopy(changes["messages"])
        return changes

    monkeypatch.setattr(litellm, "_plain", lambda messages: messages)
    monkeypatch.setattr(openai_chat, "inject", inject)


@plant(21, test="test_a_client_beneath_is_one_call", suite=ChatSuite, shapes=SHAPES)
def does_not_know_its_own_block(monkeypatch):
    before = call._user_turn
    monkeypatch.setattr(call, "_user_turn", lambda messages, block=None: before(messages))
