"""Where the sidecar takes keys from: asked for at every login, or kept where the team chose so."""

import base64
import hashlib
import time

import pytest
from coinslot_contracts.wire import WireReply
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal, serve
from coinslot_testkit.fake_seller import FakeSeller, purchase_token
from coinslot_testkit.sidecar_process import start_sidecar
from coinslot_testkit.tokens import GAME_ID, good_claims, make_token


@pytest.mark.parametrize(("chosen", "fetched"), [("always", 3), ("cached", 1)])
def test_the_chosen_key_source_is_asked(chosen, fetched):
    """COINSLOT_KEY_SOURCE: three logins cost three questions, or one."""
    with serve(FakePortal()) as portal:
        options = ("--portal", "jogos", "--processes", "1")
        with start_sidecar({"jogos": portal.url}, *options, COINSLOT_KEY_SOURCE=chosen) as sidecar:
            before = len(portal.calls("publicKey"))
            answers = [
                sidecar.ask("POST", "/v1/jogos/identity", {"token": _token(number)}) for number in (1, 2, 3)
            ]

            assert [answer.status for answer in answers] == [200, 200, 200]
            assert len(portal.calls("publicKey")) - before == fetched


@pytest.mark.parametrize(("stale_s", "status"), [("60", 200), ("0", 503)])
def test_a_kept_key_outlasts_an_outage_for_as_long_as_the_command_line_says(stale_s, status):
    """--key-source, --key-max-age and --key-stale; the key is too old when the second login comes."""
    portal = FakePortal()
    options = ("--key-source", "cached", "--key-max-age", "0.001", "--key-stale", stale_s)
    with serve(portal), start_sidecar({"jogos": portal.url}, "--portal", "jogos", *options) as sidecar:
        first = sidecar.ask("POST", "/v1/jogos/identity", {"token": _token(1)})
        portal.lies["publicKey"] = lambda: WireReply(status=503, headers=(), body=b"")
        later = sidecar.ask("POST", "/v1/jogos/identity", {"token": _token(2)})

    assert (first.status, later.status) == (200, status)


@pytest.mark.parametrize(("stale_s", "status"), [("60", 200), ("0", 503)])
def test_a_kept_key_set_outlasts_an_outage_for_as_long_as_the_command_line_says(stale_s, status):
    """playgama:2: for purchases, at a portal without user tokens; whether they are paid is still asked."""
    seller = FakeSeller()
    seller.sell()
    call = {"jwt": purchase_token(), "external_id": "intent-1"}
    options = ("--key-max-age", "0.001", "--key-stale", stale_s)
    with serve(seller), start_sidecar({"playgama": seller.url}, "--portal", "playgama", *options) as sidecar:
        first = sidecar.ask("POST", "/v1/playgama/purchase", call)
        seller.lies["jwks"] = lambda _: WireReply(status=503, headers=(), body=b"")
        later = sidecar.ask("POST", "/v1/playgama/purchase", call)

    assert (first.status, later.status) == (200, status)


@pytest.mark.parametrize(
    ("known", "statuses"),
    [({"JOGOS_SHARED_KEY_PREVIOUS": "the key before"}, [200, 200, 422]), ({}, [200, 422, 422])],
)
def test_the_key_before_is_accepted_while_the_shared_key_is_replaced(known, statuses):
    """jogos:iap.key: both keys, and no third; without the variable the new one alone."""
    keys = (SHARED_KEY, b"the key before", b"another")
    with start_sidecar({}, "--portal", "jogos", **known) as sidecar:
        answers = [sidecar.ask("POST", "/v1/jogos/notification", _notification(key)) for key in keys]

    assert [answer.status for answer in answers] == statuses


def _notification(key):
    body = compact({**notification("order-1", 278), "gameId": int(GAME_ID)})
    signature = hashlib.sha1(body + key).hexdigest()
    return {"signature": signature, "body_b64": base64.b64encode(body).decode()}


def _token(number):
    return make_token(good_claims(now_s=int(time.time()), user_id=str(number)))
