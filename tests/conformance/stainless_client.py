"""Ways to read a streamed response that the SDKs of OpenAI and Anthropic share; one generator made them both."""

from __future__ import annotations

from memori_wrap.testing.provider.shapes import drain, settle, within


async def streaming_parse(create, messages, shape):
    async with within(create(messages, stream=shape.is_stream)) as response:
        found = response.parse()
        parsed = await settle(found)
        seen = [type(response), response.headers, type(found), type(parsed), response.is_closed]
        return [*seen, await drain(parsed) if shape.is_stream else parsed]


def streaming(read):
    async def run(create, messages, shape):
        async with within(create(messages, stream=shape.is_stream)) as response:
            found = await settle(getattr(response, read)())
            if hasattr(found, "__aiter__") or hasattr(found, "__next__"):
                found = await drain(found)
            if found and isinstance(found, list) and isinstance(found[0], bytes):
                found = b"".join(found)
            return [type(response), response.headers, found]

    return run


async def streaming_unread(create, messages, shape):
    async with within(create(messages, stream=shape.is_stream)) as response:
        return [type(response), response.headers]


async def streaming_cut(create, messages, shape):
    async with within(create(messages, stream=shape.is_stream)) as response:
        try:
            return await settle(response.read())
        except Exception as error:
            return [error]
