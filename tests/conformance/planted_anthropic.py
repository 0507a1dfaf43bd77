"""Faults in Anthropic's adapter, and in what it shares with OpenAI's."""

from __future__ import annotations

import dataclasses

import anthropic
import test_anthropic
import test_anthropic_cache as cache
import test_anthropic_clients as clients
from anthropic_dialect import Messages
from planting import plant

from memori_wrap import Memori
from memori_wrap.testing.anthropic_server import FakeAnthropic
from memori_wrap.testing.provider_suite import ASYNC, ASYNC_STREAM, PLAIN, SHAPES, STREAM, STREAMS, SYNC
from memori_wrap_adapters.llm import anthropic as adapter
from memori_wrap_adapters.llm import anthropic_cache, anthropic_messages, http, stainless
from memori_wrap_adapters.llm.fields import text


class MessagesSuite(test_anthropic.TestMessages):
    __test__ = False


class BetaSuite(test_anthropic.TestBeta):
    __test__ = False


class BedrockSuite(test_anthropic.TestBedrock):
    __test__ = False


class Alone:
    """Tests beside the suite, with the surroundings that pytest gives them."""

    dialect = Messages()

    def play(self, test, *arguments):
        memory = Memori("memory://", embedder="none", extractor="none", settings={"recall_budget": 10.0})
        with FakeAnthropic("Noted.") as server, memory as mem:
            mem.add("My canary is called Lumen-7, eats seed and sings at dawn.", entity="ada")
            test(server, mem, *arguments)

    def the_cache_sees_no_block(self, _):
        for scheme in cache.SCHEMES:
            self.play(cache.test_the_cache_sees_no_block, scheme)

    def a_tool_loop_sends_the_same_bytes(self, _):
        self.play(cache.test_a_tool_loop_sends_the_same_bytes, cache.no_marker)

    def results_come_first(self, _):
        self.play(cache.test_results_come_first)

    def the_automatic_marker(self, _):
        self.play(cache.test_the_automatic_marker_becomes_one_of_the_callers_block)

    def where_there_is_no_place(self, _):
        for scheme in (cache.four, cache.prefilled, cache.another_time, cache.blank):
            self.play(cache.test_where_there_is_no_place, scheme, True)

    def tracing(self, shape):
        kind = anthropic.AsyncAnthropic if shape.is_async else anthropic.Anthropic
        self.play(clients.test_the_sdks_own_tracing_sees_the_stream, kind)

    def elapsed(self, _):
        self.play(clients.test_the_time_that_a_stream_took_is_known)

    def labels(self, _):
        clients.test_who_answers()


# ---------------------------------------------------------------- the place of the block


@plant(27, test="the_cache_sees_no_block", suite=Alone)
@plant(29, test="results_come_first", suite=Alone)
@plant(25, 29, suite=MessagesSuite, variant="results and words")
def puts_it_first(monkeypatch):
    def first(message, block):
        content = message["content"]
        if isinstance(content, str):
            return {**message, "content": f"{block}\n\n{content}"}
        return {**message, "content": [{"type": "text", "text": block}, *content]}

    monkeypatch.setattr(anthropic_cache, "_with_block", first)


@plant(27, test="the_cache_sees_no_block", suite=Alone)
def puts_it_into_the_system_prompt(monkeypatch):
    def inject(body, block):
        return {"system": [*body["system"], {"type": "text", "text": block}]}

    monkeypatch.setattr(anthropic_messages, "inject", inject)


@plant(27, test="the_cache_sees_no_block", suite=Alone)
@plant(27, suite=MessagesSuite, variant="marked behind")
def overlooks_markers_below(monkeypatch):
    def place(messages):
        users = [n for n, m in enumerate(messages) if m["role"] == "user" and not anthropic_cache._is_results(m)]
        return users[-1] if users else None

    monkeypatch.setattr(anthropic_cache, "_place", place)


@plant(27, test="the_cache_sees_no_block", suite=Alone)
def overlooks_markers_within(monkeypatch):
    monkeypatch.setattr(anthropic_cache, "INNER", ())


@plant(29, test="a_tool_loop_sends_the_same_bytes", suite=Alone)
def follows_the_tool_loop(monkeypatch):
    def place(messages):
        return max(n for n, m in enumerate(messages) if m["role"] == "user")

    monkeypatch.setattr(anthropic_cache, "_place", place)


@plant(27, test="the_cache_sees_no_block", suite=Alone)
@plant(27, test="the_automatic_marker", suite=Alone)
def overlooks_the_automatic_marker(monkeypatch):
    before = anthropic_cache.inject
    monkeypatch.setattr(
        anthropic_messages, "inject", lambda body, block: before({**body, "cache_control": None}, block)
    )


