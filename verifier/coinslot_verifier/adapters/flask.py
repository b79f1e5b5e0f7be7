"""Flask: a decorator that lets only logged-in players through, and the view for a portal's notifications.

The signature header is read from environ: Flask's `request.authorization` takes a bare digest for the name
of a scheme. Nothing else of the verifier may import this module.
clause   sandbox:at-least-once
"""

import functools
from collections.abc import Callable
from http.client import responses
from typing import Concatenate, Final, ParamSpec, TypeVar

from coinslot_contracts.domain import Identity
from coinslot_contracts.errors import CoinslotError, Undecided
from coinslot_contracts.wire import WireReply
from flask import Request, Response, json, request
from werkzeug.exceptions import RequestEntityTooLarge

from coinslot_verifier.adapters import BODY_BYTES_MAX, TOO_LARGE, Handle, settle
from coinslot_verifier.adapters.wsgi import raw_headers
from coinslot_verifier.identity import IdentityVerifier
from coinslot_verifier.notification import NotificationVerifier

P = ParamSpec("P")
R = TypeVar("R")
RETRY_AFTER_S: Final = 5


def bearer_token(received: Request) -> str | None:
    """The token of `Authorization: Bearer <token>`; None where there is none."""
    scheme, _, token = received.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def identity_required(
    verifier: IdentityVerifier, *, token: Callable[[Request], object] = bearer_token
) -> Callable[[Callable[Concatenate[Identity, P], R]], Callable[P, R | Response]]:
    """A decorator for views: calls them with the player's Identity first, or answers instead of them.

    token     finds the user token in the request, by default the bearer token
    answers   a problem (RFC 9457) with the error's `code`: 401 for a Refused, 503 with Retry-After for an
              Undecided, which is an outage and never a forgery
    """

    def decorate(view: Callable[Concatenate[Identity, P], R]) -> Callable[P, R | Response]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            try:
                identity = verifier.verify(token(request))
            except CoinslotError as error:
                return _problem(error)
            return view(identity, *args, **kwargs)

        return guarded

    return decorate


def callback_view(
    notifications: NotificationVerifier, handle: Handle, *, body_bytes_max: int = BODY_BYTES_MAX
) -> Callable[[], Response]:
    """The view for a portal's notifications: `app.post("/notify")(callback_view(notifications, handle))`.

    handle   grants or revokes and commits; see `adapters.Handle`. Nothing before this view may read the body,
             `request.form` included.
    errors   what handle raises beyond Refused and Undecided
    clause   sandbox:at-least-once
    """

    def callback() -> Response:
        request.max_content_length = body_bytes_max + 1  # a chunked body is silently cut there
        try:
            body = request.get_data()
        except RequestEntityTooLarge:
            return _response(TOO_LARGE)
        if len(body) > body_bytes_max:
            return _response(TOO_LARGE)
        return _response(settle(notifications, handle, raw_headers(request.environ), body))

    return callback


def _response(reply: WireReply) -> Response:
    return Response(reply.body, reply.status, list(reply.headers))


def _problem(error: CoinslotError) -> Response:
    status = 503 if isinstance(error, Undecided) else 401
    problem = {"title": responses[status], "status": status, "code": error.code, "detail": error.detail}
    answer = Response(json.dumps(problem), status, content_type="application/problem+json")
    name, value = ("Retry-After", str(RETRY_AFTER_S)) if status == 503 else ("WWW-Authenticate", "Bearer")
    answer.headers[name] = value
    return answer
