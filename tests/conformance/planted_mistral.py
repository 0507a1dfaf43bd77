"""Faults in Mistral's adapter."""

from __future__ import annotations

import dataclasses

from mistral_dialect import Agents, Chat
from mistral_kept_dialect import Conversations, Responses
from planting import nothing, plant
from test_mistral import TestChat, TestConversations

from memori_wrap.testing.provider_suite import ASYNC, ASYNC_STREAM, PLAIN, SHAPES, STREAM, STREAMS, SYNC, ProviderSuite
from memori_wrap_adapters.llm import http, mistral_chat, mistral_conversations, openai_responses
from memori_wrap_adapters.llm import mistral as adapter


class MistralChat(TestChat):
    __test__ = False
    dialect = Chat()


class MistralAgents(ProviderSuite):
    __test__ = False
    dialect = Agents()


class MistralConversations(TestConversations):
    __test__ = False
    dialect = Conversations()


class MistralResponses(ProviderSuite):
    __test__ = False
    dialect = Responses()


@plant(1, test="test_the_result_is_the_bare_clients_and_is_captured_once", shapes=SHAPES, suite=MistralAgents)
@plant(30, test="test_a_conversation_that_goes_on", shapes=(SYNC, ASYNC_STREAM), suite=MistralConversations)
@plant(1, test="test_the_result_is_the_bare_clients_and_is_captured_once", shapes=(ASYNC,), suite=MistralResponses)
def hooks_chat_only(monkeypatch):
    monkeypatch.setattr(adapter, "_PARTS", adapter._PARTS[:1])


@plant(1, test="test_the_result_is_the_bare_clients_and_is_captured_once", shapes=STREAMS, suite=MistralChat)
def forgets_the_streams(monkeypatch):
    parts = [(*part[:3], tuple(m for m in part[3] if "stream" not in m)) for part in adapter._PARTS]
    monkeypatch.setattr(adapter, "_PARTS", parts)


@plant(20, test="test_what_was_fetched_before_is_registered_too", shapes=(SYNC, ASYNC), suite=MistralChat)
def takes_each_part_for_a_client(monkeypatch):
    monkeypatch.setattr(adapter.MistralProvider, "subject", lambda _, receiver: receiver)


@plant(25, test="test_messages_in_every_form", shapes=SHAPES, suite=MistralChat)
def reads_an_iterator_and_throws_it_away(monkeypatch):
    before = adapter._body

    def body(arguments):
        copy = adapter.Arguments(arguments.args, dict(arguments.kwargs))
        return before(copy)

    monkeypatch.setattr(adapter, "_body", body)


@plant(25, test="test_objects_are_copied_with_their_fields", shapes=(SYNC, STREAM), suite=MistralChat)
@plant(25, 28, test="test_messages_in_every_form", shapes=(SYNC,), suite=MistralChat)
def changes_the_callers_objects(monkeypatch):
    def with_content(given, content):
        if isinstance(given, dict):
            given["content"] = content
        else:
            given.content = content
        return given

    monkeypatch.setattr(mistral_chat, "_with_content", with_content)


@plant(25, 28, test="test_conversations_of_any_make_up", suite=MistralChat)
def adds_a_message(monkeypatch):
    monkeypatch.setattr(
        mistral_chat,
        "inject",
        lambda body, block: {"messages": [{"role": "system", "content": block + "\n"}, *body["messages"]]},
    )


@plant(26, variant="instructions unset", shapes=(SYNC, STREAM), suite=MistralConversations)
@plant(26, variant="instructions unset", shapes=(SYNC,), suite=MistralResponses)
def takes_a_sentinel_for_something(monkeypatch):
    monkeypatch.setattr(adapter, "_body", lambda arguments: arguments.kwargs)
    for wire in (mistral_conversations, openai_responses):
        monkeypatch.setattr(
            wire, "inject", lambda body, block: {"instructions": f"{body.get('instructions') or 'None'}\n\n{block}"}
        )


