"""Faults in the adapter for Google's SDK."""

from __future__ import annotations

import dataclasses

from planting import nothing, plant
from test_google import TestGemini, TestInteractions

from memori_wrap import generators
from memori_wrap.intercept import call, drivers
from memori_wrap.testing.provider_suite import ASYNC, ASYNC_STREAM, PLAIN, SHAPES, STREAM, STREAMS, SYNC
from memori_wrap_adapters.llm import google as adapter
from memori_wrap_adapters.llm import google_contents as wire
from memori_wrap_adapters.llm import google_interactions as interactions


class Gemini(TestGemini):
    __test__ = False


class Interacting(TestInteractions):
    __test__ = False


# ------------------------------------------------------------ what is hooked


@plant(20, test="test_all_parts_of_a_client_are_registered", shapes=PLAIN, suite=Gemini)
@plant(20, test="test_what_was_fetched_before_is_registered_too", shapes=SHAPES, suite=Interacting)
def does_not_find_the_client_of_interactions(monkeypatch):
    monkeypatch.setattr(adapter.GoogleProvider, "subject", lambda self, receiver: receiver)


@plant(20, test="test_clients_that_share_their_connections_are_told_apart", suite=Gemini)
def takes_clients_with_the_same_connections_for_one(monkeypatch):
    def subject(self, receiver):
        found = getattr(getattr(receiver, "_modules", receiver), "_api_client", receiver)
        return getattr(found, "_httpx_client", found)

    monkeypatch.setattr(adapter.GoogleProvider, "subject", subject)


@plant(24, test="test_each_part_lives_as_long_as_before", shapes=SHAPES, suite=Gemini)
def holds_clients(monkeypatch):
    kept = []
    find = adapter.GoogleProvider.patch_points

    def patch_points(self, client):
        kept.append(client)
        return find(self, client)

    monkeypatch.setattr(adapter.GoogleProvider, "patch_points", patch_points)


@plant(29, 31, test="test_a_chats_tool_loop_is_one_exchange", shapes=SHAPES, suite=Gemini)
def knows_no_turns(monkeypatch):
    monkeypatch.setattr(drivers, "begin_turn", nothing)


@plant(42, test="test_other_calls_are_left_alone", shapes=PLAIN, suite=Gemini)
def hooks_embeddings(monkeypatch):
    before = adapter.GoogleProvider.patch_points

    def points(self, client):
        for point in before(self, client):
            yield point
            if point.method == "generate_content":
                yield dataclasses.replace(point, method="embed_content")

    monkeypatch.setattr(adapter.GoogleProvider, "patch_points", points)


# ------------------------------------------------------------ the block


@plant(27, test="test_the_block_stands_before_the_users_text", suite=Gemini)
@plant(25, 28, test="test_conversations_of_any_make_up", suite=Gemini)
def adds_a_content(monkeypatch):
    def inject(contents, block):
        given = contents if isinstance(contents, list) else [contents]
        return [*given, {"role": "user", "parts": [{"text": block + "\n"}]}]

    monkeypatch.setattr(wire, "inject", inject)


@plant(27, test="test_the_block_stands_before_the_users_text", suite=Gemini)
def parts_a_call_from_its_result(monkeypatch):
    monkeypatch.setattr(wire, "_is_asked", lambda turn: True)


@plant(25, 31, test="test_the_callers_contents_stay_his", shapes=SHAPES, suite=Gemini)
@plant(25, test="test_contents_in_further_forms", shapes=(SYNC, ASYNC_STREAM), suite=Gemini)
def changes_the_callers_contents(monkeypatch):
    def inject(content, parts, place, block):
        from google.genai.types import Part

        own = content["parts"] if isinstance(content, dict) else content.parts
        own.insert(place, {"text": block} if isinstance(content, dict) else Part(text=block))
        return content

    monkeypatch.setattr(wire, "_with_part", inject)


@plant(31, test="test_functions_called_in_several_rounds_are_one_exchange", shapes=SHAPES, suite=Gemini)
@plant(25, 31, test="test_the_callers_contents_stay_his", shapes=SHAPES, suite=Gemini)
def leaves_the_block_in_the_history(monkeypatch):
    monkeypatch.setattr(adapter._Contents, "_clean", nothing)


@plant(31, test="test_functions_called_in_several_rounds_are_one_exchange", shapes=STREAMS, suite=Gemini)
def cleans_each_chunk_by_itself(monkeypatch):
    def clean(self, result):
        given = getattr(result, "automatic_function_calling_history", None)
        if self._block and given:
            result.automatic_function_calling_history = [self._restored(c, self._block) for c in given]

    monkeypatch.setattr(adapter._Contents, "_clean", clean)


