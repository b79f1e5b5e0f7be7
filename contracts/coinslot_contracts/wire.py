"""HTTP messages as values: what came in and what goes out, byte for byte.

Handlers of portal endpoints take and return these, so a whole portal can be tested without a port.
Header names keep the spelling they were sent with; repeated headers stay repeated.
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl

Headers = tuple[tuple[str, str], ...]


def find_header(headers: Headers, name: str) -> str | None:
    """The first value of a header, compared without case; None where it was not sent."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """One request as it crossed the wire.

    target   path and query exactly as sent, percent-encoded
    body     the raw bytes after transfer decoding; never re-serialised
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The decoded query parameters; of a repeated one, the first."""
        pairs = parse_qsl(self.target.partition("?")[2], keep_blank_values=True)
        return dict(reversed(pairs))

    def header(self, name: str) -> str | None:
        """The first value of the header of this name, in any case; None where there is none."""
        return find_header(self.headers, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireReply:
    """One answer as it crosses the wire.

    status    the HTTP status, 100 to 599
    headers   pairs of name and value, in the order in which they go out
    body      the raw bytes
    """

    status: int = 200
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of the header of this name, in any case; None where there is none."""
        return find_header(self.headers, name)
