"""The Node and the Java backend at Jogos: notifications, reports, reconciliation."""

import gzip
import threading
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from coinslot_contracts.portals.jogos.codes import reply
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.wire import WireReply
from coinslot_testkit.demonstrations import DEMONSTRATIONS, compact, notification, refund
from coinslot_testkit.fake_portal import SHARED_KEY


# `confirms` looks into the Flask backend's database; the report has a test of its own below
@pytest.mark.parametrize("name", [name for name in DEMONSTRATIONS if name != "confirms"])
def test_a_copied_backend_behaves_as_the_flask_one(stage, name):
    """jogos:user.3, jogos:iap.1, jogos:iap.3, jogos:iap.4"""
    assert DEMONSTRATIONS[name](stage)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 50_000, b"\xef\xbb\xbf{}"])
def test_any_signed_bytes_to_the_callback_get_a_documented_code(backend, body):
    """jogos:iap.1.err"""
    answer = backend.notify(body)

    assert (answer.status, answer.json["code"]) == (200, "305")


@pytest.mark.parametrize("value", ["é" * 40, "", "Bearer x", "0" * 39])
def test_any_signature_header_gets_a_documented_code(backend, value):
    """jogos:iap.1.auth"""
    body = compact(notification("odd-header", "400"))

    assert backend.notify(body, signed=value.encode().decode("latin-1")).json["code"] == "41007"


def test_a_connection_that_will_be_closed_is_announced_as_such(backend):
    """RFC 9112, 9.6: or a client might take it for one that it can use again."""
    connection = HTTPConnection(urlsplit(backend.url).netloc, timeout=15)
    connection.request("GET", "/health", headers={"Connection": "close"})
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert answer.getheader("Connection") == "close"


