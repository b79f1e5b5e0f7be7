"""What a backend does right with purchases, one behaviour each; a seeded bug fails those that `FAILS` names.

A demonstration returns whether the backend behaves. Each uses a player and orders of its own, so that all of
them can be run against one backend, and puts back what it changed at the portal.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from coinslot_contracts.portal import SigningKey
from coinslot_contracts.wire import WireReply
from coinslot_testkit.backend_process import Backend, Reply
from coinslot_testkit.fake_seller import FakeSeller, good_claims, jwk, pool_key, published, purchase_token
from coinslot_testkit.tokens import encode, make_token
from coinslot_testkit.tokens import good_claims as login_claims


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where a demonstration plays."""

    seller: FakeSeller
    backend: Backend


Demonstration = Callable[[Stage], bool]


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """A player with a session."""

    stage: Stage
    user_id: str
    session: str

    def post(self, path: str, body: object) -> Reply:
        """A request in the player's session."""
        headers = {"Authorization": f"Bearer {self.session}"}
        return self.stage.backend.ask("POST", path, json.dumps(body).encode(), headers)

    def open(self, product_id: str = "gems_100") -> str:
        """A purchase begun: its external id."""
        reply = self.post("/playgama/intents", {"productId": product_id})
        assert reply.status == 200, reply.body
        external_id: str = reply.json["externalId"]
        return external_id

    def pay(self, order_id: str, product_id: str = "gems_100", **changes: Any) -> str:
        """A purchase begun and paid at the portal: its external id."""
        external_id = self.open(product_id)
        self.stage.seller.sell(order_id, external_id, **changes)
        return external_id

    def show(self, token: object, external_id: object = None) -> Reply:
        """A purchase token shown to the backend."""
        more = {} if external_id is None else {"externalId": external_id}
        return self.post("/playgama/purchase", {"jwt": token, **more})

    def items(self) -> dict[str, int]:
        """What the player holds."""
        return self.stage.backend.items(self.user_id)


def buyer(stage: Stage, user_id: str) -> Buyer:
    """A player who logs in."""
    answer = stage.backend.log_in(make_token(login_claims(now_s=int(time.time()), user_id=user_id)))
    return Buyer(stage=stage, user_id=user_id, session=answer.json["session"])


def token_of(order_id: str, external_id: str, **more: Any) -> str:
    """A good token of a purchase."""
    return purchase_token(good_claims(order_id, external_id), **more)


@contextmanager
def keys(stage: Stage, *entries: SigningKey) -> Iterator[None]:
    """Another key set while the block runs."""
    kept = stage.seller.keys
    stage.seller.keys = list(entries)
    try:
        yield
    finally:
        stage.seller.keys = kept


def paid_purchase(stage: Stage) -> bool:
    player = buyer(stage, "401")
    external_id = player.pay("paid1")
    reply = player.show(token_of("paid1", external_id), external_id)
    granted = reply.json == {"status": "granted", "productId": "gems_100"}
    return reply.status == 200 and granted and player.items() == {"gems_100": 1}


def key_among_three(stage: Stage) -> bool:
    player = buyer(stage, "402")
    external_id = player.pay("third1")
    three = [published(f"t{number}", pool_key(number)) for number in (1, 2, 3)]
    with keys(stage, *three):
        second = token_of("third1", external_id, kid="t2", key=pool_key(2))  # not the first, whichever way
        return player.show(second).status == 200


def rotated_set(stage: Stage) -> bool:
    player = buyer(stage, "403")
    first, second = player.pay("old1"), player.pay("new1")
    with keys(stage, published("r1", pool_key(4))):
        before = player.show(token_of("old1", first, kid="r1", key=pool_key(4))).status
    with keys(stage, published("r2", pool_key(5))):
        after = player.show(token_of("new1", second, kid="r2", key=pool_key(5))).status
    return (before, after) == (200, 200)


