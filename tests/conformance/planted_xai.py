"""Faults in xAI's adapter, and in the driver for asynchronous generator functions."""

from __future__ import annotations

import copy
import dataclasses

from planting import plant
from test_xai import TestXai

from memori_wrap.intercept import drivers, waiting
from memori_wrap.testing.provider_suite import ASYNC, ASYNC_STREAM, PLAIN, SHAPES, STREAM, STREAMS, SYNC
from memori_wrap.types import Message
from memori_wrap_adapters.llm import xai as adapter


class XaiSuite(TestXai):
    __test__ = False


def planted(*items, **more):
    return plant(*items, suite=XaiSuite, **more)


def _content(block):
    from xai_sdk.proto import chat_pb2

    return chat_pb2.Content(text=f"{block}\n\n")


# ---------------------------------------------------------------- where the block goes


@planted(24, 25, shapes=SHAPES, variant="the chat stays as it was")
@planted(25, 43, test="test_a_chat_over_many_turns_never_holds_a_block", shapes=SHAPES)
@planted(45, test="test_spans_tell_what_they_told", shapes=(SYNC, ASYNC_STREAM))
def writes_on_the_callers_chat(monkeypatch):
    def inject(self, arguments, block):
        messages = arguments.args[0]._proto.messages
        messages[adapter._place(messages)].content.insert(0, _content(block))
        return adapter.Arguments((*arguments.args,), arguments.kwargs)

    monkeypatch.setattr(adapter._Chat, "inject", inject)


@planted(12, 34, test="test_parse_writes_its_schema_on_the_callers_chat", shapes=PLAIN)
@planted(25, test="test_what_is_appended_before_a_stream_is_read_is_sent", shapes=(STREAM,))
@planted(45, test="test_spans_tell_what_they_told", shapes=SHAPES)
def copies_the_chat(monkeypatch):
    def inject(self, arguments, block):
        chat = copy.copy(arguments.args[0])
        chat._proto = type(chat._proto).FromString(chat._proto.SerializeToString())
        chat._proto.messages[adapter._place(chat._proto.messages)].content.insert(0, _content(block))
        return adapter.Arguments((chat, *arguments.args[1:]), arguments.kwargs)

    monkeypatch.setattr(adapter._Chat, "inject", inject)


@planted(18, test="test_a_chat_of_the_users_own_class", shapes=SHAPES)
def copies_the_chats_attributes(monkeypatch):
    before = adapter._Chat.inject

    def inject(self, arguments, block):
        given = before(self, arguments, block)
        given.args[0].__dict__ = dict(given.args[0].__dict__)
        return given

    monkeypatch.setattr(adapter._Chat, "inject", inject)


@planted(1, 43, test="test_a_memory_adds_its_block_and_nothing_else", shapes=SHAPES)
@planted(25, 28, test="test_conversations_of_any_make_up")
def adds_a_message(monkeypatch):
    def carrier(kind):
        def make_request(self, n):
            request = kind._make_request(self, n)
            request.messages.add(role=3, content=[self._memory_block])
            return request

        return type(kind.__name__, (kind,), {"__slots__": ("_memory_block",), "_make_request": make_request})

    monkeypatch.setattr(adapter, "_carrier", carrier)


@planted(30, test="test_nothing_piles_up_in_a_kept_conversation", shapes=SHAPES)
@planted(29, 30, test="test_a_tool_loop_over_a_kept_conversation_keeps_its_block", shapes=(SYNC, ASYNC_STREAM))
def writes_into_the_kept_conversation(monkeypatch):
    before = adapter._Chat.inject

    def inject(self, arguments, block):
        chat = arguments.args[0]
        kept, chat._proto.store_messages = chat._proto.store_messages, False
        try:
            return before(self, arguments, block)
        finally:
            chat._proto.store_messages = kept

    monkeypatch.setattr(adapter._Chat, "inject", inject)


@planted(30, test="test_a_branch_that_is_not_stored_has_its_block", shapes=SHAPES)
def takes_every_continued_conversation_for_kept(monkeypatch):
    before = adapter._Chat.inject

    def inject(self, arguments, block):
        return None if arguments.args[0]._proto.previous_response_id else before(self, arguments, block)

    monkeypatch.setattr(adapter._Chat, "inject", inject)


