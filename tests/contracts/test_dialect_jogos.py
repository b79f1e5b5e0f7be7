"""Jogos' dialects of tokens and notifications as pure functions: members and bytes of each variant, whole."""

import json
from dataclasses import replace

import pytest
from coinslot_contracts.dialects import plainly
from coinslot_contracts.domain import Notification, Player
from coinslot_contracts.json_bytes import dump_compact, dump_json
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.portals.jogos.dialect_values import BEGIN_OF_TIME_S, END_OF_TIME_S, TIMES
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.tokens import good_claims

PAY = Notification(
    kind="pay",
    game_id="9968",
    order_id="o1",
    user_id="278",
    product_id="1002",
    arrived_status=0,
    created_at_s=1_755_657_098,
    paid_at_s=1_755_657_115,
)
REFUND = replace(PAY, kind="refund", refund_status=1, refunded_at_s=1_755_657_200)
CREATED, PAID, REFUNDED = 1_755_657_098, 1_755_657_115, 1_755_657_200
TOKEN_CHANGES = {
    ("token_issuer", "absent"): {"iss": None},
    ("token_audience", "game-id"): {"aud": "1220"},
    ("token_jti", "absent"): {"jti": None},
    ("token_jti", "repeated"): {"jti": "1967423537615581184"},
    ("token_jti", "number"): {"jti": 1967423537615581184},
    ("token_jti", "text"): {},
    ("token_times", "milliseconds"): {"iat": 1_757_905_298_000, "exp": 1_757_908_898_000},
}
MEMBER_CHANGES = {
    ("notice_paytype", "absent"): ({"paytype": None}, {"paytype": None}),
    ("notice_paytype", "camel-case"): (
        {"paytype": None, "payType": "pay"},
        {"paytype": None, "payType": "refund"},
    ),
    ("notice_paytype", "upper-case"): ({"paytype": "PAY"}, {"paytype": "REFUND"}),
    ("notice_paytype", "always-pay"): ({}, {"paytype": "pay"}),
    ("notice_ids", "text"): ({"gameId": "9968", "userId": "278"},) * 2,
    ("notice_arrived", "delivered"): ({"arrivedStatus": 1},) * 2,
    ("notice_times", "seconds"): ({}, {}),
    ("notice_times", "milliseconds"): (
        {"createTime": CREATED * 1000, "payTime": PAID * 1000},
        {"createTime": CREATED * 1000, "payTime": PAID * 1000, "refundTime": REFUNDED * 1000},
    ),
    ("notice_times", "text"): (
        {"createTime": str(CREATED), "payTime": str(PAID)},
        {"createTime": str(CREATED), "payTime": str(PAID), "refundTime": str(REFUNDED)},
    ),
    ("notice_times", "date-and-time"): (
        {"createTime": "2025-08-20 02:31:38", "payTime": "2025-08-20 02:31:55"},
        {
            "createTime": "2025-08-20 02:31:38",
            "payTime": "2025-08-20 02:31:55",
            "refundTime": "2025-08-20 02:33:20",
        },
    ),
    ("notice_empty", "empty-text"): ({"refundStatus": "", "refundTime": ""}, {}),
    ("notice_empty", "zero"): ({"refundStatus": 0, "refundTime": 0}, {}),
    ("notice_empty", "null-text"): ({"refundStatus": "null", "refundTime": "null"}, {}),
    ("notice_extra", "present"): (
        {"gameName": "A game", "currency": "USD", "paid": "0.99", "channel": "card"},
    )
    * 2,
}


def speaking(**choices):
    """What is chosen."""
    return choices.get


def without_nulls(members, changes):
    """The members with these changes; None leaves one out."""
    dropped = {name for name, value in changes.items() if value is None}
    return {name: value for name, value in {**members, **changes}.items() if name not in dropped}


