"""publicKey.json, arrivedorder and getOrders as pure functions: bytes in, answer and events out."""

import json
from dataclasses import replace

import pytest
from coinslot_contracts.json_bytes import SPELLINGS, dump_compact, dump_json
from coinslot_contracts.portal import Arrived, Subject
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.portals.jogos.identity import KEY_FORMS, dump_public_key
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.wire import WireRequest
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_testkit.tokens import spki
from hypothesis import given
from hypothesis import strategies as st

DOCUMENTED = {"200", "305", "40001", "41007", "500"}


def view(orders: int = 0) -> FakePortal:
    portal = FakePortal()
    for number in range(orders):
        portal.add_order(f"o{number}")
    return portal


def ask(name: str, body: bytes, portal: FakePortal, *, signed: str | None = "right"):
    value = signature(body, SHARED_KEY) if signed == "right" else signed
    headers = () if value is None else (("authorization", value),)
    endpoint = PORTAL.endpoint(f"jogos.{name}")
    return endpoint.answer(
        WireRequest(method="POST", target=endpoint.path, headers=headers, body=body), portal
    )


def code(answer) -> str:
    said: str = json.loads(answer.reply.body)["code"]
    assert said == answer.verdict_code
    assert answer.verdict_reason
    assert answer.reply.status == 200
    return said


ARRIVED = {"gameId": 1220, "orderId": "o0"}
ORDERS = {"gameId": 1220, "pageNo": 1, "pageSize": 20}


@pytest.mark.parametrize("form", [None, *KEY_FORMS])
def test_the_key_is_published_in_the_form_that_is_asked_for(form):
    """jogos:user.3 (line 16)"""
    portal = view()
    portal.form = form
    endpoint = PORTAL.endpoint("jogos.publicKey")

    answer = endpoint.answer(WireRequest(method="GET", target="/publicKey.json"), portal)

    assert answer.reply.body == dump_public_key(spki(), form)
    assert endpoint.subject(WireRequest(method="GET", target="/publicKey.json")) == Subject()


def test_a_reported_order_is_arrived_and_repeating_it_is_no_error():
    """jogos:iap.2, sandbox:arrived-repeat-ok"""
    portal = view(1)
    body = dump_compact(ARRIVED)

    answers = [ask("arrivedorder", body, portal)]
    portal.orders["o0"] = replace(portal.orders["o0"], arrived_status=1)
    answers.append(ask("arrivedorder", body, portal))

    assert [code(answer) for answer in answers] == ["200", "200"]
    assert [answer.events for answer in answers] == [(Arrived(order_id="o0"),)] * 2
    assert answers[0].verdict_reason != answers[1].verdict_reason


@pytest.mark.parametrize("encode", [name for name in SPELLINGS if name != "gzip"])
def test_the_signature_is_judged_over_the_bytes_that_came(encode):
    """jogos:iap.sha1: signed as sent is right, signed in another spelling is 41007."""
    body = dump_json(ARRIVED, encode)
    other = signature(body + b" ", SHARED_KEY)

    assert code(ask("arrivedorder", body, view(1))) == "200"
    assert code(ask("arrivedorder", body, view(1), signed=other)) == "41007"


@pytest.mark.parametrize(
    "signed", [None, "", "0" * 40, "Bearer x", "é", "\udcff", signature(b"", SHARED_KEY)]
)
@pytest.mark.parametrize(("name", "members"), [("arrivedorder", ARRIVED), ("getOrders", ORDERS)])
def test_a_wrong_or_missing_signature_is_41007_and_changes_nothing(name, members, signed):
    """jogos:iap.2, jogos:iap.3"""
    answer = ask(name, dump_compact(members), view(1), signed=signed)

    assert code(answer) == "41007"
    assert answer.events == ()


@pytest.mark.parametrize(
    ("name", "members", "expected"),
    [
        ("arrivedorder", {"gameId": 1220}, "305"),
        ("arrivedorder", {"orderId": "o0"}, "305"),
        ("arrivedorder", {"gameId": 1220, "orderId": 5}, "305"),
        ("arrivedorder", {"gameId": "1220", "orderId": "o0"}, "200"),
        ("arrivedorder", {"gameId": 1221, "orderId": "o0"}, "40001"),
        ("arrivedorder", {"gameId": 1220, "orderId": "O0"}, "500"),
        ("arrivedorder", {"gameId": 1220, "orderId": "unpaid"}, "500"),
        ("arrivedorder", {"gameId": 1220, "orderId": "foreign"}, "500"),
        ("getOrders", {"gameId": 1220, "pageNo": 1}, "305"),
        ("getOrders", {"gameId": 1220, "pageSize": 1}, "305"),
        ("getOrders", {"gameId": 1220, "pageNo": 0, "pageSize": 1}, "305"),
        ("getOrders", {"gameId": 1220, "pageNo": 1, "pageSize": -1}, "305"),
        ("getOrders", {"gameId": 1220, "pageNo": "1", "pageSize": 1}, "305"),
        ("getOrders", {"gameId": 1221, "pageNo": 1, "pageSize": 1}, "40001"),
        ("getOrders", {"pageNo": 1, "pageSize": 1}, "305"),
    ],
)
def test_each_mistake_has_its_code(name, members, expected):
    """jogos:iap.2, jogos:iap.3, sandbox:order-id-string, sandbox:order-unknown-500"""
    portal = view(1)
    portal.add_order("unpaid", state="created")
    portal.add_order("foreign", game_id="1221")

    assert code(ask(name, dump_compact(members), portal)) == expected


