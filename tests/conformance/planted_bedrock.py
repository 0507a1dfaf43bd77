"""Faults in the adapter for Bedrock."""

from __future__ import annotations

import dataclasses
import io
import re

from bedrock_dialect import Converse
from bedrock_invoke import Invoke
from planting import nothing, plant
from test_bedrock import TestConverse, TestInvoke

from memori_wrap.intercept import windows
from memori_wrap.protocols import Arguments
from memori_wrap.testing.provider_suite import STREAM, SYNC
from memori_wrap_adapters.llm import bedrock, bedrock_bodies, bedrock_converse, bedrock_streams

BOTH = (SYNC, STREAM)


class BedrockConverse(TestConverse):
    __test__ = False
    dialect = Converse()


class BedrockInvoke(TestInvoke):
    __test__ = False
    dialect = Invoke()


# ---------------------------------------------------------------- the place of the block


def placed(monkeypatch, find):
    monkeypatch.setattr(bedrock_converse, "place_in", find)


def last_user(messages):
    return max((n for n, m in enumerate(messages) if m["role"] == "user" and m.get("content")), default=None)


@plant(27, 29, test="test_what_is_cached_stays_as_it_is", shapes=BOTH, suite=BedrockConverse)
@plant(27, test="test_where_the_block_stands", suite=BedrockConverse)
def breaks_the_cache(monkeypatch):
    known = bedrock_converse.place_in
    placed(monkeypatch, lambda body: (place := known(body)) and (place[0], 0))


@plant(27, 29, test="test_what_is_cached_stays_as_it_is", shapes=BOTH, suite=BedrockConverse)
def does_not_see_later_cache_points(monkeypatch):
    monkeypatch.setattr(bedrock_converse, "_has_cache_point", lambda _: False)


@plant(27, 29, test="test_no_words_beside_results_for_models_without", shapes=BOTH, suite=BedrockConverse)
def parts_results_with_words(monkeypatch):
    known = bedrock_converse.place_in
    placed(monkeypatch, lambda body: known({**body, "modelId": "anthropic.claude"}))


@plant(29, test="test_a_tool_loop_keeps_its_block", shapes=BOTH, suite=BedrockConverse)
@plant(29, 32, test="test_a_tool_turn_is_read", shapes=BOTH, suite=BedrockConverse)
def takes_results_for_words(monkeypatch):
    monkeypatch.setattr(bedrock_converse, "_is_results", lambda _: False)


@plant(25, 28, test="test_messages_in_every_form", shapes=BOTH, suite=BedrockConverse)
def puts_the_block_before_results(monkeypatch):
    placed(monkeypatch, lambda body: (last_user(body["messages"]), 0))


@plant(25, 28, test="test_messages_in_every_form", shapes=BOTH, suite=BedrockConverse)
def changes_the_callers_messages(monkeypatch):
    known = bedrock_converse.inject

    def inject(body, block):
        changes = known(body, block)
        for mine, theirs in zip(body["messages"], changes["messages"] if changes else (), strict=False):
            mine["content"] = theirs["content"]
        return changes

    monkeypatch.setattr(bedrock_converse, "inject", inject)


@plant(25, 28, test="test_conversations_of_any_make_up", shapes=BOTH, suite=BedrockConverse)
def shifts_the_place_of_an_error(monkeypatch):
    def inject(self, arguments, block):
        parameters = bedrock._parameters(arguments)
        changes = bedrock_converse.inject(parameters, block)
        return bedrock._with_parameters(arguments, {**parameters, **changes}) if changes else None

    monkeypatch.setattr(bedrock._Converse, "inject", inject)


@plant(27, test="test_where_the_block_stands", suite=BedrockConverse)
def puts_the_block_into_the_system(monkeypatch):
    def inject(self, arguments, block):
        parameters = bedrock._parameters(arguments)
        system = [*parameters.get("system", ()), {"text": block}]
        return Arguments((arguments.args[0], {**parameters, "system": system}), arguments.kwargs)

    monkeypatch.setattr(bedrock._Converse, "inject", inject)


@plant(25, test="test_where_the_block_stands_in_a_prompt", suite=BedrockInvoke)
def puts_the_block_outside_of_the_template(monkeypatch):
    def inject(self, body, block):
        return {self._field: f"{block}\n\n{body[self._field]}"}

    monkeypatch.setattr(bedrock_bodies._Prompt, "inject", inject)


