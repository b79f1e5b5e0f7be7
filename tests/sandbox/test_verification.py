"""Verification as a backend asks for it: its dialects, what silent changes make of it, and its outages."""

import time

import pytest
import urllib3
from coinslot_contracts.portals.playgama.verify import STATES, parse_reply
from coinslot_contracts.vocabulary import VERIFY_STATES

NEGATIVE = [state for state in VERIFY_STATES if state != "paid"]


def _speak(bazaar, variant):
    bazaar.client.done("PUT", "/dialects", {"portal": "playgama", "verify_reply": variant})


def test_the_vocabulary_and_the_portal_agree_on_states():
    """One vocabulary for API, YAML and the portal's answers."""
    assert list(STATES) == list(VERIFY_STATES)


@pytest.mark.parametrize(
    ("variant", "paid", "unpaid"),
    [
        ("success", {"success": True}, {"success": False, "errorMessage": "the payment is pending"}),
        ("status", {"status": "PAID"}, {"status": "PENDING"}),
        ("verified", {"verified": True}, {"verified": False}),
    ],
)
def test_a_verification_speaks_the_chosen_dialect(bazaar, variant, paid, unpaid):
    """playgama:3.B; sandbox:verify-reply."""
    order = bazaar.order(paid=False)
    _speak(bazaar, variant)

    before = bazaar.verify(order)
    bazaar.client.done("POST", f"/orders/{order['order_id']}/pay")
    after = bazaar.verify(order)

    assert [(reply.status, reply.json) for reply in (before, after)] == [(200, unpaid), (200, paid)]


@pytest.mark.parametrize("variant", ["success", "status", "verified"])
@pytest.mark.parametrize("state", NEGATIVE)
def test_only_paid_reads_as_paid_in_every_dialect(bazaar, variant, state):
    """playgama:4; the portal's own reading is the judge."""
    order = bazaar.order(verify=state)
    _speak(bazaar, variant)

    refused = bazaar.verify(order)
    bazaar.change(order, verify=None)
    accepted = bazaar.verify(order)

    with pytest.raises(Exception, match="purchase-not-paid"):
        parse_reply(refused.status, refused.body, variant)
    parse_reply(accepted.status, accepted.body, variant)


def test_the_sibling_keeps_its_published_shape_in_every_dialect(bazaar):
    """sandbox:bridge-verify."""
    order = bazaar.order()
    _speak(bazaar, "status")

    paid = bazaar.bridge_verify(order)
    bazaar.change(order, verify="charged_back")
    charged_back = bazaar.bridge_verify(order)

    assert (paid.status, paid.json) == (200, {"success": True})
    assert charged_back.json == {"success": False, "errorMessage": "the purchase was charged back"}


@pytest.mark.parametrize(
    ("override", "status"),
    [
        ({"orderId": None}, 400),
        ({"externalId": None}, 400),
        ({"externalId": ""}, 400),
        ({"orderId": "nothing"}, 200),
        ({"externalId": "somebody-elses"}, 200),
    ],
)
def test_a_verification_denies_what_does_not_belong_together(bazaar, override, status):
    """playgama:3.B; sandbox:verify-missing-parameter; the twin with both ids is right."""
    order = bazaar.order()

    denied = bazaar.verify(order, **override)

    assert (denied.status, denied.json["success"]) == (status, False)
    assert bazaar.verify(order).json == {"success": True}


def test_an_order_of_another_portal_is_unknown(shop, bazaar):
    """An order id is no proof of where it was bought."""
    order = shop.order(paid=True, external_id="x")["order"]

    assert bazaar.verify(order).json == {"success": False, "errorMessage": "no such purchase"}


def test_a_chargeback_changes_verification_and_tells_nobody(bazaar):
    """sandbox:chargeback-without-callback."""
    order = bazaar.order()
    before = bazaar.verify(order).json

    changed = bazaar.change(order, verify="charged_back")

    assert (changed["state"], changed["verify"]) == ("paid", "charged_back")
    assert before == {"success": True}
    assert bazaar.verify(order).json["success"] is False
    assert bazaar.client.done("GET", f"/orders/{order['order_id']}")["deliveries"] == []


