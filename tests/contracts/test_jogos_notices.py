"""Notification, acknowledgement and preconditions of Jogos."""

import json
from dataclasses import replace

import pytest
from coinslot_contracts.domain import Game, Notification
from coinslot_contracts.errors import (
    ConfirmUnavailable,
    FieldInvalid,
    FieldMissing,
    GameMismatch,
    SignatureMismatch,
    SignatureMissing,
    TokenExpired,
)
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.portal import Ack
from coinslot_contracts.portals.jogos.codes import MESSAGES, is_success, refusal
from coinslot_contracts.portals.jogos.notices import NOTICES, ack, fields, parse_notification, unmet
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.strategies import JSON_VALUES
from hypothesis import given
from hypothesis import strategies as st

PAY = Notification(
    kind="pay",
    game_id="9968",
    order_id="zXhKYRy3genKKh9TgndBpu1gp5tBpA",
    user_id="278",
    product_id="1002",
    arrived_status=0,
    created_at_s=1_755_657_098,
    paid_at_s=1_755_657_115,
)
REFUND = replace(PAY, kind="refund", refund_status=1, refunded_at_s=1_755_660_000)
PRINTABLE = st.characters(min_codepoint=32, exclude_categories=["Cs"])
OPTIONAL = ("paytype", "refundStatus", "refundTime")
GAME = Game(game_id="9968", shared_key=b"k", callback_url="http://127.0.0.1:8899/jogos/notify")


def test_a_notification_has_the_documented_members_in_the_documented_order():
    """jogos:iap.1.fields (lines 171-172)"""
    assert json.dumps(fields(REFUND)) == (
        '{"paytype": "refund", "gameId": 9968, "orderId": "zXhKYRy3genKKh9TgndBpu1gp5tBpA", '
        '"arrivedStatus": 0, "productId": "1002", "createTime": 1755657098, "payTime": 1755657115, '
        '"userId": 278, "refundStatus": 1, "refundTime": 1755660000}'
    )


@pytest.mark.parametrize("notification", [PAY, REFUND, replace(REFUND, refund_status=3, refunded_at_s=None)])
def test_what_is_written_is_read_back(notification):
    """parse and dump are reverses."""
    assert parse_notification(dump_compact(fields(notification))) == notification


@given(
    st.builds(
        Notification,
        kind=st.sampled_from(["pay", "refund"]),
        game_id=st.integers(0, 2**63 - 1).map(str),
        order_id=st.text(
            st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=255
        ),
        user_id=st.integers(0, 2**63 - 1).map(str),
        product_id=st.from_regex(r"[a-z0-9_]{1,40}", fullmatch=True),
        arrived_status=st.integers(0, 2),
        created_at_s=st.integers(0, 2**63 - 1),
        paid_at_s=st.integers(0, 2**63 - 1),
        refund_status=st.none() | st.integers(0, 3),
        refunded_at_s=st.none() | st.integers(0, 2**63 - 1),
    )
)
def test_any_notification_is_read_back(notification):
    """As above, for all of them."""
    assert parse_notification(dump_compact(fields(notification))) == notification


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "pay"),
        ({"paytype": None}, "pay"),
        ({"paytype": ""}, "pay"),
        ({"paytype": "refund"}, "refund"),
        ({"paytype": "pay", "refundStatus": 1}, "pay"),
        ({"refundStatus": "", "refundTime": ""}, "pay"),
        ({"paytype": None, "refundStatus": 0}, None),
        ({"paytype": None, "refundStatus": 1}, None),
        ({"paytype": "PAY"}, None),
        ({"paytype": "chargeback"}, None),
        ({"paytype": 1}, None),
        ({"paytype": True}, None),
        ({"refundStatus": 4}, None),
        ({"refundStatus": "1"}, None),
        ({"refundStatus": True}, None),
        ({"arrivedStatus": "0"}, None),
        ({"arrivedStatus": True}, None),
        ({"arrivedStatus": 2}, "pay"),
    ],
)
def test_the_kind_is_read_where_it_is_clear_and_refused_where_it_is_not(changes, kind):
    """sandbox:paytype-absent-is-pay: money moves on doubt in neither direction."""
    body = dump_compact({**fields(PAY), **changes})

    if kind is None:
        assert code_of(parse_notification, body) in {"field-invalid", "field-missing"}
    else:
        assert parse_notification(body).kind == kind