@plant(29, test="test_functions_called_in_several_rounds_are_one_exchange", shapes=STREAMS, suite=Gemini)
def takes_the_block_out_of_the_request(monkeypatch):
    def restored(self, content, block):
        kept = [part for part in content.parts if part.text != block]
        content.parts[:] = kept
        return content

    monkeypatch.setattr(adapter._Contents, "_restored", restored)


@plant(31, test="test_the_callers_contents_stay_his", shapes=SHAPES, suite=Gemini)
def puts_copies_into_the_history(monkeypatch):
    monkeypatch.setattr(
        adapter._Contents, "_restored", lambda self, c, block: wire.without(c, block).model_copy(deep=True)
    )


@plant(35, variant="extra_body overrides", shapes=(SYNC, ASYNC_STREAM), suite=Gemini)
@plant(35, variant="extra_body overrides, camel case", suite=Gemini)
def knows_no_extra_body(monkeypatch):
    monkeypatch.setattr(adapter, "_extra", nothing)


@plant(32, variant="speech", suite=Gemini)
@plant(32, variant="a picture", suite=Gemini)
def injects_into_speech(monkeypatch):
    before = wire.find
    monkeypatch.setattr(wire, "find", lambda t, n: None if n == "response_modalities" else before(t, n))


@plant(27, variant="cached content", suite=Gemini)
def injects_into_the_system_instruction(monkeypatch):
    def inject(self, arguments, block):
        config = {**(arguments.kwargs.get("config") or {}), "system_instruction": block}
        return call.Arguments(arguments.args, {**arguments.kwargs, "config": config})

    monkeypatch.setattr(adapter._Contents, "inject", inject)


# ------------------------------------------------------------ what is captured


@plant(31, test="test_functions_called_in_several_rounds_are_one_exchange", shapes=SHAPES, suite=Gemini)
@plant(31, test="test_a_tool_loop_that_is_left", shapes=STREAMS, suite=Gemini)
@plant(31, variant="functions", shapes=SHAPES, suite=Gemini)
def does_not_read_the_history(monkeypatch):
    monkeypatch.setattr(wire, "history", lambda *_: [])


@plant(31, test="test_functions_called_in_several_rounds_are_one_exchange", shapes=STREAMS, suite=Gemini)
def gathers_calls_twice(monkeypatch):
    before = wire.Builder.feed

    def feed(self, chunk):
        kept = self._candidates
        before(self, chunk)
        self._candidates = {**kept, **self._candidates} if kept and not self._candidates else self._candidates
        for index, gathered in kept.items():
            if gathered is not self._candidates.get(index):
                self._candidates[index]["content"]["parts"][:0] = gathered["content"]["parts"]

    monkeypatch.setattr(wire.Builder, "feed", feed)


@plant(31, test="test_functions_called_in_several_rounds_are_one_exchange", suite=Gemini)
def leaves_results_without_their_calls(monkeypatch):
    before = wire._asked
    monkeypatch.setattr(wire, "_asked", lambda parts, calls: before(parts, []))


@plant(25, 31, test="test_a_chat_is_stored_as_it_was_held", shapes=STREAMS, suite=Gemini)
def takes_pieces_for_messages(monkeypatch):
    monkeypatch.setattr(wire, "groupby", lambda turns, key: [(key(t), [t]) for t in turns])


@plant(32, variant="thoughts and a call", shapes=(SYNC, STREAM), suite=Gemini)
def takes_thoughts_for_words(monkeypatch):
    before = wire.find
    monkeypatch.setattr(wire, "find", lambda t, n: None if n == "thought" else before(t, n))


@plant(32, variant="blocked", shapes=SHAPES, suite=Gemini)
@plant(32, variant="unsafe", shapes=(SYNC, STREAM), suite=Gemini)
def knows_no_refusals(monkeypatch):
    before = wire.Part
    monkeypatch.setattr(wire, "Part", lambda kind, *more, **given: before(kind.replace("refusal", ""), *more, **given))


@plant(7, test="test_chunks_that_their_reader_changes", shapes=STREAMS, suite=Gemini)
def reads_chunks_at_the_end(monkeypatch):
    feed, reply = wire.Builder.feed, wire.Builder.reply
    kept = []

    def at_the_end(self):
        for chunk in kept:
            feed(self, chunk)
        return reply(self)

    monkeypatch.setattr(wire.Builder, "feed", lambda self, chunk: kept.append(chunk))
    monkeypatch.setattr(wire.Builder, "reply", at_the_end)


@plant(7, test="test_chunks_that_their_reader_changes", shapes=STREAMS, suite=Gemini)
def keeps_parts(monkeypatch):
    monkeypatch.setattr(wire, "_add", lambda parts, part: parts.append(part))


