"""What `coinslot verify` answers, with the document's own key and token."""

import json

import pytest
from coinslot_contracts.portal import discover
from coinslot_contracts.portals.jogos.identity import dump_public_key
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.outcomes import code_of
from coinslot_testkit.tokens import GAME_ID, NOW_S, make_token, spki
from coinslot_verifier import ConfigInvalid
from coinslot_verifier.command import verify_callback_command, verify_token_command

SAMPLE_KEY = b"""-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAhyUrr/W8bSuC+HK8Rk++BDOGDefGMEBa9jekVwVE3oeqi7QbVzZP
Auqb1K3GPJjDBfi44IWzb3w8Xa0P1ZeO2Cnbg1LltanlzFv/EcKseCIkOd8Qo78ARPfmlf4WP6MznYGKwNVGFh/s5Y6ar8Qg
WX1ttkcwYzHu/gUroO+nPOZkU6bfxHjRrJxk3lSQBZWfTSFd2JFwntq3h45UHymjQZiMtW47G2C4VTtTTt1Iz0VQ9rdtWie/
+REqQYoFUm04Yns9jyG3TZzio9vsRrxESLQbBIRxto77cQNtEe9j/2EXNwQabRkiS6zo6i2TIN4O6uthWBVud5WXsBWdiyIO
HQIDAQAB
-----END PUBLIC KEY-----"""
SAMPLE_TOKEN = (
    "eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiIxOTY3NDIzNTM3NjE1NTgxMTg0Iiwic3ViIjoie1wicHJvZmlsZVBpY3R1cmVVcmx"
    "cIjpcImh0dHBzOi8vaW1hZ2Uuam9nb3NwcmUuY29tLzBlZTkyZjViZTRhMzQ4NzBhYjY0YWU1N2FjN2I1YmE0LmpwZ1wiLFw"
    "iZ2FtZUlkXCI6XCIxMjIwXCIsXCJ1c2VySWRcIjpcIjI1N1wiLFwidXNlcm5hbWVcIjpcIlBsYXllcjI1N1wifSIsImlzcyI"
    "6ImNvbTpqb2dvczpzZGsiLCJpYXQiOjE3NTc5MDUyOTgsImV4cCI6MTc2MTUwNTI5OH0.MKBab0XC1o5AYGosbq1l5m9xCLN"
    "1-4xfcr7_dHn-_C8Eh2moTuq9TbQutIajB3dViFW0e1KyIg7UhxNk00rdhT2b5UrvO23tyFsgg9FYyAyCZABURxHyI0lTW9V"
    "8YA9k4faycK_gCUMXH_IubseDMz1P7cYmPpo8WxJXZq3R-mL8OhhuKCn8DlpP5BVsd0_gYSTvDUD0gjdINLUNTVrZVkETcDV"
    "WW8OXQVzJxdTH0VVlDs4cGvIyko8TJ6g1Bvz4VWj4qy1XoQFfRBH8sgBl3oGJtUodhq3b4bOx4Cr_o-2tK54CetDdmmCPbtc"
    "bmmDcBqK5EQ51A2Kws-1cYtsFxg"
)
SAMPLE = {"public_key": SAMPLE_KEY, "game_id": "1220", "token": SAMPLE_TOKEN, "at_s": 1_757_905_358}
BODY = compact(notification("o1", "278"))
CALLBACK = {"body": BODY, "signature": signature(BODY, b"k"), "shared_key": b"k", "game_id": "1220"}


def judge(**changes):
    return verify_token_command(**{**SAMPLE, **changes})


def callback(**changes):
    return verify_callback_command(**{**CALLBACK, **changes})


def test_the_documents_sample_token_is_good_a_minute_after_its_issue():
    """jogos:user.4: the document's own key and token; the key is no test key of ours."""
    assert json.loads(json.dumps(judge())) == {
        "user_id": "257",
        "game_id": "1220",
        "username": "Player257",
        "picture_url": "https://image.jogospre.com/0ee92f5be4a34870ab64ae57ac7b5ba4.jpg",
        "issued_at_s": 1_757_905_298,
        "expires_at_s": 1_761_505_298,
        "issuer": "com:jogos:sdk",
        "token_id": "1967423537615581184",
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"at_s": None}, "token-expired"),
        ({"at_s": 1_757_912_498, "max_age_s": 3600}, "token-too-old"),
        ({"at_s": 1_757_912_498}, None),
        ({"game_id": "1221"}, "game-mismatch"),
        ({"at_s": 1_757_905_298 - 31}, "token-not-yet-valid"),
        ({"at_s": 1_761_505_298}, None),
        ({"at_s": 1_761_505_298, "skew_s": 0}, "token-expired"),
        ({"token": SAMPLE_TOKEN + "\n"}, None),
        ({"token": SAMPLE_TOKEN[:-1]}, "token-malformed"),
        ({"token": ""}, "token-malformed"),
        ({"public_key": b"junk"}, "key-source-unavailable"),
        ({"public_key": json.dumps({"data": SAMPLE_KEY.decode()}).encode()}, None),
        ({"portal": "jogos"}, None),
    ],
)
def test_the_documents_sample_token_has_one_verdict_per_question(changes, code):
    """jogos:user.3, rfc7519:4.1.4"""
    assert code_of(judge, **changes) == code


def test_a_test_key_is_refused_unless_it_is_allowed():
    """The key of a sandbox proves nothing."""
    ours = {"public_key": dump_public_key(spki()), "token": make_token(), "game_id": GAME_ID, "at_s": NOW_S}

    assert code_of(judge, **ours) == "test-key-refused"
    assert judge(**ours, allow_test_keys=True)["user_id"] == "257"


def test_a_good_callback_is_told_by_our_names():
    """jogos:iap.1.fields"""
    assert json.loads(json.dumps(callback())) == {
        "kind": "pay",
        "game_id": "1220",
        "order_id": "o1",
        "user_id": "278",
        "product_id": "1002",
        "arrived_status": 0,
        "created_at_s": 1_755_657_098,
        "paid_at_s": 1_755_657_115,
        "refund_status": None,
        "refunded_at_s": None,
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signature": None}, "signature-missing"),
        ({"signature": ""}, "signature-missing"),
        ({"signature": "0" * 40}, "signature-mismatch"),
        ({"body": BODY + b"\n"}, "signature-mismatch"),
        ({"game_id": "1221"}, "game-mismatch"),
        ({"game_id": None}, None),
        ({"portal": "jogos"}, None),
        ({"body": b"{}", "signature": signature(b"{}", b"k")}, "field-missing"),
    ],
)
def test_a_callback_has_one_verdict(changes, code):
    """jogos:iap.1.auth, jogos:iap.1.err"""
    assert code_of(callback, **changes) == code


@pytest.mark.parametrize(
    "call",
    [
        lambda: callback(shared_key=b""),
        lambda: judge(game_id=""),
        lambda: judge(skew_s=61),
        lambda: judge(portal="nowhere"),
        lambda: callback(portal="nowhere"),
    ],
)
def test_an_unusable_setting_is_named(call):
    """The command line turns it into exit code 2."""
    with pytest.raises(ConfigInvalid):
        call()


def test_the_portal_must_be_named_where_there_are_several(monkeypatch):
    """With one portal that has the part, it is that one."""
    two = {"one": discover()["jogos"], "two": discover()["jogos"]}
    monkeypatch.setattr("coinslot_verifier.command.discover", lambda: two)

    with pytest.raises(ConfigInvalid, match="name the portal: one of one, two"):
        judge()