def test_members_that_the_document_calls_optional_may_be_absent_and_others_may_be_there():
    """jogos:iap.1.fields: refundStatus, refundTime; the portal may grow."""
    members = {**fields(PAY), "amount": 5, "nested": {"a": [1]}}
    del members["refundStatus"], members["refundTime"], members["paytype"]

    assert parse_notification(dump_compact(members)) == PAY


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[]", "the body is not a JSON object"),
        (dump_compact({**fields(PAY), "arrivedStatus": True}), "arrivedStatus must be a whole number"),
        (dump_compact({**fields(PAY), "arrivedStatus": "0"}), "arrivedStatus must be a whole number"),
        (dump_compact({**fields(PAY), "arrivedStatus": None}), "arrivedStatus is missing"),
        (dump_compact({**fields(PAY), "paytype": "PAY"}), "paytype must be one of pay, refund"),
        (dump_compact({**fields(REFUND), "paytype": None}), "paytype is missing"),
        (dump_compact({**fields(PAY), "refundStatus": 4}), "refundStatus must be one of 0, 1, 2, 3"),
        (dump_compact({**fields(PAY), "orderId": "o" * 256}), "orderId is longer than 255 characters"),
        (dump_compact({**fields(PAY), "productId": "p" * 256}), "productId is longer than 255 characters"),
    ],
    ids=str,
)
def test_a_notification_that_cannot_be_read_is_refused_in_so_many_words(body, says):
    """jogos:iap.1.err: what a developer reads first."""
    with pytest.raises((FieldInvalid, FieldMissing)) as refused:
        parse_notification(body)

    assert refused.value.detail == says


def test_ids_may_be_as_long_as_the_ledger_keeps_them():
    """The positive twin: 255 characters."""
    longest = replace(PAY, order_id="o" * 255, product_id="p" * 255)

    assert parse_notification(dump_compact(fields(longest))) == longest


@pytest.mark.parametrize("value", ["null", None, ""])
@pytest.mark.parametrize("name", ["refundStatus", "refundTime"])
def test_a_refund_member_may_say_in_three_ways_that_there_is_none(name, value):
    """jogos:iap.1.fields (line 172): null, an empty string, or the word."""
    assert parse_notification(dump_compact({**fields(PAY), name: value})) == PAY


def test_no_other_member_may_be_the_word_null():
    """The twin: an order of that name would be somebody's."""
    assert parse_notification(dump_compact({**fields(PAY), "orderId": "null"})).order_id == "null"


@pytest.mark.parametrize("name", ["createTime", "payTime", "refundTime"])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1755657098", 1_755_657_098),
        ("0000001755657098", 1_755_657_098),
        ("0", 0),
        ("1" * 19, int("1" * 19)),
        ("0" * 20, None),
        ("١٧٥٥", None),
        ("1755657098.0", None),
        ("-1", None),
        ("soon", None),
        (1.5, None),
        (True, None),
    ],
)
def test_a_time_may_be_a_string_of_digits_and_no_other_string(name, value, seconds):
    """jogos:iap.1.fields: nothing depends on times, so they are read where they are clear."""
    body = dump_compact({**fields(REFUND), name: value})
    if seconds is None:
        with pytest.raises(FieldInvalid, match=name):
            parse_notification(body)
    else:
        read = parse_notification(body)
        times = {"createTime": read.created_at_s, "payTime": read.paid_at_s, "refundTime": read.refunded_at_s}
        assert times[name] == seconds


def test_a_byte_order_mark_before_the_body_is_passed_over_once():
    """Some servers write one; the signature covers it all the same."""
    body = dump_compact(fields(PAY))

    assert parse_notification(b"\xef\xbb\xbf" + body) == PAY
    assert code_of(parse_notification, b"\xef\xbb\xbf" * 2 + body) == "field-invalid"
    assert code_of(parse_notification, body + b"\xef\xbb\xbf") == "field-invalid"


@pytest.mark.parametrize("name", [name for name in fields(PAY) if name not in OPTIONAL])
def test_every_required_member_is_required(name):
    """jogos:iap.1.err: 305"""
    members = fields(PAY)
    del members[name]

    with pytest.raises(FieldMissing, match=name):
        parse_notification(dump_compact(members))


@given(st.binary(max_size=200) | JSON_VALUES.map(dump_compact))
def test_any_body_is_a_notification_or_a_refusal(body):
    """Whatever arrives."""
    assert code_of(parse_notification, body) in {"field-missing", "field-invalid"}


@pytest.mark.parametrize(
    ("status", "body", "accepted", "code", "note"),
    [
        (200, b'{"code":"200","msg":"Success"}', True, "200", False),
        (201, b'{"code":"200"}', True, "200", False),
        (200, b'{"code":200}', True, "200", True),
        (200, b'{"code":"305"}', False, "305", False),
        (200, b'{"code":200.0}', False, "200.0", False),
        (200, b'{"code":true}', False, "True", False),
        (200, b"{}", False, None, False),
        (200, b"OK", False, None, False),
        (200, b"", False, None, False),
        (200, b"[]", False, None, False),
        (204, b"", False, None, False),
        (302, b'{"code":"200"}', False, "200", False),
        (500, b'{"code":"200"}', False, "200", False),
        (503, b"{}", False, None, False),
    ],
)
def test_an_answer_is_an_acknowledgement_or_not(status, body, accepted, code, note):
    """jogos:iap.1.resp, sandbox:ack-json-code-200"""
    judged = ack(status, body)

    assert (judged.accepted, judged.code, judged.note is not None) == (accepted, code, note)
    assert judged.reason