@pytest.mark.parametrize(("name", "variant"), MEMBER_CHANGES)
def test_the_members_of_a_notification_in_each_manner(name, variant):
    """jogos:iap.1.fields, jogos:iap.4"""
    for notification, changes in zip((PAY, REFUND), MEMBER_CHANGES[name, variant], strict=True):
        good = PORTAL.notices.fields(notification)
        told = PORTAL.notices.manner.members(good, speaking(**{name: variant}))

        assert told == without_nulls(good, changes)


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        ("status-and-time", {"refundStatus": 1, "refundTime": REFUNDED}),
        ("status-only", {"refundStatus": 1}),
        ("time-only", {"refundTime": REFUNDED}),
        ("neither", {}),
    ],
)
def test_a_refund_tells_itself_by_status_time_or_paytype(variant, told):
    """sandbox:refund-fields, here with empty members left out."""
    good = PORTAL.notices.fields(REFUND)
    speak = speaking(notice_refund=variant, notice_empty="absent")

    members = PORTAL.notices.manner.members(good, speak)

    assert {name: members[name] for name in members if name.startswith("refund")} == told
    assert members["paytype"] == "refund"


@pytest.mark.parametrize("spelling", PORTAL.dialects["notice_spelling"].variants)
def test_the_bytes_of_a_notification_in_each_spelling(spelling):
    """sandbox:callback-post-json: what `POST /callbacks` knows too is spelt alike."""
    good = {"orderId": "a/é", "gameId": 2**62, "paid": True, "time": None}
    own = {
        "byte_order_mark": b"\xef\xbb\xbf" + dump_compact(good),
        "decimal_point": '{"orderId":"a/é","gameId":4611686018427387904.0,"paid":true,"time":null}'.encode(),
    }

    body, headers = PORTAL.notices.manner.dump(good, speaking(notice_spelling=spelling))

    assert body == (own[spelling] if spelling in own else dump_json(good, spelling))
    assert headers == ((("Content-Encoding", "gzip"),) if spelling == "gzip" else ())


def test_a_time_that_no_date_can_name_is_the_first_or_the_last_one_that_can():
    """A clock may be set anywhere; a notification is written all the same."""
    assert TIMES["date-and-time"](BEGIN_OF_TIME_S) == "0001-01-01 00:00:00"
    assert TIMES["date-and-time"](-(2**53)) == "0001-01-01 00:00:00"
    assert TIMES["date-and-time"](-1) == "1969-12-31 23:59:59"
    assert TIMES["date-and-time"](END_OF_TIME_S) == "9999-12-31 23:59:59"
    assert TIMES["date-and-time"](2**62) == "9999-12-31 23:59:59"


@pytest.mark.parametrize(
    ("choice", "headers"),
    [
        ({}, (("Content-Type", "application/json"), ("Authorization", "ab"))),
        ({"notice_content_type": "absent"}, (("Authorization", "ab"),)),
        ({"notice_content_type": "text"}, (("Content-Type", "text/plain"), ("Authorization", "ab"))),
        (
            {"notice_header_names": "lower-case"},
            (("content-type", "application/json"), ("authorization", "ab")),
        ),
    ],
)
def test_the_headers_of_a_notification_in_each_manner(choice, headers):
    """sandbox:callback-post-json, sandbox:signature-spelling"""
    good = (("Content-Type", "application/json"), ("Authorization", "ab"))

    assert PORTAL.notices.manner.headers(good, speaking(**choice)) == headers


def test_the_signature_of_a_notification_in_each_manner():
    """sandbox:signature-spelling, sandbox:refund-only-success-notified"""
    manner = PORTAL.notices.manner

    assert manner.signature("ab1", speaking(notice_signature="upper-case")) == "AB1"
    assert manner.signature("ab1", speaking(notice_signature="scheme-word")) == "Signature ab1"
    assert all(manner.tells(status, speaking(refund_notices="all")) for status in (0, 1, 2, 3))


@pytest.mark.parametrize(("name", "variant"), TOKEN_CHANGES)
def test_the_claims_of_a_token_in_each_manner(name, variant):
    """jogos:user.4"""
    good = {**good_claims(), "iat": 1_757_905_298, "exp": 1_757_908_898, "jti": "1967423537615581184"}

    told = PORTAL.identity.say(good, speaking(**{name: variant}))

    assert told == without_nulls(good, TOKEN_CHANGES[name, variant])