def test_a_pending_purchase_is_paid_later(bazaar):
    """playgama:4: pending then paid."""
    order = bazaar.order(paid=False)
    pending = bazaar.verify(order).json

    changed = bazaar.change(order, paid=True)

    assert pending["success"] is False
    assert changed["paid_at_s"] is not None
    assert bazaar.verify(order).json == {"success": True}


@pytest.mark.parametrize("through", ["change", "refund"])
def test_a_refunded_purchase_is_no_longer_paid(bazaar, through):
    """playgama:4."""
    order = bazaar.order()

    bazaar.client.done("POST", f"/orders/{order['order_id']}/{through}", {"refundStatus": 1})

    assert bazaar.verify(order).json == {"success": False, "errorMessage": "the purchase was refunded"}


def test_a_payment_that_is_taken_back_takes_its_refund_with_it(bazaar):
    """Only a paid order can be refunded, so an unpaid one has no refund."""
    order = bazaar.order(refundStatus=0)

    changed = bazaar.change(order, paid=False)

    assert (changed["state"], changed["paid_at_s"], changed["refundStatus"]) == ("created", None, None)
    assert bazaar.verify(order).json["errorMessage"] == "the payment is pending"


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"verify": "charged-back"}, (400, "field-invalid")),
        ({"verify": True}, (400, "field-invalid")),
        ({"paid": "yes"}, (400, "field-invalid")),
        ({"state": "paid"}, (400, "field-unknown")),
        ({"refundStatus": 4}, (400, "field-invalid")),
        ({"refundStatus": 1, "paid": False}, (409, "order-not-paid")),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(bazaar, change, refused):
    """The order stays as it was."""
    order = bazaar.order()
    path = f"/orders/{order['order_id']}/change"

    assert bazaar.client.refused("POST", path, change) == refused
    assert bazaar.change(order) == order


def test_only_a_portal_that_verifies_can_change_its_verification(shop):
    """The twin: the same order's payment can be changed."""
    path = f"/orders/{shop.order_id()}/change"

    assert shop.refused("POST", path, {"verify": "paid"}) == (409, "order-without-verification")
    assert shop.done("POST", path, {"paid": True})["order"]["state"] == "paid"
    assert shop.done("GET", "/deliveries")["deliveries"] == []


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({"portal": "playgama", "verify_reply": "verfied"}, "field-invalid"),
        ({"portal": "playgama", "key_form": "pem"}, "field-unknown"),
        ({"portal": "jogos", "notice_ids": "text", "verify_reply": "status"}, "field-unknown"),
        ({"portal": "jogos", "notice_ids": "text", "notice_times": "hours"}, "field-invalid"),
        ({"portal": "playgama", "reply": "status"}, "field-unknown"),
        ({"verify_reply": "status"}, "field-missing"),
    ],
)
def test_a_dialect_that_there_is_not_is_refused(bazaar, choice, code):
    """PUT /dialects changes nothing then."""
    before = bazaar.client.done("GET", "/dialects")

    assert bazaar.client.refused("PUT", "/dialects", choice) == (400, code)
    assert bazaar.client.done("GET", "/dialects") == before


def test_a_dialect_is_chosen_and_taken_back(bazaar):
    """null is the default again."""
    start = bazaar.client.done("GET", "/dialects")["dialects"]

    _speak(bazaar, "verified")
    chosen = bazaar.client.done("GET", "/dialects")["dialects"]
    _speak(bazaar, None)

    assert start["playgama"]["verify_reply"] == "success"
    assert chosen == {**start, "playgama": {**start["playgama"], "verify_reply": "verified"}}
    assert bazaar.client.done("GET", "/dialects")["dialects"] == start


