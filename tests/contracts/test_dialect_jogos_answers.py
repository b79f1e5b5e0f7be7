"""Jogos' dialects of its answers as pure functions: publicKey.json, arrivedorder, getOrders."""

import gzip
import json

import pytest
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.wire import WireRequest
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal

CREATED = 1_755_657_098


def ask(portal, name, members=None, *, headers=(), signed=True):
    body = b"" if members is None else dump_compact(members)
    sent = (("Authorization", signature(body, SHARED_KEY)),) if signed else ()
    endpoint = PORTAL.endpoint(f"jogos.{name}")
    request = WireRequest(method=endpoint.method, target=endpoint.path, headers=(*sent, *headers), body=body)
    return endpoint.answer(request, portal)


def listed(orders=3, **spoken):
    """A portal with so many orders, the first one paid last."""
    portal = FakePortal()
    portal.spoken = spoken
    for number in range(orders):
        portal.add_order(f"o{number}", paid_at_s=2000 - number)
    return portal


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({}, {"data": "key"}),
        ({"key_document": "envelope"}, {"code": "200", "msg": "Success", "data": "key"}),
        (
            {"key_document": "envelope", "answer_code": "number"},
            {"code": 200, "msg": "Success", "data": "key"},
        ),
        ({"key_document": "public-key"}, {"publicKey": "key"}),
        ({"key_document": "nested"}, {"data": {"publicKey": "key"}}),
    ],
)
def test_the_key_stands_in_each_document(choice, told):
    """sandbox:key-document"""
    reply = ask(listed(**choice), "publicKey").reply
    form = json.dumps(PORTAL_KEY)

    assert json.loads(reply.body.replace(form.encode(), b'"key"')) == told


PORTAL_KEY = json.loads(ask(listed(), "publicKey").reply.body)["data"]


def test_the_key_may_come_alone_compressed_or_behind_a_mark():
    """sandbox:key-document, sandbox:key-encoding"""
    alone = ask(listed(key_document="bare-text"), "publicKey").reply
    marked = ask(listed(key_encoding="byte-order-mark"), "publicKey").reply
    accepting = (("accept-encoding", "br, gzip"),)
    small = ask(listed(key_encoding="gzip"), "publicKey", headers=accepting).reply
    large = ask(listed(key_encoding="gzip"), "publicKey").reply

    assert (alone.body.decode(), alone.header("Content-Type")) == (PORTAL_KEY, "text/plain; charset=utf-8")
    assert marked.body == b"\xef\xbb\xbf" + large.body
    assert (gzip.decompress(small.body), small.header("Content-Encoding")) == (large.body, "gzip")
    assert large.header("Content-Encoding") is None


GAME, OTHER = {"gameId": 1220}, {"gameId": 1}
GOOD = {**GAME, "pageNo": 1, "pageSize": 2}


@pytest.mark.parametrize(
    ("order", "codes"),
    [
        (None, ["305", "305", "40001", "305", "41007", "200"]),
        ("game-first", ["40001", "41007", "40001", "305", "41007", "200"]),
        ("signature-first", ["41007", "41007", "41007", "305", "41007", "200"]),
    ],
)
def test_mistakes_are_judged_in_each_order(order, codes):
    """sandbox:order-of-judgement"""
    calls = [
        (OTHER, False),
        (GAME, False),
        ({**GOOD, **OTHER}, True),
        (GAME, True),
        (GOOD, False),
        (GOOD, True),
    ]

    answers = [ask(listed(judgement=order), "getOrders", members, signed=signed) for members, signed in calls]

    assert [answer.verdict_code for answer in answers] == codes


def test_a_call_that_names_no_game_is_judged_too():
    """sandbox:order-of-judgement: there is no key to check a signature with."""
    said = [
        ask(listed(judgement=name), "getOrders", {}).verdict_code
        for name in ("game-first", "signature-first")
    ]

    assert said == ["305", "41007"]


