"""Time and issuer of a genuine token."""

import math

import pytest
from coinslot_contracts.errors import (
    IssuerMismatch,
    Refused,
)
from coinslot_testkit.outcomes import code_of
from coinslot_verifier.claims import check_issuer, check_times
from hypothesis import given
from hypothesis import strategies as st

ISSUED_S, EXPIRES_S = 1_000, 4_600
EXPIRED = "token-expired: the token's exp has passed"
NBF_AHEAD = "token-not-yet-valid: the token's nbf is ahead"
IAT_AHEAD = "token-not-yet-valid: the token's iat is ahead"


def judge(now_s: float, *, skew_s: int = 30, max_age_s: int | None = None, **changes: object) -> None:
    claims = {"iat": ISSUED_S, "exp": EXPIRES_S} | changes
    check_times(
        {name: value for name, value in claims.items() if value != "absent"},
        now_s=now_s,
        skew_s=skew_s,
        max_age_s=max_age_s,
    )


@pytest.mark.parametrize("now_s", [ISSUED_S - 30, ISSUED_S, EXPIRES_S - 1, EXPIRES_S + 29.999])
def test_a_token_is_valid_from_iat_to_exp_give_or_take_the_skew(now_s):
    """rfc7519:4.1.4"""
    judge(now_s)


@pytest.mark.parametrize(
    ("now_s", "changes", "says"),
    [
        (EXPIRES_S + 30, {}, EXPIRED),
        (EXPIRES_S, {"skew_s": 0}, EXPIRED),
        (0, {"exp": -5, "iat": "absent"}, None),
        (26, {"exp": -5, "iat": "absent"}, EXPIRED),
        (ISSUED_S - 31, {}, IAT_AHEAD),
        (ISSUED_S, {"nbf": ISSUED_S + 31}, NBF_AHEAD),
        (ISSUED_S, {"nbf": ISSUED_S + 30}, None),
        (ISSUED_S, {"iat": "absent"}, None),
        (ISSUED_S, {"iat": None, "nbf": None}, None),
        (ISSUED_S, {"exp": EXPIRES_S + 0.5, "iat": ISSUED_S - 0.5}, None),
        (ISSUED_S, {"iat": ISSUED_S * 1000}, IAT_AHEAD),
        (ISSUED_S, {"exp": EXPIRES_S * 1000}, None),
        (ISSUED_S, {"exp": 10**400}, None),
        (ISSUED_S, {"exp": -(10**400)}, EXPIRED),
        (ISSUED_S, {"exp": "absent"}, "field-missing: the token has no exp"),
        (ISSUED_S, {"exp": None}, "field-missing: the token has no exp"),
        (ISSUED_S, {"exp": str(EXPIRES_S)}, "field-invalid: the token's exp is not a number of seconds"),
        (ISSUED_S, {"exp": True}, "field-invalid: the token's exp is not a number of seconds"),
        (ISSUED_S, {"exp": [EXPIRES_S]}, "field-invalid: the token's exp is not a number of seconds"),
        (ISSUED_S, {"iat": "1000"}, "field-invalid: the token's iat is not a number of seconds"),
        (ISSUED_S, {"exp": math.nan}, "field-invalid: the token's exp is not a finite number"),
        (ISSUED_S, {"exp": math.inf}, "field-invalid: the token's exp is not a finite number"),
        (ISSUED_S, {"nbf": -math.inf}, "field-invalid: the token's nbf is not a finite number"),
        (ISSUED_S, {"nbf": {}}, "field-invalid: the token's nbf is not a number of seconds"),
        (ISSUED_S + 630, {"max_age_s": 600}, None),
        (ISSUED_S + 631, {"max_age_s": 600}, "token-too-old: the token was issued more than 600 s ago"),
        (
            ISSUED_S,
            {"max_age_s": 600, "iat": "absent"},
            "field-missing: the token has no iat, so its age is unknown",
        ),
    ],
)
def test_times_are_judged_to_the_second(now_s, changes, says):
    """rfc7519:4.1.4, rfc7519:4.1.5; an odd number is judged or refused, never a crash."""
    if says is None:
        judge(now_s, **changes)
        return
    with pytest.raises(Refused) as caught:
        judge(now_s, **changes)
    assert str(caught.value) == says


@given(
    st.dictionaries(
        st.sampled_from(["exp", "nbf", "iat"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text()
        | st.lists(st.integers()),
    ),
    st.none() | st.integers(1, 10**6),
)
def test_any_times_are_judged(claims, max_age_s):
    """Whatever JSON holds there."""
    code = code_of(check_times, claims, now_s=1_757_905_358.5, skew_s=30, max_age_s=max_age_s)

    assert code in {
        None,
        "field-missing",
        "field-invalid",
        "token-expired",
        "token-not-yet-valid",
        "token-too-old",
    }


@pytest.mark.parametrize("issuer", ["com:jogos:sdk", None])
def test_the_expected_issuer_is_accepted_and_none_expects_any(issuer):
    """jogos:user.4"""
    check_issuer({"iss": "com:jogos:sdk"}, issuer=issuer)


@pytest.mark.parametrize("sent", ["com:Jogos:sdk", "", None, ["com:jogos:sdk"], 5])
def test_another_issuer_is_refused(sent):
    """jogos:user.4"""
    with pytest.raises(IssuerMismatch):
        check_issuer({"iss": sent}, issuer="com:jogos:sdk")
