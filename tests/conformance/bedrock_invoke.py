"""How the suite drives InvokeModel: bodies of JSON, each vendor's in its own format."""

from __future__ import annotations

import io
import json

import urllib3
from bedrock_dialect import CALL, CLAUDE, NOTED, QUESTION, Bedrock, user

from memori_wrap.testing.bedrock_server import Scripted
from memori_wrap.testing.provider_suite import REPLY, SYNC, Variant

ARN = "arn:aws:bedrock:us-east-1:123456789012:"
LLAMA = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
LLAMA += "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
DEEPSEEK = "<｜begin▁of▁sentence｜>Be brief.<｜User｜>Hello.<｜Assistant｜>Hello!<｜end▁of▁sentence｜>"
DEEPSEEK += "<｜User｜>{}<｜Assistant｜>"
TITAN = "User: Hi.\nBot: Hi!\nUser: {}\nBot:"


def claude(text, **more):
    messages = [{"role": "user", "content": text}]
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 99, "messages": messages, **more}


def chat(text, **more):
    return {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}], **more}


def nova(text):
    return {"schemaVersion": "messages-v1", "messages": [user({"text": text})], "system": [{"text": "Be brief."}]}


VENDORS = {
    "Claude": (CLAUDE, claude),
    "Claude by a profile": (f"{ARN}application-inference-profile/a1b2c3d4e5f6", claude),
    "Claude by an ARN": ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0", claude),
    "Nova": ("eu.amazon.nova-lite-v1:0", nova),
    "Nova by a profile": (f"{ARN}inference-profile/us.amazon.nova-pro-v1:0", nova),
    "Titan": ("amazon.titan-text-express-v1", lambda text: {"inputText": text}),
    "Titan with turns": ("amazon.titan-text-lite-v1", lambda text: {"inputText": TITAN.format(text)}),
    "Llama": ("us.meta.llama3-3-70b-instruct-v1:0", lambda text: {"prompt": LLAMA.format(text), "max_gen_len": 9}),
    "Llama without a template": ("meta.llama3-8b-instruct-v1:0", lambda text: {"prompt": text}),
    "Mistral's prompt": ("mistral.mistral-7b-instruct-v0:2", lambda text: {"prompt": f"<s>[INST] {text} [/INST]"}),
    "Mistral": ("mistral.mistral-large-2407-v1:0", chat),
    "Cohere": ("cohere.command-r-plus-v1:0", lambda text: {"message": text, "preamble": "Be brief."}),
    "Cohere without a preamble": ("cohere.command-r-v1:0", lambda text: {"message": text}),
    "Jamba": ("ai21.jamba-1-5-large-v1:0", chat),
    "DeepSeek's prompt": ("us.deepseek.r1-v1:0", lambda text: {"prompt": DEEPSEEK.format(text)}),
    "DeepSeek": ("deepseek.v3-v1:0", chat),
    "gpt-oss": ("openai.gpt-oss-120b-1:0", chat),
    "Qwen": ("qwen.qwen3-coder-30b-a3b-v1:0", chat),
}


def spoken(data):
    """The text in a whole answer, or in a chunk, of any vendor."""
    if not isinstance(data, dict):
        return ""
    if isinstance(data.get("content"), list):
        return "".join(block.get("text", "") for block in data["content"])
    if "message" in data.get("output", ()):
        return "".join(block.get("text", "") for block in data["output"]["message"]["content"])
    found = [data, data.get("delta"), data.get("contentBlockDelta", {}).get("delta")]
    found += [*data.get("outputs", ()), *data.get("results", ()), *data.get("choices", ())]
    found += [choice.get(name) for choice in data.get("choices", ()) for name in ("delta", "message")]
    fields = "text", "generation", "outputText", "content"
    return "".join(x[f] for x in found if x for f in fields if isinstance(x.get(f), str))


def chunk(event):
    return json.loads(event["chunk"]["bytes"])


