"""Time and issuer of a genuine token."""

import math

import pytest
from coinslot_contracts.errors import (
    FieldInvalid,
    FieldMissing,
    IssuerMismatch,
    TokenExpired,
    TokenNotYetValid,
    TokenTooOld,
)
from coinslot_testkit.outcomes import code_of
from coinslot_verifier.claims import check_issuer, check_times
from hypothesis import given
from hypothesis import strategies as st

ISSUED_S, EXPIRES_S = 1_000, 4_600


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
    ("now_s", "changes", "error"),
    [
        (EXPIRES_S + 30, {}, TokenExpired),
        (EXPIRES_S, {"skew_s": 0}, TokenExpired),
        (0, {"exp": -5, "iat": "absent"}, None),
        (26, {"exp": -5, "iat": "absent"}, TokenExpired),
        (ISSUED_S - 31, {}, TokenNotYetValid),
        (ISSUED_S, {"nbf": ISSUED_S + 31}, TokenNotYetValid),
        (ISSUED_S, {"nbf": ISSUED_S + 30}, None),
        (ISSUED_S, {"iat": "absent"}, None),
        (ISSUED_S, {"iat": None, "nbf": None}, None),
        (ISSUED_S, {"exp": EXPIRES_S + 0.5, "iat": ISSUED_S - 0.5}, None),
        (ISSUED_S, {"iat": ISSUED_S * 1000}, TokenNotYetValid),
        (ISSUED_S, {"exp": EXPIRES_S * 1000}, None),
        (ISSUED_S, {"exp": 10**400}, None),
        (ISSUED_S, {"exp": -(10**400)}, TokenExpired),
        (ISSUED_S, {"exp": "absent"}, FieldMissing),
        (ISSUED_S, {"exp": None}, FieldMissing),
        (ISSUED_S, {"exp": str(EXPIRES_S)}, FieldInvalid),
        (ISSUED_S, {"exp": True}, FieldInvalid),
        (ISSUED_S, {"exp": [EXPIRES_S]}, FieldInvalid),
        (ISSUED_S, {"iat": "1000"}, FieldInvalid),
        (ISSUED_S, {"exp": math.nan}, FieldInvalid),
        (ISSUED_S, {"exp": math.inf}, FieldInvalid),
        (ISSUED_S, {"nbf": -math.inf}, FieldInvalid),
        (ISSUED_S, {"nbf": {}}, FieldInvalid),
        (ISSUED_S + 630, {"max_age_s": 600}, None),
        (ISSUED_S + 631, {"max_age_s": 600}, TokenTooOld),
        (ISSUED_S, {"max_age_s": 600, "iat": "absent"}, FieldMissing),
    ],
)
def test_times_are_judged_to_the_second(now_s, changes, error):
    """rfc7519:4.1.4, rfc7519:4.1.5; an odd number is judged or refused, never a crash."""
    if error is None:
        judge(now_s, **changes)
        return
    with pytest.raises(error):
        judge(now_s, **changes)


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
