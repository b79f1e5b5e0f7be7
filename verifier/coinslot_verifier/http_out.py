"""The only door to the network: one request, one bounded answer, no redirects, no proxies.

It knows bytes and time limits, never portals or trust. Everything that goes wrong is Undecided.
A redirect is refused because it could lead a signature, or our trust in a key, to another host.
"""

import time
from collections.abc import Callable
from typing import Final

import requests
from coinslot_contracts.errors import (
    ConfirmUnavailable,
    KeySourceUnavailable,
    Undecided,
    VerifyUnavailable,
)
from coinslot_contracts.wire import Headers, WireReply
from urllib3.exceptions import HTTPError

ANSWER_BYTES_MAX: Final = 8_388_608
KEY_ANSWER_BYTES_MAX: Final = 65_536
_CHUNK_BYTES: Final = 65_536
_USER_AGENT: Final = "coinslot-verifier"


class HttpOut:
    """Sends requests with `requests`; holds no connection open, so it may be shared by all threads.

    timeout_s   whole time for one question, all attempts together
    monotonic   seconds that never go back
    """

    def __init__(self, *, timeout_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._timeout_s = timeout_s
        self._monotonic = monotonic

    def get(self, url: str, *, attempts_max: int) -> WireReply:
        """GET a key document; tried again where the connection fails while there is time.

        errors   KeySourceUnavailable
        """
        return self._ask("GET", url, (), None, attempts_max, KEY_ANSWER_BYTES_MAX, KeySourceUnavailable)

    def get_verdict(self, url: str, *, attempts_max: int) -> WireReply:
        """GET the portal's word on one purchase; as `get` otherwise.

        errors   VerifyUnavailable
        """
        return self._ask("GET", url, (), None, attempts_max, KEY_ANSWER_BYTES_MAX, VerifyUnavailable)

    def post(self, url: str, *, headers: Headers, body: bytes, attempts_max: int) -> WireReply:
        """POST exactly these bytes with these headers.

        errors   ConfirmUnavailable
        """
        return self._ask("POST", url, headers, body, attempts_max, ANSWER_BYTES_MAX, ConfirmUnavailable)

    def _ask(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes | None,
        attempts_max: int,
        bytes_max: int,
        failure: type[Undecided],
    ) -> WireReply:
        deadline_s = self._monotonic() + self._timeout_s
        attempts_left = attempts_max
        while True:
            attempts_left -= 1
            try:
                reply = self._once(method, url, headers, body, deadline_s, bytes_max)
            except _TooMuch as problem:
                raise failure(f"the portal's answer {problem}") from None
            except (requests.Timeout, TimeoutError):
                raise failure(f"the portal did not answer within {self._timeout_s:g} s") from None
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                if not attempts_left or self._monotonic() >= deadline_s:
                    raise failure(f"the portal could not be asked: {type(error).__name__}") from None
                continue
            if 300 <= reply.status < 400:
                raise failure(f"the portal answered a redirect (HTTP {reply.status}), which is not followed")
            return reply

    def _once(
        self, method: str, url: str, headers: Headers, body: bytes | None, deadline_s: float, bytes_max: int
    ) -> WireReply:
        with requests.Session() as session:
            session.trust_env = False
            session.headers.clear()
            left_s = max(deadline_s - self._monotonic(), 0.001)
            with session.request(
                method,
                url,
                headers={"User-Agent": _USER_AGENT, "Accept": "application/json", **dict(headers)},
                data=body,
                timeout=left_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._content(response, deadline_s, bytes_max)
                return WireReply(
                    status=response.status_code, headers=tuple(response.headers.items()), body=content
                )

    def _content(self, response: requests.Response, deadline_s: float, bytes_max: int) -> bytes:
        """The body, read piece by piece, so that neither a flood nor a trickle outlasts the limits."""
        content = bytearray()
        while piece := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            content += piece
            if len(content) > bytes_max:
                raise _TooMuch(f"is longer than {bytes_max} bytes")
            if self._monotonic() >= deadline_s:
                raise TimeoutError
        return bytes(content)


class _TooMuch(Exception):
    """The answer exceeds a limit; the text says which."""
