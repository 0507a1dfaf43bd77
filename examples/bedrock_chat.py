"""One line gives boto3's Bedrock client a memory: Converse, its stream, and InvokeModel with a vendor's own body."""

import json
from concurrent.futures import ThreadPoolExecutor

import boto3
from memori_wrap import Memori

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"

mem = Memori()  # a SQLite file in your data directory
client = mem.register(boto3.client("bedrock-runtime", region_name="us-east-1"), entity="me")

client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "My sister Anna lives in Lisbon."}]}])

answer = client.converse_stream(
    modelId=MODEL, messages=[{"role": "user", "content": [{"text": "Where does my sister live?"}]}]
)
for event in answer["stream"]:
    if "contentBlockDelta" in event:
        print(event["contentBlockDelta"]["delta"].get("text", ""), end="")
print()


def serve(user: str, question: str) -> None:
    """In a server each request says whose it is; one client serves all threads."""
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": question}],
    }
    with mem.scope(user):
        found = json.load(client.invoke_model(modelId=MODEL, body=json.dumps(body))["body"])
    print(user, found["content"][0]["text"])


with ThreadPoolExecutor() as threads:
    list(threads.map(serve, ["ben", "cleo"], ["I am allergic to nuts.", "I love peanut butter."]))
serve("ben", "Which snack is good for me?")

for memory in mem.recall("what about nuts?", entity="ben"):
    print(f"{memory.score:.2f}", memory.text)
