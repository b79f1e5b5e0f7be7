"""What a backend answered to one request, with the judgement that assertions need.

Built from a direct HTTP exchange (login, sync) or from a recorded attempt of the sandbox (callbacks).
clauses: the portal's own rule says which callback answers it accepts.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coinslot_contracts.errors import ERRORS
from coinslot_contracts.portal import NoticesPart
from coinslot_contracts.wire import Headers, WireRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, or the lack of one.

    kind          login, callback, purchase or sync
    request       what was sent; the target is the full URL
    status        HTTP status, None where no answer came
    error         why none came
    accepted      the backend said yes; to a purchase: granted
    pending       the backend said that a purchase is not paid yet
    why           one sentence: why it counts as yes or no
    note          what a `should` would complain about, or None
    code          the portal's code in the body, None where there is none
    server_error  no answer, or a 5xx without a documented code
    user_id       the backend's own id of the player, where the profile tells where it is
    hostile       the request is an attack, so that it may be printed in full
    """

    kind: str
    request: WireRequest
    status: int | None
    headers: Headers = ()
    body: bytes = b""
    error: str | None = None
    elapsed_ms: float = 0.0
    at_s: float = 0.0
    accepted: bool = False
    pending: bool = False
    why: str = ""
    note: str | None = None
    code: str | None = None
    server_error: bool = False
    user_id: Any = None
    session: str | None = field(default=None, repr=False)
    order_id: str | None = None
    hostile: bool = False

    @property
    def json(self) -> Any:
        """The body as JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def shown(self) -> str:
        """One line for people: status and the start of the body, or why there is no answer."""
        if self.status is None:
            return f"no answer ({self.error})"
        text = self.body[:200].decode("utf-8", "replace").replace("\n", " ")
        return f"HTTP {self.status} {text}".rstrip() + ("…" if len(self.body) > 200 else "")


def documented_codes(notices: NoticesPart | None) -> frozenset[str]:
    """Every code that the portal documents for answers, learnt from its own replies."""
    if notices is None:
        return frozenset()
    replies = [notices.accepted, *(notices.refusal(error("")) for error in ERRORS)]
    codes = (notices.ack(reply.status, reply.body).code for reply in replies)
    return frozenset(code for code in codes if code is not None)


def is_server_error(
    *, status: int | None, code: str | None, documented: frozenset[str], outage: bool
) -> bool:
    """No answer, or a 5xx that is no clean refusal.

    outage   the sandbox makes one of the portal's endpoints fail just now, so that a 503 is the right answer
    """
    if status is None:
        return True
    if status < 500 or (code is not None and code in documented):
        return False
    return not (status == 503 and outage)


def callback_answer(
    attempt: Mapping[str, Any], *, notices: NoticesPart, order_id: str, url: str, outage: bool, hostile: bool
) -> Answer:
    """The answer of one attempt as the control API records it; the portal's rule judges it anew."""
    request = wire_request(attempt["request"], url=url)
    reply = attempt["reply"]
    status = None if reply is None else int(reply["status"])
    body = b"" if reply is None else base64.b64decode(reply["body_b64"])
    documented = documented_codes(notices)
    ack = notices.ack(status, body) if status is not None else None
    code = ack.code if ack else None
    return Answer(
        kind="callback",
        request=request,
        status=status,
        headers=() if reply is None else _headers(reply["headers"]),
        body=body,
        error=attempt["error"] if status is None else None,
        elapsed_ms=float(attempt["elapsed_ms"] or 0),
        at_s=float(attempt["at_s"]),
        accepted=bool(ack and ack.accepted),
        why=ack.reason if ack else f"no answer ({attempt['error']})",
        note=ack.note if ack else None,
        code=code,
        server_error=is_server_error(status=status, code=code, documented=documented, outage=outage),
        order_id=order_id,
        hostile=hostile,
    )


def wire_request(recorded: Mapping[str, Any], *, url: str = "") -> WireRequest:
    """A recorded request as a value; `url` replaces its target."""
    return WireRequest(
        method=recorded["method"],
        target=url or recorded["target"],
        headers=_headers(recorded["headers"]),
        body=base64.b64decode(recorded["body_b64"] or ""),
    )


def _headers(pairs: list[list[str]]) -> Headers:
    return tuple((name, value) for name, value in pairs)
