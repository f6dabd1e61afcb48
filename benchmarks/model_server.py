"""A server of chat completions on loopback for the benchmarks: each answer comes after a second. Prints its port."""

from __future__ import annotations

import asyncio
import json
import sys

SECONDS = 1.0
_USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def _chunk(**rest: object) -> bytes:
    event = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", **rest}
    data = f"data: {json.dumps(event)}\n\n".encode()
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


ANSWER = (_chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": "fine, "}, "finish_reason": None}])
          + _chunk(choices=[{"index": 0, "delta": {"content": "thanks"}, "finish_reason": "stop"}])
          + _chunk(choices=[], usage=_USAGE) + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                   if line.startswith(b"content-length:")), 0)
    await reader.readexactly(length)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    await asyncio.sleep(SECONDS)
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until whoever started it goes


if __name__ == "__main__":
    asyncio.run(_main())
