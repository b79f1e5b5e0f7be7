"""What we tell and ask the portal, and how its answers are read."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from coinslot_contracts.domain import ListedOrder
from coinslot_contracts.errors import ConfirmUnavailable
from coinslot_contracts.portals.jogos.codes import reply
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.wire import Headers, WireReply
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal, serve
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from coinslot_testkit.tokens import GAME_ID
from coinslot_verifier import ConfigInvalid, ConfirmOutcome, PortalClient, VerifierConfig
from hypothesis import given
from hypothesis import strategies as st

CONFIG = VerifierConfig(
    portal="jogos", game_id=GAME_ID, shared_keys=(SHARED_KEY, b"old"), api_url="http://portal.example"
)


class ScriptedSender:
    """Records what is sent and answers as it is told."""

    def __init__(self, answer: Callable[[dict[str, Any]], WireReply]) -> None:
        self.answer = answer
        self.sent: list[tuple[str, dict[str, str], bytes, int]] = []

    def post(self, url: str, *, headers: Headers, body: bytes, attempts_max: int) -> WireReply:
        self.sent.append((url, dict(headers), body, attempts_max))
        return self.answer(json.loads(body))


def client(answer: Callable[[dict[str, Any]], WireReply]) -> tuple[PortalClient, ScriptedSender]:
    sender = ScriptedSender(answer)
    return PortalClient(CONFIG, sender=sender), sender


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "orderId": f"order{number}",
        "arrivedStatus": 0,
        "payTime": 1_755_657_115,
        "productId": "1002",
        "userId": 278,
        "refundStatus": None,
        "refundTime": None,
        **changes,
    }


def page(number: int, rows: Any, *, size: int, total: int) -> WireReply:
    return reply(
        "200",
        page={
            "total": total,
            "totalPage": -(-total // size),
            "currentPage": number,
            "pageSize": size,
            "content": rows,
        },
    )


def test_a_report_is_written_once_and_those_bytes_are_signed_and_sent():
    """jogos:iap.2; the first shared key signs."""
    portal, sender = client(lambda _: reply("200"))

    portal.confirm("gHpGwweTlucXwcM6yIeSMcgKkhFmoO")

    (url, headers, body, attempts_max) = sender.sent[0]
    assert url == "http://portal.example/api/gamepay/webhook/arrivedorder"
    assert body == b'{"gameId":1220,"orderId":"gHpGwweTlucXwcM6yIeSMcgKkhFmoO"}'
    assert headers == {"Content-Type": "application/json", "Authorization": signature(body, SHARED_KEY)}
    assert attempts_max == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply("200"), None),
        (WireReply(body=b'{"code":200}'), None),
        (replace(reply("200"), status=201), None),
        (replace(reply("41007"), status=400), "signature-mismatch"),
        (reply("41007"), "signature-mismatch"),
        (reply("305"), "field-invalid"),
        (reply("40001"), "game-mismatch"),
        (reply("500"), "confirm-unavailable"),
        (WireReply(body=b'{"code":"41001"}'), "confirm-unavailable"),
        (WireReply(body=b'{"code":true}'), "confirm-unavailable"),
        (WireReply(body=b'{"code":200.0}'), "confirm-unavailable"),
        (WireReply(body=b"{}"), "confirm-unavailable"),
        (WireReply(body=b"OK"), "confirm-unavailable"),
        (WireReply(body=b""), "confirm-unavailable"),
        (replace(reply("200"), status=500), "confirm-unavailable"),
        (replace(reply("200"), status=404), "confirm-unavailable"),
        (replace(reply("41007"), status=503), "signature-mismatch"),
        (replace(reply("40001"), status=500), "game-mismatch"),
        (replace(reply("500"), status=500), "confirm-unavailable"),
        (WireReply(status=502, body=b"<html>"), "confirm-unavailable"),
    ],
)
def test_only_the_documented_code_confirms(answer, code):
    """jogos:iap.2: the code decides whatever the HTTP status; a yes under an error's status is doubt."""
    portal, _ = client(lambda _: answer)

    assert code_of(portal.confirm, "o1") == code


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (reply("200"), ConfirmOutcome.CONFIRMED, None),
        (reply("41007"), ConfirmOutcome.REFUSED, "signature-mismatch"),
        (reply("500"), ConfirmOutcome.UNDECIDED, "confirm-unavailable"),
    ],
)
def test_the_outcome_is_had_as_a_value(answer, outcome, code):
    """confirmed, refused or undecided, for callers that count rather than catch."""
    portal, _ = client(lambda _: answer)

    result = portal.try_confirm("o1")

    assert (result.outcome, result.code, bool(result.detail)) == (outcome, code, code is not None)