@planted(25, 28, test="test_conversations_of_any_make_up", shapes=SHAPES)
def takes_an_empty_message_for_a_place(monkeypatch):
    def place(messages):
        return next((i for i in range(len(messages) - 1, -1, -1) if adapter._word(messages[i], "role") == "user"), None)

    monkeypatch.setattr(adapter, "_place", place)


@planted(28, test="test_messages_in_every_form", shapes=(SYNC, STREAM))
def loses_images(monkeypatch):
    before = adapter._place

    def place(messages):
        at = before(messages)
        if at is not None and len(messages[at].content) > 1:
            del messages[at].content[:1]
        return at

    monkeypatch.setattr(adapter, "_place", place)


# ---------------------------------------------------------------- who is registered, what is hooked


@planted(20, test="test_what_was_fetched_before_is_registered_too", shapes=PLAIN)
@planted(20, test="test_a_chat_outlives_its_client", shapes=SHAPES)
def registers_the_client_alone(monkeypatch):
    monkeypatch.setattr(adapter.XaiProvider, "subject", lambda self, receiver: receiver)


@planted(20, test="test_chats_of_another_client_are_left_alone", shapes=SHAPES)
def registers_all_clients(monkeypatch):
    class Everyone:
        pass

    everyone = Everyone()
    monkeypatch.setattr(adapter.XaiProvider, "subject", lambda self, receiver: everyone)


@planted(12, 34, shapes=PLAIN, variant="parse")
@planted(1, shapes=PLAIN, variant="defer")
@planted(32, shapes=PLAIN, variant="n=2")
@planted(32, shapes=PLAIN, variant="n=2 deferred")
@planted(32, shapes=STREAMS, variant="n=2 stream")
def hooks_the_usual_methods_only(monkeypatch):
    monkeypatch.setattr(adapter, "_METHODS", ("sample", "stream"))


@planted(44, test="test_an_unknown_shape_goes_through_with_one_warning", shapes=SHAPES)
def takes_everything_for_a_request(monkeypatch):
    monkeypatch.setattr(adapter, "_is", lambda proto, name: True)


@planted(24, test="test_a_stream_lets_go_of_its_chat_and_client", shapes=SHAPES)
def holds_the_chat(monkeypatch):
    kept = []
    before = adapter._Chat.__init__
    monkeypatch.setattr(adapter._Chat, "__init__", lambda *given: (kept.append(given), before(*given))[1])


# ---------------------------------------------------------------- streams


@planted(1, test="test_the_result_is_the_bare_clients_and_is_captured_once", shapes=STREAMS)
@planted(6, test="test_dropped_in_the_middle", shapes=STREAMS)
@planted(8, test="test_a_cancelled_reader", shapes=(ASYNC_STREAM,))
def forgets_streams(monkeypatch):
    for name in ("tee", "atee"):
        monkeypatch.setattr(adapter, name, lambda result, tap: (tap.void(), result)[1])


@planted(9, test="test_streams_that_break", shapes=STREAMS)
@planted(4, test="test_a_break_within_with", shapes=STREAMS)
def calls_everything_complete(monkeypatch):
    before = adapter._Builder.reply
    monkeypatch.setattr(adapter._Builder, "reply", lambda self: dataclasses.replace(before(self), complete=True))


@planted(32, 33, shapes=STREAMS, variant="usage")
def forgets_the_last_chunk(monkeypatch):
    before = adapter._Builder.reply

    def reply(self):
        self._last = None
        return before(self)

    monkeypatch.setattr(adapter._Builder, "reply", reply)


@planted(7, test="test_chunks_that_their_reader_changes", shapes=STREAMS)
def reads_chunks_at_the_end(monkeypatch):
    feed, reply = adapter._Builder.feed, adapter._Builder.reply
    kept = []

    def at_the_end(self):
        for chunk in kept:
            feed(self, chunk)
        return reply(self)

    monkeypatch.setattr(adapter._Builder, "feed", lambda self, chunk: kept.append(chunk))
    monkeypatch.setattr(adapter._Builder, "reply", at_the_end)