class Invoke(Bedrock):
    name = "bedrock invoke"

    def call(self, client, stream):
        return client.invoke_model_with_response_stream if stream else client.invoke_model

    def method(self, client):
        methods = client.invoke_model, client.invoke_model_with_response_stream

        def call(messages, *, stream=False, **options):
            given = messages if isinstance(messages, dict) else {**claude(""), "messages": messages, **options}
            result = methods[stream](modelId=CLAUDE, body=json.dumps(given))
            return result["body"] if stream else result

        return call

    def text(self, result):
        return spoken(json.loads(result["body"].read()))

    def piece(self, event):
        data = chunk(event)
        return "" if data.get("type") == "message_start" else spoken(data)

    def vendor(self, name):
        model, make = VENDORS[name]

        async def run(client, messages, shape):
            body = json.dumps(make(messages[0]["content"]))
            result = self.call(client, shape.is_stream)(modelId=model, body=body)
            if not shape.is_stream:
                data = json.loads(result["body"].read())
                return [result, data, spoken(data)]
            found = [chunk(event) for event in result["body"]]
            return [result, found, "".join(map(spoken, found[1:] if "Claude" in name else found))]

        return Variant(name, (1,), run, self.shapes, usage=True)

    def read(self, name, body):
        """A way to read the body of a whole answer."""

        async def run(client, messages, shape):
            result = client.invoke_model(modelId=CLAUDE, body=json.dumps(claude(messages[0]["content"])))
            found = body(result["body"])
            if isinstance(found, list):
                found = [min(len(found[0]), 64), b"".join(found)]
            return [type(result["body"]), found, result["body"].readable(), result["body"].tell() > 0]

        return Variant(f"read by {name}", (2, 14, 17), run, (SYNC,))

    def variants(self):
        yield from map(self.vendor, VENDORS)
        for name, how in WAYS.items():
            yield self.read(name, how)
        yield Variant("bytes", (25,), self.bytes_, self.shapes)
        yield Variant("content type", (1,), self.typed, self.shapes)
        yield self.plain(
            "tool calls", (32,), reply=Scripted(tool_calls=[CALL, CALL]), said="", parts=("tool_call",), usage=True
        )
        yield self.plain(
            "thinking", (32,), reply=Scripted(REPLY, reasoning="A canary, well."), parts=("reasoning",), usage=True
        )
        yield self.plain("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        yield self.plain("refusal", (32,), reply=Scripted(refusal="No."), said="No.", parts=("refusal",))
        yield self.plain("system", (26,), options={"system": "Be brief.", "temperature": 0.5})
        yield self.plain("schema", (34,), options={"output_format": {"type": "json_schema"}}, reply=NOTED, said=NOTED)

    async def bytes_(self, client, messages, shape):
        body = bytearray(json.dumps(claude(messages[0]["content"])), "utf-8")
        result = self.call(client, shape.is_stream)(modelId=CLAUDE, body=body)
        return list(result["body"]) if shape.is_stream else result["body"].read()

    async def typed(self, client, messages, shape):
        body = json.dumps(claude(messages[0]["content"]))
        kinds = {"contentType": "application/json", "accept": "application/json", "trace": "ENABLED"}
        result = self.call(client, shape.is_stream)(modelId=CLAUDE, body=body, **kinds)
        return [result, list(result["body"]) if shape.is_stream else result["body"].read()]

    def forms(self):
        before = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello, Ada."}]
        mark = {"cache_control": {"type": "ephemeral"}}
        return {
            "list": lambda text: [{"role": "user", "content": text}],
            "history": lambda text: [*before, {"role": "user", "content": text}],
            "blocks": lambda text: [user({"type": "text", "text": text})],
            "marked": lambda text: [user({"type": "text", "text": text, **mark})],
        }

    def conversations(self):
        ask = {"role": "user", "content": QUESTION}
        tool = list(self.tool_turn(CALL, "Lumen-7"))
        return {
            "empty": [],
            "no user": [{"role": "assistant", "content": "Hello."}],
            "prefilled": [ask, {"role": "assistant", "content": "It is"}],
            "tools only": tool,
            "a tool": [ask, *tool],
            "odd role": [{"role": "critic", "content": "Well."}],
            "no messages": {},
            "half an emoji": [{"role": "user", "content": "my canary \ud83d"}],
            "long": [{"role": "user", "content": "my canary " * 20_000}],
        }

    def unknown(self, client, stream):
        body = json.dumps(chat(QUESTION))
        return lambda: self.call(client, stream)(modelId="acme.oracle-v1:0", body=body)

    def tool_turn(self, call, result):
        use = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
        return [
            {"role": "assistant", "content": [use]},
            user({"type": "tool_result", "tool_use_id": call.id, "content": result}),
        ]


def by_pieces(body):
    found = []
    while piece := body.read(7):
        found.append(piece)
    return found


def by_buffer(body):
    buffer = io.BufferedReader(body, 16)
    return list(iter(lambda: buffer.read(5), b""))


def by_with(body):
    with body as raw:
        assert isinstance(raw, urllib3.HTTPResponse)
        return [raw.read()]


def by_steps(body):
    with body as raw:
        return list(iter(lambda: raw.read1(16), b"")) if hasattr(raw, "read1") else [raw.read()]


WAYS = {
    "read": lambda body: [body.read(), body.read()],
    "pieces": by_pieces,
    "json.load": json.load,
    "chunks": lambda body: list(body.iter_chunks(9)),
    "iteration": list,
    "lines": lambda body: list(body.iter_lines(16)),
    "readlines": lambda body: body.readlines(),
    "with": by_with,
    "with, in small steps": by_steps,
    "a buffer": by_buffer,
    "a text wrapper": lambda body: io.TextIOWrapper(body, "utf-8").read(),
    "next": lambda body: [next(body), *body],
    "the stream below": lambda body: list(body._raw_stream.stream(8)),
    "the data below": lambda body: body._raw_stream.data,
    "a close": lambda body: [body.read(), body.close() or b""],
}