@plant(26, 30, variant="an agent", shapes=(SYNC, STREAM), suite=MistralConversations)
@plant(30, test="test_a_conversation_that_goes_on", shapes=(SYNC, ASYNC_STREAM), suite=MistralConversations)
def writes_into_the_kept_conversation(monkeypatch):
    def inject(body, block):
        given = body["inputs"]
        entries = [{"role": "user", "content": given}] if isinstance(given, str) else given
        return {"inputs": [{"role": "user", "content": block}, *entries]}

    monkeypatch.setattr(mistral_conversations, "inject", inject)


@plant(30, test="test_a_conversation_that_goes_on", shapes=(SYNC, STREAM), suite=MistralConversations)
def forgets_which_conversation_it_is(monkeypatch):
    before = mistral_conversations.request
    monkeypatch.setattr(mistral_conversations, "request", lambda body: dataclasses.replace(before(body), previous=None))


@plant(29, 32, test="test_a_tool_turn_is_read", shapes=SHAPES, suite=MistralChat)
@plant(29, 32, test="test_a_tool_result_is_read", shapes=SHAPES, suite=MistralConversations)
@plant(32, variant="tool calls", shapes=(SYNC, STREAM), suite=MistralAgents)
def loses_ids_of_tool_calls(monkeypatch):
    def tool_call(function, call_id):
        return mistral_chat.Part("text")

    monkeypatch.setattr(mistral_chat, "tool_call", tool_call)
    monkeypatch.setattr(mistral_conversations, "tool_call", tool_call)


@plant(32, variant="thinking", shapes=SHAPES, suite=MistralChat)
@plant(32, variant="thinking", shapes=(SYNC, STREAM), suite=MistralConversations)
@plant(32, test="test_what_the_answer_tells_is_captured", shapes=SHAPES, suite=MistralChat)
def takes_thoughts_for_words(monkeypatch):
    def content_of(content, between):
        pieces = content if isinstance(content, list) else [{"text": content}]
        inner = [mistral_chat.items(p, "thinking") or [p] for p in pieces]
        return between.join(mistral_chat.text(p, "text") for ps in inner for p in ps), []

    monkeypatch.setattr(mistral_chat, "content_of", content_of)
    monkeypatch.setattr(mistral_conversations, "content_of", content_of)


@plant(32, variant="n=2", shapes=SHAPES, suite=MistralChat)
def takes_the_first_choice_only(monkeypatch):
    before = mistral_chat.items
    monkeypatch.setattr(mistral_chat, "items", lambda thing, name: before(thing, name)[:1])


@plant(9, 32, variant="failed", shapes=(SYNC, STREAM), suite=MistralChat)
@plant(9, test="test_an_error_event_is_no_end", shapes=STREAMS, suite=MistralConversations)
@plant(4, test="test_a_break_within_with", shapes=(STREAM,), suite=MistralChat)
def calls_everything_complete(monkeypatch):
    for wire in (mistral_chat, mistral_conversations):
        before = wire.Builder.reply
        monkeypatch.setattr(
            wire.Builder, "reply", lambda self, before=before: dataclasses.replace(before(self), complete=True)
        )
    whole = mistral_chat.reply
    monkeypatch.setattr(mistral_chat, "reply", lambda data: dataclasses.replace(whole(data), complete=True))


@plant(3, test="test_a_full_read_within_with", shapes=STREAMS, suite=MistralChat)
@plant(12, 34, variant="parse as a stream", shapes=STREAMS, suite=MistralChat)
def knows_no_streams(monkeypatch):
    monkeypatch.setattr(http, "response_of", nothing)


@plant(37, test="test_the_database_may_freeze", shapes=(STREAM,), suite=MistralChat)
def waits_for_the_end_of_the_body(monkeypatch):
    before = http.attach
    monkeypatch.setattr(http, "attach", lambda *given: before(*given[:4]))


@plant(42, test="test_other_calls_are_left_alone", shapes=PLAIN, suite=MistralChat)
def takes_code_for_a_conversation(monkeypatch):
    parts = [*adapter._PARTS, ("fim", "Fim", adapter._CHAT, ("complete", "stream"))]
    monkeypatch.setattr(adapter, "_PARTS", parts)
    monkeypatch.setitem(adapter._ENDPOINTS, "Fim", adapter._CHAT)
