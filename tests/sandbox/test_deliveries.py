"""Notifications on their way: what is sent, what acknowledges, what is tried again."""

import hashlib
import json
import threading

import pytest
from coinslot_testkit.recording_backend import Says


def test_a_payment_is_notified_with_its_exact_bytes(shop, backend):
    """jogos:iap.1: every documented member, compact, signed over the bytes that arrive."""
    order = shop.order(paid=True)["order"]

    (arrival,) = backend.wait_for(1)

    assert (arrival.method, arrival.target) == ("POST", "/notify")
    assert (
        arrival.body
        == json.dumps(
            {
                "paytype": "pay",
                "gameId": int(shop.game_id),
                "orderId": order["order_id"],
                "arrivedStatus": 0,
                "productId": "1002",
                "createTime": order["created_at_s"],
                "payTime": order["paid_at_s"],
                "userId": int(order["user_id"]),
                "refundStatus": None,
                "refundTime": None,
            },
            separators=(",", ":"),
        ).encode()
    )
    signature = hashlib.sha1(arrival.body + shop.shared_key.encode()).hexdigest()
    assert arrival.header("Authorization") == signature
    assert arrival.header("Content-Type") == "application/json"
    assert arrival.header("X-Coinslot-Sandbox") == "1"


def test_an_acknowledged_notification_is_delivered(shop):
    """jogos:iap.1.resp; the attempt keeps both sides' bytes."""
    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]

    detail = shop.await_delivery(delivery_id, "delivered")

    (attempt,) = detail["attempts"]
    assert attempt["ack"] == {
        "accepted": True,
        "code": "200",
        "reason": 'HTTP success and code "200"',
        "note": None,
    }
    assert (attempt["cause"], attempt["error"], attempt["reply"]["status"]) == ("schedule", None, 200)
    assert attempt["request"]["body_b64"] == detail["body_b64"]
    assert ["Authorization", detail["signature_header"]] in attempt["request"]["headers"]
    entry = shop.done("GET", f"/journal/{attempt['journal_seq']}")
    assert (entry["dir"], entry["delivery_id"], entry["attempt"]) == ("out", delivery_id, 1)
    assert {name: entry["request"][name] for name in attempt["request"]} == attempt["request"]
    assert detail["next_at_s"] is None


@pytest.mark.parametrize(
    "answer",
    [
        Says(status=500),
        Says(status=404, body=b"no"),
        Says(body=b"OK"),
        Says(body=b'{"code":"500","msg":"x"}'),
        Says(body=b"{}"),
        Says(status=302, headers=(("Location", "http://127.0.0.1:1/"),)),
        Says(status=204, body=b""),
    ],
)
def test_what_does_not_acknowledge_is_tried_again(shop, backend, answer):
    """sandbox:ack-json-code-200; a redirect is not followed."""
    backend.answer_with(answer, answer, Says())
    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]

    detail = shop.await_delivery(delivery_id, "delivered")

    assert [attempt["ack"]["accepted"] for attempt in detail["attempts"]] == [False, False, True]
    assert len({arrival.body for arrival in backend.arrivals}) == 1
    assert len({arrival.header("Authorization") for arrival in backend.arrivals}) == 1


def test_a_number_200_acknowledges_with_a_note(shop, backend):
    """sandbox:ack-json-code-200."""
    backend.answer_with(Says(body=b'{"code":200}'))
    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]

    (attempt,) = shop.await_delivery(delivery_id, "delivered")["attempts"]

    assert "number" in attempt["ack"]["note"]


def test_a_notification_that_nobody_takes_fails_in_the_end(shop, backend):
    """The preset fast: four attempts, then failed."""
    backend.answer_with(Says(status=503))
    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]

    detail = shop.await_delivery(delivery_id, "failed")

    assert [attempt["attempt"] for attempt in detail["attempts"]] == [1, 2, 3, 4]
    assert detail["attempts_made"] == 4
    gaps = [
        later["at_s"] - (sooner["at_s"] + sooner["elapsed_ms"] / 1000)
        for sooner, later in zip(detail["attempts"], detail["attempts"][1:], strict=False)
    ]
    assert all(gap >= wanted - 0.01 for gap, wanted in zip(gaps, (0.2, 0.5, 1.0), strict=True))


def test_without_retries_one_attempt_is_made(shop, backend):
    """The preset none."""
    shop.set_game(retry="none")
    backend.answer_with(Says(status=500))

    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]

    assert shop.await_delivery(delivery_id, "failed")["attempts_made"] == 1


def test_a_backend_that_is_down_is_no_answer(shop, backend):
    """The error is named, and the schedule goes on."""
    shop.set_game(callback_url="http://127.0.0.1:9/notify", retry="none")

    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]
    (attempt,) = shop.await_delivery(delivery_id, "failed")["attempts"]

    assert (attempt["reply"], attempt["error"]) == (None, "connection-refused")
    assert attempt["ack"]["accepted"] is False