@plant(27, test="the_automatic_marker", suite=Alone)
@plant(27, test="the_cache_sees_no_block", suite=Alone)
def forgets_the_time_to_live(monkeypatch):
    before = anthropic_cache._marked_last
    monkeypatch.setattr(
        anthropic_cache, "_marked_last", lambda body, message, _: before(body, message, {"type": "ephemeral"})
    )


@plant(27, test="where_there_is_no_place", suite=Alone)
def counts_no_markers(monkeypatch):
    monkeypatch.setattr(anthropic_cache, "MAX_MARKERS", 99)


@plant(27, test="where_there_is_no_place", suite=Alone)
def marks_anything(monkeypatch):
    def marked(body, message, marker):
        last = message["content"][-1]
        return {**message, "content": [*message["content"][:-1], {**last, "cache_control": marker}]}

    monkeypatch.setattr(anthropic_cache, "_marked_last", marked)


@plant(27, test="the_cache_sees_no_block", suite=Alone)
@plant(35, test="the_cache_sees_no_block", suite=Alone)
def keeps_removed_fields(monkeypatch):
    before = anthropic_cache.inject

    def inject(body, block):
        changes = before(body, block)
        return changes and {k: v for k, v in changes.items() if v is not stainless.REMOVED}

    monkeypatch.setattr(anthropic_messages, "inject", inject)


@plant(30, test="test_a_thread_holds_one_block_at_most", shapes=SHAPES, suite=BetaSuite)
def writes_into_the_thread(monkeypatch):
    before = anthropic_cache.inject
    monkeypatch.setattr(anthropic_messages, "inject", lambda body, block: before({**body, "thread": None}, block))


@plant(35, suite=MessagesSuite, variant="extra_body overrides", shapes=SHAPES)
def overlooks_extra_body(monkeypatch):
    monkeypatch.setattr(stainless, "body_of", lambda arguments: stainless.options_of(arguments).json_data)


# ---------------------------------------------------------------- the caller's messages


@plant(25, test="test_messages_in_every_form", shapes=(SYNC, ASYNC), suite=MessagesSuite)
@plant(25, test="test_a_generator_is_read_once_where_there_is_nothing_to_remember", shapes=SHAPES, suite=MessagesSuite)
def reads_generators_up(monkeypatch):
    def read(value):
        made = adapter._list(value)
        return value if made is not value else made

    monkeypatch.setattr(adapter, "_read", read)


@plant(25, test="test_messages_in_every_form", suite=MessagesSuite)
def reads_the_outermost_generator_only(monkeypatch):
    monkeypatch.setattr(adapter, "_read", adapter._list)


@plant(25, test="test_a_generator_that_fails", shapes=SHAPES, suite=MessagesSuite)
def swallows_a_generators_failure(monkeypatch):
    monkeypatch.setattr(adapter, "_again", lambda read, _: read)


@plant(25, test="test_messages_in_every_form", shapes=(SYNC, STREAM), suite=MessagesSuite)
@plant(25, test="test_messages_are_reused_over_fifty_turns", suite=MessagesSuite)
def changes_the_callers_messages(monkeypatch):
    before = anthropic_cache._with_block

    def with_block(message, block):
        made = before(message, block)
        message["content"] = made["content"]
        return made

    monkeypatch.setattr(anthropic_cache, "_with_block", with_block)


@plant(25, 28, test="test_conversations_of_any_make_up", suite=MessagesSuite)
def makes_a_message_of_nothing(monkeypatch):
    def with_block(message, block):
        content = message.get("content")
        return {**message, "content": f"{block}\n\n{content}" if isinstance(content, str) else block}

    monkeypatch.setattr(anthropic_cache, "_with_block", with_block)


@plant(29, 32, test="test_a_tool_turn_is_read", suite=MessagesSuite, shapes=SHAPES)
def loses_the_proof_of_a_thought(monkeypatch):
    before = anthropic_cache.inject

    def inject(body, block):
        changes = before(body, block)
        for message in changes["messages"]:
            if message["role"] == "assistant":
                message["content"] = [{"type": b.type, **dict(b)} | {"signature": "lost"} for b in message["content"]]
        return changes

    monkeypatch.setattr(anthropic_messages, "inject", inject)


# ---------------------------------------------------------------- what is captured


