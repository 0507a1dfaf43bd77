"""A server for many users: the middleware says whose request it is, and every endpoint just calls the model.

uvicorn fastapi_server:app           # or: python fastapi_server.py, which also asks it a few questions
"""

import threading
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from memori_wrap import Memori
from memori_wrap.web.asgi import Connection, ScopeMiddleware, header
from openai import AsyncOpenAI, OpenAI

mem = Memori()
client = mem.register(OpenAI())
async_client = mem.register(AsyncOpenAI())


def user_of(request: Connection) -> str | None:
    """Whoever your proxy has authenticated; None: nobody, and nothing is remembered."""
    return header(request, "x-authenticated-user")


app = FastAPI()
app.add_middleware(ScopeMiddleware, memory=mem, entity=user_of)


@app.get("/chat")
def chat(text: str) -> str:
    answer = client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content or ""


@app.get("/stream")
async def stream(text: str) -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:  # runs after the endpoint has returned, and still is that user's
        answer = await async_client.chat.completions.create(
            model="gpt-5-mini", messages=[{"role": "user", "content": text}], stream=True
        )
        async for chunk in answer:
            yield chunk.choices[0].delta.content or "" if chunk.choices else ""

    return StreamingResponse(pieces())


def ask(port: int, path: str, user: str, text: str) -> None:
    url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode({'text': text})}"
    request = urllib.request.Request(url, headers={"x-authenticated-user": user})
    with urllib.request.urlopen(request) as answer:
        print(user, answer.read().decode())


if __name__ == "__main__":
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    ask(port, "/chat", "ben", "My sister Anna lives in Lisbon.")
    ask(port, "/chat", "cleo", "My sister Maria lives in Porto.")
    ask(port, "/stream", "ben", "Where does my sister live?")
    server.should_exit = True
    thread.join()
