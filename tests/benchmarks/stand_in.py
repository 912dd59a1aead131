"""A gateway that takes everything at once and answers as fast as one process can: never the
bottleneck of a benchmark.

`python -m tests.benchmarks.stand_in PORT [LATENCY_MS]`
"""

import asyncio
import re
import sys

REFERENCE = re.compile(rb'"reference":\s*"([0-9A-Za-z]+)"')
QUESTION = re.compile(rb"GET /rest/viber/reference/([0-9A-Za-z]+) ")
STATUS = b'{"error":0,"id":"1","reference":"%b","status":"sent","price":0.0230000,"currency":"EUR"}'
LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
ENTRY = (
    b'{"error":0,"errorDescription":"No'
    b' errors","reference":"%b","id":"%d","price":0.0230000,"currency":"EUR"}'
)


class Gateway(asyncio.Protocol):
    latency = 0.0
    accepted = 0

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, separator, rest = self.buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            length = int(result[1]) if (result := LENGTH.search(head)) else 0
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            asked = QUESTION.match(head)
            answer = http(STATUS % asked[1]) if asked else self.answer(rest[:length])
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.transport.write, answer)
            else:
                self.transport.write(answer)

    def answer(self, body: bytes) -> bytes:
        references = REFERENCE.findall(body)
        first = Gateway.accepted
        Gateway.accepted += len(references)
        entries = b",".join(
            [ENTRY % (reference, first + place) for place, reference in enumerate(references)]
        )
        text = b'{"result":[%b],"currency":"EUR","total_price":%.7f}' % (
            entries,
            0.023 * len(references),
        )
        return http(text)


def http(text: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(text),
        text,
    )


async def serve(port: int, latency: float) -> None:
    Gateway.latency = latency
    server = await asyncio.get_running_loop().create_server(Gateway, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0.0))
