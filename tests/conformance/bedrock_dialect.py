"""How the suite drives boto3's client for Bedrock: Converse, and InvokeModel with the bodies of the vendors."""

from __future__ import annotations

import json
import re

import boto3
import botocore.session
from botocore.config import Config

from memori_wrap.testing.bedrock_server import FakeBedrock, Scripted, ToolCall
from memori_wrap.testing.provider_suite import REPLY, STREAM, SYNC, Dialect, Variant

SESSION = boto3.Session()  # it keeps the services' models, which take their time to read
CLAUDE = MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "eu.amazon.nova-lite-v1:0"
PNG = b"\x89PNG\r\n\x1a\n"
CALL = ToolCall("look_up", {"of": "canary"}, id="tooluse_1")
NOTED = '{"thing": "canary", "number": 7}'
TOOLS = {"tools": [{"toolSpec": {"name": "look_up", "inputSchema": {"json": {"type": "object"}}}}]}
CACHE = {"cachePoint": {"type": "default"}}
QUESTION = "What is my canary called?"
CONVERSE = botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("Converse")
HAS_OUTPUT_CONFIG = "outputConfig" in CONVERSE.input_shape.members  # of 2026


def client(server, *, retries=0, timeout=None, mode="standard", **more):
    config = Config(
        retries={"total_max_attempts": retries + 1, "mode": mode},
        read_timeout=timeout or 60,
        connect_timeout=timeout or 60,
        max_pool_connections=60,
    )
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    return SESSION.client("bedrock-runtime", endpoint_url=server.base_url, config=config, **keys, **more)


def user(*content):
    return {"role": "user", "content": list(content)}


class Bedrock(Dialect):
    shapes = (SYNC, STREAM)
    signed = frozenset({"authorization", "x-amz-date", "amz-sdk-invocation-id"})
    ignored = frozenset(
        {
            "RequestId",
            "x-amzn-requestid",
            "latencyMs",
            "content-length",
            "created",
            "id",
            "response_id",
            "generation_id",
        }
    )
    echoed = frozenset(
        {
            *("inputTokens", "totalTokens", "input_tokens", "prompt_tokens", "total_tokens", "prompt_token_count"),
            *("inputTextTokenCount", "inputTokenCount", "x-amzn-bedrock-input-token-count", "chat_history"),
        }
    )
    volatile = re.compile(r"(msg_bdrk_|chatcmpl-|tooluse_|call_|\"created\":|bytes read, )\w+")

    def server(self, reply):
        return FakeBedrock(reply)

    def client(self, server, *, is_async, retries=0, timeout=None, hook=None):
        made = client(server, retries=retries, timeout=timeout)
        if hook is not None:
            made.meta.events.register("before-send", lambda **_: hook())
        return made

    def plain(self, name, items, *, options=None, **more):
        """The plain call with further options."""

        async def run(client, messages, shape):
            result = self.method(client)(messages, stream=shape.is_stream, **(options or {}))
            return list(result) if shape.is_stream else [result, self.text(result)]

        return Variant(name, items, run, self.shapes, **more)

    def others(self, client):
        content = [{"text": {"text": QUESTION}}]
        target = {"s3OutputDataConfig": {"s3Uri": "s3://canaries/"}}
        guardrail = {"guardrailIdentifier": "abc", "guardrailVersion": "1", "source": "INPUT"}
        messages = {"messages": [user({"text": QUESTION})]}
        return {
            "apply_guardrail": lambda: client.apply_guardrail(**guardrail, content=content),
            "count_tokens": lambda: client.count_tokens(modelId=MODEL, input={"converse": messages}),
            "start_async_invoke": lambda: client.start_async_invoke(
                modelId="amazon.nova-reel-v1:0",
                modelInput={"prompt": QUESTION},
                outputDataConfig=target,
                clientRequestToken="a",
            ),
            "list_async_invokes": client.list_async_invokes,
            "embed": lambda: read(client, "amazon.titan-embed-text-v2:0", {"inputText": QUESTION}),
            "Cohere's embed": lambda: read(client, "cohere.embed-english-v3", {"texts": [QUESTION]}),
            "an image": lambda: read(client, "amazon.titan-image-generator-v2:0", {"taskType": "TEXT_IMAGE"}),
            "no JSON": lambda: client.invoke_model(modelId=MODEL, body=b"What is my canary called?"),
        }


def read(client, model, body):
    return json.loads(client.invoke_model(modelId=model, body=json.dumps(body))["body"].read())