@planted(38, test="test_the_event_loop_goes_on_during_recall_and_capture", shapes=(ASYNC, ASYNC_STREAM))
def holds_the_event_loop(monkeypatch):
    async def wait_async(given):
        return waiting.wait(given)

    monkeypatch.setattr(drivers, "wait_async", wait_async)


@planted(2, test="test_the_stream_is_the_sdks_own_object", shapes=(ASYNC_STREAM,))
@planted(1, test="test_the_result_is_the_bare_clients_and_is_captured_once", shapes=(ASYNC_STREAM,))
def takes_a_generator_function_for_a_coroutine_function(monkeypatch):
    monkeypatch.setattr(drivers, "_async_stream", drivers._async_call)


@planted(10, test="test_a_prompt_that_is_too_long_with_its_block_goes_without", shapes=SHAPES)
def insists_on_the_block(monkeypatch):
    from memori_wrap.intercept import call

    monkeypatch.setattr(call, "is_too_long", lambda error: False)


@planted(45, test="test_another_patcher_below_sees_the_call_with_its_block", shapes=SHAPES)
def leaves_other_patchers_out(monkeypatch):
    def bound(point, wrapped, receiver, given):
        return wrapped.__func__.__get__(given.args[0]), given.args[1:]

    monkeypatch.setattr(drivers, "_bound", bound)


# ---------------------------------------------------------------- what is captured


@planted(32, shapes=SHAPES, variant="tool calls")
@planted(29, test="test_calls_and_results_are_captured_with_their_ids", shapes=SHAPES)
def loses_tool_calls(monkeypatch):
    monkeypatch.setattr(adapter, "_calls", lambda calls: iter(()))


@planted(29, test="test_calls_and_results_are_captured_with_their_ids", shapes=(SYNC, STREAM))
@planted(32, shapes=(SYNC, STREAM), variant="tools of xAI")
def loses_results(monkeypatch):
    monkeypatch.setattr(adapter, "_result", lambda said, *_, **__: Message("tool", said))


@planted(29, test="test_a_tool_loop_keeps_its_block", shapes=SHAPES)
def takes_results_for_the_users_words(monkeypatch):
    before = adapter._result

    def result(*given):
        return dataclasses.replace(before(*given), role="user")

    monkeypatch.setattr(adapter, "_result", result)


@planted(32, test="test_a_call_that_is_told_of_twice_is_one", shapes=STREAMS)
def counts_each_state_of_a_call(monkeypatch):
    class Each(dict):
        def __setitem__(self, key, value):
            super().__setitem__((key, len(self)), value)

    before = adapter._Output.__init__

    def init(self, *given):
        before(self, *given[:1])
        self._calls = Each()
        if given[1:]:
            self.add(*given)

    monkeypatch.setattr(adapter._Output, "__init__", init)


@planted(32, shapes=PLAIN, variant="n=2")
@planted(32, shapes=STREAMS, variant="n=2 stream")
@planted(32, shapes=SHAPES, variant="tools of xAI")
def takes_the_first_output_only(monkeypatch):
    before = adapter._reply
    monkeypatch.setattr(adapter, "_reply", lambda outputs, *given: before(outputs[:1], *given))


@planted(32, shapes=SHAPES, variant="a picture")
def keeps_pictures(monkeypatch):
    monkeypatch.setattr(adapter, "_result", lambda said, call, *_: Message("tool", said, None, ()))


@planted(32, shapes=(SYNC, STREAM), variant="reasoning")
@planted(32, test="test_what_is_sealed_is_told_by_its_name", shapes=(SYNC, STREAM))
def loses_thoughts(monkeypatch):
    monkeypatch.setattr(adapter, "_thoughts", lambda *_: ())


@planted(25, test="test_a_conversation_made_small_keeps_its_seal", shapes=(SYNC,))
def takes_what_was_made_small_for_the_users_words(monkeypatch):
    before = adapter._asked
    monkeypatch.setattr(
        adapter, "_asked", lambda m: dataclasses.replace(before(m), role="user") if m.encrypted_content else before(m)
    )
