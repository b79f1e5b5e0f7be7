"""Server-sent events read from a raw socket: head, chunks and events by hand, as the standards have them.

Shares no code with the sandbox and none with an HTTP library.
"""

import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CONTROL = "/_control/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; `id` is None where it had none."""

    kind: str
    id: int | None
    data: Any


class EventStream:
    """One GET of a stream. Iterate over `next_event`; `comments` and `head` are kept for tests."""

    def __init__(
        self,
        ready: dict[str, Any],
        query: str = "",
        *,
        workspace: str = "default",
        last_id: int | None = None,
        receive_bytes: int = 65_536,
    ) -> None:
        place = urlsplit(ready["control_url"])
        self.socket = socket.create_connection((place.hostname, place.port), timeout=20)
        lines = [
            f"GET {CONTROL}/w/{workspace}/journal/stream{query} HTTP/1.1",
            f"Host: {place.netloc}",
            f"Authorization: Bearer {ready['control_token']}",
            "Accept: text/event-stream",
            *([] if last_id is None else [f"Last-Event-ID: {last_id}"]),
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._receive_bytes = receive_bytes
        self._raw = b""
        self._text = b""
        self.is_ended = False
        self.comments: list[str] = []
        head = self._raw_until(b"\r\n\r\n").decode("latin-1")
        self.status = int(head.split(" ", 2)[1])
        self.headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }

    def close(self) -> None:
        """Go away without a word."""
        self.socket.close()

    def body(self) -> bytes:
        """The rest of a plain answer."""
        length = int(self.headers["content-length"])
        while len(self._raw) < length:
            self._receive()
        return self._raw[:length]

    def next_event(self) -> Event | None:
        """The next event, None at the clean end of the stream."""
        while True:
            block, found, rest = self._text.partition(b"\n\n")
            if found:
                self._text = rest
                event = self._parse(block.decode())
                if event is not None:
                    return event
            elif not self._read_chunk():
                return None

    def events(self, count: int) -> list[Event]:
        """So many events, fewer where the stream ends."""
        found: list[Event] = []
        while len(found) < count and (event := self.next_event()) is not None:
            found.append(event)
        return found

    def _parse(self, block: str) -> Event | None:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
                continue
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        if "data" not in fields:
            return None
        number = fields.get("id")
        return Event(
            kind=fields.get("event", "message"),
            id=None if number is None else int(number),
            data=json.loads(fields["data"]),
        )

    def _read_chunk(self) -> bool:
        size = int(self._raw_until(b"\r\n").split(b";")[0], 16)
        while len(self._raw) < size + 2:
            self._receive()
        self._text += self._raw[:size]
        assert self._raw[size : size + 2] == b"\r\n"
        self._raw = self._raw[size + 2 :]
        self.is_ended = size == 0
        return size > 0

    def _raw_until(self, mark: bytes) -> bytes:
        while mark not in self._raw:
            self._receive()
        piece, _, self._raw = self._raw.partition(mark)
        return piece

    def _receive(self) -> None:
        piece = self.socket.recv(self._receive_bytes)
        if not piece:
            raise ConnectionError("the stream was cut off")
        self._raw += piece