def test_a_backend_that_says_nothing_is_timed_out(shop, backend):
    """sandbox:callback-timeout, shortened for the game."""
    release = threading.Event()
    backend.answer_with(Says(after=release))
    shop.set_game(timeout_s=0.2, retry="none")

    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]
    (attempt,) = shop.await_delivery(delivery_id, "failed")["attempts"]
    release.set()

    assert attempt["error"] == "timeout"
    assert 190 <= attempt["elapsed_ms"] < 5000


def test_a_lost_notification_is_recorded_and_never_sent(shop, backend):
    """callback: lost; the backend must find the order by getOrders."""
    lost = shop.order(paid=True, callback="lost")
    shop.await_delivery(shop.order(paid=True)["delivery"]["delivery_id"], "delivered")

    detail = shop.done("GET", f"/deliveries/{lost['delivery']['delivery_id']}")

    assert (detail["state"], detail["mode"], detail["attempts"]) == ("lost", "lost", [])
    assert lost["order"]["order_id"] not in {arrival.json["orderId"] for arrival in backend.arrivals}
    assert shop.orders_page().json["page"]["total"] == 2


def test_a_manual_payment_makes_no_notification(shop):
    """callback: manual; the tester sends it by hand."""
    made = shop.order(paid=True, callback="manual")

    assert made["delivery"] is None
    assert shop.done("GET", f"/orders/{made['order']['order_id']}")["deliveries"] == []


@pytest.mark.parametrize("status", [0, 2, 3])
def test_only_a_completed_refund_is_notified_by_itself(shop, backend, status):
    """sandbox:refund-only-success-notified; an explicit callback notifies any."""
    silent, told = shop.order_id(paid=True), shop.order_id(paid=True)

    without = shop.done("POST", f"/orders/{silent}/refund", {"refundStatus": status})
    asked = shop.done("POST", f"/orders/{told}/refund", {"refundStatus": status, "callback": "normal"})

    assert without["delivery"] is None
    assert asked["delivery"]["kind"] == "refund"
    shop.await_delivery(asked["delivery"]["delivery_id"], "delivered")
    refunds = [arrival.json for arrival in backend.arrivals if arrival.json["paytype"] == "refund"]
    assert [(body["orderId"], body["refundStatus"], body["refundTime"]) for body in refunds] == [
        (told, status, None)
    ]


def test_a_refund_is_notified_on_the_same_url(shop, backend):
    """jogos:iap.4: paytype refund, refundStatus 1, refundTime set."""
    order_id = shop.order_id(paid=True)

    step = shop.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})
    shop.await_delivery(step["delivery"]["delivery_id"], "delivered")

    bodies = [arrival.json for arrival in backend.arrivals]
    assert [body["paytype"] for body in bodies] == ["pay", "refund"]
    assert bodies[1]["refundStatus"] == 1
    assert bodies[1]["refundTime"] == step["order"]["refunded_at_s"] >= bodies[1]["payTime"]


def test_an_orders_notifications_come_one_after_another(shop, backend):
    """sandbox:one-attempt-per-order: the refund waits until the payment is acknowledged."""
    backend.answer_with(Says(status=500), Says(status=500), Says())
    order_id = shop.order_id(paid=True)
    step = shop.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})

    shop.await_delivery(step["delivery"]["delivery_id"], "delivered")

    assert [arrival.json["paytype"] for arrival in backend.arrivals] == ["pay", "pay", "pay", "refund"]


def test_orders_do_not_wait_for_each_other(shop, backend):
    """One order's silent backend holds up no other order."""
    release = threading.Event()
    slow = shop.order_id()
    backend.answer_by(lambda arrival: Says(after=release) if arrival.json["orderId"] == slow else Says())
    shop.done("POST", f"/orders/{slow}/pay")
    backend.wait_for(1)

    quick = shop.order(paid=True)["delivery"]["delivery_id"]

    assert shop.await_delivery(quick, "delivered")
    release.set()


def test_many_orders_paid_at_once_are_each_notified_once(shop, backend):
    """Every order's change, notification and delivery are one transaction."""
    player = shop.player(username="crowd")
    shop.product()
    made: list[str] = []

    def buy() -> None:
        made.extend([shop.order_id(player=player, paid=True) for _ in range(5)])

    buyers = [threading.Thread(target=buy) for _ in range(8)]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join()
    arrived = [arrival.json["orderId"] for arrival in backend.wait_for(40, timeout_s=30)]

    assert sorted(arrived) == sorted(made)
    assert len(set(made)) == 40
    assert shop.orders_page(page_size=1).json["page"]["total"] == 40


def test_resending_sends_the_same_bytes_and_signature_again(shop, backend):
    """POST /deliveries/{id}/resend is synchronous, whatever became of the shared key."""
    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]
    shop.await_delivery(delivery_id, "delivered")
    shop.set_game(shared_key="another-shared-key")

    detail = shop.done("POST", f"/deliveries/{delivery_id}/resend", {})

    first, second = backend.arrivals
    assert (first.body, first.header("Authorization")) == (second.body, second.header("Authorization"))
    assert [attempt["cause"] for attempt in detail["attempts"]] == ["schedule", "resend"]