class Converse(Bedrock):
    name = "bedrock converse"

    def method(self, client):
        methods = client.converse, client.converse_stream

        def call(messages, *, stream=False, **options):
            given = {"modelId": MODEL, "messages": blocks(messages), **tools(messages), **options}
            result = methods[stream](**given)
            return result["stream"] if stream else result

        return call

    def text(self, result):
        return "".join(block.get("text", "") for block in result["output"]["message"]["content"])

    def piece(self, chunk):
        return chunk.get("contentBlockDelta", {}).get("delta", {}).get("text", "")

    def variants(self):
        yield Variant("the whole response", (2, 14), self.whole, self.shapes)
        yield Variant("a prompt's ARN", (44,), self.prompt, self.shapes, injects=False)
        yield self.plain("system", (26,), options={"system": [{"text": "Be brief."}, CACHE]})
        yield self.plain(
            "tool calls",
            (32,),
            options={"toolConfig": TOOLS},
            reply=Scripted(tool_calls=[CALL, CALL]),
            said="",
            parts=("tool_call",),
        )
        yield self.plain(
            "reasoning", (32,), reply=Scripted(REPLY, reasoning="A canary, well."), parts=("reasoning",), usage=True
        )
        yield self.plain("cut short", (32,), reply=Scripted(REPLY, finish_reason="length"))
        guardrail = {"guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1", "trace": "enabled"}}
        blocked = "Sorry, the model cannot answer this question."
        yield self.plain(
            "guardrail", (32,), options=guardrail, reply=Scripted(refusal=blocked), said=blocked, usage=True
        )
        yield self.plain("filtered", (32,), reply=Scripted(REPLY, finish_reason="content_filter"))
        if HAS_OUTPUT_CONFIG:
            schema = {"name": "noted", "schema": '{"type": "object"}'}
            form = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
            yield self.plain("schema", (34,), options={"outputConfig": form}, reply=NOTED, said=NOTED)
        yield self.plain(
            "further options",
            (1,),
            options={
                "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "stopSequences": ["x"]},
                "additionalModelRequestFields": {"top_k": 5},
                "requestMetadata": {"who": "ada"},
                "performanceConfig": {"latency": "optimized"},
            },
        )

    async def whole(self, client, messages, shape):
        call = client.converse_stream if shape.is_stream else client.converse
        result = call(modelId=MODEL, messages=blocks(messages))
        return [result, list(result), list(result.get("stream", ()))]

    async def prompt(self, client, messages, shape):
        call = client.converse_stream if shape.is_stream else client.converse
        arn = "arn:aws:bedrock:us-east-1:123456789012:prompt/ABCDEFGHIJ:1"
        result = call(modelId=arn, promptVariables={"question": {"text": messages[0]["content"]}})
        return list(result["stream"]) if shape.is_stream else result

    def forms(self):
        before = [user({"text": "Hello."}), {"role": "assistant", "content": [{"text": "Hello, Ada."}]}]
        image = {"image": {"format": "png", "source": {"bytes": PNG}}}
        document = {"document": {"format": "txt", "name": "canaries", "source": {"bytes": b"They sing."}}}
        video = {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://canaries/x.mp4"}}}}
        return {
            "list": lambda text: [user({"text": text})],
            "tuple": lambda text: ({"role": "user", "content": ({"text": text},)},),
            "history": lambda text: [*before, user({"text": text})],
            "an image": lambda text: [user(image, {"text": text})],
            "a document": lambda text: [user(document, {"text": text}, image)],
            "a video": lambda text: [user(video, {"text": text})],
            "guarded words": lambda text: [user({"guardContent": {"text": {"text": text}}})],
            "a cache point before": lambda text: [user(document, {"text": "See."}, CACHE, {"text": text})],
            "a cache point after": lambda text: [user({"text": text}, CACHE)],
            "words beside a result": lambda text: [
                user({"text": "Hello."}),
                *self.tool_turn(CALL, "Lumen-7")[:1],
                user(*self.tool_turn(CALL, "Lumen-7")[1]["content"], {"text": text}),
            ],
        }

    def conversations(self):
        ask = user({"text": QUESTION})
        tool = list(self.tool_turn(CALL, "Lumen-7"))
        image = {"image": {"format": "png", "source": {"bytes": PNG}}}
        return {
            "empty": [],
            "no user": [{"role": "assistant", "content": [{"text": "Hello."}]}],
            "prefilled": [ask, {"role": "assistant", "content": [{"text": "It is"}]}],
            "tools only": tool,
            "a tool": [ask, *tool],
            "a tool and a cache point": [ask, tool[0], user(*tool[1]["content"], CACHE)],
            "an image only": [user(image)],
            "no blocks": [user()],
            "no text": [user({"text": " \n"})],
            "no content": [{"role": "user"}],
            "no role": [{"content": [{"text": QUESTION}]}],
            "odd role": [{"role": "critic", "content": [{"text": "Well."}]}],
            "twice": [ask, ask],
            "odd blocks": [user({"never_seen": {"x": 1}}, {"text": QUESTION})],
            "two in one": [user({"text": QUESTION, "image": image["image"]})],
            "odd types": [user({"text": 7}), user(7, None), {"role": "user", "content": "odd"}],
            "no dicts": [QUESTION, 7, None],
            "reasoning": [
                ask,
                {
                    "role": "assistant",
                    "content": [{"reasoningContent": {"redactedContent": b"xx"}}, {"text": "Well."}],
                },
                ask,
            ],
            "NUL": [user({"text": "my\0canary"})],
            "half an emoji": [user({"text": "my canary \ud83d"})],
            "long": [user({"text": "my canary " * 20_000})],
        }

    def unknown(self, client, stream):
        call = client.converse_stream if stream else client.converse
        return lambda: call(modelId=MODEL, messages={"odd": 1})

    def tool_turn(self, call, result):
        use = {"toolUseId": call.id, "name": call.name, "input": call.arguments}
        answer = {"toolUseId": call.id, "content": [{"text": result}], "status": "success"}
        return [{"role": "assistant", "content": [{"toolUse": use}]}, user({"toolResult": answer})]


def blocks(messages):
    """Messages as the suite gives them in Bedrock's form; those that have it already stay the same objects."""
    if not isinstance(messages, list) or not any(isinstance(m, dict) and _is_said(m) for m in messages):
        return messages
    return [{**m, "content": [{"text": m["content"]}]} if _is_said(m) else m for m in messages]


def _is_said(message):
    return isinstance(message.get("content"), str) and message["content"] != "odd"


def tools(messages):
    needs = "toolUse" in repr(messages) or "toolResult" in repr(messages)
    return {"toolConfig": TOOLS} if needs else {}
