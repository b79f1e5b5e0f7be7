"""A receiver of callbacks that costs next to nothing: an event loop over sockets, moments of arrival kept.

`/notify` acknowledges, `/refuse` answers 500, `/hang` never answers, `/report` tells and forgets what came.
"""

import asyncio
import contextlib
import json
import re
import time

ORDER = re.compile(rb'"orderId": ?"([^"]+)"')


class Receiver(asyncio.Protocol):
    """One connection."""

    came: dict[str, float] = {}  # noqa: RUF012 - one receiver in this process
    count = 0
    busy_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A sender has connected."""
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        began_s = time.perf_counter()
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            lower = head.lower()
            length = int((lower.split(b"content-length:")[1:] or [b"0"])[0].split(b"\r\n")[0])
            if len(rest) < length:
                break
            body, self._data = rest[:length], rest[length:]
            self._answer(head.split(b" ", 2)[1], body, closes=b"connection: close" in lower)
        Receiver.busy_s += time.perf_counter() - began_s

    def _answer(self, path: bytes, body: bytes, *, closes: bool) -> None:
        status, answer = b"200 OK", b'{"code":"200","msg":"Success"}'
        if path == b"/report":
            answer = json.dumps(
                {"count": Receiver.count, "at": Receiver.came, "busy_s": Receiver.busy_s}
            ).encode()
            Receiver.came, Receiver.count, Receiver.busy_s = {}, 0, 0.0
        else:
            Receiver.count += 1
            found = ORDER.search(body)
            if found:
                Receiver.came.setdefault(found[1].decode(), time.time())
        if path == b"/hang":
            return
        if path == b"/refuse":
            status, answer = b"500 No", b"{}"
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        transport = self._transport
        assert isinstance(transport, asyncio.Transport)
        transport.write(head % len(answer) + (b"Connection: close\r\n" if closes else b"") + b"\r\n" + answer)
        if closes:
            transport.close()


async def main() -> None:
    """Serve until killed; the port is the first line of output."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