@pytest.mark.parametrize(
    ("ids", "user_id", "game_id"),
    [("number", 257, 1220), ("game-number", "257", 1220), ("text", "257", "1220")],
)
def test_the_user_stands_where_and_as_the_portal_speaks(ids, user_id, game_id):
    """sandbox:token-user, sandbox:token-ids"""
    good = good_claims()
    user = {**json.loads(good["sub"]), "userId": user_id, "gameId": game_id}
    rest = {name: value for name, value in good.items() if name != "sub"}

    told = {
        name: PORTAL.identity.say(good, speaking(token_user=name, token_ids=ids))
        for name in PORTAL.dialects["token_user"].variants
    }

    assert json.loads(told["text"]["sub"]) == user
    assert told["object"] == {**good, "sub": user}
    assert told["flat"] == {**user, **rest}


@pytest.mark.parametrize("sub", ["player 257", {"userId": "257"}])
def test_a_sub_that_was_spoilt_on_purpose_stays_so(sub):
    """The lies of the vocabulary are told in every manner."""
    told = PORTAL.identity.say({**good_claims(), "sub": sub}, speaking(token_user="flat", token_ids="number"))

    assert told["sub"] == sub


def test_a_user_without_game_has_no_audience_and_odd_ids_stay():
    """What a wish left out or changed cannot be told otherwise."""
    spoilt = {**good_claims(), "sub": '{"userId":"x","gameId":7}'}
    speak = speaking(token_audience="game-id", token_ids="number", token_user="object")

    assert PORTAL.identity.say(spoilt, speak)["sub"] == {"userId": "x", "gameId": 7}
    assert "aud" not in PORTAL.identity.say({**spoilt, "sub": "{}"}, speak)


def test_the_header_and_the_life_of_a_token_in_each_manner():
    """sandbox:no-kid, sandbox:token-lifetime-1h"""
    part = PORTAL.identity
    told = [
        part.manner.header({"alg": "RS256"}, "k1", speaking(token_header=name))
        for name in ("alg-typ", "alg-typ-kid")
    ]

    assert told == [{"alg": "RS256", "typ": "JWT"}, {"alg": "RS256", "typ": "JWT", "kid": "k1"}]
    assert part.lifetime_s(speaking(token_lifetime="thousand-hours")) == 3_600_000
    assert part.lifetime_s(speaking(token_lifetime="endless")) is None


def test_a_token_that_never_ends_has_no_exp():
    """sandbox:token-lifetime-1h; the twin has one."""
    player = Player(user_id="257", username="p", picture_url="u")
    made = [
        PORTAL.identity.claims(player=player, game_id="1", issued_at_s=5, expires_at_s=end, token_id="7")
        for end in (None, 9)
    ]

    assert ["exp" in claims for claims in made] == [False, True]


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ({}, None),
        ({"notice_ids": "text"}, None),
        ({"notice_empty": "absent"}, None),
        ({"notice_empty": "empty-text"}, None),
        ({"notice_times": "milliseconds"}, None),
        ({"notice_paytype": "absent"}, None),
        ({"notice_extra": "present"}, None),
        ({"notice_spelling": "indented"}, None),
        ({"notice_arrived": "delivered"}, None),
        ({"notice_spelling": "byte_order_mark"}, None),
        ({"notice_spelling": "gzip"}, "field-invalid"),
        ({"notice_spelling": "decimal_point"}, "field-invalid"),
        ({"notice_empty": "null-text"}, None),
        ({"notice_times": "text"}, None),
        ({"notice_times": "date-and-time"}, "field-invalid"),
        ({"notice_paytype": "camel-case"}, None),
        ({"notice_paytype": "upper-case"}, "field-invalid"),
    ],
)
def test_which_manners_of_a_payment_our_own_reader_takes(choice, code):
    """jogos:iap.1.fields: pinned, so that a change of the reader's policy is a decision."""
    manner, speak = PORTAL.notices.manner, speaking(**choice)

    body, _ = manner.dump(manner.members(PORTAL.notices.fields(PAY), speak), speak)

    assert code_of(PORTAL.notices.parse, body) == code
    assert code_of(PORTAL.notices.parse, dump_compact(PORTAL.notices.fields(PAY))) is None
    assert plainly("notice_ids") is None