@pytest.mark.parametrize(
    ("choice", "order_id", "code"),
    [
        ({}, 7, "305"),
        ({"arrived_order_id": "number"}, 7, "200"),
        ({"arrived_order_id": "number"}, "7", "305"),
        ({"arrived_order_id": "text-or-number"}, 7, "200"),
        ({"arrived_order_id": "text-or-number"}, "7", "200"),
        ({"arrived_order_id": "text-or-number"}, None, "305"),
        ({"arrived_unknown": "41001"}, "x", "41001"),
        ({"arrived_unknown": "305"}, "unpaid", "305"),
        ({"arrived_repeat": "refused"}, "arrived", "500"),
        ({"arrived_repeat": "refused"}, "7", "200"),
        ({"arrived_refunded": "refused"}, "refunded", "500"),
        ({"arrived_refunded": "refused"}, "7", "200"),
        ({}, "refunded", "200"),
        ({"arrived_before_ack": "refused"}, "7", "500"),
        ({"arrived_before_ack": "refused"}, "acknowledged", "200"),
    ],
)
def test_a_report_is_answered_in_each_manner(choice, order_id, code):
    """jogos:iap.2"""
    portal = listed(0, **choice)
    portal.add_order("7")
    portal.add_order("unpaid", state="created")
    portal.add_order("arrived", arrived_status=1)
    portal.add_order("refunded", refund_status=1)
    portal.add_order("acknowledged")
    portal.acknowledged.add("acknowledged")

    answer = ask(portal, "arrivedorder", {"gameId": 1220, "orderId": order_id})

    assert answer.verdict_code == code
    assert bool(answer.events) == (code == "200")


def page(portal, **asked):
    return json.loads(ask(portal, "getOrders", {**GOOD, **asked}).reply.body)


@pytest.mark.parametrize(
    ("choice", "members"),
    [
        (
            {"orders_answer": "flat"},
            ["code", "msg", "total", "totalPage", "currentPage", "pageSize", "content"],
        ),
        (
            {"orders_answer": "table"},
            ["code", "message", "total", "totalPage", "currentPage", "pageSize", "content"],
        ),
        ({"orders_answer": "both", "orders_code": "word"}, None),
    ],
)
def test_a_page_has_the_members_of_each_shape(choice, members):
    """sandbox:orders-answer-shape"""
    told = page(listed(**choice))
    plain = page(listed())

    assert told["total"] == plain["page"]["total"] == 3
    if members is None:
        assert told == {
            "code": "SUCCESS",
            "msg": "Success",
            "message": "Logout successful",
            **plain["page"],
            "page": plain["page"],
        }
    else:
        assert list(told) == members


@pytest.mark.parametrize(
    ("choice", "asked", "told"),
    [
        ({}, {"pageNo": 3}, (3, 2, [])),
        ({"orders_past_end": "last-page"}, {"pageNo": 3}, (2, 2, ["o2"])),
        ({"orders_past_end": "last-page"}, {"pageNo": 1}, (1, 2, ["o0", "o1"])),
        ({"orders_past_end": "refused"}, {"pageNo": 3}, "305"),
        ({"orders_past_end": "refused"}, {"pageNo": 2}, (2, 2, ["o2"])),
        ({"orders_first_page": "one"}, {"pageNo": 0}, "305"),
        ({"orders_first_page": "one-or-less"}, {"pageNo": -7}, (1, 2, ["o0", "o1"])),
        ({"orders_first_page": "zero"}, {"pageNo": 1}, (1, 2, ["o2"])),
        ({"orders_first_page": "zero"}, {"pageNo": -1}, "305"),
        ({"orders_first_page": "zero"}, {"pageNo": "0"}, "305"),
        ({"orders_first_page": "zero"}, {"pageNo": 2**40}, "305"),
        ({"orders_page_size": "five"}, {"pageSize": 7}, (1, 5, ["o0", "o1", "o2"])),
        ({"orders_page_size": "unlimited"}, {"pageSize": 700}, (1, 700, ["o0", "o1", "o2"])),
        ({"orders_page_size": "hundred-or-refused"}, {"pageSize": 101}, "305"),
        ({"orders_page_size": "hundred-or-refused"}, {"pageSize": 100}, (1, 100, ["o0", "o1", "o2"])),
        ({"orders_sort": "oldest-first"}, {}, (1, 2, ["o2", "o1"])),
        ({"orders_sort": "oldest-first"}, {"pageNo": 2}, (2, 2, ["o0"])),
    ],
)
def test_pages_are_cut_in_each_manner(choice, asked, told):
    """sandbox:page-past-end, sandbox:page-numbers, sandbox:page-size-max, sandbox:orders-newest-first"""
    answer = page(listed(**choice), **asked)

    if isinstance(told, str):
        assert answer["code"] == told
    else:
        within = answer["page"]
        rows = [row["orderId"] for row in within["content"]]
        assert (within["currentPage"], within["pageSize"], rows) == told