@pytest.mark.parametrize(("answer", "state"), [(Says(), "delivered"), (Says(status=500), "lost")])
def test_a_lost_notification_can_be_resent(shop, backend, answer, state):
    """What is acknowledged is delivered; a failure leaves it as it was."""
    backend.answer_with(answer)
    delivery_id = shop.order(paid=True, callback="lost")["delivery"]["delivery_id"]

    assert shop.done("POST", f"/deliveries/{delivery_id}/resend")["state"] == state


def test_a_resend_does_not_use_up_a_retry(shop, backend):
    """The schedule counts its own attempts."""
    shop.set_game(retry=[3600])
    backend.answer_with(Says(status=500))
    delivery_id = shop.order(paid=True)["delivery"]["delivery_id"]
    before = shop.await_delivery(delivery_id, "pending", attempts=1)

    after = shop.done("POST", f"/deliveries/{delivery_id}/resend")

    assert after["attempts_made"] == 2
    assert (after["state"], after["next_at_s"]) == ("pending", before["next_at_s"])


def test_a_notification_without_a_url_cannot_be_resent(client):
    """It was recorded as lost while the game had no callback URL."""
    delivery_id = client.order(paid=True, callback="lost")["delivery"]["delivery_id"]

    assert client.refused("POST", f"/deliveries/{delivery_id}/resend") == (409, "delivery-without-url")


def test_archiving_cancels_what_is_pending(shop, backend):
    """The runner archives an item's orders when it ends."""
    shop.set_game(retry=[3600])
    backend.answer_with(Says(status=500))
    pending = shop.order(paid=True)
    done = shop.order_id(paid=True, callback="manual")
    backend.wait_for(1)
    orders = [pending["order"]["order_id"], done, done]

    answer = shop.done("POST", "/orders/archive", {"orders": orders})

    assert answer == {"archived": 2, "cancelled": 1}
    detail = shop.done("GET", f"/deliveries/{pending['delivery']['delivery_id']}")
    assert (detail["state"], detail["next_at_s"]) == ("cancelled", None)
    assert shop.done("POST", "/orders/archive", {"orders": orders}) == {"archived": 0, "cancelled": 0}


def test_what_is_cancelled_while_an_attempt_is_under_way_stays_cancelled(shop, backend):
    """The attempt is recorded, but its outcome brings nothing back."""
    release = threading.Event()
    backend.answer_with(Says(status=500, after=release))
    pending = shop.order(paid=True)
    backend.wait_for(1)

    shop.done("POST", "/orders/archive", {"orders": [pending["order"]["order_id"]]})
    release.set()

    detail = shop.await_delivery(pending["delivery"]["delivery_id"], "cancelled", attempts=1)
    assert (detail["next_at_s"], len(detail["attempts"])) == (None, 1)


def test_deliveries_are_found_by_order_and_state(shop):
    """GET /deliveries."""
    first, second = shop.order(paid=True), shop.order(paid=True, callback="lost")
    shop.await_delivery(first["delivery"]["delivery_id"], "delivered")

    def found(query: str) -> list[str]:
        return [item["delivery_id"] for item in shop.done("GET", f"/deliveries?{query}")["deliveries"]]

    assert found(f"order={first['order']['order_id']}") == [first["delivery"]["delivery_id"]]
    assert found("state=lost") == [second["delivery"]["delivery_id"]]
    assert found("limit=1") == [first["delivery"]["delivery_id"]]
    assert shop.refused("GET", "/deliveries?state=odd") == (400, "field-invalid")


def test_an_order_that_is_made_refunded_is_silent_about_the_refund(shop, backend):
    """refundStatus with paid: the payment is notified, the refund only where callback says so."""
    quiet = shop.order(paid=True, refundStatus=1)
    shop.await_delivery(quiet["delivery"]["delivery_id"], "delivered")
    loud = shop.order(paid=True, refundStatus=1, callback="normal")
    backend.wait_for(3)

    told = [(arrival.json["orderId"], arrival.json["paytype"]) for arrival in backend.arrivals]
    assert quiet["order"]["refundStatus"] == loud["order"]["refundStatus"] == 1
    assert told == [
        (quiet["order"]["order_id"], "pay"),
        (loud["order"]["order_id"], "pay"),
        (loud["order"]["order_id"], "refund"),
    ]


def test_a_commit_reaches_the_backend_at_once(shop, backend):
    """An in-process wake, not the poll: orders paid one after another wait for no interval."""
    shop.product()
    player = shop.player(username="quick-one")
    for number in range(10):
        shop.order_id(player=player, paid=True)
        backend.wait_for(number + 1, timeout_s=5)

    attempts = shop.await_journal(10, dir="out")
    made = {
        item["delivery_id"]: item["created_at_s"] for item in shop.done("GET", "/deliveries")["deliveries"]
    }
    waits_s = sorted(entry["at_s"] - made[entry["delivery_id"]] for entry in attempts)
    assert waits_s[len(waits_s) // 2] < 0.2
