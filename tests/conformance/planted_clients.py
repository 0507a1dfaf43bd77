"""Faults in registering, messages, recall, capture, scopes and patching: items 18 to 32, 35 to 45."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys

import openai
import wrapt
from planting import ResponsesSuite, nothing, plant

from memori_wrap import context
from memori_wrap.capture.writer import Writer
from memori_wrap.counts import Counts
from memori_wrap.desk import MemoryDesk
from memori_wrap.intercept import call, drivers, patch, waiting
from memori_wrap.testing.provider import faults, stage
from memori_wrap.testing.provider_suite import ASYNC, ASYNC_STREAM, SHAPES, STREAM, SYNC
from memori_wrap_adapters.llm import openai as adapter
from memori_wrap_adapters.llm import openai_chat, openai_responses, stainless


@plant(18, test="test_copies_are_registered_once", shapes=(SYNC, ASYNC))
def forgets_copies(monkeypatch):
    monkeypatch.setattr(
        patch, "_copying", lambda find: lambda wrapped, instance, args, kwargs: wrapped(*args, **kwargs)
    )


@plant(18, test="test_copies_of_a_bare_client_are_bare")
def registers_every_copy(monkeypatch):
    def copied(wrapped, instance, args, kwargs):
        made = wrapped(*args, **kwargs)
        patch.register(made, next(iter(patch._clients.values()))[1])
        return made

    monkeypatch.setattr(patch, "_copying", lambda find: copied)


class Blind:
    def get(self):
        return None

    def set(self, value):
        return None

    def reset(self, token):
        return None


@plant(21, test="test_a_client_inside_a_client_is_one_call", shapes=SHAPES)
def has_no_guard(monkeypatch):
    monkeypatch.setattr(call, "_inside", Blind())


@plant(21, test="test_a_tool_that_asks_a_model_is_a_call_of_its_own", shapes=SHAPES)
def guards_too_much(monkeypatch):
    monkeypatch.setattr(call, "digest", lambda *_: "the same")


@plant(19, test="test_copies_are_registered_once", shapes=(SYNC, ASYNC))
@plant(21, test="test_registered_twice_is_registered_once", shapes=(SYNC, ASYNC))
def hooks_each_time(monkeypatch):
    has_no_guard(monkeypatch)
    before = patch.register

    def register(client, registration):
        before(client, registration)
        point = next(iter(registration.provider.patch_points(client)))
        wrapped = vars(point.owner)[point.method]
        setattr(point.owner, point.method, wrapt.FunctionWrapper(wrapped, patch.driver(point, patch.lookup)))

    monkeypatch.setattr(patch, "register", register)


@plant(21, test="test_an_extractor_that_uses_the_client_is_not_captured")
@plant(1, test="test_calls_within_a_pause_are_left_alone")
def knows_no_pause(monkeypatch):
    monkeypatch.setattr(call, "is_paused", lambda: False)


@plant(20, test="test_what_was_fetched_before_is_registered_too", shapes=(SYNC, ASYNC))
def hooks_new_resources_only(monkeypatch):
    before = patch.register
    monkeypatch.setattr(patch, "register", lambda client, *given: "chat" in vars(client) or before(client, *given))


@plant(22, test="test_unregister_restores_the_class")
def leaves_its_hooks(monkeypatch):
    monkeypatch.setattr(patch, "_unhook", nothing)


@plant(23, test="test_copy_and_pickle_do_what_they_do", shapes=(SYNC, ASYNC))
@plant(24, test="test_the_client_looks_as_before", shapes=(SYNC, ASYNC))
def writes_on_the_client(monkeypatch):
    before = patch.register

    def register(client, registration):
        before(client, registration)
        vars(client)["_memory"] = registration

    monkeypatch.setattr(patch, "register", register)
    monkeypatch.setattr(patch, "lookup", lambda client: vars(client).get("_memory"))


@plant(24, test="test_the_client_lives_as_long_as_before")
def holds_the_client(monkeypatch):
    kept = []
    before = patch.register
    monkeypatch.setattr(patch, "register", lambda *given: (kept.append(given), before(*given))[1])


@plant(25, test="test_messages_in_every_form", shapes=SHAPES)
@plant(25, test="test_messages_are_reused_over_fifty_turns")
def changes_the_callers_messages(monkeypatch):
    create = openai.resources.chat.Completions.create
    acreate = openai.resources.chat.AsyncCompletions.create

    def mark(self, messages):
        if patch.lookup(self._client) and isinstance(messages, (list, tuple)) and isinstance(messages[-1], dict):
            messages[-1]["content"] = f"{messages[-1]['content']} "

    def changed(self, *, messages, **given):
        mark(self, messages)
        return create(self, messages=messages, **given)

    def achanged(self, *, messages, **given):
        mark(self, messages)
        return acreate(self, messages=messages, **given)

    monkeypatch.setattr(openai.resources.chat.Completions, "create", changed)
    monkeypatch.setattr(openai.resources.chat.AsyncCompletions, "create", achanged)


@plant(26, suite=ResponsesSuite, variant="instructions omitted")
@plant(26, suite=ResponsesSuite, variant="instructions none", shapes=(STREAM,))
def takes_nothing_for_something(monkeypatch):
    monkeypatch.setattr(
        openai_responses, "inject", lambda body, block: {"instructions": f"{body.get('instructions')}\n\n{block}"}
    )


@plant(25, 28, test="test_messages_in_every_form", shapes=(SYNC, STREAM))
def loses_images(monkeypatch):
    before = openai_chat.inject

    def inject(body, block):
        changes = before(body, block)
        last = changes["messages"][-1]
        if isinstance(last["content"], list):
            last["content"] = [part for part in last["content"] if part["type"] == "text"]
        return changes

    monkeypatch.setattr(openai_chat, "inject", inject)


@plant(25, 28, test="test_conversations_of_any_make_up")
def adds_a_message(monkeypatch):
    monkeypatch.setattr(
        openai_chat,
        "inject",
        lambda body, block: {"messages": [*body["messages"], {"role": "system", "content": block + "\n"}]},
    )


@plant(29, test="test_a_tool_loop_keeps_its_block", shapes=SHAPES)
@plant(29, 30, test="test_a_tool_loop_over_a_kept_conversation_keeps_its_block", suite=ResponsesSuite)
def recalls_in_each_round(monkeypatch):
    monkeypatch.setattr(MemoryDesk, "_known", nothing)


@plant(30, test="test_nothing_piles_up_in_a_kept_conversation", suite=ResponsesSuite, shapes=(SYNC, ASYNC_STREAM))
def writes_into_the_kept_conversation(monkeypatch):
    monkeypatch.setattr(
        openai_responses,
        "inject",
        lambda body, block: {"input": [{"role": "developer", "content": block}, *body["input"]]},
    )


@plant(32, variant="n=2", shapes=SHAPES)
def takes_the_first_choice_only(monkeypatch):
    before = openai_chat.items
    monkeypatch.setattr(openai_chat, "items", lambda thing, name: before(thing, name)[:1])


@plant(32, variant="refusal", shapes=(SYNC, STREAM))
@plant(32, variant="tool calls", shapes=(SYNC,))
def loses_parts(monkeypatch):
    before = openai_chat._message
    monkeypatch.setattr(openai_chat, "_message", lambda m: type(made := before(m))(made.role, made.text))


@plant(35, variant="extra_body overrides", shapes=SHAPES)
def overlooks_extra_body(monkeypatch):
    monkeypatch.setattr(stainless, "body_of", lambda arguments: stainless.options_of(arguments).json_data)


@plant(36, test="test_recall_may_raise_anything", shapes=(SYNC, ASYNC))
@plant(36, test="test_recall_may_freeze")
def trusts_the_recall(monkeypatch):
    monkeypatch.setattr(drivers, "wait", lambda given: given and given.future.result())

    async def wait_async(given):
        return given and await asyncio.wrap_future(given.future)

    monkeypatch.setattr(drivers, "wait_async", wait_async)


@plant(37, test="test_a_reply_that_cannot_be_read_is_the_users_all_the_same", shapes=SHAPES)
@plant(44, test="test_a_broken_translation_lets_the_call_through", shapes=SHAPES)
@plant(10, test="test_bodies_that_are_no_answer")
def guards_nothing(monkeypatch):
    monkeypatch.setattr(Counts, "guard", lambda self, stage: contextlib.nullcontext())
    before = openai_chat.reply
    monkeypatch.setattr(openai_chat, "reply", lambda data: data["choices"] and before(data))


@plant(37, test="test_capture_may_raise_anything")
def ends_the_writer(monkeypatch):
    monkeypatch.setattr(stage, "BUDGET", 0.3)
    before = Writer._write

    def write(self, items):
        if self._store.error is not None and items:
            raise SystemExit
        before(self, items)

    monkeypatch.setattr(Writer, "_write", write)


@plant(37, test="test_the_database_may_freeze", shapes=(SYNC, ASYNC))
def waits_for_the_database(monkeypatch):
    monkeypatch.setattr(drivers, "wait", lambda given: given and given.future.result(faults.FROZEN * 1.1))

    async def wait_async(given):
        if given:
            await asyncio.wait([asyncio.wrap_future(given.future)], timeout=faults.FROZEN * 1.1)

    monkeypatch.setattr(drivers, "wait_async", wait_async)


@plant(38, test="test_the_event_loop_goes_on_during_recall_and_capture", shapes=(ASYNC, ASYNC_STREAM))
def holds_the_event_loop(monkeypatch):
    async def wait_async(given):
        return waiting.wait(given)

    monkeypatch.setattr(drivers, "wait_async", wait_async)


@plant(39, test="test_fifty_users_of_one_client_do_not_mix", shapes=SHAPES)
@plant(39, test="test_a_stream_belongs_to_whom_it_was_opened_for", shapes=(STREAM,))
def keeps_the_scope_in_a_global(monkeypatch):
    class Global:
        def get(self, default):
            return vars(self).get("value", default)

        def set(self, value):
            self.value = value

    monkeypatch.setattr(context, "_named", Global())
    monkeypatch.setattr(context, "_reset", nothing)
    before = call.Call._exchange

    def exchange(self, reply):
        self._scope = self._desk._scopes.current() or self._scope
        return before(self, reply)

    monkeypatch.setattr(call.Call, "_exchange", exchange)


@plant(40, test="test_an_event_loop_for_each_call", shapes=(ASYNC,))
def keeps_a_future_of_another_loop(monkeypatch):
    kept = []

    async def wait_async(given):
        kept.append(asyncio.get_running_loop().create_future())
        kept[0].get_loop().call_soon(nothing)
        return waiting.wait(given)

    monkeypatch.setattr(drivers, "wait_async", wait_async)


@plant(41, test="test_the_end_of_the_program_loses_nothing")
def ends_without_a_flush(monkeypatch):
    code = """
