"""Sections 2 and 3 from the game's side: what is sent, and how an answer is read, whatever its manner."""

import json

import pytest
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.portals.jogos.identity import change_user
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.wire import WireRequest
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_testkit.tokens import good_claims
from hypothesis import given

REPORTS = PORTAL.reports
ROW = {"orderId": "o1", "arrivedStatus": 0, "payTime": 5, "productId": "1002", "userId": 278}
PAGE = {"total": 1, "totalPage": 1, "currentPage": 1, "pageSize": 20, "content": [ROW]}


def test_what_is_sent_is_compact_and_signed():
    """jogos:iap.2 (lines 185-186), jogos:iap.3 (lines 199-200)"""
    body = REPORTS.arrived("1220", "o1")

    assert body == b'{"gameId":1220,"orderId":"o1"}'
    assert REPORTS.orders("1220", 2, 50) == b'{"gameId":1220,"pageNo":2,"pageSize":50}'
    assert REPORTS.headers(body, SHARED_KEY) == (
        ("Content-Type", "application/json"),
        ("Authorization", signature(body, SHARED_KEY)),
    )


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b'{"code":"200"}', None),
        (b'{"code":200}', None),
        (b'{"code":"305"}', "field-invalid"),
        (b'{"code":40001}', "game-mismatch"),
        (b'{"code":"41007"}', "signature-mismatch"),
        (b'{"code":"500"}', "confirm-unavailable"),
        (b'{"code":"SUCCESS"}', "confirm-unavailable"),
        (b"{}", "confirm-unavailable"),
        (b"<html>", "confirm-unavailable"),
    ],
)
def test_the_code_of_an_answer_decides(answer, code):
    """jogos:iap.2: the list of codes"""
    assert code_of(REPORTS.check, answer) == code


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (PAGE, None),
        ({**PAGE, "content": None}, None),
        ({**PAGE, "content": [{**ROW, "refundStatus": 1, "refundTime": 9}]}, None),
        (None, "confirm-unavailable"),
        ({**PAGE, "content": {}}, "confirm-unavailable"),
        ({**PAGE, "content": [5]}, "confirm-unavailable"),
        ({**PAGE, "total": -1}, None),
        ({**PAGE, "content": [{**ROW, "refundStatus": "null"}]}, "confirm-unavailable"),
    ],
)
def test_a_page_is_read_or_cannot_be(page, code):
    """jogos:iap.3 (lines 202-203)"""
    assert code_of(REPORTS.parse_orders, dump_compact({"code": "200", "page": page})) == code


@given(JSON_VALUES)
def test_any_page_is_read_or_cannot_be(page):
    """jogos:iap.3: whatever a portal answers."""
    body = dump_compact({"code": "200", "page": page})

    assert code_of(REPORTS.parse_orders, body) in {None, "confirm-unavailable"}


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({}, None),
        ({"answer_code": "number"}, None),
        ({"answer_text": "message"}, None),
        ({"orders_answer": "both"}, None),
        ({"orders_empty": "null"}, None),
        ({"orders_ids": "text"}, None),
        ({"orders_times": "milliseconds"}, None),
        ({"orders_refund_fields": "absent"}, None),
        ({"orders_refund_fields": "zero"}, None),
        ({"orders_extra": "present"}, None),
        ({"orders_sort": "oldest-first"}, None),
        ({"orders_answer": "table"}, "confirm-unavailable"),
        ({"orders_answer": "flat"}, "confirm-unavailable"),
        ({"orders_code": "word"}, "confirm-unavailable"),
        ({"orders_times": "text"}, "confirm-unavailable"),
        ({"orders_times": "date-and-time"}, "confirm-unavailable"),
        ({"orders_refund_fields": "empty-text"}, "confirm-unavailable"),
        ({"orders_refund_fields": "null-text"}, "confirm-unavailable"),
    ],
)
def test_which_manners_of_a_page_our_own_reader_takes(choice, code):
    """sandbox:orders-answer-shape: pinned, so that a change of the reader's policy is a decision."""
    portal = FakePortal()
    portal.spoken = choice
    portal.add_order("o1")
    body = REPORTS.orders("1220", 1, 20)
    request = WireRequest(
        method="POST",
        target="/api/gamepay/getOrders",
        headers=REPORTS.headers(body, SHARED_KEY),
        body=body,
    )

    reply = PORTAL.endpoint("jogos.getOrders").answer(request, portal).reply

    assert code_of(REPORTS.parse_orders, reply.body) == code


def test_members_of_the_user_are_replaced_or_dropped():
    """jogos:user.4 (lines 101-104)"""
    told = change_user(good_claims(), {"userId": "7", "username": None})

    user = json.loads(told["sub"])
    assert (user["userId"], "username" in user) == ("7", False)
    assert {**told, "sub": ""} == {**good_claims(), "sub": ""}


def test_every_defect_of_the_claims_is_refused_by_their_reader_or_tells_another():
    """jogos:user.4: three of them cannot be read; the rest reads as another's."""
    part = PORTAL.identity
    good = part.parse(good_claims())
    read = {
        name: code_of(part.parse, spoil(good_claims())) or (part.parse(spoil(good_claims())) != good)
        for name, spoil in part.claim_defects.items()
    }

    assert read == {
        "other-game": True,
        "issuer-other": True,
        "sub-not-json": "sub-invalid",
        "sub-object": "sub-invalid",
        "sub-no-user-id": "sub-invalid",
    }
