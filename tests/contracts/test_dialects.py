"""Dialects as a table and as pure functions: each has its assumption, and the defaults change nothing."""

import base64

import pytest
from coinslot_contracts.clauses import get_clause
from coinslot_contracts.dialects import NoticeManner, TokenManner, plainly
from coinslot_contracts.domain import Notification
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.order_ids import ORDER_ID_FORM, order_id
from coinslot_contracts.portal import PurchasePart, discover
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_testkit.tokens import good_claims, spki
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

DIALECTS = [(name, dialect) for portal in discover().values() for name, dialect in portal.dialects.items()]
DRAWN = "zXhKYRy3genKKh9TgndBpu1gp5tBpA"
NOTIFICATION = Notification(
    kind="refund",
    game_id="9968",
    order_id=DRAWN,
    user_id="278",
    product_id="1002",
    arrived_status=0,
    created_at_s=1_755_657_098,
    paid_at_s=1_755_657_115,
    refund_status=1,
    refunded_at_s=1_755_657_200,
)


def speaking(**choices):
    """What is chosen."""
    return choices.get


@pytest.mark.parametrize(("name", "dialect"), DIALECTS)
def test_a_dialect_has_a_default_another_variant_and_an_assumption(name, dialect):
    """No document says this, so somebody with access to the portal can correct us."""
    assert len(dialect.variants) > 1
    assert dialect.default == next(iter(dialect.variants))
    assert all(says.endswith(".") for says in dialect.variants.values())
    assert get_clause(dialect.clause).is_assumption


def test_the_forms_of_a_key_are_the_dialects_variants():
    """sandbox:key-form"""
    assert list(PORTAL.dialects["key_form"].variants) == list(KEY_FORMS)


def test_the_pkcs1_form_is_the_same_key():
    """sandbox:key-form: RFC 8017's key, that SubjectPublicKeyInfo wraps."""
    lines = KEY_FORMS["pem-pkcs1"](spki()).split("\n")

    key = load_der_public_key(base64.b64decode(lines[1]))

    assert key.public_numbers() == load_der_public_key(spki()).public_numbers()
    assert lines[::2] == ["-----BEGIN RSA PUBLIC KEY-----", "-----END RSA PUBLIC KEY-----"]


def test_by_default_a_notification_is_told_as_it_is_written():
    """jogos:iap.1.fields: the vectors pin the default."""
    part = PORTAL.notices
    good = part.fields(NOTIFICATION)
    headers = (("Content-Type", "application/json"), ("Authorization", "x"))

    told = part.manner.members(good, plainly)

    assert list(told.items()) == list(good.items())
    assert part.manner.dump(told, plainly) == (dump_compact(good), ())
    assert part.manner.signature("abc", plainly) == "abc"
    assert part.manner.headers(headers, plainly) == headers
    assert [part.manner.tells(status, plainly) for status in (0, 1, 2, 3)] == [False, True, False, False]


def test_by_default_a_token_is_told_as_it_is_written():
    """jogos:user.4"""
    part = PORTAL.identity

    assert part.say(good_claims(), plainly) == good_claims()
    assert part.manner.header({"alg": "RS256"}, "k", plainly) == {"alg": "RS256"}
    assert part.manner.algorithm(plainly) is None
    assert part.lifetime_s(plainly) == 3600


def test_a_portal_without_manners_tells_everything_as_it_is():
    """The defaults of a part, for portals that are kept outside."""
    notices, tokens = NoticeManner(), TokenManner()

    assert notices.members({"a": 1}, plainly) == {"a": 1}
    assert notices.dump({"a": 1}, plainly) == (b'{"a":1}', ())
    assert notices.signature("x", plainly) == "x"
    assert notices.headers((("A", "b"),), plainly) == (("A", "b"),)
    assert (notices.tells(1, plainly), notices.tells(0, plainly)) == (True, False)
    assert tokens.header({"alg": "RS256"}, None, plainly) == {"alg": "RS256"}
    assert tokens.algorithm(plainly) is None
    say = PurchasePart.__dataclass_fields__["say"].default
    assert say({"a": 1}, None, 5, plainly) == {"a": 1}


@given(st.text(alphabet="ab1", min_size=30, max_size=30), st.text(alphabet="ab1", min_size=30, max_size=30))
def test_two_orders_have_two_ids_in_every_form(one, other):
    """sandbox:order-id-form: the long one repeats what was drawn, so it differs where that does."""
    for form in ORDER_ID_FORM.variants:
        speak = speaking(order_id_form=form)
        assert (order_id(one, speak) == order_id(other, speak)) == (one == other)
        assert len(order_id(one, speak)) <= 255


def test_an_order_id_is_what_was_drawn_unless_another_form_is_chosen():
    """sandbox:order-id-form; pinned, so that a seed goes on giving the same ids."""
    told = {form: order_id(DRAWN, speaking(order_id_form=form)) for form in ORDER_ID_FORM.variants}

    assert order_id(DRAWN, plainly) == told["letters-and-digits"] == DRAWN
    assert told["digits"] == "806233487565558845"
    assert told["uuid"] == "65efc768-5abe-4612-81de-7905ec74df71"
    assert told["long"] == DRAWN * 6 + DRAWN[:20]