NOTE = 'code is the number 200; the document shows the string "200"'


@pytest.mark.parametrize(
    ("status", "body", "judged"),
    [
        (
            200,
            b'{"code":"200"}',
            Ack(accepted=True, code="200", reason='HTTP success and code "200"', note=None),
        ),
        (
            200,
            b'{"code":200}',
            Ack(accepted=True, code="200", reason='HTTP success and code "200"', note=NOTE),
        ),
        (200, b"[]", Ack(accepted=False, code=None, reason="HTTP 200, and the body is not a JSON object")),
        (200, b'{"code":"305"}', Ack(accepted=False, code="305", reason='code is 305, not "200"')),
        (200, b"{}", Ack(accepted=False, code=None, reason='code is absent, not "200"')),
        (199, b'{"code":"200"}', Ack(accepted=False, code="200", reason="HTTP 199 is not a success")),
        (300, b'{"code":200}', Ack(accepted=False, code="200", reason="HTTP 300 is not a success")),
        (503, b"{}", Ack(accepted=False, code=None, reason="HTTP 503 is not a success")),
    ],
)
def test_the_judgement_of_an_answer_says_why(status, body, judged):
    """jogos:iap.1.resp: the words that the report of a delivery shows."""
    assert ack(status, body) == judged


@pytest.mark.parametrize("status", [200, 299])
def test_every_success_of_http_is_one(status):
    """jogos:iap.1.resp: the twin of 199 and 300 above."""
    assert ack(status, b'{"code":"200"}').accepted


@given(st.integers(100, 599), st.binary(max_size=60) | JSON_VALUES.map(dump_compact))
def test_any_answer_is_judged(status, body):
    """A backend may say anything."""
    assert ack(status, body).reason


def test_our_own_answers_are_acknowledged_or_not_as_meant():
    """jogos:iap.1.resp"""
    assert ack(NOTICES.accepted.status, NOTICES.accepted.body).accepted
    for error in (FieldMissing("x"), ConfirmUnavailable("x")):
        answer = NOTICES.refusal(error)
        assert not ack(answer.status, answer.body).accepted


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (FieldMissing("x"), 200, "305"),
        (FieldInvalid("x"), 200, "305"),
        (GameMismatch("x"), 200, "40001"),
        (SignatureMissing("x"), 200, "41007"),
        (SignatureMismatch("x"), 200, "41007"),
        (TokenExpired("x"), 200, "500"),
        (ConfirmUnavailable("x"), 503, "500"),
    ],
)
def test_each_error_has_its_documented_answer(error, status, code):
    """jogos:iap.1.err, sandbox:http-200-with-code"""
    answer = refusal(error)

    assert answer.status == status
    assert json.loads(answer.body) == {"code": code, "msg": MESSAGES[code]}
    assert answer.header("content-type") == "application/json"
    assert answer.header("retry-after") == ("5" if status == 503 else None)


@pytest.mark.parametrize("code", ["200 ", 200.0, True, None, "SUCCESS", [], 201])
def test_only_200_is_success(code):
    """jogos:iap.1.resp"""
    assert not is_success(code)
    assert is_success("200")
    assert is_success(200)


def test_a_ready_game_has_no_unmet_precondition():
    """jogos:iap.key"""
    assert unmet(GAME) == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"shared_key": None}, "game-without-shared-key"),
        ({"shared_key": b""}, "game-without-shared-key"),
        ({"iap_enabled": False}, "game-without-in-app-purchase"),
        ({"callback_url": None}, "game-without-callback-url"),
        ({"callback_url": ""}, "game-without-callback-url"),
    ],
)
def test_each_unmet_precondition_says_its_sentence_and_the_remedy(changes, code):
    """jogos:iap.key (lines 157-158)"""
    (problem,) = unmet(replace(GAME, **changes))

    assert (problem.code, problem.clause) == (code, "jogos:iap.key")
    assert problem.says
    assert problem.remedy


def test_all_unmet_preconditions_are_named_at_once():
    """Nobody likes to learn them one by one."""
    assert len(unmet(Game(game_id="1", iap_enabled=False))) == 3


def test_a_game_does_not_show_its_key():
    """Neither in logs nor in reports."""
    assert "secret" not in repr(Game(game_id="1", shared_key=b"secret"))