def test_fields_are_judged_before_game_and_game_before_signature():
    """sandbox:order-of-judgement"""
    assert code(ask("arrivedorder", b"{}", view(), signed=None)) == "305"
    assert code(ask("arrivedorder", b'{"gameId":1,"orderId":"x"}', view(), signed=None)) == "40001"
    assert code(ask("arrivedorder", b'{"gameId":1220,"orderId":"x"}', view(), signed=None)) == "41007"


def test_a_game_without_a_shared_key_cannot_be_spoken_for():
    """jogos:iap.key"""
    portal = view(1)
    portal.game = replace(portal.game, shared_key=None)

    assert code(ask("arrivedorder", dump_compact(ARRIVED), portal)) == "41007"


@pytest.mark.parametrize(
    ("orders", "page_no", "page_size", "page"),
    [
        (31, 1, 5, {"total": 31, "totalPage": 7, "currentPage": 1, "pageSize": 5, "rows": 5}),
        (31, 7, 5, {"total": 31, "totalPage": 7, "currentPage": 7, "pageSize": 5, "rows": 1}),
        (31, 8, 5, {"total": 31, "totalPage": 7, "currentPage": 8, "pageSize": 5, "rows": 0}),
        (31, 2**31 - 1, 5, {"total": 31, "totalPage": 7, "currentPage": 2**31 - 1, "pageSize": 5, "rows": 0}),
        (0, 1, 20, {"total": 0, "totalPage": 0, "currentPage": 1, "pageSize": 20, "rows": 0}),
        (120, 1, 500, {"total": 120, "totalPage": 2, "currentPage": 1, "pageSize": 100, "rows": 100}),
        (20, 1, 20, {"total": 20, "totalPage": 1, "currentPage": 1, "pageSize": 20, "rows": 20}),
    ],
)
def test_orders_come_in_pages(orders, page_no, page_size, page):
    """jogos:iap.3, sandbox:page-size-max, sandbox:page-past-end"""
    body = dump_compact({"gameId": 1220, "pageNo": page_no, "pageSize": page_size})

    answer = ask("getOrders", body, view(orders))
    said = json.loads(answer.reply.body)["page"]
    rows = said.pop("content")

    assert code(answer) == "200"
    assert {**said, "rows": len(rows)} == page


def test_a_row_has_the_documented_members():
    """jogos:iap.3 (line 203)"""
    portal = view()
    portal.add_order("o1", refund_status=1, refunded_at_s=9, arrived_status=1)

    page = json.loads(ask("getOrders", dump_compact(ORDERS), portal).reply.body)["page"]

    assert page["content"] == [
        {
            "orderId": "o1",
            "arrivedStatus": 1,
            "payTime": 1_755_657_115,
            "productId": "1002",
            "userId": 278,
            "refundStatus": 1,
            "refundTime": 9,
        }
    ]


@given(
    st.sampled_from(["arrivedorder", "getOrders"]),
    st.binary(max_size=100)
    | JSON_VALUES.map(dump_compact)
    | st.fixed_dictionaries(
        {"gameId": JSON_VALUES},
        optional={"orderId": JSON_VALUES, "pageNo": JSON_VALUES, "pageSize": JSON_VALUES},
    ).map(dump_compact),
)
def test_any_body_gets_a_documented_code(name, body):
    """Never anything else, and what it is about can always be asked."""
    endpoint = PORTAL.endpoint(f"jogos.{name}")

    assert code(ask(name, body, view(1))) in DOCUMENTED
    assert isinstance(endpoint.subject(WireRequest(method="POST", target="/", body=body)), Subject)


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        (b'{"gameId":1220,"orderId":"o1"}', Subject(game_id="1220", order_id="o1")),
        (b'{"gameId":"1220","orderId":5}', Subject(game_id="1220", order_id="5")),
        (b'{"gameId":"1220","orderId":true}', Subject(game_id="1220")),
        (b'{"orderId":"o1"}', Subject(order_id="o1")),
        (b"junk", Subject()),
    ],
)
def test_what_a_request_is_about_is_read_as_far_as_it_can_be(body, subject):
    """Routing, faults and journal need it before anything is judged."""
    for name in ("arrivedorder", "getOrders"):
        endpoint = PORTAL.endpoint(f"jogos.{name}")
        assert endpoint.subject(WireRequest(method="POST", target="/", body=body)) == subject