def _not_given(stage: Stage, user_id: str, spoil: Callable[[str, str], str]) -> bool:
    """The spoilt token of a paid purchase gives nothing, and its good token does afterwards."""
    player = buyer(stage, user_id)
    order_id = f"spoilt{user_id}"
    external_id = player.pay(order_id)
    asked = len(stage.seller.calls("verify"))
    refused = player.show(spoil(order_id, external_id)).status in (400, 403) and player.items() == {}
    return refused and len(stage.seller.calls("verify")) == asked


def unknown_kid(stage: Stage) -> bool:
    return _not_given(stage, "404", lambda *ids: token_of(*ids, kid="nobody", key=pool_key(9)))


def embedded_jwk(stage: Stage) -> bool:
    own = {"jwk": jwk(pool_key(9), kid="k0")}
    return _not_given(stage, "405", lambda *ids: token_of(*ids, key=pool_key(9), header=own))


def alg_none(stage: Stage) -> bool:
    head = encode({"alg": "none", "typ": "JWT", "kid": "k0"})
    return _not_given(stage, "406", lambda *ids: f"{head}.{encode(good_claims(*ids))}.")


def other_key(stage: Stage) -> bool:
    return _not_given(stage, "407", lambda *ids: token_of(*ids, key=pool_key(9)))


def changed_order(stage: Stage) -> bool:
    def other_claims(order_id: str, external_id: str) -> str:
        head, _, signature = token_of("another", external_id).split(".")
        return f"{head}.{encode(good_claims(order_id, external_id))}.{signature}"

    return _not_given(stage, "408", other_claims)


def verify_says_no(stage: Stage) -> bool:
    player = buyer(stage, "409")
    answers = []
    for state in ("not_found", "refunded", "charged_back", "canceled", "failed"):
        external_id = player.pay(f"no-{state}", verify=state)
        answers.append(player.show(token_of(f"no-{state}", external_id)).status)
    return answers == [202] * 5 and player.items() == {}


def pending_then_paid(stage: Stage) -> bool:
    player = buyer(stage, "410")
    external_id = player.pay("pending1", verify="pending")
    token = token_of("pending1", external_id)
    early = [player.show(token).status for _ in range(2)]
    nothing_yet = player.items() == {}
    stage.seller.change("pending1", verify=None)
    late = player.show(token).status
    if not nothing_yet:  # that is another mistake, which `unpaid` is about
        return True
    return early == [202, 202] and late == 200 and player.items() == {"gems_100": 1}


def unpaid(stage: Stage) -> bool:
    player = buyer(stage, "411")
    external_id = player.pay("unpaid1", state="created", paid_at_s=None)
    return player.show(token_of("unpaid1", external_id)).status == 202 and player.items() == {}


def verify_outage(stage: Stage) -> bool:
    player = buyer(stage, "412")
    forms = {
        "503": WireReply(status=503),
        "429": WireReply(status=429, headers=(("Retry-After", "1"),)),
        "html": WireReply(body=b"<html>maintenance</html>"),
        "redirect": WireReply(status=302, headers=(("Location", "http://127.0.0.1:9/"),)),
        "truthy": WireReply(body=b'{"success":"true"}'),
    }
    for number, (name, reply) in enumerate(forms.items()):
        external_id = player.pay(f"outage-{name}")
        token = token_of(f"outage-{name}", external_id)
        stage.seller.lies["verify"] = lambda _, reply=reply: reply  # type: ignore[misc]
        try:
            down = player.show(token).status
        finally:
            del stage.seller.lies["verify"]
        if down != 503 or player.items() != ({"gems_100": number} if number else {}):
            return False
        if player.show(token).status != 200:
            return False
    return player.items() == {"gems_100": len(forms)}


def shown_in_a_row(stage: Stage) -> bool:
    player = buyer(stage, "413")
    external_id = player.pay("row1")
    answers = [player.show(token_of("row1", external_id, header={"n": n})).status for n in range(3)]
    return answers == [200, 200, 200] and player.items() == {"gems_100": 1}


