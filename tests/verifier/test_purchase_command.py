"""What the command verifies of a purchase, and how a portal of one site is configured."""

import pytest
from coinslot_contracts.portals.playgama import PORTAL
from coinslot_testkit.fake_portal import serve
from coinslot_testkit.fake_seller import NOW_S, FakeSeller, good_claims, jwk, jwks, pool_key, purchase_token
from coinslot_testkit.outcomes import code_of
from coinslot_verifier import ConfigInvalid, VerifierConfig
from coinslot_verifier.command import verify_purchase_command

JWKS = jwks(jwk(pool_key(1), kid="k1"), jwk(pool_key(), kid="k0"))


def verify(**changes: object) -> dict[str, object]:
    given = {"jwks": JWKS, "token": purchase_token(), "at_s": NOW_S, "allow_test_keys": True, **changes}
    return verify_purchase_command(**given)  # type: ignore[arg-type]


def test_a_good_token_is_told_as_json_able_values():
    """playgama:3.A; the portal was not asked, and the answer says so."""
    assert verify(token=purchase_token() + "\n") == {
        "order_id": "order-1",
        "external_id": "intent-1",
        "claims": good_claims(),
        "confirmed": False,
    }


def test_the_clock_is_the_machines_where_no_time_is_given():
    """rfc7519:4.1.4"""
    assert code_of(verify, token=purchase_token(good_claims(exp=NOW_S + 60)), at_s=None) == "token-expired"
    assert verify(token=purchase_token(good_claims(exp=NOW_S + 60)))["order_id"] == "order-1"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": purchase_token(key=pool_key(2))}, "signature-mismatch"),
        ({"token": purchase_token(kid="k9")}, "kid-unknown"),
        ({"external_id": "intent-2"}, "external-id-mismatch"),
        ({"allow_test_keys": False}, "test-key-refused"),
        ({"jwks": b"<html>"}, "key-source-unavailable"),
        ({"url": "http://127.0.0.1:9"}, "verify-unavailable"),
    ],
)
def test_errors_leave_by_their_code(changes, code):
    """The command turns Refused into 1 and Undecided into 3."""
    assert code_of(verify, **changes) == code


def test_the_portal_is_asked_where_its_site_is_given():
    """playgama:3.B"""
    with serve(FakeSeller()) as seller:
        seller.sell()
        seller.reply_dialect = "status"
        asked = {"url": seller.url, "verify_reply": "status", "external_id": "intent-1"}

        paid = verify(**asked)
        seller.change("order-1", verify="refunded")

        assert paid["confirmed"] is True
        assert code_of(verify, **asked) == "purchase-not-paid"


def test_a_setting_that_cannot_be_used_is_no_verdict():
    """Exit code 2."""
    with pytest.raises(ConfigInvalid, match="verify_reply is 'truthy'"):
        verify(verify_reply="truthy")
    with pytest.raises(ConfigInvalid, match="url must be an http or https address"):
        verify(url="playgama.example")


def test_the_environment_block_of_a_portal_with_one_site_makes_a_config():
    """The portal's own block, read back."""
    block = PORTAL.environment({"url": "https://portal.example/"})

    made = VerifierConfig.from_env({**block, "COINSLOT_ALLOW_TEST_KEYS": "1"}, portal="playgama")

    assert made == VerifierConfig(portal="playgama", url="https://portal.example", allow_test_keys=True)
    assert made.endpoint_url("playgama.jwks") == "https://portal.example/.well-known/jwks.json"
    assert made.site_url("playgama.verify") == "https://portal.example"
    assert (made.game_id, made.shared_keys, made.issuer) == ("", (), None)


def test_the_missing_variable_of_a_portal_with_one_site_is_named():
    """One line is enough to repair the environment."""
    with pytest.raises(ConfigInvalid, match="set PLAYGAMA_URL in the environment"):
        VerifierConfig.from_env({}, portal="playgama")
    with pytest.raises(ConfigInvalid, match=r"^url is not set, and playgama.verify lives there"):
        VerifierConfig(portal="playgama").endpoint_url("playgama.verify")


def test_a_portal_that_names_games_still_needs_one():
    """The twin of the two tests above."""
    with pytest.raises(ConfigInvalid, match="game_id is empty"):
        VerifierConfig(portal="jogos", url="https://portal.example")


def test_a_reply_dialect_is_one_of_the_portals_own():
    """sandbox:verify-reply"""
    for name in PORTAL.purchases.verify_replies if PORTAL.purchases else ():
        assert VerifierConfig(portal="playgama", verify_reply=name).verify_reply == name
    with pytest.raises(ConfigInvalid, match="portal jogos has: none"):
        VerifierConfig(portal="jogos", game_id="1", verify_reply="success")


def test_a_key_age_is_above_zero():
    """Zero would be no cache at all, and a fetch for every token."""
    with pytest.raises(ConfigInvalid, match="key_max_age_s"):
        VerifierConfig(portal="playgama", key_max_age_s=0)


def test_the_parts_of_another_portal_are_not_there():
    """A portal without user tokens, notifications and reports."""
    config = VerifierConfig(portal="playgama")

    for part in (config.identity_part, config.notices_part, config.reports_part):
        with pytest.raises(ConfigInvalid):
            part()
