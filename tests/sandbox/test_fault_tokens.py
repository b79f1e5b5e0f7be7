"""Faults at `token`: good tokens that are asked for come with a defect."""

import jwt
import pytest


@pytest.fixture
def player(client):
    """A player's id."""
    return client.player(username="alice")


def _token(client, player, **spec):
    return client.done("POST", "/tokens", {"player": player, **({"token": spec} if spec else {})})


def _set(client, spec, **more):
    return client.done("POST", "/faults", {"at": "token", "with": spec, **more})["fault_id"]


def _heal(client, fault_id):
    return client.done("DELETE", f"/faults/{fault_id}")["fired"]


@pytest.mark.parametrize("params", ["alg-none", {"name": "alg-none"}])
def test_the_next_token_is_minted_with_a_defect(client, player, params):
    """times: 1: the next one is unsigned, the one after it is good."""
    fault_id = _set(client, {"hostile": params, "times": 1})

    bad, good = _token(client, player), _token(client, player)

    assert jwt.get_unverified_header(bad["token"])["alg"] == "none"
    assert (bad["expected"], bad["error"]) == ("refused", "alg-refused")
    assert jwt.get_unverified_header(good["token"])["alg"] == "RS256"
    assert good["expected"] == "accepted"
    assert _heal(client, fault_id) == 1


def test_a_token_that_is_asked_for_by_name_is_what_was_asked_for(client, player):
    """An explicit wish is no matching call."""
    fault_id = _set(client, {"hostile": "alg-none"})

    assert _token(client, player, hostile="expired")["error"] == "token-expired"
    assert _heal(client, fault_id) == 0


def test_a_purchase_of_an_order_comes_with_a_defect(client, bazaar):
    """Matched by order; other orders' purchases are good."""
    order, other = bazaar.order(), bazaar.order()
    fault_id = _set(client, {"hostile": "sig-empty"}, order=order["order_id"])

    assert bazaar.purchase(other)["expected"] == "accepted"
    assert bazaar.purchase(order)["purchase"]["jwt"].endswith(".")
    assert _heal(client, fault_id) == 1
    assert bazaar.purchase(order)["expected"] == "accepted"


def test_a_defect_that_a_token_cannot_have_does_not_act(client, player, bazaar):
    """Tokens without a key id have none that is unknown; the purchase's have."""
    fault_id = _set(client, {"hostile": "kid-unknown", "times": 1})

    assert _token(client, player)["expected"] == "accepted"
    assert bazaar.purchase(bazaar.order())["error"] == "kid-unknown"
    assert _heal(client, fault_id) == 1