def shown_at_once(stage: Stage) -> bool:
    player = buyer(stage, "414")
    for round_ in range(3):
        token = token_of(f"race{round_}", player.pay(f"race{round_}"))
        barrier = threading.Barrier(8)

        def one(_: int, token: str = token, barrier: threading.Barrier = barrier) -> int:
            barrier.wait(10)
            return player.show(token).status

        with ThreadPoolExecutor(8) as pool:
            if set(pool.map(one, range(8))) != {200}:
                return False
    return player.items() == {"gems_100": 3}


def dear_intent(stage: Stage) -> bool:
    player = buyer(stage, "415")
    cheap, dear = player.pay("cheap1"), player.open("gems_200")
    reply = player.show(token_of("cheap1", cheap), dear)
    return reply.status == 403 and player.items() == {}


def foreign_external_id(stage: Stage) -> bool:
    player = buyer(stage, "416")
    stage.seller.sell("foreign1", "never-issued")
    return player.show(token_of("foreign1", "never-issued")).status == 403 and player.items() == {}


def replay_by_another(stage: Stage) -> bool:
    owner, thief = buyer(stage, "417"), buyer(stage, "418")
    token = token_of("stolen1", owner.pay("stolen1"))
    answers = [who.show(token).status for who in (thief, owner, thief)]
    return answers == [403, 200, 403] and (owner.items(), thief.items()) == ({"gems_100": 1}, {})


def without_session(stage: Stage) -> bool:
    player = buyer(stage, "419")
    token = token_of("nobody1", player.pay("nobody1"))
    nobody = replace(player, session="")
    guess = replace(player, session="419")
    turned_away = [who.show(token).status for who in (nobody, guess)]
    return turned_away == [401, 401] and player.show(token).status == 200


def chargeback_later(stage: Stage) -> bool:
    player = buyer(stage, "420")
    token = token_of("back1", player.pay("back1"))
    player.show(token)
    stage.seller.change("back1", verify="charged_back")
    for _ in range(2):
        assert stage.backend.sync().status == 200
    return player.items() == {} and player.show(token).status != 200 and player.items() == {}


DEMONSTRATIONS: dict[str, Demonstration] = {
    demonstration.__name__: demonstration
    for demonstration in (
        paid_purchase,
        key_among_three,
        rotated_set,
        unknown_kid,
        embedded_jwk,
        alg_none,
        other_key,
        changed_order,
        verify_says_no,
        pending_then_paid,
        unpaid,
        verify_outage,
        shown_in_a_row,
        shown_at_once,
        dear_intent,
        foreign_external_id,
        replay_by_another,
        without_session,
        chargeback_later,
    )
}

FAILS: dict[str, set[str]] = {
    "takes-first-jwks-key": {"key_among_three"},
    "key-set-cached-forever": {"key_among_three", "rotated_set"},
    "any-key-for-unknown-kid": {"unknown_kid"},
    "embedded-jwk-trusted": {"embedded_jwk"},
    "purchase-alg-none-accepted": {"alg_none"},
    "purchase-decoded-only": {"unknown_kid", "embedded_jwk", "alg_none", "other_key", "changed_order"},
    "granted-on-jwt-alone": {"verify_says_no", "unpaid", "verify_outage"},
    "any-http-200-is-paid": {"verify_says_no", "unpaid", "verify_outage"},
    "pending-is-final": {"pending_then_paid"},
    "outage-grants": {"verify_outage"},
    "purchase-granted-each-time": {"shown_in_a_row", "shown_at_once"},
    "purchase-find-then-insert": {"shown_at_once"},
    "external-id-not-compared": {"dear_intent"},
    "any-player-may-claim": {"replay_by_another"},
}
"""Seeded bug -> the demonstrations that it fails, and no others."""