@plant(29, 32, test="test_a_tool_turn_of_cohere_is_read", shapes=BOTH, suite=BedrockInvoke)
def puts_the_block_where_it_comes_back(monkeypatch):
    def inject(self, body, block):
        return {"message": f"{block}\n\n{body['message']}"}

    monkeypatch.setattr(bedrock_bodies._Cohere, "inject", inject)


# ---------------------------------------------------------------- what is read


@plant(32, shapes=BOTH, suite=BedrockConverse, variant="tool calls")
@plant(32, shapes=BOTH, suite=BedrockConverse, variant="reasoning")
@plant(28, test="test_what_a_message_holds_is_read", suite=BedrockConverse)
def loses_what_is_no_text(monkeypatch):
    monkeypatch.setattr(bedrock_converse, "_parts", lambda _: ())


@plant(32, test="test_reasoning_between_tags", shapes=BOTH, suite=BedrockInvoke)
def keeps_the_tags(monkeypatch):
    monkeypatch.setattr(bedrock_bodies, "unwrapped", lambda found: found)


@plant(1, shapes=BOTH, suite=BedrockInvoke, variant="Mistral's prompt")
def does_not_count(monkeypatch):
    monkeypatch.setattr(bedrock, "_named", lambda found, _: found)
    monkeypatch.setattr(bedrock._Named, "reply", lambda self: self._builder.reply())


@plant(1, shapes=BOTH, suite=BedrockInvoke, variant="Claude by an ARN")
@plant(1, shapes=BOTH, suite=BedrockInvoke, variant="Llama")
def reads_bare_ids_only(monkeypatch):

    monkeypatch.setattr(bedrock_bodies, "_MODEL", re.compile(r"^(\w+)\.([\w-]+)"))
    known = bedrock_bodies.format_of
    monkeypatch.setattr(bedrock, "format_of", lambda model, body: known(model if ":" not in model[:8] else "x", body))
    monkeypatch.setattr(bedrock_bodies, "anthropic_messages", bedrock_bodies.Unknown())


@plant(42, test="test_other_calls_are_left_alone", suite=BedrockConverse)
def takes_every_operation_for_a_conversation(monkeypatch):
    monkeypatch.setattr(bedrock, "_operation", lambda _: "Converse")


@plant(44, test="test_an_unknown_shape_goes_through_with_one_warning", shapes=BOTH, suite=BedrockInvoke)
def guesses_the_format(monkeypatch):
    known = bedrock_bodies.format_of
    guess = bedrock_bodies._Chat()
    monkeypatch.setattr(bedrock, "format_of", lambda *given: known(*given) and guess)


@plant(10, test="test_a_rate_limit_is_no_full_window", shapes=BOTH, suite=BedrockConverse)
def takes_a_rate_for_a_size(monkeypatch):
    monkeypatch.setattr(windows, "_botocore_status", nothing)


# ---------------------------------------------------------------- event streams


@plant(2, test="test_the_stream_is_the_sdks_own_object", shapes=(STREAM,), suite=BedrockConverse)
@plant(2, test="test_the_stream_is_the_sdks_own_object", shapes=(STREAM,), suite=BedrockInvoke)
def replaces_the_stream(monkeypatch):
    known = bedrock_streams.attach_events

    def attach(stream, builder, tap):
        known(stream, builder, tap)
        stream._raw_stream = io.BufferedReader(stream._raw_stream)
        return True

    monkeypatch.setattr(bedrock_streams, "attach_events", attach)


@plant(2, test="test_chunks_come_as_they_are_sent", shapes=(STREAM,), suite=BedrockConverse)
def reads_events_ahead(monkeypatch):
    known = bedrock_streams.tee
    monkeypatch.setattr(bedrock_streams, "tee", lambda messages, tap: known(iter(list(messages)), tap))


@plant(5, test="test_closed_before_the_first_item", shapes=(STREAM,), suite=BedrockConverse)
@plant(5, test="test_closed_in_the_middle_and_once_more", shapes=(STREAM,), suite=BedrockConverse)
@plant(4, test="test_a_break_within_with", shapes=(STREAM,), suite=BedrockInvoke)
def keeps_the_connection(monkeypatch):
    monkeypatch.setattr(bedrock_streams._Closing, "close", lambda self: vars(self)[bedrock_streams._TAP].dropped())


