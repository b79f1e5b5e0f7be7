"""Lies about purchases, at the documented verification and at its published sibling."""

import pytest

VERIFY, BRIDGE = "playgama.verify", "playgama.bridge_verify"
BOTH = pytest.mark.parametrize("at", [VERIFY, BRIDGE])


@pytest.fixture
def ask(bazaar):
    """(endpoint, order) -> its answer."""
    return lambda at, order: (bazaar.verify if at == VERIFY else bazaar.bridge_verify)(order)


def _set(bazaar, at, spec, **more):
    return bazaar.client.done("POST", "/faults", {"at": at, "with": spec, **more})["fault_id"]


def _heal(bazaar, fault_id):
    return bazaar.client.done("DELETE", f"/faults/{fault_id}")["fired"]


def _is_paid(reply):
    return (reply.status, reply.json) == (200, {"success": True})


@BOTH
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("verify_pending", "the payment is pending"),
        ("verify_not_found", "no such purchase"),
        ("verify_mismatch", "no such purchase"),
    ],
)
def test_a_paid_order_is_not_confirmed(bazaar, ask, at, kind, message):
    """A no in the endpoint's own shape, for the order that is meant; healed, a yes."""
    order, other = bazaar.order(), bazaar.order()
    fault_id = _set(bazaar, at, {kind: True}, order=order["order_id"])

    reply = ask(at, order)

    assert (reply.status, reply.json) == (200, {"success": False, "errorMessage": message})
    assert _is_paid(ask(at, other))
    assert _heal(bazaar, fault_id) == 1
    assert _is_paid(ask(at, order))


def test_a_lie_speaks_the_chosen_dialect(bazaar, ask):
    """verify_reply: status."""
    bazaar.client.done("PUT", "/dialects", {"portal": "playgama", "verify_reply": "status"})
    order = bazaar.order()
    _set(bazaar, VERIFY, {"verify_pending": True})

    assert ask(VERIFY, order).json == {"status": "PENDING"}


@BOTH
def test_a_confirmation_names_another_order(bazaar, ask, at):
    """A yes whose ids are not those that were asked for."""
    order = bazaar.order()
    fault_id = _set(bazaar, at, {"verify_mismatch": {"confirms": True}})

    told = ask(at, order).json

    assert told["success"] is True
    assert told["orderId"] != order["order_id"]
    assert told["externalId"] != order["external_id"]
    assert _heal(bazaar, fault_id) == 1
    assert _is_paid(ask(at, order))


@BOTH
def test_a_yes_becomes_a_no(bazaar, ask, at):
    """A chargeback: each order is confirmed once; what was honest has not fired."""
    first, second = bazaar.order(), bazaar.order()
    fault_id = _set(bazaar, at, {"verify_says_no_after_yes": True})

    answers = [ask(at, order).json["success"] for order in (first, first, second, first, second)]

    assert answers == [True, False, True, False, False]
    assert ask(at, first).json["errorMessage"] == "the purchase was charged back"
    assert _heal(bazaar, fault_id) == 4
    assert _is_paid(ask(at, first))


@BOTH
def test_a_page_of_html_reads_like_success(bazaar, ask, at):
    """200, text/html: neither yes nor no."""
    order = bazaar.order()
    fault_id = _set(bazaar, at, {"verify_ok_html": True})

    reply = ask(at, order)

    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"successful" in reply.body
    assert _heal(bazaar, fault_id) == 1
    assert _is_paid(ask(at, order))


def test_what_is_no_order_cannot_be_lied_about(bazaar):
    """An unknown order is unknown, pending or not: the lie has not fired."""
    fault_id = _set(bazaar, VERIFY, {"verify_pending": True})

    reply = bazaar.verify({"order_id": "nobody", "external_id": "x"})

    assert reply.json["success"] is False
    assert _heal(bazaar, fault_id) == 0