def test_a_confirmed_order_is_arrived_at_the_portal():
    """jogos:iap.2, over a real socket."""
    with serve(FakePortal()) as fake:
        fake.add_order("o1")
        portal = PortalClient(replace(CONFIG, api_url=fake.url))

        portal.confirm("o1")

        assert fake.orders["o1"].arrived_status == 1
        assert code_of(portal.confirm, "o2") == "confirm-unavailable"


@pytest.mark.parametrize("backlog", [0, 1, 99, 100, 101, 250])
def test_every_order_is_listed_once(backlog):
    """jogos:iap.3, over a real socket: pages of 100, and one question more, which no row answers."""
    with serve(FakePortal()) as fake:
        for number in range(backlog):
            fake.add_order(f"o{number}")
        portal = PortalClient(replace(CONFIG, api_url=fake.url))

        listed = [order.order_id for order in portal.list_orders()]

        assert listed == [f"o{number}" for number in range(backlog)]
        assert len(fake.calls("getOrders")) == -(-backlog // 100) + 1


def test_a_row_comes_out_typed():
    """jogos:iap.3"""
    refunded = row(1, refundStatus=1, refundTime=9, arrivedStatus=1)
    portal, sender = client(lambda _: page(1, [refunded], size=20, total=1))

    listed = list(portal.list_orders(page_size=20))

    assert listed == [
        ListedOrder(
            order_id="order1",
            user_id="278",
            product_id="1002",
            arrived_status=1,
            paid_at_s=1_755_657_115,
            refund_status=1,
            refunded_at_s=9,
        )
    ]
    assert sender.sent[0][2] == b'{"gameId":1220,"pageNo":1,"pageSize":20}'
    assert sender.sent[0][3] == CONFIG.attempts_max


def test_the_answers_own_page_size_is_followed():
    """sandbox:page-size-max: a portal may give less than it is asked for."""

    def answer(wanted: dict[str, Any]) -> WireReply:
        first = (wanted["pageNo"] - 1) * 5
        return page(wanted["pageNo"], [row(n) for n in range(first, min(first + 5, 31))], size=5, total=31)

    portal, sender = client(answer)

    assert len(list(portal.list_orders())) == 31
    assert [json.loads(body)["pageSize"] for _, _, body, _ in sender.sent] == [100] + [5] * 7


@pytest.mark.parametrize(
    "answer",
    [
        reply("200"),
        reply("200", page=[]),
        page(1, [row(1, orderId=None)], size=5, total=1),
        page(1, [row(1, userId="x")], size=5, total=1),
        page(1, [row(1, arrivedStatus=2)], size=5, total=1),
        page(1, [row(1, refundStatus=9)], size=5, total=1),
        page(1, ["row"], size=5, total=1),
        page(1, "rows", size=5, total=1),
    ],
)
def test_a_page_that_cannot_be_read_is_an_outage(answer):
    """jogos:iap.3: nothing is granted on doubt."""
    portal, _ = client(lambda _: answer)

    with pytest.raises(ConfirmUnavailable):
        list(portal.list_orders())


@given(
    st.binary(max_size=200)
    | JSON_VALUES.map(lambda value: json.dumps({"code": "200", "page": value}).encode())
)
def test_any_answer_is_read_or_an_outage(body):
    """Whatever the portal says."""
    portal, _ = client(lambda _: WireReply(body=body))

    assert code_of(lambda: list(portal.list_orders())) in {None, "confirm-unavailable"}
    assert code_of(portal.confirm, "o1") in {None, "confirm-unavailable"}


def test_without_a_shared_key_nothing_can_be_signed():
    """jogos:iap.key"""
    with pytest.raises(ConfigInvalid, match="shared_keys is empty"):
        PortalClient(replace(CONFIG, shared_keys=()))
