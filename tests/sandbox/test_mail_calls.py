"""Control calls about deliveries: hold, release, recover, resend, cancel, list and detail."""

import base64
import hashlib

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.recording_backend import Says
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.waiting import until


@pytest.fixture(scope="module")
def sandbox():
    """One sandbox for all: each test begins with a reset."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        yield running


@pytest.fixture
def game(shop, backend):
    """The default game with a schedule that only advances by hand, and two retries."""
    shop.done("POST", "/reset")
    shop.set_game(callback_url=backend.url, retry=[10, 100])
    shop.done("POST", "/clock/freeze")
    return shop


def _advance(game, **how):
    return game.done("POST", "/clock/advance", how or {"until_idle": True})["fired"]


def _paid(game):
    step = game.order(paid=True)
    return step["order"]["order_id"], step["delivery"]["delivery_id"]


def _detail(game, delivery_id):
    return game.done("GET", f"/deliveries/{delivery_id}")


def _now_s(game):
    return game.done("GET", "/clock")["schedule"]["now_s"]


def _told(backend):
    return [(arrival.json["paytype"], arrival.json["orderId"]) for arrival in backend.arrivals]


def _causes(game, delivery_id):
    return [attempt["cause"] for attempt in _detail(game, delivery_id)["attempts"]]


def test_what_is_held_is_not_sent_until_it_is_released(game, backend):
    """sandbox.md: hold and release {n}; what comes later is held too."""
    (_, first), (_, second) = _paid(game), _paid(game)
    assert game.done("POST", "/deliveries/hold") == {"held": [first, second]}
    _, third = _paid(game)
    assert _advance(game) == []

    released = game.done("POST", "/deliveries/release", {"n": 2})

    assert released == {"released": [first, second]}
    assert [one["delivery_id"] for one in _advance(game)] == [first, second]
    assert [one["delivery_id"] for one in game.done("GET", "/deliveries?held=true")["deliveries"]] == [third]
    assert _detail(game, third)["held"]
    assert _detail(game, third)["due_at_s"] is None


def test_releasing_all_ends_the_hold(game, backend):
    """The twin: what comes afterwards goes by its schedule."""
    game.done("POST", "/deliveries/hold")
    _, held = _paid(game)

    assert game.done("POST", "/deliveries/release", {"all": True}) == {"released": [held]}

    _paid(game)
    assert len(_advance(game)) == 2
    assert len(backend.arrivals) == 2


def test_one_order_is_held_and_released_alone(game, backend):
    """Its coming refund too; other orders go on."""
    order_id, payment = _paid(game)
    other_id, _ = _paid(game)
    game.done("POST", "/deliveries/hold", {"order": order_id})
    refund = game.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})["delivery"]
    _advance(game)
    assert _told(backend) == [("pay", other_id)]

    released = game.done("POST", "/deliveries/release", {"order": order_id})

    assert released == {"released": [payment, refund["delivery_id"]]}
    _advance(game)
    assert _told(backend)[1:] == [("pay", order_id), ("refund", order_id)]
    game.done("POST", f"/orders/{other_id}/refund", {"refundStatus": 1})
    assert len(_advance(game)) == 1


def test_a_refund_is_released_before_its_payment(game, backend):
    """Release one by one, in whatever order: what is held holds nothing else up."""
    order_id, payment = _paid(game)
    refund = game.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})["delivery"]["delivery_id"]
    game.done("POST", "/deliveries/hold", {"order": order_id})

    for delivery_id in (refund, payment):
        assert game.done("POST", "/deliveries/release", {"delivery": delivery_id}) == {
            "released": [delivery_id]
        }
        _advance(game)

    assert _told(backend) == [("refund", order_id), ("pay", order_id)]
    assert game.done("POST", "/deliveries/release", {"delivery": payment}) == {"released": []}


def test_a_retry_is_held_as_well(game, backend):
    """Hold takes what is pending, however often it was attempted."""
    backend.answer_with(Says(status=500), Says())
    order_id, _delivery_id = _paid(game)
    _advance(game, next=True)

    game.done("POST", "/deliveries/hold", {"order": order_id})
    assert _advance(game) == []
    game.done("POST", "/deliveries/release", {"n": 1})

    assert [one["attempt"] for one in _advance(game)] == [2]


def test_a_running_schedule_sends_what_is_released(shop, backend):
    """Without a frozen clock: released is due at once, since its time has passed."""
    shop.done("POST", "/reset")
    shop.set_game(callback_url=backend.url)
    shop.done("POST", "/deliveries/hold")
    _, delivery_id = _paid(shop)
    shop.done("POST", "/callbacks", {"order": shop.order_id(), "type": "pay"})  # by hand goes all the same
    assert len(backend.arrivals) == 1

    shop.done("POST", "/deliveries/release", {"delivery": delivery_id})

    backend.wait_for(2)
    shop.await_delivery(delivery_id, "delivered")


def test_held_stays_held_and_put_off_stays_put_off_in_the_next_run(tmp_path, backend):
    """A process that ends between loses neither: holds and delays are in the store."""
    settings = SandboxSettings(port=0, control_port=0, seed=7, store=tmp_path / "store.db")
    with Sandbox(settings) as sandbox:
        game = SandboxClient(sandbox.ready)
        game.set_game(callback_url=backend.url)
        game.done("POST", "/faults", {"at": "delivery", "with": {"delay": 500, "times": 1}})
        _, delayed = _paid(game)
        until(lambda: _detail(game, delayed)["waits_for"])
        game.done("POST", "/deliveries/hold")
        _, held = _paid(game)
    with Sandbox(settings) as sandbox:
        game = SandboxClient(sandbox.ready)
        _, later = _paid(game)
        details = [_detail(game, one) for one in (delayed, held, later)]
        assert [(one["held"], one["state"]) for one in details] == [(True, "pending")] * 3
        assert [one["waits_for"] for one in details] == ["time", None, None]
        assert backend.arrivals == []

        released = game.done("POST", "/deliveries/release", {"all": True})["released"]

        assert released == [delayed, held, later]
        backend.wait_for(2)
        fired = _advance(game, until_idle=True)
    assert [one["delivery_id"] for one in fired] == [delayed]
    assert len(backend.arrivals) == 3


def test_what_has_failed_since_a_time_begins_anew(game, backend):
    """sandbox.md, recover {since, until, only_failed}: retries and all; what was delivered stays so."""
    game.set_game(retry=[10])
    backend.answer_with(Says(status=500))
    _, old = _paid(game)
    _advance(game)
    since_s = _now_s(game) + 50
    _advance(game, by_s=100)
    _, failed = _paid(game)
    _advance(game)
    backend.answer_with(Says())
    _, good = _paid(game)
    _advance(game)
    assert [_detail(game, one)["state"] for one in (old, failed, good)] == ["failed", "failed", "delivered"]
    backend.answer_with(Says(status=500), Says())

    recovered = game.done("POST", "/deliveries/recover", {"since_s": since_s})

    assert recovered == {"recovered": [failed]}
    assert [one["attempt"] for one in _advance(game)] == [3, 4]
    assert _detail(game, failed)["state"] == "delivered"
    assert _causes(game, failed) == ["advance", "advance", "recover", "advance"]
    assert _detail(game, old)["state"] == "failed"


def test_recovering_not_only_what_failed_takes_what_was_lost_or_delivered(game, backend):
    """only_failed: false; a hand-made callback is never repeated, and the end counts too."""
    _, delivered = _paid(game)
    _advance(game)
    lost = game.order(paid=True, callback="lost")["delivery"]["delivery_id"]
    game.done("POST", "/callbacks", {"order": game.order_id(), "type": "pay"})
    now_s = _now_s(game)
    _advance(game, by_s=10)
    later = game.order(paid=True, callback="lost")["delivery"]["delivery_id"]
    window = {"since_s": 0, "until_s": now_s, "only_failed": False}

    assert game.done("POST", "/deliveries/recover", window) == {"recovered": [delivered, lost]}

    assert len(_advance(game)) == 2
    assert [_detail(game, one)["state"] for one in (delivered, lost, later)] == [
        "delivered",
        "delivered",
        "lost",
    ]


def test_what_is_recovered_under_a_hold_is_held(game, backend):
    """Hold means what comes, from wherever."""
    lost = game.order(paid=True, callback="lost")["delivery"]["delivery_id"]
    game.done("POST", "/deliveries/hold")

    game.done("POST", "/deliveries/recover", {"since_s": 0, "only_failed": False})

    assert _detail(game, lost)["held"]
    assert _advance(game) == []


def test_a_cancelled_delivery_is_not_sent_but_can_be_resent(game, backend):
    """sandbox.md, cancel."""
    order_id, delivery_id = _paid(game)

    assert game.done("POST", f"/deliveries/{delivery_id}/cancel")["state"] == "cancelled"

    assert _advance(game) == []
    assert game.refused("POST", f"/deliveries/{delivery_id}/cancel") == (409, "delivery-not-pending")
    assert game.done("POST", f"/deliveries/{delivery_id}/resend")["state"] == "delivered"
    assert _told(backend) == [("pay", order_id)]


def test_an_exact_resend_has_the_bytes_of_then_a_rebuilt_one_those_of_now(game, backend):
    """sandbox.md, resend: rebuild is a new createTime, the order as it is, the key and the URL of now."""
    order_id, delivery_id = _paid(game)
    _advance(game)
    first = backend.arrivals[0]
    game.arrived(order_id)
    _advance(game, by_s=77)
    game.set_game(shared_key="the new key", callback_url=f"{backend.url}?new")

    game.done("POST", f"/deliveries/{delivery_id}/resend")
    game.done("POST", f"/deliveries/{delivery_id}/resend", {"mode": "exact"})
    detail = game.done("POST", f"/deliveries/{delivery_id}/resend", {"mode": "rebuild"})

    exact, _, rebuilt = backend.arrivals[1:]
    assert (exact.body, exact.headers, exact.target) == (first.body, first.headers, "/notify")
    created_s = first.json["createTime"] + 77
    assert rebuilt.json == {**first.json, "createTime": created_s, "arrivedStatus": 1}
    assert rebuilt.header("Authorization") == hashlib.sha1(rebuilt.body + b"the new key").hexdigest()
    assert rebuilt.target == "/notify?new"
    assert [attempt["cause"] for attempt in detail["attempts"]] == ["advance"] + ["resend"] * 3
    assert base64.b64decode(detail["body_b64"]) == first.body
    assert base64.b64decode(detail["attempts"][-1]["request"]["body_b64"]) == rebuilt.body


@pytest.mark.parametrize("mode", ["exact", "rebuild"])
def test_a_resend_can_be_misdelivered(game, backend, mode):
    """One click: Break signature."""
    _, delivery_id = _paid(game)
    _advance(game)
    wish = {"mode": mode, "with": {"corrupt_signature": "flipped"}}
    backend.answer_with(Says(body=b'{"code":"41007"}'))

    detail = game.done("POST", f"/deliveries/{delivery_id}/resend", wish)

    sent = backend.arrivals[-1]
    right = hashlib.sha1(sent.body + game.shared_key.encode()).hexdigest()
    assert sent.header("Authorization")[:-1] == right[:-1]
    assert sent.header("Authorization") != right
    assert detail["state"] == "delivered"  # what was acknowledged once stays so
    assert [attempt["ack"]["accepted"] for attempt in detail["attempts"]] == [True, False]


@pytest.mark.parametrize("wish", [{"copies": 5, "at_once": True}, {"with": {"burst": 5}}, {"copies": 5}])
def test_a_resend_can_be_several(game, backend, wish):
    """One click: Duplicate, one after another or at once."""
    _, delivery_id = _paid(game)

    detail = game.done("POST", f"/deliveries/{delivery_id}/resend", wish)

    assert len({arrival.body for arrival in backend.arrivals}) == 1
    assert len(backend.arrivals) == len(detail["attempts"]) == 5
    assert _advance(game) == []


def test_a_failed_resend_leaves_the_schedule_alone(game, backend):
    """A retry that was due is due still, a fault that waits waits still."""
    backend.answer_with(Says(status=500))
    _, delivery_id = _paid(game)
    _advance(game, next=True)
    before = _detail(game, delivery_id)

    after = game.done("POST", f"/deliveries/{delivery_id}/resend")

    assert (after["state"], after["next_at_s"]) == ("pending", before["next_at_s"])
    assert [one["attempt"] for one in _advance(game)] == [3, 4]


def test_a_detail_tells_all_about_its_attempts(game, backend):
    """Bytes, string to sign without the secret, reply, timing, cause, schedule time, next attempt."""
    backend.answer_with(Says(status=503, body=b"busy"))
    step = game.order(paid=True)
    _advance(game, next=True)

    detail = _detail(game, step["delivery"]["delivery_id"])

    (attempt,) = detail["attempts"]
    assert detail["string_to_sign"] == {
        "body_b64": detail["body_b64"],
        "secret": "•••",
        "formula": detail["string_to_sign"]["formula"],
    }
    assert "sha1(body + shared key)" in detail["string_to_sign"]["formula"]
    assert base64.b64decode(detail["body_b64"]) == backend.arrivals[0].body
    assert (attempt["reply"]["status"], base64.b64decode(attempt["reply"]["body_b64"])) == (503, b"busy")
    timing = attempt["timing"]
    assert 0 <= timing["connect_ms"] <= timing["ttfb_ms"] <= timing["total_ms"] == attempt["elapsed_ms"]
    assert attempt["schedule_at_s"] == pytest.approx(step["delivery"]["next_at_s"])
    assert (attempt["cause"], attempt["fault_id"]) == ("advance", None)
    assert detail["next_at_s"] == pytest.approx(attempt["schedule_at_s"] + 10)
    assert (detail["retry"], detail["timeout_s"], detail["ack_rule"]) == ([10, 100], 10, "json_code_200")
    assert game.shared_key not in str(detail)


def test_deliveries_are_found_by_what_they_are(game):
    """GET /deliveries with filters."""
    order_id, payment = _paid(game)
    refund = game.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})["delivery"]["delivery_id"]
    _advance(game)
    _advance(game, by_s=10)
    now_s = _now_s(game)
    _, other = _paid(game)

    def found(query):
        return [one["delivery_id"] for one in game.done("GET", f"/deliveries?{query}")["deliveries"]]

    assert found("") == [payment, refund, other]
    assert found(f"order={order_id}") == [payment, refund]
    assert found("kind=refund") == [refund]
    assert found("state=pending") == [other]
    assert found(f"since_s={now_s}") == [other]
    assert found(f"until_s={now_s - 1}") == [payment, refund]
    assert found(f"after={payment}&limit=1") == [refund]
    assert found(f"game={game.game_id}&held=false") == [payment, refund, other]
    assert found("game=1&held=true") == []
    assert game.refused("GET", "/deliveries?held=maybe") == (400, "field-invalid")
    assert game.refused("GET", "/deliveries?since_s=soon") == (400, "field-invalid")


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/deliveries/release", {}, (400, "field-invalid")),
        ("/deliveries/release", {"n": 1, "all": True}, (400, "field-invalid")),
        ("/deliveries/release", {"n": 0}, (400, "field-invalid")),
        ("/deliveries/release", {"all": False}, (400, "field-invalid")),
        ("/deliveries/release", {"delivery": "dlv_none"}, (404, "delivery-unknown")),
        ("/deliveries/release", {"order": "none"}, (404, "order-unknown")),
        ("/deliveries/hold", {"order": "none"}, (404, "order-unknown")),
        ("/deliveries/hold", {"orders": []}, (400, "field-unknown")),
        ("/deliveries/recover", {}, (400, "field-missing")),
        ("/deliveries/recover", {"since_s": "now"}, (400, "field-invalid")),
        ("/deliveries/dlv_none/cancel", {}, (404, "delivery-unknown")),
        ("/deliveries/dlv_none/resend", {}, (404, "delivery-unknown")),
        ("/deliveries/dlv_none/resend", {"mode": "again"}, (400, "field-invalid")),
        ("/deliveries/dlv_none/resend", {"with": {"drop": True}}, (400, "fault-kind-inapplicable")),
        ("/deliveries/dlv_none/resend", {"with": {"burst": 2}, "copies": 2}, (400, "field-invalid")),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(game, path, body, refusal):
    """The member is named, and what to do instead."""
    assert game.refused("POST", path, body) == refusal
