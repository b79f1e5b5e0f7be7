"""What can be wrong with this portal's answers in its own terms: the key set, and what verification says.

A lie lets the endpoint answer over a state that differs in one thing, so that it speaks whatever dialect the
endpoint does.
clauses   playgama:2, playgama:3.B, playgama:4
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from coinslot_contracts.domain import Order
from coinslot_contracts.fault_kinds import FaultKind, LieCase, Param
from coinslot_contracts.json_bytes import dump_compact, parse_json_object
from coinslot_contracts.lies import KEY_LIES, Honest, SameView, key_lie, lie
from coinslot_contracts.portal import Answer, Lie, LieView, SigningKey
from coinslot_contracts.wire import WireReply, WireRequest

HTML: Final = b"<!doctype html><html><body><h1>Payment successful</h1></body></html>\n"
OTHER: Final = "another-"
_WEAK_MODULUS: Final = (
    "qYLhuWG4OmFgp0xj7Db0qYVlX6rpFxbgUOgTLMnsG8MfFwJL9A5T6qRtVkR0aVZg7eIbFKsmzhpDGSxE8nSsCw"
)
"""An RSA modulus of 512 bits."""
_P256_POINT: Final = {
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}
"""The public point of RFC 7517's example key (appendix A.1)."""


def _shown_kid(key: SigningKey) -> str | None:
    named: str | None = key.oddities.get("kid", key.kid)
    return named


def _with_kid(key: SigningKey, kid: str | None) -> SigningKey:
    return replace(key, oddities={**key.oddities, "kid": kid})


def _renamed(rename: Callable[[str], str | None]) -> Callable[[LieView, LieCase], Sequence[SigningKey]]:
    """The set with other ids on its keys."""

    def keys(view: LieView, case: LieCase) -> Sequence[SigningKey]:  # noqa: ARG001 - the form of a key lie
        return tuple(_with_kid(key, rename(_shown_kid(key) or "")) for key in view.published_keys())

    return keys


def _kid_duplicate(view: LieView, case: LieCase) -> Sequence[SigningKey]:  # noqa: ARG001
    kid = _shown_kid(view.signing_key())
    return (*view.published_keys(), _with_kid(view.next_key(), kid))


def _empty(view: LieView, case: LieCase) -> Sequence[SigningKey]:  # noqa: ARG001
    return ()


def _extra_keys(view: LieView, case: LieCase) -> Sequence[SigningKey]:
    """The published keys; the odd ones come first in the set, which lists the one that signs last."""
    return (*view.published_keys(), *(_EXTRA_KEYS[kind](view) for kind in case.params["kinds"]))


_EXTRA_KEYS: Final[Mapping[str, Callable[[LieView], SigningKey]]] = {
    "ec": lambda view: _entry("extra-ec", "ES256", {"kty": "EC", "crv": "P-256", **_P256_POINT}),  # noqa: ARG005
    "use_enc": lambda view: replace(
        view.next_key(), kid="extra-enc", oddities={"use": "enc", "alg": "RSA-OAEP-256"}
    ),
    "oct": lambda view: _entry("extra-oct", "HS256", {"kty": "oct", "k": "c2VjcmV0LW9mLXRoZS1zYW5kYm94"}),  # noqa: ARG005
    "weak": lambda view: _entry("extra-weak", "RS256", {"kty": "RSA", "n": _WEAK_MODULUS, "e": "AQAB"}),  # noqa: ARG005
}


def _entry(kid: str, algorithm: str, jwk: Mapping[str, Any]) -> SigningKey:
    return SigningKey(kid=kid, algorithm=algorithm, spki_der=b"", jwk=jwk)


class _OrderView(SameView):
    """A view in which orders are found otherwise than they are."""

    def __init__(self, view: LieView, change: Callable[[Order], Order | None]) -> None:
        super().__init__(view)
        self._change = change

    def find_order(self, order_id: str) -> Order | None:
        """The order as the lie has it."""
        order = self._view.find_order(order_id)
        return None if order is None else self._change(order)


def _of_order(change: Callable[[Order], Order | None]) -> Callable[..., Answer]:
    def tell(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:  # noqa: ARG001
        return honest(request, _OrderView(view, change))

    return tell


def _no_after_yes(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:
    if case.seen_of_order == 1:
        return honest(request, view)
    return honest(request, _OrderView(view, lambda order: replace(order, verify="charged_back")))


def _mismatch(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:
    """No, it belongs to another externalId; or a yes that names another order."""
    if not case.params["confirms"]:
        return honest(
            request, _OrderView(view, lambda order: replace(order, external_id=f"{OTHER}{order.external_id}"))
        )
    answer = honest(request, view)
    members = {**parse_json_object(answer.reply.body), "orderId": f"{OTHER}order", "externalId": f"{OTHER}id"}
    return replace(answer, reply=replace(answer.reply, body=dump_compact(members)))


def _ok_html(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:  # noqa: ARG001
    page = WireReply(headers=(("Content-Type", "text/html; charset=utf-8"),), body=HTML)
    return replace(honest(request, view), reply=page, verdict_reason="a page of HTML in place of an answer")


VERIFY_LIES: Final[Mapping[str, Lie]] = {
    "verify_pending": lie("verify_pending", _of_order(lambda order: replace(order, verify="pending"))),
    "verify_not_found": lie("verify_not_found", _of_order(lambda order: None)),  # noqa: ARG005
    "verify_mismatch": lie(
        "verify_mismatch",
        _mismatch,
        FaultKind(says="", params={"confirms": Param(form="flag", default=False)}),
    ),
    "verify_says_no_after_yes": lie("verify_says_no_after_yes", _no_after_yes),
    "verify_ok_html": lie("verify_ok_html", _ok_html),
}
"""Lies of both addresses that verify."""

LIES: Final[Mapping[str, Mapping[str, Lie]]] = {
    "playgama.jwks": {
        **KEY_LIES,
        "unknown_kid": key_lie("unknown_kid", _renamed(lambda kid: f"{OTHER}{kid}")),
        "kid_missing": key_lie("kid_missing", _renamed(lambda kid: None)),  # noqa: ARG005
        "kid_case": key_lie("kid_case", _renamed(str.swapcase)),
        "kid_duplicate": key_lie("kid_duplicate", _kid_duplicate),
        "jwks_extra_keys": key_lie(
            "jwks_extra_keys",
            _extra_keys,
            FaultKind(
                says="",
                params={
                    "kinds": Param(form="choices", choices=tuple(_EXTRA_KEYS), default=tuple(_EXTRA_KEYS))
                },
                short="kinds",
            ),
        ),
        "jwks_empty": key_lie("jwks_empty", _empty),
    },
    "playgama.verify": VERIFY_LIES,
    "playgama.bridge_verify": VERIFY_LIES,
}
"""Endpoint -> kind of fault -> lie."""
