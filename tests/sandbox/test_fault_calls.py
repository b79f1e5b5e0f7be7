"""The control calls about faults: what is refused and how, what is reported, and what kinds there are."""

import pytest
from coinslot_contracts.fault_kinds import TOKEN_KINDS, TRANSPORT_KINDS
from coinslot_contracts.portal import discover
from coinslot_contracts.vocabulary import FAULT_KINDS

FLAT = "jogos.publicKey"


@pytest.mark.parametrize(
    ("at", "spec", "code"),
    [
        (FLAT, {"kid_case": True}, "fault-kind-inapplicable"),
        (FLAT, {"duplicate": True}, "fault-kind-inapplicable"),
        ("playgama.jwks", {"key_shape": "pem"}, "fault-kind-inapplicable"),
        ("playgama.verify", {"stale_key": True}, "fault-kind-inapplicable"),
        ("jogos.arrivedorder", {"page_shift": 1}, "fault-kind-inapplicable"),
        ("delivery", {"answer": 503}, "fault-kind-inapplicable"),
        ("token", {"reset": True}, "fault-kind-inapplicable"),
        (FLAT, {"latencey": 1}, "field-unknown"),
        (FLAT, {"latency": True}, "field-invalid"),
        (FLAT, {"latency": {"fixed_s": 1, "uniform": [1, 2]}}, "field-invalid"),
        (FLAT, {"latency": {"fixed": 1}}, "field-unknown"),
        (FLAT, {"latency": {"uniform": [2, 1]}}, "field-invalid"),
        (FLAT, {"latency": {"uniform": [1]}}, "field-invalid"),
        (FLAT, {"latency": {"lognormal": {"sigma": 1}}}, "field-missing"),
        (FLAT, {"latency": -1}, "field-invalid"),
        (FLAT, {"latency": "slow"}, "field-invalid"),
        (FLAT, {"latency": 1, "reset": True}, "field-invalid"),
        (FLAT, {"reset": "sometimes"}, "field-invalid"),
        (FLAT, {"empty_reply": 3}, "field-invalid"),
        (FLAT, {"oversized": 65}, "field-invalid"),
        (FLAT, {"redirect": "ftp://x"}, "field-invalid"),
        (FLAT, {"redirect": {"to": "http://x", "status": 200}}, "field-invalid"),
        (FLAT, {"key_shape": True}, "field-missing"),
        (FLAT, {"key_shape": "pemm"}, "field-invalid"),
        (FLAT, {"reset": True, "nth": 0}, "field-invalid"),
        (FLAT, {"reset": True, "nth": []}, "field-invalid"),
        (FLAT, {"reset": True, "nth": [1, True]}, "field-invalid"),
        (FLAT, {"reset": True, "probability": 1.5}, "field-invalid"),
        (FLAT, {"reset": True, "ttl_s": -1}, "field-invalid"),
        ("jogos.arrivedorder", {"arrived_rejects": {"code": 404}}, "field-invalid"),
        ("playgama.jwks", {"jwks_extra_keys": ["rsa"]}, "field-invalid"),
        ("token", {"hostile": "expird"}, "field-invalid"),
        ("token", {"hostile": True}, "field-missing"),
        ("nowhere", {"reset": True}, "endpoint-unknown"),
    ],
)
def test_what_a_place_cannot_do_is_refused(client, at, spec, code):
    """A stable code each; nothing is set. The twins are in the files of the kinds."""
    assert client.refused("POST", "/faults", {"at": at, "with": spec}) == (400, code)
    assert client.done("GET", "/faults")["faults"] == []


@pytest.mark.parametrize(
    ("at", "spec", "hint"),
    [
        (FLAT, {"latencey": 1}, "did you mean 'latency'?"),
        (FLAT, {"latency": {"fixd_s": 1}}, "did you mean 'fixed_s'?"),
        (FLAT, {"key_shape": "pem-clrf"}, "did you mean 'pem-crlf'?"),
        ("token", {"hostile": "expird"}, "did you mean 'expired'?"),
        ("tokens", {"hostile": "expired"}, "did you mean 'token'?"),
    ],
)
def test_a_misspelt_name_is_named(client, at, spec, hint):
    """Did you mean."""
    assert client.control("POST", "/faults", {"at": at, "with": spec}).json["try"] == hint