@plant(5, test="test_a_closed_stream_is_captured_while_it_is_held", shapes=(STREAM,), suite=BedrockConverse)
def does_not_notice_a_close(monkeypatch):
    monkeypatch.delattr(bedrock_streams._Closing, "close")


@plant(6, test="test_dropped_in_the_middle_of_something_else", suite=BedrockInvoke)
def waits_where_what_is_dropped_is_closed(monkeypatch):
    def close(self):
        super(bedrock_streams._Closing, self).close()
        vars(self)[bedrock_streams._TAP].end()

    monkeypatch.setattr(bedrock_streams._Closing, "close", close)


@plant(9, test="test_errors_among_the_events", shapes=(STREAM,), suite=BedrockConverse)
@plant(9, test="test_streams_that_break", shapes=(STREAM,), suite=BedrockInvoke)
def does_not_notice_errors(monkeypatch):
    monkeypatch.setattr(bedrock_streams._Ending, "feed", lambda self, chunk: self._tap.feed(chunk))


@plant(9, test="test_streams_that_break", shapes=(STREAM,), suite=BedrockConverse)
def calls_everything_complete(monkeypatch):
    known = bedrock_converse.Builder.reply

    monkeypatch.setattr(bedrock_converse.Builder, "reply", lambda self: dataclasses.replace(known(self), complete=True))


@plant(7, test="test_next_by_hand_and_then_a_loop", shapes=(STREAM,), suite=BedrockConverse)
def gathers_twice(monkeypatch):
    known = bedrock_streams._Events.feed
    monkeypatch.setattr(bedrock_streams._Events, "feed", lambda self, chunk: [known(self, chunk), known(self, chunk)])


@plant(2, 14, shapes=(STREAM,), suite=BedrockConverse, variant="the whole response")
def gives_the_stream_alone(monkeypatch):
    known = bedrock._Converse.attach

    def attach(self, result, tap):
        return known(self, result, tap)["stream"]

    monkeypatch.setattr(bedrock._Converse, "attach", attach)


# ---------------------------------------------------------------- bodies


def attached(monkeypatch, attach):
    monkeypatch.setattr(bedrock_streams, "attach_body", attach)


@plant(2, 17, test="test_nothing_is_read_before_the_user_reads", suite=BedrockInvoke)
@plant(2, 14, 17, suite=BedrockInvoke, variant="read by with")
def reads_a_body_ahead(monkeypatch):
    def attach(body, read, tap):
        content = body._raw_stream.read()
        body._raw_stream = io.BytesIO(content)
        made = tap(bedrock_streams._Whole(read))
        made.feed(content)
        made.end()
        return True

    attached(monkeypatch, attach)


@plant(2, 14, 17, suite=BedrockInvoke, variant="read by with")
@plant(2, 14, 17, suite=BedrockInvoke, variant="read by readlines")
@plant(2, 14, 17, suite=BedrockInvoke, variant="read by a buffer")
def sees_read_only(monkeypatch):
    def attach(body, read, tap):
        made, known = tap(bedrock_streams._Whole(read)), body.read

        def reading(amt=None):
            data = known(amt)
            made.feed(data)
            if amt is None:
                made.end()
            return data

        body.read = reading
        return True

    attached(monkeypatch, attach)


@plant(10, test="test_a_body_that_is_cut", suite=BedrockInvoke)
def captures_half_a_body(monkeypatch):
    def step(self, method, *given, **more):
        try:
            return method(*given, **more)
        except BaseException:
            vars(self)[bedrock_streams._TAP].broken()
            raise

    monkeypatch.setattr(bedrock_streams._Reading, "_step", step)


@plant(17, test="test_a_body_without_a_length", suite=BedrockInvoke)
def does_not_see_chunks(monkeypatch):
    monkeypatch.delattr(bedrock_streams._Reading, "read_chunked")


@plant(5, 6, test="test_a_body_that_is_left", suite=BedrockInvoke)
def forgets_what_was_left(monkeypatch):
    monkeypatch.setattr(bedrock_streams._Closing, "close", lambda self: vars(self)[bedrock_streams._TAP].void())