@plant(32, test="test_a_calls_arguments_in_pieces", shapes=STREAMS, suite=Gemini)
def does_not_join_arguments(monkeypatch):
    monkeypatch.setattr(wire, "_add", lambda parts, part: parts.append(part))


@plant(31, variant="not continued", shapes=SHAPES, suite=Gemini)
@plant(9, test="test_streams_that_break", shapes=STREAMS, suite=Gemini)
def calls_everything_complete(monkeypatch):
    before = wire.reply
    monkeypatch.setattr(wire, "reply", lambda *given: (r := before(*given)) and dataclasses.replace(r, complete=True))


@plant(2, test="test_the_stream_is_the_sdks_own_object", shapes=STREAMS, suite=Gemini)
def gives_an_iterator(monkeypatch):
    monkeypatch.setattr(adapter._Contents, "attach", lambda *_: iter(()))


@plant(4, test="test_a_break_within_with", shapes=(STREAM,), suite=Gemini)
@plant(5, test="test_closed_in_the_middle_and_once_more", shapes=(STREAM,), suite=Gemini)
def does_not_close_the_sdks_generator(monkeypatch):
    class Kept:
        def __init__(self, inner):
            self.__next__ = inner.__next__

    kept = []

    def tee(inner, tap):
        kept.append(inner)
        return generators.tee(Kept(inner), tap)

    monkeypatch.setattr(adapter, "tee", tee)


# ------------------------------------------------------------ interactions


@plant(30, test="test_nothing_piles_up_in_a_kept_conversation", shapes=SHAPES, suite=Interacting)
def injects_into_the_input(monkeypatch):
    def inject(self, arguments, block):
        given = [{"type": "user_input", "content": [{"type": "text", "text": block}]}, *arguments.kwargs["input"]]
        return call.Arguments(arguments.args, {**arguments.kwargs, "input": given})

    monkeypatch.setattr(interactions.Interactions, "inject", inject)


@plant(29, 30, test="test_a_tool_loop_over_a_kept_conversation_keeps_its_block", shapes=SHAPES, suite=Interacting)
def forgets_the_previous_interaction(monkeypatch):
    before = interactions.Interactions.request
    monkeypatch.setattr(
        interactions.Interactions, "request", lambda *given: dataclasses.replace(before(*given), previous=None)
    )


@plant(27, variant="system instruction", suite=Interacting)
@plant(35, variant="extra_body overrides the system instruction", shapes=(SYNC, STREAM), suite=Interacting)
def replaces_the_system_instruction(monkeypatch):
    before = interactions._with_system
    monkeypatch.setattr(
        interactions, "_with_system", lambda arguments, system: before(arguments, system.partition("\n\n")[2] or system)
    )


@plant(30, 43, test="test_what_an_interaction_repeats_of_its_request_is_the_users", shapes=PLAIN, suite=Gemini)
def leaves_the_block_in_the_answer(monkeypatch):
    monkeypatch.setattr(interactions.Interactions, "_clean", nothing)


@plant(31, variant="continued", shapes=STREAMS, suite=Interacting)
def reads_the_last_interaction_only(monkeypatch):
    before = interactions.Builder.feed

    def feed(self, event):
        before(self, event)
        self._before = []

    monkeypatch.setattr(interactions.Builder, "feed", feed)


@plant(31, variant="continued", shapes=STREAMS, suite=Interacting)
@plant(2, test="test_chunks_come_as_they_are_sent", shapes=STREAMS, suite=Interacting)
def taps_the_first_response_only(monkeypatch):
    def attach(self, result, tap):
        return interactions.http.attach(
            result, interactions.Builder(), interactions.reply, lambda b: tap(b) and Ended(b)
        )

    class Ended:
        def __init__(self, builder):
            self.feed = self.end = self.broken = self.dropped = nothing

    monkeypatch.setattr(interactions.Interactions, "attach", attach)


@plant(10, test="test_errors_are_the_providers_own", shapes=STREAMS, suite=Interacting)
def forgets_streams_that_never_spoke(monkeypatch):
    monkeypatch.setattr(interactions, "_Accepted", lambda tap: tap)


@plant(14, variant="raw", shapes=PLAIN, suite=Interacting)
@plant(17, variant="streaming response parse", shapes=SHAPES, suite=Interacting)
def does_not_know_raw_responses(monkeypatch):
    monkeypatch.setattr(interactions.http, "response_of", nothing)


@plant(32, variant="thoughts", shapes=SHAPES, suite=Interacting)
@plant(32, variant="tool calls", shapes=(SYNC, ASYNC), suite=Interacting)
def reads_texts_only(monkeypatch):
    before = interactions._messages
    monkeypatch.setattr(
        interactions, "_messages", lambda steps: (dataclasses.replace(m, parts=()) for m in before(steps))
    )