def test_a_kind_at_the_wrong_place_is_told_where_it_can_be(client):
    """And what the place can do."""
    problem = client.control("POST", "/faults", {"at": FLAT, "with": {"kid_case": True}}).json

    assert "it can at playgama.jwks" in problem["try"]
    assert "key_shape" in problem["try"]


def test_a_fault_reports_everything_about_itself(client):
    """What was asked for, and what came of it."""
    client.done("POST", "/clock/freeze", {"at_s": 1000})
    fault = client.done(
        "POST",
        "/faults",
        {"at": FLAT, "order": "o", "with": {"latency": 1, "nth": [2, 3], "probability": 0.5, "ttl_s": 9}},
    )

    assert fault == {
        "fault_id": fault["fault_id"],
        "at": FLAT,
        "order_id": "o",
        "with": {"latency": 1, "nth": [2, 3], "probability": 0.5, "ttl_s": 9},
        "preset": None,
        "fired": 0,
        "seen": 0,
        "left": 2,
        "active": True,
        "ends_at_s": 1009.0,
    }


def test_nth_and_order_over_http(shop):
    """The second confirmation of one order fails; others and the third pass."""
    order_id, other = shop.order_id(paid=True), shop.order_id(paid=True)
    spec = {"answer": 503, "nth": 2}
    fault = shop.done("POST", "/faults", {"at": "jogos.arrivedorder", "order": order_id, "with": spec})

    statuses = [shop.arrived(name).status for name in (order_id, other, other, order_id, order_id)]

    assert statuses == [200, 200, 200, 503, 200]
    report = shop.done("DELETE", f"/faults/{fault['fault_id']}")
    assert (report["fired"], report["seen"]) == (1, 3)


def test_a_time_to_live_ends_over_http(client):
    """By the schedule's time, which is frozen and advanced."""
    client.done("POST", "/clock/freeze", {})
    client.done("POST", "/faults", {"at": FLAT, "with": {"answer": 503, "ttl_s": 60}})
    url = client.ready["jogos"]["web_url"] + "/publicKey.json"

    before = client.send("GET", url).status
    client.done("POST", "/clock/advance", {"by_s": 60})

    assert (before, client.send("GET", url).status) == (503, 200)
    assert client.done("GET", "/faults")["faults"][0]["active"] is False


def test_every_kind_is_listed_with_places_and_parameters(client):
    """GET /faults/kinds: enough to make a form of each."""
    kinds = client.done("GET", "/faults/kinds")["kinds"]
    by_name = {kind["kind"]: kind for kind in kinds if "delivery" not in kind["at"]}

    endpoints = [endpoint for portal in discover().values() for endpoint in portal.endpoints]
    told = {name for endpoint in endpoints for name in endpoint.lies}
    assert set(by_name) == {*TRANSPORT_KINDS, *TOKEN_KINDS, *told}
    assert all(kind["says"] == FAULT_KINDS[name] for name, kind in by_name.items())
    assert by_name["kid_case"]["at"] == ["playgama.jwks"]
    assert by_name["latency"]["at"] == [endpoint.name for endpoint in endpoints]
    (form,) = by_name["key_shape"]["params"]
    assert (form["name"], form["required"], by_name["key_shape"]["short"]) == ("form", True, "form")
    assert "pem-crlf" in form["choices"]


def test_no_lie_hides_a_kind_that_every_endpoint_can_do():
    """Names are one vocabulary: a portal's lie is never called as a failure of transport."""
    for portal in discover().values():
        for endpoint in portal.endpoints:
            assert not set(endpoint.lies) & {*TRANSPORT_KINDS, "headers", "body", "json"}
            assert set(endpoint.lies) <= set(FAULT_KINDS)