import atexit, runpy, sys, time
atexit.register = lambda work, *given: work
from memori_wrap.capture.writer import Writer
before = Writer._commit
Writer._commit = lambda self, exchanges: (time.sleep(0.5), before(self, exchanges))[1]
runpy.run_module("memori_wrap.testing.provider.leaving", run_name="__main__")
"""
    before = subprocess.run

    def run(command, **options):
        return before([sys.executable, "-c", code, *command[3:]], **options)

    monkeypatch.setattr(faults.subprocess, "run", run)


@plant(42, test="test_other_calls_are_left_alone", shapes=(SYNC, ASYNC))
@plant(42, test="test_other_calls_are_left_alone", suite=ResponsesSuite)
def takes_every_post_for_a_conversation(monkeypatch):
    monkeypatch.setattr(adapter.OpenAIProvider, "endpoint", lambda *_: adapter._ENDPOINTS["responses"])


@plant(44, test="test_an_unknown_shape_goes_through_with_one_warning", shapes=SHAPES)
def warns_each_time(monkeypatch):
    before = Counts.once
    monkeypatch.setattr(Counts, "once", lambda self, key, *given: (self._warned.clear(), before(self, key, *given))[1])


@plant(45, test="test_another_patcher_in_every_order", shapes=(SYNC, ASYNC))
def tears_others_out(monkeypatch):
    def unhook(owner, name):
        _, before = patch._hooks.pop((owner, name))
        setattr(owner, name, before)

    monkeypatch.setattr(patch, "_unhook", unhook)


@plant(45, test="test_registering_again_after_being_torn_out")
def trusts_its_hooks(monkeypatch):
    monkeypatch.setattr(patch, "_stands_on", lambda *_: True)