def test_the_form_of_a_key_is_a_dialect_too(client):
    """sandbox:key-form; POST /keys/rotate takes it as `format`."""
    url = client.ready["jogos"]["web_url"] + "/publicKey.json"

    client.done("PUT", "/dialects", {"portal": "jogos", "key_form": "pem-crlf"})
    chosen = client.send("GET", url).json["data"]
    client.done("POST", "/keys/rotate", {"portal": "jogos", "rotate": "replace", "format": "bare-base64"})
    rotated = client.send("GET", url).json["data"]

    assert chosen.count("\r\n") == 2
    assert "-" not in rotated


OUTAGES = {
    "503": {"answer": 503},
    "429": {"answer": 429, "headers": {"Retry-After": "7"}, "json": {"error": "slow down"}},
    "html": {"answer": 200, "headers": {"Content-Type": "text/html"}, "body": "<h1>Maintenance</h1>"},
}


@pytest.mark.parametrize("at", ["playgama.jwks", "playgama.verify", "playgama.bridge_verify"])
@pytest.mark.parametrize("form", list(OUTAGES))
def test_an_outage_answers_as_it_was_told_until_it_is_healed(bazaar, at, form):
    """Faults act on every endpoint of every portal."""
    order = bazaar.order()
    ask = {
        "playgama.jwks": lambda: bazaar.client.send("GET", bazaar.url + "/.well-known/jwks.json"),
        "playgama.verify": lambda: bazaar.verify(order),
        "playgama.bridge_verify": lambda: bazaar.bridge_verify(order),
    }[at]
    spec = OUTAGES[form]
    fault = bazaar.client.done("POST", "/faults", {"at": at, "with": spec})

    broken = ask()
    healed = bazaar.client.done("DELETE", f"/faults/{fault['fault_id']}")
    after = ask()

    assert broken.status == spec["answer"]
    assert {name: broken.headers[name] for name in spec.get("headers", {})} == spec.get("headers", {})
    assert healed["fired"] == 1
    assert after.status == 200
    assert after.json


def test_a_verification_that_is_reset_says_nothing(bazaar):
    """`reset`: the backend knows neither yes nor no."""
    order = bazaar.order()
    bazaar.client.done("POST", "/faults", {"at": "playgama.verify", "with": {"reset": True, "times": 1}})

    with pytest.raises(urllib3.exceptions.HTTPError):
        bazaar.verify(order)
    assert bazaar.verify(order).json == {"success": True}


def test_a_verification_that_hangs_ends_without_an_answer(bazaar):
    """`hang`: the connection is dropped when its time is up."""
    order = bazaar.order()
    bazaar.client.done("POST", "/faults", {"at": "playgama.verify", "with": {"hang": 0.3, "times": 1}})
    began_s = time.monotonic()

    with pytest.raises(urllib3.exceptions.HTTPError):
        bazaar.verify(order)

    assert time.monotonic() - began_s >= 0.3
    assert bazaar.verify(order).json == {"success": True}


@pytest.mark.parametrize("at", ["playgama.verify", "playgama.bridge_verify"])
def test_a_fault_on_one_order_leaves_the_others_alone(bazaar, at):
    """The order is found in the query of the one and in the body of the other."""
    ask = bazaar.verify if at == "playgama.verify" else bazaar.bridge_verify
    meant, other = bazaar.order(), bazaar.order()
    bazaar.client.done("POST", "/faults", {"at": at, "order": meant["order_id"], "with": {"answer": 503}})

    assert (ask(meant).status, ask(other).status) == (503, 200)


def test_the_journal_knows_whose_verification_it_was(bazaar):
    """Order, player and externalId of an inbound call."""
    order = bazaar.order()
    bazaar.verify(order)

    (entry,) = bazaar.client.journal(endpoint="playgama.verify")

    known = {name: entry[name] for name in ("portal", "order_id", "user_id", "external_id", "verdict")}
    assert known == {
        "portal": "playgama",
        "order_id": order["order_id"],
        "user_id": order["user_id"],
        "external_id": order["external_id"],
        "verdict": {"code": "200", "reason": "the order is paid"},
    }
