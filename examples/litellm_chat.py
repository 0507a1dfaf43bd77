"""litellm: the module itself is registered, so every model that it reaches has the same memory."""

import asyncio

import litellm
from memori_wrap import Memori

mem = Memori()  # a SQLite file in your data directory
mem.register(litellm, entity="me")  # before `from litellm import completion`, which would else be the bare function

litellm.completion(model="openai/gpt-5-mini", messages=[{"role": "user", "content": "My sister Anna lives in Lisbon."}])

question = [{"role": "user", "content": "Where does my sister live?"}]
for chunk in litellm.completion(model="openai/gpt-5-mini", messages=question, stream=True):
    print(chunk.choices[0].delta.content or "", end="")
print()


async def serve(user: str, text: str) -> None:
    """In a server each request says whose it is; a router calls the module's functions."""
    router = litellm.Router([{"model_name": "chat", "litellm_params": {"model": "openai/gpt-5-mini"}}])
    async with mem.scope(user):
        answer = await router.acompletion(model="chat", messages=[{"role": "user", "content": text}])
        print(user, answer.choices[0].message.content)


async def main() -> None:
    await asyncio.gather(serve("ben", "I am allergic to nuts."), serve("cleo", "I love peanut butter."))
    await serve("ben", "Which snack is good for me?")


asyncio.run(main())

for memory in mem.recall("what about nuts?", entity="ben"):
    print(f"{memory.score:.2f}", memory.text)