@plant(29, test="test_a_tool_turn_is_read", suite=MessagesSuite)
@plant(29, test="test_a_tool_loop_keeps_its_block", shapes=SHAPES, suite=MessagesSuite)
def takes_results_for_words(monkeypatch):
    monkeypatch.setattr(
        anthropic_messages, "_messages", lambda m: [anthropic_messages._message(m["role"], m["content"])]
    )


@plant(32, suite=MessagesSuite, variant="thinking", shapes=SHAPES)
@plant(32, suite=MessagesSuite, variant="tool calls", shapes=SHAPES)
@plant(32, suite=MessagesSuite, variant="server tools", shapes=(SYNC, STREAM))
def loses_parts(monkeypatch):
    monkeypatch.setattr(anthropic_messages, "_parts", lambda _: ())


@plant(32, suite=MessagesSuite, variant="refusal", shapes=SHAPES)
@plant(32, suite=MessagesSuite, variant="refusal in the middle")
def overlooks_refusals(monkeypatch):
    before = anthropic_messages.get
    monkeypatch.setattr(anthropic_messages, "get", lambda t, name: None if name == "stop_reason" else before(t, name))


@plant(32, suite=MessagesSuite, variant="server tools", shapes=(SYNC, STREAM))
def tears_cited_text_apart(monkeypatch):
    monkeypatch.setattr(
        anthropic_messages, "_said", lambda _, pieces: "\n".join(filter(None, (text(p, "text") for p in pieces)))
    )


@plant(32, suite=MessagesSuite, variant="usage", shapes=STREAMS)
def loses_the_first_count(monkeypatch):
    before = anthropic_messages.Builder.feed

    def feed(self, chunk):
        before(self, chunk)
        self._message.pop("usage", None)

    monkeypatch.setattr(anthropic_messages.Builder, "feed", feed)


@plant(9, test="test_streams_that_break", shapes=STREAMS, suite=MessagesSuite)
@plant(9, test="test_streams_that_break", shapes=STREAMS, suite=BedrockSuite)
@plant(13, test="test_a_break_within_with", shapes=(STREAM,), suite=BedrockSuite)
def calls_everything_complete(monkeypatch):
    before = anthropic_messages.Builder.reply
    monkeypatch.setattr(
        anthropic_messages.Builder, "reply", lambda self: dataclasses.replace(before(self), complete=True)
    )


@plant(42, test="test_other_calls_are_left_alone", shapes=PLAIN, suite=MessagesSuite)
def takes_every_post_for_a_conversation(monkeypatch):
    monkeypatch.setattr(adapter.AnthropicProvider, "endpoint", lambda *_: adapter._MESSAGES)


@plant(42, test="test_other_calls_are_left_alone", shapes=PLAIN, suite=MessagesSuite)
@plant(42, test="test_a_compaction_is_no_conversation", shapes=PLAIN, suite=BetaSuite)
def takes_a_warm_up_for_talk(monkeypatch):
    monkeypatch.setattr(
        adapter.AnthropicProvider,
        "endpoint",
        lambda _, receiver, given, method: adapter._MESSAGES if stainless.path(given) == "v1/messages" else None,
    )


# ---------------------------------------------------------------- streams, and the clients of other platforms


@plant(2, test="test_the_result_is_the_bare_clients_and_is_captured_once", shapes=STREAMS, suite=BedrockSuite)
def knows_no_frames(monkeypatch):
    monkeypatch.setattr(http.eventstream, "MEDIA", "application/none")


@plant(2, test="tracing", shapes=(STREAM, ASYNC_STREAM), suite=Alone)
@plant(2, test="elapsed", shapes=(STREAM,), suite=Alone)
def hides_what_stands_on_the_body(monkeypatch):
    monkeypatch.delattr(http._Tee, "__getattr__")


@plant(
    1, test="test_the_result_is_the_bare_clients_and_is_captured_once", shapes=(ASYNC, ASYNC_STREAM), suite=BedrockSuite
)
def takes_a_platforms_client_for_a_synchronous_one(monkeypatch):
    before = stainless.patch_points
    monkeypatch.setattr(
        stainless,
        "patch_points",
        lambda client, _: [dataclasses.replace(p, is_async=False) for p in before(client, anthropic.AsyncAnthropic)],
    )


@plant(18, test="test_copies_are_registered_once", shapes=PLAIN, suite=BedrockSuite)
def overlooks_a_platforms_own_copy(monkeypatch):
    before = stainless.patch_points
    monkeypatch.setattr(stainless, "patch_points", lambda *given: [p for p in before(*given) if p.role == "call"])


@plant(1, test="labels", suite=Alone)
def knows_no_platforms(monkeypatch):
    monkeypatch.setattr(adapter, "_PLATFORMS", {})
