"""Faults in the result, in streams, in errors and in raw responses: items 1 to 17, 33, 34, 43."""

from __future__ import annotations

import asyncio
import contextlib

from planting import nothing, plant

from memori_wrap.desk import MemoryDesk
from memori_wrap.intercept import call, drivers, patch, tee, waiting
from memori_wrap.testing.provider_suite import ASYNC, ASYNC_STREAM, SHAPES, STREAM, SYNC
from memori_wrap_adapters.llm import http, openai_chat


@plant(1, test="test_the_result_is_the_bare_clients_and_is_captured_once", shapes=(SYNC, ASYNC))
def captures_twice(monkeypatch):
    before = call.Call.finish
    monkeypatch.setattr(call.Call, "finish", lambda self, result: (before(self, result), before(self, result))[1])


@plant(1, 43, test="test_a_memory_adds_its_block_and_nothing_else", shapes=SHAPES)
@plant(43, test="test_blocks_are_not_remembered")
def captures_after_injection(monkeypatch):
    before = call.Call.inject

    def inject(self, block):
        arguments = before(self, block)
        self._request = self._endpoint.request(arguments)
        return arguments

    monkeypatch.setattr(call.Call, "inject", inject)


@plant(2, test="test_the_stream_is_the_sdks_own_object", shapes=(STREAM,))
def replaces_the_stream(monkeypatch):
    before = patch.driver

    def driver(*where):
        drive = before(*where)
        return lambda *given: (item for item in drive(*given))

    monkeypatch.setattr(patch, "driver", driver)


@plant(2, test="test_chunks_come_as_they_are_sent", shapes=(STREAM,))
def captures_before_the_end(monkeypatch):
    before = tee.StreamTap.feed
    monkeypatch.setattr(tee.StreamTap, "feed", lambda self, chunk: (before(self, chunk), self.end())[0])


@plant(3, test="test_a_full_read_within_with", shapes=(STREAM, ASYNC_STREAM))
@plant(13, shapes=(STREAM, ASYNC_STREAM), variant="stream helper, final only")
@plant(40, test="test_the_event_loop_ends_before_the_stream", shapes=(ASYNC_STREAM,))
@plant(8, test="test_a_cancelled_reader", shapes=(ASYNC_STREAM,))
def forgets_streams(monkeypatch):
    monkeypatch.setattr(tee.StreamTap, "_capture", nothing)
    monkeypatch.setattr(tee.StreamTap, "dropped", nothing)


@plant(4, test="test_a_break_within_with", shapes=(STREAM, ASYNC_STREAM))
@plant(5, test="test_closed_before_the_first_item", shapes=(STREAM, ASYNC_STREAM))
def keeps_the_connection(monkeypatch):
    async def aclose(self):
        self._tap.broken()

    monkeypatch.setattr(http._SyncTee, "close", lambda self: self._tap.end())
    monkeypatch.setattr(http._AsyncTee, "aclose", aclose)


@plant(5, test="test_closed_in_the_middle_and_once_more", shapes=(STREAM,))
@plant(4, 11, test="test_an_exception_within_with", shapes=(STREAM,))
def captures_at_each_close(monkeypatch):
    class Always:
        def acquire(self, blocking=True):
            return True

    before = tee.StreamTap.__init__

    def init(self, *given):
        before(self, *given)
        self._first = Always()

    monkeypatch.setattr(tee.StreamTap, "__init__", init)


@plant(6, test="test_dropped_in_the_middle", shapes=(STREAM, ASYNC_STREAM))
@plant(6, test="test_dropped_unread", shapes=(STREAM, ASYNC_STREAM))
def forgets_dropped_streams(monkeypatch):
    monkeypatch.setattr(tee.StreamTap, "dropped", nothing)
    monkeypatch.setattr(tee.StreamTap, "broken", nothing)


@plant(6, test="test_collected_in_the_middle_of_something_else", shapes=(STREAM,))
def waits_in_a_finaliser(monkeypatch):
    monkeypatch.setattr(tee.StreamTap, "dropped", lambda self: self.end())


@plant(7, test="test_next_by_hand_and_then_a_loop", shapes=(STREAM, ASYNC_STREAM))
def gathers_twice(monkeypatch):
    before = tee.StreamTap.feed
    monkeypatch.setattr(tee.StreamTap, "feed", lambda self, chunk: (before(self, chunk), before(self, chunk))[0])


@plant(8, 36, test="test_a_call_that_is_cancelled_during_recall", shapes=(ASYNC, ASYNC_STREAM))
def swallows_cancellation(monkeypatch):
    async def wait_async(given):
        try:
            return await waiting.wait_async(given)
        except asyncio.CancelledError:
            return None

    monkeypatch.setattr(drivers, "wait_async", wait_async)


@plant(9, test="test_streams_that_break", shapes=(STREAM, ASYNC_STREAM))
@plant(4, test="test_a_break_within_with", shapes=(STREAM,))
def calls_everything_complete(monkeypatch):
    before = openai_chat.Builder.reply

    def reply(self):
        found = before(self)
        return type(found)(found.messages, found.model, found.usage, found.finish_reason, True, found.response_id)

    monkeypatch.setattr(openai_chat.Builder, "reply", reply)


@plant(10, test="test_errors_are_the_providers_own", shapes=SHAPES)
@plant(10, 11, test="test_a_timeout_is_the_providers_own")
@plant(11, test="test_interrupts_pass", shapes=(SYNC, ASYNC))
def wraps_errors(monkeypatch):
    before = call.Call.open

    @contextlib.contextmanager
    def opened(self):
        try:
            with before(self):
                yield
        except BaseException as error:
            raise RuntimeError("the call failed") from error

    monkeypatch.setattr(call.Call, "open", opened)


@plant(10, test="test_retries_are_one_call", shapes=(SYNC, ASYNC_STREAM))
def recalls_twice(monkeypatch):
    before = MemoryDesk.start_recall
    monkeypatch.setattr(MemoryDesk, "start_recall", lambda *given: (before(*given), before(*given))[1])


@plant(12, 34, variant="parse")
@plant(34, variant="schema")
def touches_the_schema(monkeypatch):
    before = openai_chat.inject
    monkeypatch.setattr(
        openai_chat, "inject", lambda body, block: {**before(body, block), "response_format": {"type": "json_object"}}
    )


@plant(33, variant="usage chunk", shapes=(STREAM,))
def asks_for_usage(monkeypatch):
    before = openai_chat.inject
    monkeypatch.setattr(openai_chat, "inject", lambda *given: {**before(*given), "stream_options": None})


@plant(14, variant="raw", shapes=(SYNC, ASYNC))
@plant(15, variant="raw never parsed", shapes=(SYNC,))
@plant(16, variant="raw stream", shapes=(STREAM, ASYNC_STREAM))
@plant(17, variant="streaming response iter_lines", shapes=SHAPES)
@plant(17, variant="streaming response parse", shapes=SHAPES)
def does_not_know_raw_responses(monkeypatch):
    monkeypatch.setattr(http, "response_of", nothing)


@plant(17, variant="streaming response read")
def reads_ahead(monkeypatch):
    before = http.attach

    def attach(result, *given):
        http.response_of(result).read()
        return before(result, *given)

    monkeypatch.setattr(http, "attach", attach)
