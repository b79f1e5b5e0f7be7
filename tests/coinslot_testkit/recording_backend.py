"""A backend that records every request byte for byte and answers as a test tells it to.

Threaded, on a free loopback port, without a framework, so that nothing normalises what arrived.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

ACCEPTED = b'{"code":"200","msg":"Success"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request as it arrived; `at_s` is when its last byte did, by a monotonic clock."""

    at_s: float
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header, compared without case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def is_cut(self) -> bool:
        """Whether the sender died before all of it was sent: no server takes that for a request."""
        return len(self.body) < int(self.header("Content-Length") or 0)

    @property
    def json(self) -> dict[str, object]:
        """The body, read as a JSON object."""
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """What the backend answers; it waits for `after` first, where that is given."""

    status: int = 200
    body: bytes = ACCEPTED
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    after: threading.Event | None = None


@dataclass(slots=True)
class _State:
    changed: threading.Condition = field(default_factory=threading.Condition)
    arrivals: list[Arrival] = field(default_factory=list)
    answer: Callable[[Arrival], Says] = lambda _arrival: Says()


class RecordingBackend:
    """A context manager: `with RecordingBackend() as backend:`."""

    def __init__(self, *, port: int = 0) -> None:
        self._state = _State()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", port), _handler(self._state), bind_and_activate=False
        )
        self._server.daemon_threads = True
        self._server.request_queue_size = 256
        self._server.server_bind()
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "RecordingBackend":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its callback URL."""
        return f"http://127.0.0.1:{self.port}/notify"

    @property
    def arrivals(self) -> list[Arrival]:
        """Everything that has arrived so far."""
        with self._state.changed:
            return list(self._state.arrivals)

    def answer_with(self, *answers: Says) -> None:
        """Give these answers in turn; the last one stays."""
        waiting = list(answers)

        def answer(arrival: Arrival) -> Says:
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

        self.answer_by(answer)

    def answer_by(self, answer: Callable[[Arrival], Says]) -> None:
        """Let a function decide what is answered."""
        with self._state.changed:
            self._state.answer = answer

    def wait_for(self, count: int, *, timeout_s: float = 10.0) -> list[Arrival]:
        """Wait until so many requests have arrived; AssertionError where they do not."""
        deadline_s = time.monotonic() + timeout_s
        with self._state.changed:
            while len(self._state.arrivals) < count:
                left_s = deadline_s - time.monotonic()
                assert left_s > 0, f"{len(self._state.arrivals)} of {count} requests arrived in {timeout_s} s"
                self._state.changed.wait(left_s)
            return list(self._state.arrivals)


def _handler(state: _State) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            arrival = Arrival(
                at_s=time.monotonic(),
                method=self.command,
                target=self.path,
                headers=tuple(self.headers.items()),
                body=body,
            )
            with state.changed:
                state.arrivals.append(arrival)
                says = state.answer(arrival)
                state.changed.notify_all()
            if says.after is not None:
                says.after.wait(30)
            self.close_connection = True
            try:
                self.send_response(says.status)
                for name, value in says.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(says.body)))
                self.end_headers()
                self.wfile.write(says.body)
            except OSError:
                return  # the caller has given up, which some tests are about

        do_POST = do_GET = do_PUT = _serve  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the form of the base class
            """Say nothing."""

    return Handler