def test_two_signatures_are_one_too_many(backend):
    """jogos:iap.1.auth: or a wrong one could hide behind a right one."""
    body = compact(notification("two-headers", "400"))
    connection = HTTPConnection(urlsplit(backend.url).netloc, timeout=15)
    connection.putrequest("POST", "/jogos/notify")
    for value in (signature(body, SHARED_KEY), "0" * 40):
        connection.putheader("Authorization", value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse().read()
    connection.close()

    assert b"41007" in answer
    assert backend.items("400") == {}


@pytest.mark.parametrize(
    "missing",
    ["gameId", "orderId", "arrivedStatus", "productId", "createTime", "payTime", "userId"],
)
def test_a_missing_field_is_305_and_grants_nothing(backend, missing):
    """jogos:iap.1.err"""
    fields = notification("short", "403")
    del fields[missing]

    assert backend.notify(compact(fields)).json["code"] == "305"
    assert backend.items("403") == {}


@pytest.mark.parametrize(("paytype", "code"), [(None, "200"), ("PAY", "305"), ("chargeback", "305")])
def test_a_notification_without_paytype_is_a_payment_and_with_another_is_none(backend, paytype, code):
    """jogos:iap.1.fields; sandbox:paytype-absent-is-pay"""
    user_id = {"200": "404", "305": "405"}[code]
    answer = backend.notify(compact(notification(f"paytype-{paytype}", user_id, paytype=paytype)))

    assert answer.json["code"] == code
    assert backend.items(user_id) == ({"1002": 1} if code == "200" else {})


def test_an_order_id_that_is_given_twice_grants_at_most_once(backend):
    """RFC 8259, 4: parsers disagree about it; ours may refuse it, or must take one of the two for good."""
    body = compact(notification("twice-b", "407")).replace(b"{", b'{"orderId":"twice-a",', 1)

    answers = {backend.notify(body).json["code"] for _ in range(2)}

    assert (answers, backend.items("407")) in [({"305"}, {}), ({"200"}, {"1002": 1})]


def test_optional_members_may_be_absent_and_unknown_ones_are_ignored(backend):
    """jogos:iap.1.fields"""
    fields = notification("optional", "406", more={"nested": [1, None]})
    del fields["refundStatus"], fields["refundTime"]

    assert backend.notify(compact(fields)).json["code"] == "200"
    assert backend.items("406") == {"1002": 1}


@pytest.mark.parametrize("status", [0, 2, 3])
def test_only_a_completed_refund_takes_the_item(backend, status):
    """jogos:iap.4; jogos:iap.1.fields"""
    order_id, user_id = f"refund-state-{status}", f"41{status}"
    backend.notify(compact(notification(order_id, user_id)))

    taken = backend.notify(compact(notification(order_id, user_id, paytype="refund", refundStatus=status)))

    assert taken.json["code"] == "200"
    assert backend.items(user_id) == {"1002": 1}


def test_a_refund_takes_from_whoever_was_granted(backend):
    """jogos:iap.4: the order counts, not the player that the refund names."""
    backend.notify(compact(notification("swapped", "420")))
    backend.notify(compact(notification("kept", "421")))
    backend.notify(refund("swapped", "421"))

    assert (backend.items("420"), backend.items("421")) == ({}, {"1002": 1})


def test_a_payment_after_its_refund_is_not_reported_as_delivered(portal, backend):
    """jogos:iap.4, jogos:iap.2: nothing was given; an order that was given shows that reports go out."""
    for order_id in ("refunded-first", "paid-later"):
        portal.add_order(order_id, user_id="423")
    backend.notify(refund("refunded-first", "423"))
    backend.notify(compact(notification("refunded-first", "423")))
    backend.notify(compact(notification("paid-later", "423")))
    portal.wait_for(lambda: portal.orders["paid-later"].arrived_status == 1)

    assert portal.orders["refunded-first"].arrived_status == 0
    assert backend.items("423") == {"1002": 1}


def test_an_order_that_is_listed_as_delivered_is_granted_and_not_reported_again(portal, backend):
    """jogos:iap.3: the client marks orders as delivered too, so the mark is no reason to give nothing."""
    portal.add_order("marked", user_id="424", arrived_status=1)
    portal.add_order("unmarked", user_id="424")
    assert backend.sync().status == 200
    portal.wait_for(lambda: portal.orders["unmarked"].arrived_status == 1)

    assert backend.items("424") == {"1002": 2}
    assert not [call for call in portal.calls("arrivedorder") if b'"marked"' in call.body]


def test_a_compressed_body_is_no_other_spelling_of_the_signed_one(backend):
    """jogos:iap.1.auth: the signature covers the bytes on the wire."""
    body = compact(notification("compressed", "425"))
    headers = {"Authorization": signature(body, SHARED_KEY), "Content-Encoding": "gzip"}

    answer = backend.ask("POST", "/jogos/notify", gzip.compress(body), headers)

    assert answer.status < 500
    assert answer.json.get("code") != "200"
    assert backend.items("425") == {}


def test_an_unknown_product_is_neither_granted_nor_acknowledged(portal, backend):
    """jogos:iap.1: acknowledged, it would be lost; so the portal keeps asking."""
    portal.add_order("unknown-product", user_id="422", product_id="nope")

    answer = backend.notify(compact(notification("unknown-product", "422", productId="nope")))

    assert answer.json["code"] == "500"
    assert backend.sync().status == 200
    assert backend.items("422") == {}
    assert portal.orders["unknown-product"].arrived_status == 0


def test_a_granted_order_is_reported_with_the_documented_bytes(portal, backend):
    """jogos:iap.2"""
    portal.add_order("report1", user_id="430")
    backend.notify(compact(notification("report1", "430")))
    portal.wait_for(lambda: portal.orders["report1"].arrived_status == 1)

    call = next(call for call in portal.calls("arrivedorder") if b"report1" in call.body)
    assert call.body == b'{"gameId":1220,"orderId":"report1"}'
    assert call.header("Authorization") == signature(call.body, SHARED_KEY)
    assert call.header("Content-Type") == "application/json"


def test_the_answer_does_not_wait_for_the_report(portal, backend):
    """jogos:iap.2: a portal that stalls there must not stall the notification."""
    go = threading.Event()

    def stall() -> WireReply:
        go.wait(10)
        return reply("200")

    portal.add_order("stalled", user_id="431")
    portal.lies["arrivedorder"] = stall
    try:
        answer = backend.notify(compact(notification("stalled", "431")))
        assert answer.json["code"] == "200"
        assert not [call for call in portal.calls("arrivedorder") if b"stalled" in call.body]
    finally:
        go.set()
    portal.wait_for(lambda: any(b"stalled" in call.body for call in portal.calls("arrivedorder")))


REJECTIONS = {
    "http": [WireReply(status=500), WireReply(status=502, body=b"<html>")],
    "code": [reply("41007"), reply("500")],
    "html": [WireReply(body=b"<html>maintenance</html>")],
    "empty": [WireReply()],
}


@pytest.mark.parametrize("case", REJECTIONS)
def test_a_report_that_fails_is_repeated_without_a_second_grant(portal, backend, case):
    """jogos:iap.2: the code in the body decides, not the HTTP status."""
    answers = list(REJECTIONS[case])
    order_id, user_id = (
        f"stubborn-{case}",
        {"http": "441", "code": "442", "html": "443", "empty": "444"}[case],
    )
    portal.add_order(order_id, user_id=user_id)
    portal.lies["arrivedorder"] = lambda: answers.pop(0) if answers else reply("500")

    backend.notify(compact(notification(order_id, user_id)))
    portal.wait_for(lambda: not answers)
    del portal.lies["arrivedorder"]
    portal.wait_for(lambda: portal.orders[order_id].arrived_status == 1)

    assert backend.items(user_id) == {"1002": 1}


@pytest.mark.parametrize(("code", "status"), [("41007", 502), ("500", 503)])
def test_a_sync_that_the_portal_rejects_says_so(portal, backend, code, status):
    """jogos:iap.3"""
    portal.lies["getOrders"] = lambda: reply(code)

    assert backend.sync().status == status
    portal.lies.clear()
    assert backend.sync().status == 200


def test_the_flat_answer_of_the_documents_table_is_read_too(portal, backend):
    """jogos:iap.3: table and example disagree; sandbox:orders-answer-shape"""
    row = {
        "orderId": "flat1",
        "arrivedStatus": 0,
        "payTime": 1_112_211_221,
        "productId": "1003",
        "userId": 450,
        "refundStatus": None,
    }
    flat = {"code": "SUCCESS", "message": "", "total": 1, "pageSize": 20, "currentPage": 1, "totalPage": 1}
    portal.add_order("flat1", user_id="450")
    portal.lies["getOrders"] = lambda: WireReply(body=compact({**flat, "content": [None, {}, row, row]}))

    assert backend.sync().status == 200
    assert backend.items("450") == {"1003": 1}


def test_small_pages_are_followed_to_their_end(portal, backend):
    """jogos:iap.3; sandbox:page-size-max: the answer's own size decides."""
    rows = [
        {"orderId": f"small{n}", "arrivedStatus": 0, "productId": "1004", "userId": 451} for n in range(5)
    ]
    pages = [
        {
            "total": 5,
            "totalPage": 3,
            "currentPage": number,
            "pageSize": 2,
            "content": rows[2 * number - 2 :][:2],
        }
        for number in (1, 2, 3)
    ]
    portal.lies["getOrders"] = lambda: reply("200", page=pages.pop(0))

    assert backend.sync().status == 200
    assert backend.items("451") == {"1004": 5}
    assert b'"pageNo":3' in portal.calls("getOrders")[-1].body


def test_an_order_that_the_portal_forgot_is_reported_again(portal, backend):
    """jogos:iap.3: granted and acknowledged, and yet listed as not delivered."""
    portal.add_order("forgotten", user_id="452")
    backend.notify(compact(notification("forgotten", "452")))
    portal.wait_for(lambda: portal.orders["forgotten"].arrived_status == 1)
    assert backend.sync().status == 200  # the backend has noted the acknowledgement by now

    portal.add_order("forgotten", user_id="452", arrived_status=0)
    assert backend.sync().status == 200
    portal.wait_for(lambda: portal.orders["forgotten"].arrived_status == 1)

    assert backend.items("452") == {"1002": 1}
