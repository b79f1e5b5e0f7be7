"""What a backend does right, one behaviour each; a seeded bug fails the one that it is about.

A demonstration returns whether the backend behaves. Each uses a player and orders of its own, so that all of
them can be run against one backend, and puts back what it changed at the portal.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coinslot_contracts.portal import SigningKey
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_testkit.backend_process import Backend
from coinslot_testkit.fake_portal import FakePortal
from coinslot_testkit.tokens import encode, good_claims, make_token, spki
from coinslot_verifier import Ledger

WAIT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where a demonstration plays; ledger is the backend's own, to see when its outbox is empty."""

    portal: FakePortal
    backend: Backend
    ledger: Ledger


Demonstration = Callable[[Stage], bool]


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of a token that is valid now, with changes."""
    return {**good_claims(now_s=int(time.time())), **changes}


def notification(order_id: str, user_id: str, **changes: Any) -> dict[str, Any]:
    """The fields of a pay notification, with changes; None as a value stays null."""
    return {
        "paytype": "pay",
        "gameId": 1220,
        "orderId": order_id,
        "arrivedStatus": 0,
        "productId": "1002",
        "createTime": 1_755_657_098,
        "payTime": 1_755_657_115,
        "userId": int(user_id),
        "refundStatus": None,
        "refundTime": None,
        **changes,
    }


def compact(fields: dict[str, Any]) -> bytes:
    """The default spelling of a body."""
    return json.dumps(fields, separators=(",", ":")).encode()


def refund(order_id: str, user_id: str) -> bytes:
    """A refund notification of success."""
    return compact(
        notification(order_id, user_id, paytype="refund", refundStatus=1, refundTime=1_755_660_000)
    )


def fresh_token(stage: Stage) -> bool:
    return stage.backend.log_in(make_token(claims())).status == 200


def two_players(stage: Stage) -> bool:
    answers = [stage.backend.log_in(make_token(_claims_of(user_id))).json for user_id in ("257", "258")]
    return [answer.get("user", {}).get("id") for answer in answers] == ["257", "258"]


def _claims_of(user_id: str) -> dict[str, Any]:
    return good_claims(now_s=int(time.time()), user_id=user_id)


def rotated_key(stage: Stage) -> bool:
    stage.backend.log_in(make_token(claims()))
    kept = stage.portal.keys
    stage.portal.keys = [SigningKey(kid="2", algorithm="RS256", spki_der=spki("other"))]
    try:
        accepted = stage.backend.log_in(make_token(claims(), key="other")).status == 200
        return accepted and stage.backend.log_in(make_token(claims())).status == 401
    finally:
        stage.portal.keys = kept


def _refuses(stage: Stage, token: str) -> bool:
    return stage.backend.log_in(token).status == 401


def alg_none(stage: Stage) -> bool:
    return _refuses(stage, f"{encode({'alg': 'none'})}.{encode(claims())}.")


def empty_signature(stage: Stage) -> bool:
    cut = make_token(claims()).rpartition(".")[0]
    return _refuses(stage, cut) and _refuses(stage, cut + ".")


def hs256_public(stage: Stage) -> bool:
    signed = f"{encode({'alg': 'HS256'})}.{encode(claims())}"
    secret = KEY_FORMS["pem"](spki()).encode()
    digest = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return _refuses(stage, f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}")


def other_game(stage: Stage) -> bool:
    return _refuses(stage, make_token(good_claims(now_s=int(time.time()), game_id="1221")))


def expired(stage: Stage) -> bool:
    return _refuses(stage, make_token(claims(exp=int(time.time()) - 3600)))


def unusable_user(stage: Stage) -> bool:
    assert PORTAL.identity is not None
    no_id = PORTAL.identity.claim_defects["sub-no-user-id"](claims())
    return _refuses(stage, make_token(no_id)) and _refuses(stage, make_token(claims(sub="player 257")))


def documented_answer(stage: Stage) -> bool:
    reply = stage.backend.notify(compact(notification("answer1", "301")))
    return reply.content_type == "application/json" and reply.json == {"code": "200", "msg": "Success"}


def spaced_body(stage: Stage) -> bool:
    fields = notification("spaced1", "302")
    stage.backend.notify(json.dumps(fields, indent=2).encode() + b"\n")
    return stage.backend.items("302") == {"1002": 1}


def missing_signature(stage: Stage) -> bool:
    reply = stage.backend.notify(compact(notification("unsigned1", "303")), signed=None)
    return reply.json["code"] == "41007" and stage.backend.items("303") == {}


def wrong_signature(stage: Stage) -> bool:
    reply = stage.backend.notify(compact(notification("forged1", "304")), signed="0" * 40)
    return reply.json["code"] == "41007" and stage.backend.items("304") == {}


def missing_field(stage: Stage) -> bool:
    fields = notification("short1", "305")
    del fields["productId"]
    reply = stage.backend.notify(compact(fields))
    return reply.status == 200 and reply.json["code"] == "305"


def foreign_notification(stage: Stage) -> bool:
    reply = stage.backend.notify(compact(notification("foreign1", "306", gameId=1221)))
    return stage.backend.items("306") == {} and reply.json["code"] == "40001"


def grants_to_payer(stage: Stage) -> bool:
    stage.backend.log_in(make_token(_claims_of("307")))
    stage.backend.notify(compact(notification("payer1", "308")))
    return stage.backend.items("307") == {} and stage.backend.items("308") == {"1002": 1}


def copies_at_once(stage: Stage) -> bool:
    for round_ in range(3):
        stage.backend.notify_at_once(compact(notification(f"race{round_}", "309")), copies=8)
    return stage.backend.items("309") == {"1002": 3}


def copies_in_a_row(stage: Stage) -> bool:
    for _ in range(3):
        stage.backend.notify(compact(notification("again1", "310")))
    return stage.backend.items("310") == {"1002": 1}


def refund_is_no_payment(stage: Stage) -> bool:
    stage.backend.notify(compact(notification("once1", "311")))
    stage.backend.notify(refund("once1", "311"))
    return stage.backend.items("311").get("1002", 0) <= 1


def refund_takes(stage: Stage) -> bool:
    stage.backend.notify(compact(notification("taken1", "312")))
    for _ in range(2):
        stage.backend.notify(refund("taken1", "312"))
    return stage.backend.items("312") == {}


def refund_first(stage: Stage) -> bool:
    stage.backend.notify(refund("early1", "313"))
    stage.backend.notify(compact(notification("early1", "313")))
    return stage.backend.items("313") == {}


def every_page(stage: Stage) -> bool:
    for number in range(41):
        stage.portal.add_order(f"listed{number:02}", user_id="314", arrived_status=0)
    stage.portal.add_order("listed-back", user_id="314", refund_status=1)
    for _ in range(2):
        assert stage.backend.sync().status == 200
    return stage.backend.items("314") == {"1002": 41}


def confirms(stage: Stage) -> bool:
    order = stage.portal.add_order("confirm1", user_id="315")
    stage.backend.notify(compact(notification(order.order_id, order.user_id)))
    deadline_s = time.monotonic() + WAIT_S
    while not _arrived(stage, order.order_id) and stage.ledger.next_due_at_s() is not None:
        assert time.monotonic() < deadline_s, "the order was neither reported nor given up"
    return stage.portal.orders[order.order_id].arrived_status == 1


def _arrived(stage: Stage, order_id: str) -> bool:
    return any(order_id.encode() in request.body for request in stage.portal.calls("arrivedorder"))


DEMONSTRATIONS: dict[str, Demonstration] = {
    demonstration.__name__: demonstration
    for demonstration in (
        fresh_token,
        two_players,
        rotated_key,
        alg_none,
        empty_signature,
        hs256_public,
        other_game,
        expired,
        unusable_user,
        documented_answer,
        spaced_body,
        missing_signature,
        wrong_signature,
        missing_field,
        foreign_notification,
        grants_to_payer,
        copies_at_once,
        copies_in_a_row,
        refund_is_no_payment,
        refund_takes,
        refund_first,
        every_page,
        confirms,
    )
}