@pytest.mark.parametrize(
    ("choice", "left"), [("not-refunded", ["o0", "o2"]), ("not-delivered", ["o0", "o1"])]
)
def test_orders_are_left_out_of_list_and_count(choice, left):
    """sandbox:orders-newest-first"""
    portal = listed(orders_listed=choice)
    portal.add_order("o1", refund_status=1, paid_at_s=1999)
    portal.add_order("o2", arrived_status=1, paid_at_s=1998)

    within = page(portal)["page"]

    assert ([row["orderId"] for row in within["content"]], within["total"]) == (left, 2)
    assert page(listed(0, orders_listed=choice))["page"]["total"] == 0


@pytest.mark.parametrize(
    ("choice", "content"), [({}, []), ({"orders_empty": "null"}, None), ({"orders_empty": "absent"}, "none")]
)
def test_a_page_that_holds_nothing_says_so_in_each_manner(choice, content):
    """sandbox:page-past-end"""
    assert page(listed(0, **choice))["page"].get("content", "none") == content
    assert len(page(listed(1, **choice))["page"]["content"]) == 1


@pytest.mark.parametrize("name", PORTAL.dialects["orders_refund_fields"].variants)
def test_a_row_is_told_in_each_manner(name):
    """sandbox:empty-refund-fields, sandbox:times-in-seconds, sandbox:no-extra-members"""
    portal = listed(
        0, orders_refund_fields=name, orders_times="text", orders_ids="text", orders_extra="present"
    )
    portal.add_order("o1", paid_at_s=5)
    portal.add_order("o2", paid_at_s=4, refund_status=1, refunded_at_s=9)
    plain, refunded = page(portal)["page"]["content"]
    blank = {"null": None, "empty-text": "", "zero": 0, "null-text": "null"}

    base = {"orderId": "o1", "arrivedStatus": 0, "payTime": "5", "productId": "1002", "userId": "278"}
    extra = {"gameId": 1220, "createTime": CREATED, "paytype": "pay"}
    empty = {} if name == "absent" else dict.fromkeys(("refundStatus", "refundTime"), blank[name])
    assert plain == {**base, **empty, **extra}
    assert (refunded["refundStatus"], refunded["refundTime"], refunded["paytype"]) == (1, "9", "refund")


@pytest.mark.parametrize(
    ("choice", "status", "headers", "body"),
    [
        (
            {},
            200,
            (("Content-Type", "application/json"),),
            b'{"code":"305","msg":"Required parameter is missing"}',
        ),
        (
            {
                "answer_status": "http",
                "answer_code": "number",
                "answer_text": "message",
                "answer_type": "text",
            },
            400,
            (("Content-Type", "text/plain"),),
            b'{"code":305,"message":"Required parameter is missing"}',
        ),
        (
            {"answer_text": "both", "answer_type": "absent"},
            200,
            (),
            b'{"code":"305","msg":"Required parameter is missing","message":"Required parameter is missing"}',
        ),
    ],
)
def test_a_refusal_is_told_in_each_manner(choice, status, headers, body):
    """sandbox:http-200-with-code, sandbox:answer-code-text, sandbox:answer-type"""
    reply = ask(listed(**choice), "getOrders", {}).reply

    assert (reply.status, reply.headers, reply.body) == (status, headers, body)
